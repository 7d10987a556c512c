"""Feed-forward parts of a layer as projections: dense, a mixture of experts, or both."""

from __future__ import annotations

from planner.catalog.shape import ExpertsSpec, FeedForwardName, StackSpec
from planner.record import record
from planner.workload.architecture import Experts, FeedForward
from planner.workload.projection import Projection, Split


@record
class FeedForwardPart:
    """What a feed-forward part adds to a layer; counts in elements."""

    projections: tuple[Projection, ...] = ()
    feed_forward: FeedForward | None = None
    experts: Experts | None = None
    other_parameters: int = 0


def feed_forward_part(spec: StackSpec, kind: FeedForwardName, own_width: int | None = None) -> FeedForwardPart:
    """Give the feed-forward part of one kind of layer; its dense part is `own_width` wide where that is said."""
    projections: list[Projection] = []
    width = other = 0
    gated, activation = True, ""
    dense = spec.feed_forward if kind in ("dense", "dense-and-experts") else None
    if dense:
        width, gated, activation = own_width or dense.width, dense.gated, dense.activation
        projections += _matrices("", spec.hidden, width, gated=gated, bias=dense.bias)
    experts: Experts | None = None
    if kind in ("experts", "dense-and-experts") and spec.experts:
        # Experts state no activation of their own: they use that of the model's dense layers.
        used = spec.feed_forward.activation if spec.feed_forward else "silu"
        experts = _experts(spec.hidden, spec.experts, used)
        projections += _around_experts(spec.hidden, spec.experts)
        gated, activation = spec.experts.gated, used
        width += spec.experts.shared_width
        if spec.experts.router_scales:
            other = spec.hidden + spec.experts.count
    met = FeedForward(width, gated, activation) if width else None
    return FeedForwardPart(tuple(projections), met, experts, other)


def _matrices(prefix: str, hidden: int, width: int, *, gated: bool, bias: bool) -> list[Projection]:
    first = [Projection(f"{prefix}up", hidden, width, Split.COLUMN, width, bias, f"{prefix}up")]
    if gated:
        first.insert(0, Projection(f"{prefix}gate", hidden, width, Split.COLUMN, width, bias, f"{prefix}up"))
    return [*first, Projection(f"{prefix}down", width, hidden, Split.ROW, width, bias)]


def _experts(hidden: int, spec: ExpertsSpec, activation: str) -> Experts:
    inner = spec.latent or hidden
    matrices = _matrices("experts-", inner, spec.width, gated=spec.gated, bias=spec.bias)
    return Experts(spec.count, spec.top_k, tuple(matrices), spec.gated, activation)


def _around_experts(hidden: int, spec: ExpertsSpec) -> list[Projection]:
    """The router, the shared experts with their gate, and the way into and out of the experts' own width."""
    around = [Projection("router", hidden, spec.count, Split.NONE, 1, spec.router_bias)]
    if spec.shared_width:
        around += _matrices("shared-", hidden, spec.shared_width, gated=spec.gated, bias=spec.shared_bias)
    if spec.shared_gate:
        around.append(Projection("shared-weight", hidden, 1, Split.NONE, 1))
    if spec.latent:
        around.append(Projection("experts-in", hidden, spec.latent, Split.NONE, 1, spec.shared_bias))
        around.append(Projection("experts-out", spec.latent, hidden, Split.NONE, 1, spec.shared_bias))
    return around
