"""Device memory of a replica: weights, activations, what the engine keeps, and the cache that is left room for."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.formats import Formats
from planner.serving.layout import Layout
from planner.serving.memory import cache_elements
from planner.serving.work import Counts, counts_of
from planner.workload.architecture import Architecture, Stack
from planner.workload.cores import Scan

Array = NDArray[np.float64]

_GIB = 2.0**30
_STATE_BYTES = 4.0
_LOGIT_BYTES = 4.0
_ACTIVATION_BYTES = 2.0


class FractionOf(Enum):
    """What an engine's memory fraction is a fraction of, and what it covers."""

    TOTAL = "total"
    """Of the whole device; weights, activations and cache are inside it (vLLM)."""
    STATIC = "static"
    """Of the whole device; weights and cache are inside it, activations beside it (SGLang)."""
    FREE = "free"
    """Of what weights and activations leave free; the cache alone (TensorRT-LLM)."""


@record
class EngineMemory:
    """How an engine uses device memory.

    Parameters
    ----------
    fraction : its memory setting [1].
    of : what that is a fraction of.
    reserve_bytes : driver context, libraries, communication buffers and captured graphs [B].
    block_tokens : tokens of one block of a paged cache; the last block of a sequence is half empty [tokens].
    """

    fraction: Array
    of: FractionOf
    reserve_bytes: Array
    block_tokens: Array


