"""What one layer keeps from its forward pass for its backward pass, tensor by tensor.

The tensors are those that a named implementation saves. Each is in a group; recomputation drops groups.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.training.attention_activations import save_attention, save_scan
from planner.training.implementation import Implementation
from planner.training.strategy import Recompute
from planner.training.tape import Kept, SavedTensor, Tape
from planner.workload.architecture import Experts, Layer
from planner.workload.operators import Sharding, Tokens

Array = NDArray[np.float64]


@record
class Stream:
    """Tokens of one device between the parts of a layer.

    Parameters
    ----------
    here : tokens of this context rank [1].
    rows : of those, the ones whose norms and residuals this tensor rank holds [1].
    hidden_bytes : one tensor of `rows` vectors [B].
    """

    here: Array
    rows: Array
    hidden_bytes: Array

    @staticmethod
    def of(hidden: int, tokens: Tokens, sharding: Sharding, element_bytes: float) -> Stream:
        """Give the stream of a layer on one device."""
        here = tokens.sequences * tokens.length / sharding.context
        rows = here / sharding.sequence_split
        return Stream(here, rows, element_bytes * rows * hidden)


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
    Tensors in the order in which they are made; one that two operators share stands once. A boundary is
    among them where no operator keeps the layer's input.

    Notes
    -----
    A layer's parts (attention, recurrence, feed-forward) each read a norm of their input; in a parallel
    layer all read norms of the layer's input, or one and the same. Norms beyond one per part follow the
    parts.
    """
    tape = Tape(implementation)
    stream = Stream.of(layer.hidden, tokens, sharding, implementation.element_bytes)
    joined = any(p.name == "join" for p in layer.projections)
    if joined:
        _save_join(tape, layer, stream)
    inputs: list[SavedTensor] = []
    parts = _parts(layer)
    before = 1 if layer.parallel and layer.norms < len(parts) else len(parts)
    after = layer.norms - before - (_JOIN_NORMS if joined else 0)
    for number, part in enumerate(parts):
        entry = SavedTensor("layer input", Kept.INPUT, stream.hidden_bytes)
        if number and not layer.parallel:
            entry = SavedTensor(f"{part} input", Kept.PROJECTION, stream.hidden_bytes)
        if number < before:
            inputs.append(tape.norm(f"{part} norm", entry, rows=stream.rows, kind=layer.normalization))
        normed = inputs[min(number, before - 1)]
        if layer.per_sample:
            tape.save(normed)  # an adaptive norm scales its result for each sample
            normed = SavedTensor(f"{part} modulated", Kept.NORM, stream.hidden_bytes)
        tape.normed_input(normed)
        _save_part(tape, layer, part, tokens=tokens, sharding=sharding, stream=stream)
        result = SavedTensor(f"{part} result", Kept.PROJECTION, stream.hidden_bytes)
        if number < after:
            tape.norm(f"after {part}", result, rows=stream.rows, kind=layer.normalization)
        if layer.per_sample:
            tape.save(result)
        tape.dropout(part, stream.hidden_bytes)
    return list(tape.saved.values())


_JOIN_NORMS = 3  # of a layer that predicts further tokens: of both its inputs, and the last one's before the head


def _parts(layer: Layer) -> list[str]:
    parts = ["cross-attention" if core.cross else "attention" for core in layer.cores]
    parts += ["scan"] if layer.scan else []
    return parts + (["feed-forward"] if layer.feed_forward or layer.experts else [])


def _save_join(tape: Tape, layer: Layer, stream: Stream) -> None:
    """The product that joins a token's vector with the next token's embedding, each behind a norm."""
    for name in ("last token", "next token"):
        entry = SavedTensor(name, Kept.PROJECTION, stream.hidden_bytes)
        tape.norm(f"{name} norm", entry, rows=stream.rows, kind=layer.normalization)
    tape.save(SavedTensor("joined tokens", Kept.PROJECTION, 2.0 * stream.hidden_bytes))
    last = SavedTensor("predicted token", Kept.PROJECTION, stream.hidden_bytes)
    tape.normed_input(tape.norm("predicted token norm", last, rows=stream.rows, kind=layer.normalization))


