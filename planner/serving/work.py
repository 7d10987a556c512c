"""What a served model moves and computes on one rank, counted from the operators of its layers.

Counts hold for a token, a sequence or a pass, so that times over any batch are products with them. They know
neither engine nor machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from planner.errors import Fault, InfeasibleError
from planner.record import record
from planner.serving.formats import Formats, Stored
from planner.serving.layout import Layout
from planner.serving.memory import cache_elements
from planner.workload.architecture import Architecture, Layer, Stack
from planner.workload.cores import Scan
from planner.workload.layer_operators import FEATURE_MAPS, attention, head_operators, index_scores, layer_operators
from planner.workload.operators import Attention, MatrixProduct, Sharding, Streaming, Tokens

Array = NDArray[np.float64]

_SIXTEEN_BITS = 16.0
_STATE_BYTES = 4.0  # recurrent states are kept in 32 bits


@record
class Weights:
    """Matrices of one kind on one rank, of all layers together.

    Parameters
    ----------
    read_bytes : read once in a pass [B].
    flops : of one token, or of one sequence where a matrix meets one vector of it [FLOP].
    bits : of the format that the products run in [1].
    unpacked : 1 where the weights are kept in fewer bits [1].
    rows : of the matrices, one for each element of a result [1].
    width : rows of the mean matrix, weighed by its elements [1].
    """

    read_bytes: Array
    flops: Array
    bits: Array
    unpacked: Array
    rows: Array
    width: Array


@record
class Counts:
    """One stack of layers on one rank, whatever passes through it.

    Parameters
    ----------
    attention, dense : projections around attention and recurrences; feed-forward parts that every token meets.
    experts : routed experts: bytes of all of them on the rank, operations of one token of any rank.
    convolutions : kernels of convolutions, which meet every position of their map.
    sample : matrices that meet one vector of each sequence.
    source : matrices that meet the other stack's tokens once, when a sequence begins.
    expert_count, top_k : experts of a layer, and those that one token meets [1].
    element_bytes : norms, positions, activations and recurrences of one token [B].
    map_bytes : feature maps of one token that convolutions read and write [B].
    scan_flops : operations of recurrences of one token, on vector units [FLOP].
    hidden : size of a token's vector [1].
    sample_tokens : tokens of one picture; 0 where the input decides [1].
    layers, expert_layers, special_layers : all; those with experts; those with a latent, recurrent or sparse
        mixer [1].
    gated_layers : those with a gated feed-forward part or gated experts [1].
    reductions : all-reduces of a pass under tensor parallelism [1].
    adapted : sizes of the vectors before and behind every matrix that an adapter lies beside: elements of adapters of
        rank 1 on this rank [1].
    """

    attention: Weights
    dense: Weights
    experts: Weights
    convolutions: Weights
    sample: Weights
    source: Weights
    expert_count: Array
    top_k: Array
    element_bytes: Array
    map_bytes: Array
    scan_flops: Array
    hidden: Array
    sample_tokens: Array
    layers: Array
    expert_layers: Array
    special_layers: Array
    gated_layers: Array
    reductions: Array
    adapted: Array


@record
class Cores:
    """Attention and recurrences of one sequence in a pass, on one rank.

    Parameters
    ----------
    read_bytes : keys, values and states that are read and written [B].
    expanded_bytes : keys and values as wide as the queries: one head of each for every query head [B].
    flops : of scores and weighted values, over the keys that are seen [FLOP].
    vector_flops : of these, those of a step whose kernel takes every query head by itself, on vector units [FLOP].
    seen : keys that the mean query sees, over all layers that attend, weighed by their work [tokens].
    scores : pairs of a query and a key that it sees, over all heads and layers [1].
    """

    read_bytes: Array
    expanded_bytes: Array
    flops: Array
    vector_flops: Array
    seen: Array
    scores: Array


_FEED_FORWARD = frozenset({"up", "down", "shared-up", "shared-down"})
_WHOLE = frozenset({"router", "shared-weight"})
_NOTHING = np.asarray(0.0)
_ONE = np.asarray(1.0)


def counts_of(stack: Stack, layout: Layout, formats: Formats) -> Counts:
    """Count one stack of layers on one rank of a layout.

    Parameters
    ----------
    stack : layers of one kind of token.
    layout : degrees; pipeline stages are counted together.
    formats : of weights and products.

    Raises
    ------
    InfeasibleError : layers with experts of several numbers.
    """
    tally = _Tally()
    for kind, count in zip(stack.kinds, stack.counts, strict=True):
        tally.add(kind, float(count), layout.sharding)
    first = tally.experts_of
    return Counts(
        attention=tally.attention.weights(formats.attention),
        dense=tally.dense.weights(formats.dense),
        experts=tally.experts.weights(formats.experts),
        convolutions=tally.convolutions.weights(formats.attention),
        sample=tally.sample.weights(formats.attention),
        source=tally.source.weights(formats.attention),
        expert_count=np.asarray(float(first[0]) if first else 1.0),
        top_k=np.asarray(float(first[1]) if first else 1.0),
        element_bytes=tally.element_bytes,
        map_bytes=tally.map_bytes * formats.attention.bits / _SIXTEEN_BITS,  # kept in the width of the products
        scan_flops=tally.scan_flops,
        hidden=np.asarray(float(stack.hidden)),
        sample_tokens=np.asarray(float(stack.tokens_per_sample)),
        layers=np.asarray(float(stack.layers)),
        expert_layers=np.asarray(tally.expert_layers),
        special_layers=np.asarray(tally.special_layers),
        gated_layers=np.asarray(tally.gated_layers),
        reductions=np.asarray(tally.reductions),
        adapted=tally.adapted,
    )


@dataclass(slots=True)
class _Sum:
    """Elements and rows of matrices, and operations."""

    elements: Array = field(default_factory=lambda: _NOTHING)
    flops: Array = field(default_factory=lambda: _NOTHING)
    rows: Array = field(default_factory=lambda: _NOTHING)
    weighed: Array = field(default_factory=lambda: _NOTHING)

    def add(self, operator: MatrixProduct, count: float, *, alike: Array = _ONE) -> None:
        elements = count * operator.n * operator.k * operator.groups
        self.elements = self.elements + elements
        self.flops = self.flops + count * operator.flops / alike
        self.rows = self.rows + count * operator.n * operator.groups
        self.weighed = self.weighed + elements * operator.n

    def weights(self, stored: Stored) -> Weights:
        width = self.weighed / np.maximum(self.elements, 1.0)
        read = self.elements * stored.bytes_per_weight
        return Weights(read, self.flops, stored.bits, stored.unpacked, self.rows, width)


class _Tally:
    """Adds up layers."""

    def __init__(self) -> None:
        self.attention, self.dense, self.experts, self.convolutions, self.sample, self.source = (
            _Sum() for _ in range(6)
        )
        self.element_bytes: Array = _NOTHING
        self.map_bytes: Array = _NOTHING  # in 16 bits
        self.scan_flops: Array = _NOTHING
        self.adapted: Array = _NOTHING
        self.experts_of: tuple[int, int] | None = None
        self.expert_layers = self.special_layers = self.gated_layers = self.reductions = 0.0

    def add(self, kind: Layer, count: float, sharding: Sharding) -> None:
        per_sample = {p.name for p in kind.per_sample}
        for operator in layer_operators(kind, Tokens(_ONE, _ONE, cross_length=1.0), sharding):
            if isinstance(operator, MatrixProduct):
                into = self.sample if operator.name in per_sample else self._sum_of(operator)
                if into is self.attention or into is self.dense:
                    self.adapted = self.adapted + count * (operator.n + operator.k)
                # A token on every attention rank is several tokens to the experts, which all of them share.
                alike = _attention_ranks(sharding) if operator.role == "experts" else _ONE
                into.add(operator, count, alike=alike)
            elif operator.name == FEATURE_MAPS and isinstance(operator, Streaming):
                self.map_bytes = self.map_bytes + count * operator.bytes_moved
            elif isinstance(operator, Streaming):
                self.element_bytes = self.element_bytes + count * operator.bytes_moved
                self.scan_flops = self.scan_flops + count * operator.flops
        if kind.experts:
            shape = (kind.experts.count, kind.experts.top_k)
            if self.experts_of not in (None, shape):
                raise InfeasibleError(Fault("experts-differ", f"layers with {shape[0]} and other numbers of experts"))
            self.experts_of = shape
            self.expert_layers += count
        self.special_layers += count if _is_special(kind) else 0.0
        self.gated_layers += count if any(part and part.gated for part in (kind.feed_forward, kind.experts)) else 0.0
        self.reductions += count * _reductions(kind)

    def _sum_of(self, operator: MatrixProduct) -> _Sum:
        if operator.role == "experts":
            return self.experts
        if operator.role == "convolution":
            return self.convolutions
        if operator.name.startswith("cross.") and operator.name not in ("cross.query", "cross.output"):
            return self.source
        return self.dense if operator.name in _FEED_FORWARD | _WHOLE else self.attention


def _attention_ranks(sharding: Sharding) -> Array:
    ranks: Array = sharding.expert * sharding.expert_tensor / sharding.tensor
    return ranks


def _is_special(kind: Layer) -> bool:
    return kind.scan is not None or any(core.latent_rank or core.top_k for core in kind.cores)


def _reductions(kind: Layer) -> float:
    """All-reduces behind one layer under tensor parallelism: one behind each part that ends in a split product."""
    parts = (1 if kind.scan or kind.cores else 0) + (1 if len(kind.cores) > 1 else 0)
    parts += 1 if kind.feed_forward or kind.experts else 0
    return 1.0 if kind.parallel and parts else float(parts)


def head_of(architecture: Architecture, layout: Layout, formats: Formats) -> Weights:
    """Count what stands behind the last layer, for one token or sequence whose output is wanted."""
    total = _Sum()
    for operator in head_operators(architecture, Tokens(_ONE, _ONE), layout.sharding):
        if isinstance(operator, MatrixProduct):
            total.add(operator, 1.0)
    return total.weights(Stored(formats.head_bytes, np.asarray(16.0), _NOTHING))


def decode_cores(
    stack: Stack,
    layout: Layout,
    formats: Formats,
    *,
    context: Array,
    source: Array | float = 0.0,
    repeated: Array | float = 0.0,
    separate: Array | float = 0.0,
    joined: Array | float = 0.0,
) -> Cores:
    """Count attention and recurrences of one sequence that decodes one token.

    Parameters
    ----------
    context : tokens before this one [1].
    source : tokens of the encoder, for cross-attention [1].
    repeated : 1 where keys and values are read once for each query head, 0 where heads that share them do [1].
    separate : 1 where query heads are taken one by one, on vector units, but where as many as `joined` share a key
        head; 0 where all of a key head are taken together, on matrix units [1].
    """
    tokens = Tokens(_ONE, _ONE, cross_length=source, cached=np.asarray(context, dtype=float))
    total = _CoreSum()
    for kind, count in zip(stack.kinds, stack.counts, strict=True):
        for core in kind.cores:
            seen = attention(core.absorbed, tokens, layout.sharding)
            read = cache_elements(core, seen.visible, layout.tensor) * formats.cache_bytes
            if not core.latent_rank:
                read = read * (1.0 + repeated * (seen.heads / seen.kv_heads - 1.0))
            if core.index_heads:
                scored = index_scores(core, tokens, layout.sharding)
                read = read + core.index_dim * (scored.visible - seen.visible) * _INDEX_BYTES
                total.add(count, _NOTHING, scored)
            total.add(count, read, seen)
            if np.any(separate) and not core.latent_rank:
                alone = separate * (joined != core.heads / core.kv_heads)
                total.vector = total.vector + count * seen.flops * alone
            width = seen.heads * (core.key_dim + core.value_dim)
            total.expanded = total.expanded + count * width * seen.visible * formats.cache_bytes
        if kind.scan:
            total.read = total.read + count * 2.0 * _state_bytes(kind.scan, layout.tensor)
    return total.cores()


_INDEX_BYTES = 1.0  # the indexer's keys are kept in 8 bits [DeepSeek-V3.2 report]


def prefill_cores(
    stack: Stack,
    layout: Layout,
    formats: Formats,
    *,
    length: Array,
    cached: Array | float = 0.0,
    source: Array | float = 0.0,
) -> Cores:
    """Count attention and recurrences of one sequence whose prompt passes.

    Parameters
    ----------
    length : tokens of the prompt that pass [1].
    cached : tokens before them whose keys and values are kept from before [1].
    source : tokens of the encoder, for cross-attention [1].
    """
    wanted = np.asarray(length, dtype=float)
    tokens = Tokens(_ONE, wanted, cross_length=source, cached=cached)
    total = _CoreSum()
    for kind, count in zip(stack.kinds, stack.counts, strict=True):
        for core in kind.cores:
            seen = attention(core, tokens, layout.sharding)
            width = seen.heads * (core.key_dim + core.value_dim) * 2.0
            kept = cache_elements(core, seen.keys, layout.tensor) * formats.cache_bytes
            total.add(count, width * seen.queries + kept, seen)
            if core.index_heads:
                total.add(count, _NOTHING, index_scores(core, tokens, layout.sharding))
        if kind.scan:
            total.read = total.read + count * 2.0 * _state_bytes(kind.scan, layout.tensor)
    return total.cores()


class _CoreSum:
    def __init__(self) -> None:
        self.read: Array = _NOTHING
        self.expanded: Array = _NOTHING
        self.flops: Array = _NOTHING
        self.vector: Array = _NOTHING
        self.weighed: Array = _NOTHING
        self.scores: Array = _NOTHING

    def add(self, count: float, read: Array, seen: Attention) -> None:
        flops = count * seen.flops
        self.read = self.read + count * read
        self.flops = self.flops + flops
        self.weighed = self.weighed + flops * seen.visible
        self.scores = self.scores + count * seen.heads * seen.queries * seen.visible

    def cores(self) -> Cores:
        seen = self.weighed / np.maximum(self.flops, 1.0)
        return Cores(self.read, self.expanded, self.flops, self.vector, seen, self.scores)


def _state_bytes(scan: Scan, tensor: Array) -> Array:
    share: Array = np.maximum(scan.heads / tensor, 1.0) / scan.heads
    return scan.state_elements * _STATE_BYTES * share
