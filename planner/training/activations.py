"""What one layer keeps from its forward pass for its backward pass, tensor by tensor.

The tensors are those that a named implementation saves: fused kernels of Megatron and its kin, or plain
torch modules. Each is in a group; recomputation drops groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from planner.training.strategy import Recompute
from planner.workload.architecture import Architecture, AttentionCore, Experts, Layer, Split, kernels
from planner.workload.operators import Sharding, Tokens, local_outputs

Array = NDArray[np.float64]


class Kept(Enum):
    """Groups of saved tensors; each is dropped by one kind of recomputation."""

    INPUT = "input"
    NORM = "norm"
    LATENT = "latent"
    PROJECTION = "projection"
    SCORES = "scores"
    FEED_FORWARD = "feed-forward"
    ACTIVATION = "activation"


@dataclass(frozen=True, slots=True)
class Implementation:
    """How a framework computes a layer, as far as it decides what is saved.

    Parameters
    ----------
    element_bytes : size of an activation's element [B].
    flash : attention keeps its output and one statistic per row, not the scores.
    fused_gate : a gated activation is one kernel: the gate's activated value is not saved by itself.
    fused_projection_kept : queries, keys and values are views of one buffer, which the values keep alive
        while rotary positions made new queries and keys.
    norm_outputs_kept : a norm's output is kept as the next product's input; else it is recomputed.
    dropout : masks of one byte after both parts of a layer.
    """

    element_bytes: float = 2.0
    flash: bool = True
    fused_gate: bool = True
    fused_projection_kept: bool = True
    norm_outputs_kept: bool = True
    dropout: bool = False


MEGATRON = Implementation()
PLAIN_TORCH = Implementation(fused_gate=False, fused_projection_kept=False)


@dataclass(frozen=True, slots=True)
class SavedTensor:
    """One tensor kept on one device for one micro-batch [B]."""

    name: str
    group: Kept
    size_bytes: Array


def saved_tensors(
    layer: Layer, tokens: Tokens, sharding: Sharding, implementation: Implementation
) -> list[SavedTensor]:
    """Give the tensors that one layer keeps on one device for one micro-batch.

    Parameters
    ----------
    layer : kind of layer.
    tokens : input of one micro-batch.
    sharding : how the layer is spread.
    implementation : what the framework saves.

    Returns
    -------
    Tensors in the order in which they are made; a tensor that two operators share stands once.
    """
    return list(_tensors(layer, tokens, sharding, implementation))


def _tensors(layer: Layer, tokens: Tokens, sharding: Sharding, implementation: Implementation) -> Iterator[SavedTensor]:
    here = tokens.sequences * tokens.length / sharding.context
    element = implementation.element_bytes
    hidden = element * here * layer.hidden / sharding.sequence_split
    parts = len(layer.cores) + bool(layer.scan) + bool(layer.feed_forward or layer.experts)
    for number, core in enumerate(layer.cores):
        yield SavedTensor("layer input" if number == 0 else "cross input", _first(number), hidden)
        yield from _norm(hidden, implementation)
        yield from _attention(layer, core, tokens, sharding, implementation)
    if layer.scan:
        yield SavedTensor("layer input", Kept.INPUT, hidden)
        yield from _norm(hidden, implementation)
        yield from _scan(layer, here, sharding, element)
    if layer.feed_forward or layer.experts:
        if parts > 1 and layer.norms > 1:
            yield SavedTensor("feed-forward norm input", Kept.PROJECTION, hidden)
            yield from _norm(hidden, implementation)
        elif parts == 1:
            yield SavedTensor("layer input", Kept.INPUT, hidden)
            yield from _norm(hidden, implementation)
    if layer.feed_forward:
        gates = 2.0 if layer.feed_forward.gated else 1.0
        inner = element * here * layer.feed_forward.width / sharding.tensor
        yield from _feed_forward("feed-forward", gates, inner, implementation)
    if layer.experts:
        yield from _experts(layer.experts, layer.hidden, here, sharding, implementation)
    if implementation.dropout:
        yield SavedTensor("dropout masks", Kept.PROJECTION, parts * here * layer.hidden / sharding.sequence_split)


def _first(number: int) -> Kept:
    return Kept.INPUT if number == 0 else Kept.PROJECTION


def _norm(hidden: Array, implementation: Implementation) -> Iterator[SavedTensor]:
    if implementation.norm_outputs_kept:
        yield SavedTensor("norm output", Kept.NORM, hidden)


def _attention(
    layer: Layer, core: AttentionCore, tokens: Tokens, sharding: Sharding, implementation: Implementation
) -> Iterator[SavedTensor]:
    here = tokens.sequences * tokens.length / sharding.context
    element = implementation.element_bytes
    heads = core.heads / np.minimum(sharding.tensor, float(core.heads))
    kv_heads = core.kv_heads / np.minimum(sharding.tensor, float(core.kv_heads))
    queries = heads * core.key_dim
    keys, values = kv_heads * core.key_dim, kv_heads * core.value_dim
    if core.latent_rank:
        for projection in layer.projections:
            if projection.name.endswith(".down"):
                # The latent and its norm's output, from which the up-projections start.
                width = local_outputs(projection, sharding.tensor)
                yield SavedTensor(projection.name, Kept.PROJECTION, 2.0 * element * here * width)
        yield SavedTensor("query key value", Kept.LATENT, element * here * (queries + keys + values))
    elif implementation.fused_projection_kept:
        yield SavedTensor("fused projection", Kept.PROJECTION, element * here * (queries + keys + values))
        yield SavedTensor("rotated query key", Kept.PROJECTION, element * here * (queries + keys))
    else:
        yield SavedTensor("query key value", Kept.PROJECTION, element * here * (queries + keys + values))
    yield SavedTensor("attention output", Kept.PROJECTION, element * here * heads * core.value_dim)
    if implementation.flash:
        yield SavedTensor("softmax statistics", Kept.SCORES, 4.0 * here * heads)
    else:
        length = np.asarray(tokens.cross_length if core.cross else tokens.length, dtype=float)
        masks = 3.0 if implementation.dropout else 0.0  # the dropped copy, and its mask of one byte
        yield SavedTensor("scores", Kept.SCORES, (element + masks) * here * heads * length)


def _scan(layer: Layer, here: Array, sharding: Sharding, element: float) -> Iterator[SavedTensor]:
    scan = layer.scan
    if scan is None:
        raise AssertionError("a scan is wanted")
    share = here / np.minimum(sharding.tensor, float(scan.heads))
    projected = sum(p.outputs for p in layer.projections if p.split is Split.COLUMN)
    yield SavedTensor("scan projection", Kept.PROJECTION, element * share * projected)
    yield SavedTensor("scan convolution", Kept.PROJECTION, element * share * scan.convolution_channels)
    yield SavedTensor("scan output", Kept.PROJECTION, 2.0 * element * share * scan.heads * scan.head_dim)


def _feed_forward(name: str, gates: float, inner: Array, implementation: Implementation) -> Iterator[SavedTensor]:
    yield SavedTensor(f"{name} inner", Kept.FEED_FORWARD, gates * inner)
    if gates > 1 and not implementation.fused_gate:
        yield SavedTensor(f"{name} activated gate", Kept.FEED_FORWARD, inner)
    yield SavedTensor(f"{name} activation", Kept.ACTIVATION, inner)


def _experts(
    experts: Experts, hidden: int, here: Array, sharding: Sharding, implementation: Implementation
) -> Iterator[SavedTensor]:
    element = implementation.element_bytes
    # Copies of tokens that arrive at one rank, with an even load; router logits and scores in 32 bits.
    copies = here / sharding.tensor * experts.top_k * sharding.expert_tensor
    yield SavedTensor("router", Kept.PROJECTION, 2.0 * 4.0 * here / sharding.sequence_split * experts.count)
    yield SavedTensor("dispatched tokens", Kept.FEED_FORWARD, element * copies * hidden)
    gates = 2.0 if experts.gated else 1.0
    inner = element * copies * experts.width / sharding.expert_tensor
    yield from _feed_forward("experts", gates, inner, implementation)
    yield SavedTensor("expert outputs", Kept.FEED_FORWARD, element * copies * hidden / sharding.expert_tensor)


def kept_bytes(tensors: list[SavedTensor], recompute: Recompute) -> Array:
    """Give what a layer keeps when some groups are computed again [B].

    A layer that is recomputed whole keeps its input; `recompute.layers` is the share of such layers.
    """
    kept = _kept_by_group(recompute)
    whole = sum((t.size_bytes for t in tensors if t.group is Kept.INPUT), start=np.asarray(0.0))
    parts = sum((t.size_bytes * kept[t.group] for t in tensors), start=np.asarray(0.0))
    total: Array = recompute.layers * whole + (1.0 - recompute.layers) * parts
    return total


def _kept_by_group(recompute: Recompute) -> dict[Kept, Array]:
    one = np.asarray(1.0)
    return {
        Kept.INPUT: one,
        Kept.NORM: 1.0 - recompute.norms,
        Kept.LATENT: 1.0 - recompute.latent,
        Kept.PROJECTION: one,
        Kept.SCORES: 1.0 - recompute.attention,
        Kept.FEED_FORWARD: 1.0 - recompute.feed_forward,
        Kept.ACTIVATION: (1.0 - recompute.activation) * (1.0 - recompute.feed_forward),
    }


def head_bytes(
    architecture: Architecture, tokens: Tokens, sharding: Sharding, *, copies: Array | float, element_bytes: float
) -> Array:
    """Give what the head keeps: the last norm's input and output, and the logits with their copies [B].

    `copies` counts copies of the logits in the activations' size that are alive at once: 1 where loss and
    gradient are computed in place, about 5 where a 32-bit copy and its softmax are made.
    """
    here = tokens.sequences * tokens.length / sharding.context * architecture.head_token_share
    hidden = 2.0 * element_bytes * here * architecture.hidden / sharding.sequence_split
    logits = np.asarray(0.0)
    for _, group in kernels(architecture.head):
        width = sum((local_outputs(p, sharding.tensor) for p in group), start=np.asarray(0.0))
        logits = logits + copies * element_bytes * here * width
    return np.asarray(hidden + logits)