def _save_part(
    tape: Tape,
    layer: Layer,
    part: str,
    *,
    tokens: Tokens,
    sharding: Sharding,
    stream: Stream,
) -> None:
    if part in ("attention", "cross-attention"):
        core = next(c for c in layer.cores if c.cross == (part == "cross-attention"))
        save_attention(tape, layer, core, tokens, sharding)
    elif part == "scan":
        save_scan(tape, layer, stream.here, sharding)
    else:
        element = tape.implementation.element_bytes
        if layer.feed_forward:
            inner = element * stream.here * layer.feed_forward.width / sharding.tensor
            tape.feed_forward(
                "feed-forward",
                inner_bytes=inner,
                gated=layer.feed_forward.gated,
                activation=layer.feed_forward.activation,
            )
        if layer.experts:
            _save_experts(tape, layer.experts, stream, sharding)
        if any(p.name == "shared-weight" for p in layer.projections):
            tape.save(SavedTensor("shared experts' result", Kept.FEED_FORWARD, stream.hidden_bytes))


def _save_experts(tape: Tape, experts: Experts, stream: Stream, sharding: Sharding) -> None:
    """The choice of experts, the copies of tokens that reach one rank under an even load, and what experts keep.

    Results are kept because the weight of each is trained. Numbers of tokens and experts have 8 bytes.
    """
    how = tape.implementation
    element = how.element_bytes
    hidden = experts.projections[0].inputs
    tape.save(SavedTensor("router", Kept.PROJECTION, how.router_bytes * stream.rows * experts.count))
    tape.save(SavedTensor("chosen experts", Kept.PROJECTION, _NUMBER_BYTES * stream.rows * experts.top_k))
    if how.every_expert:
        copies = stream.here * experts.count
        tape.save(SavedTensor("weights of experts", Kept.PROJECTION, element * stream.rows * experts.count))
    else:
        copies = stream.here / sharding.tensor * experts.top_k * sharding.expert_tensor
        # The order of the copies, the tokens that they are copies of, and their weights.
        sorting = 2.0 * _NUMBER_BYTES + element
        tape.save(SavedTensor("places of copies", Kept.PROJECTION, sorting * stream.rows * experts.top_k))
        tape.save(SavedTensor("dispatched tokens", Kept.FEED_FORWARD, element * copies * hidden))
    inner = element * copies * experts.width / sharding.expert_tensor
    tape.feed_forward("experts", inner_bytes=inner, gated=experts.gated, activation=experts.activation)
    results = element * copies * hidden / sharding.expert_tensor
    tape.save(SavedTensor("expert results", Kept.FEED_FORWARD, results))
    if how.added_by_index and not how.every_expert:
        tape.save(SavedTensor("weighed expert results", Kept.FEED_FORWARD, results))


_NUMBER_BYTES = 8.0


def kept_bytes(tensors: Sequence[SavedTensor], recompute: Recompute) -> Array:
    """Give what a layer keeps when some groups are computed again [B].

    A layer that is recomputed whole keeps its input; `recompute.layers` is the share of such layers.
    """
    sizes = bytes_by_group(tensors)
    kept = _kept_by_group(recompute)
    nothing = np.asarray(0.0)
    whole = sizes.get(Kept.INPUT, nothing) + sizes.get(Kept.BOUNDARY, nothing)
    parts = sum((kept[group] * size for group, size in sizes.items()), start=nothing)
    total: Array = recompute.layers * whole + (1.0 - recompute.layers) * parts
    return total


def bytes_by_group(tensors: Sequence[SavedTensor]) -> dict[Kept, Array]:
    """Give the sum of each group of tensors [B]."""
    sizes: dict[Kept, Array] = {}
    for tensor in tensors:
        sizes[tensor.group] = sizes.get(tensor.group, np.asarray(0.0)) + tensor.size_bytes
    return sizes


def _kept_by_group(recompute: Recompute) -> dict[Kept, Array]:
    one = np.asarray(1.0)
    inner = 1.0 - recompute.feed_forward
    others, products = 1.0 - recompute.operators, 1.0 - 0.5 * recompute.operators
    return {
        Kept.INPUT: one,
        Kept.BOUNDARY: np.asarray(0.0),
        Kept.NORM: (1.0 - recompute.norms) * others,
        Kept.LATENT: (1.0 - recompute.latent) * others,
        Kept.PROJECTION: products,
        Kept.SCORES: 1.0 - recompute.attention,
        Kept.FEED_FORWARD: inner * others,
        Kept.INNER: inner * products,
        Kept.ACTIVATION: (1.0 - recompute.activation) * inner * others,
    }