@record
class Room:
    """Memory of the fullest rank, and what the cache holds.

    Parameters
    ----------
    weight_bytes, activation_bytes, reserve_bytes, cache_room_bytes : parts [B].
    token_bytes : cache of one token that keeps growing, on one rank [B].
    sequence_bytes : windows at their fullest, recurrent states and half a block of one sequence [B].
    sequence_ranks : attention ranks that each hold other sequences [1].
    """

    weight_bytes: Array
    activation_bytes: Array
    reserve_bytes: Array
    cache_room_bytes: Array
    token_bytes: Array
    sequence_bytes: Array
    sequence_ranks: Array

    @property
    def fits(self) -> Array:
        """1 where weights and activations leave room for a cache, else 0 [1]."""
        return (self.cache_room_bytes > 0).astype(float)

    def sequences(self, context: Array | float) -> Array:
        """Give the sequences of a mean context that fit, over all attention ranks; 0 where nothing does [1]."""
        each = self.token_bytes * np.asarray(context, dtype=float) + self.sequence_bytes
        with np.errstate(divide="ignore"):
            held = np.where(each > 0, self.cache_room_bytes / each, np.where(self.fits > 0, np.inf, 0.0))
        fit: Array = np.maximum(held, 0.0) * self.sequence_ranks
        return fit

    @property
    def longest_tokens(self) -> Array:
        """Context of a single sequence that fits; 0 where nothing does, infinite where nothing grows [tokens]."""
        left = np.maximum(self.cache_room_bytes - self.sequence_bytes, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            longest: Array = np.where(self.token_bytes > 0, left / self.token_bytes, np.where(left > 0, np.inf, 0.0))
        return longest


def room_of(
    architecture: Architecture,
    layout: Layout,
    formats: Formats,
    *,
    memory_bytes: Array,
    engine: EngineMemory,
    pass_tokens: Array | float,
    sequences: Array | float,
    source_tokens: Array | float = 0.0,
) -> Room:
    """Share out the device memory of a replica's fullest rank.

    Parameters
    ----------
    architecture, layout, formats : what is held, and how.
    memory_bytes : of one accelerator [B].
    engine : how the engine uses it.
    pass_tokens : tokens of the largest pass [tokens].
    sequences : sequences whose logits are made at once on one attention rank [1].
    source_tokens : of an encoder, whose keys and values every sequence keeps [tokens].
    """
    weights = held_weight_bytes(architecture, layout, formats)
    activations = activation_bytes(architecture, layout, pass_tokens=pass_tokens, sequences=sequences)
    token, sequence = _cache_of(architecture.main, layout, formats, engine.block_tokens, source_tokens)
    left = memory_bytes - weights - activations - engine.reserve_bytes
    room = {
        FractionOf.TOTAL: memory_bytes * engine.fraction - weights - activations - engine.reserve_bytes,
        FractionOf.STATIC: np.minimum(memory_bytes * engine.fraction - weights, left),
        FractionOf.FREE: left * engine.fraction,
    }[engine.of]
    return Room(weights, activations, engine.reserve_bytes, room, token, sequence, layout.data)


def with_adapters(room: Room, adapter_bytes: Array) -> Room:
    """Give the room that is left where adapters lie beside the weights [B]."""
    return replace(
        room, weight_bytes=room.weight_bytes + adapter_bytes, cache_room_bytes=room.cache_room_bytes - adapter_bytes
    )


def held_weight_bytes(architecture: Architecture, layout: Layout, formats: Formats) -> Array:
    """Give the weights on the fullest rank [B].

    Stages hold whole layers, so that the fullest one may hold one layer more than the mean; the first holds
    the token table, the last the vocabulary matrix where it is another one.
    """
    layers = np.asarray(0.0)
    for stack in architecture.stacks:
        share = np.asarray(1.0 / stack.layers if stack.shared_layers else 1.0)
        layers = layers + share * _matrices(counts_of(stack, layout, formats))
    number = float(architecture.layers)
    fullest = np.ceil(number / layout.pipeline) / number
    ends = formats.head_bytes / layout.tensor
    table = architecture.embedding_parameters * ends
    head = np.asarray(float(architecture.head_held_parameters)) * ends
    rest = np.asarray(float(architecture.stem_parameters)) * formats.head_bytes
    one_stage = layout.pipeline <= 1
    held: Array = layers * fullest + rest + np.where(one_stage, table + head, np.maximum(table, head))
    return held


def _matrices(counts: Counts) -> Array:
    kinds = (counts.attention, counts.dense, counts.experts, counts.convolutions, counts.sample, counts.source)
    return sum((kind.read_bytes for kind in kinds), start=np.asarray(0.0))


def activation_bytes(
    architecture: Architecture, layout: Layout, *, pass_tokens: Array | float, sequences: Array | float
) -> Array:
    """Give the largest activations of a pass on one rank [B].

    Notes
    -----
    While a feed-forward part runs there are its input, the residual, its inner vectors (gate and up, and their
    product) and its output; of attention there are queries, keys, values and output. The larger counts. Logits are
    kept in 32 bits, and once more for sampling.
    """
    widest = 0.0 * layout.tensor
    for stack in architecture.stacks:
        for kind in stack.kinds:
            inner = kind.feed_forward.width * 3.0 / layout.tensor if kind.feed_forward else 0.0 * layout.tensor
            if kind.experts:
                # Copies of every token before and after the experts, and their inner vectors.
                copied = kind.experts.top_k * (2.0 * kind.hidden + 3.0 * kind.experts.width)
                inner = inner + copied * layout.data / layout.stage_ranks
            heads = sum(c.heads * (c.key_dim + c.value_dim) + 2.0 * c.kv_heads * c.key_dim for c in kind.cores)
            attended = heads / layout.tensor
            widest = np.maximum(widest, 3.0 * kind.hidden + np.maximum(inner, attended))
    logits = 2.0 * _LOGIT_BYTES * architecture.vocabulary * np.asarray(sequences, dtype=float)
    needed: Array = _ACTIVATION_BYTES * widest * pass_tokens + logits
    return needed


def _cache_of(
    stack: Stack, layout: Layout, formats: Formats, block_tokens: Array, source_tokens: Array | float
) -> tuple[Array, Array]:
    token, sequence = 0.0 * layout.tensor, 0.0 * layout.tensor
    for kind, count in zip(stack.kinds, stack.counts, strict=True):
        for core in kind.cores:
            if not (core.causal or core.cross):
                continue
            one = count * cache_elements(core, np.asarray(1.0), layout.tensor) * formats.cache_bytes
            if core.cross:
                sequence = sequence + one * source_tokens
            elif core.window:
                sequence = sequence + one * core.window
            else:
                token = token + one
        if kind.scan:
            sequence = sequence + count * _states(kind.scan, layout.tensor, formats.cache_bytes)
    per_stage = np.ceil(stack.layers / layout.pipeline) / stack.layers
    return token * per_stage, (sequence + token * block_tokens / 2.0) * per_stage


def _states(scan: Scan, tensor: Array, cache_bytes: Array) -> Array:
    share = np.maximum(scan.heads / tensor, 1.0) / scan.heads
    inputs = scan.convolution_channels * (scan.convolution_width - 1)
    held: Array = (scan.state_elements * _STATE_BYTES + inputs * cache_bytes) * share
    return held
