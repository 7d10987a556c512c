"""Dealing layers to pipeline stages: how many layers of each kind a stage holds, and what is in flight.

Chunks of nearly equal size are dealt in turn, as interleaved schedules do: stage i of p holds the chunks
i, i + p, i + 2p and so on. Embedding and head fill no slots, one each (as Llama 3 deals its 126 layers), or as
many as they take layers' time, which is how layouts are made that balance an uneven number of layers.

DualPipe feeds micro-batches in at both ends: a rank holds stage i for one half of them and stage p - 1 - i for the
other, and so does the mean of both for each micro-batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.training.strategy import Strategy

Array = NDArray[np.float64]

ONE_F_ONE_B, ZERO_BUBBLE_1, ZERO_BUBBLE_2, DUAL_PIPE = 0.0, 1.0, 2.0, 3.0


@record
class StageLoad:
    """What one pipeline stage holds.

    Parameters
    ----------
    index : the stage, from 0 [1].
    layers : layers of each kind that a micro-batch passes [1].
    embedding, head : 1 where it passes them, one half where only half of the micro-batches do [1].
    """

    index: Array
    layers: tuple[Array, ...]
    embedding: Array
    head: Array

    def of(self, values: Sequence[Array]) -> Array:
        """Give the sum over the stage's layers of a value for each kind."""
        return sum((n * value for n, value in zip(self.layers, values, strict=True)), start=np.asarray(0.0))


def stage_load(order: tuple[int, ...], kinds: int, strategy: Strategy, index: Array) -> StageLoad:
    """Give what the stage of that index holds.

    Parameters
    ----------
    order : kind of every layer, first to last.
    kinds : number of kinds.
    strategy : its pipeline degree, interleaving and the slots of the ends.
    index : the stage, from 0; below the pipeline degree [1].

    Returns
    -------
    Loads that broadcast over the pipeline axes of the strategy.
    """
    return _dealt(order, kinds, *_ways(strategy), index)


def candidate_stages(order: tuple[int, ...], kinds: int, strategy: Strategy) -> list[StageLoad]:
    """Give the stages of which one is the slowest and one the fullest.

    A stage that holds no more layers of any kind than an earlier one, and none of the ends besides, is neither
    slower nor fuller than that one, which has as many micro-batches in flight or more. All others are
    candidates: the first and the last where layers divide evenly, a few more where they do not.

    Parameters
    ----------
    order, kinds, strategy : as for `stage_load`.

    Returns
    -------
    As many loads as the way of dealing with most candidates has, first to last; for the others the last one is
    repeated.
    """
    ways = np.broadcast_arrays(*_ways(strategy))
    different, place = np.unique(np.stack([way.ravel() for way in ways]), axis=1, return_inverse=True)
    found = [_candidates(order, kinds, *way) for way in different.T]
    most = max(rows.shape[1] for rows in found)
    filled = [np.pad(rows, ((0, 0), (0, most - rows.shape[1])), mode="edge") for rows in found]
    # Axes: what is told of a stage, the candidate, and then those of the strategy.
    told = np.stack(filled, axis=-1)[:, :, place].reshape(3 + kinds, most, *ways[0].shape)
    return [StageLoad(told[0, n], tuple(told[3:, n]), told[1, n], told[2, n]) for n in range(most)]


def _ways(strategy: Strategy) -> tuple[Array, Array, Array, Array, Array]:
    """Give what decides how layers are dealt: stages, chunks, slots of the ends, whether from both ends."""
    both = np.where(strategy.schedule == DUAL_PIPE, 1.0, 0.0)
    return strategy.pipeline, strategy.interleave, strategy.embedding_slots, strategy.head_slots, both


def _candidates(
    order: tuple[int, ...], kinds: int, stages: Array, chunks: Array, first_slots: Array, last_slots: Array, both: Array
) -> Array:
    """Give the candidates of one way of dealing, a column each: index, embedding, head, layers of each kind."""
    load = _dealt(order, kinds, stages, chunks, first_slots, last_slots, both, np.arange(float(stages)))
    layers = np.stack(load.layers)
    no_more = np.all(layers[:, :, None] >= layers[:, None, :], axis=0)
    ends = (load.embedding[:, None] >= load.embedding) & (load.head[:, None] == load.head)
    earlier = load.index[:, None] < load.index
    kept = ~np.any(earlier & no_more & ends, axis=0)
    rows: Array = np.stack([load.index, load.embedding, load.head, *load.layers])[:, kept]
    return rows


def _dealt(
    order: tuple[int, ...],
    kinds: int,
    stages: Array,
    chunks: Array,
    first_slots: Array,
    last_slots: Array,
    both: Array,
    index: Array,
) -> StageLoad:
    ways = (order, kinds, stages, chunks, first_slots, last_slots)
    load = _one_way(*ways, index)
    if not np.any(both):
        return load
    other = _one_way(*ways, stages - 1.0 - index)

    def mean(mine: Array, theirs: Array) -> Array:
        return mine + 0.5 * both * (theirs - mine)

    layers = tuple(mean(a, b) for a, b in zip(load.layers, other.layers, strict=True))
    return StageLoad(index, layers, mean(load.embedding, other.embedding), mean(load.head, other.head))


def _one_way(
    order: tuple[int, ...],
    kinds: int,
    stages: Array,
    chunks: Array,
    first_slots: Array,
    last_slots: Array,
    index: Array,
) -> StageLoad:
    """Give what the stage of that index holds when micro-batches pass from the first to the last."""
    before = _before(order, kinds)
    slots = len(order) + first_slots + last_slots
    shape = np.broadcast_shapes(np.shape(stages), np.shape(chunks), np.shape(slots), np.shape(index))
    layers = [np.zeros(shape)] * kinds
    for turn in range(int(np.max(chunks))):
        chunk = index + turn * stages
        # Slot numbers less the embedding's slots are layer numbers.
        start = _clip(np.floor(chunk * slots / (stages * chunks) + 1e-9) - first_slots, len(order))
        stop = _clip(np.floor((chunk + 1.0) * slots / (stages * chunks) + 1e-9) - first_slots, len(order))
        held = np.where(turn < chunks, 1.0, 0.0)
        layers = [layers[k] + held * (before[k][stop] - before[k][start]) for k in range(kinds)]
    first = np.where(index == 0, 1.0, 0.0)
    last = np.where(index == stages - 1.0, 1.0, 0.0)
    return StageLoad(index, tuple(layers), first, last)


def in_flight(strategy: Strategy, micro_batches: Array, index: Array) -> Array:
    """Micro-batches whose activations a stage holds at most, in units of all its layers [1].

    Notes
    -----
    1F1B: min(m, p - i). Interleaved: min(m v, 2 (p - i - 1) + (v - 1) p + 1) chunks of 1/v of the layers
    [1]_. Zero-bubble schedules hold a micro-batch until its weight gradients are made, which later stages
    put off for longer: min(m, p) on every stage under ZB-H1, min(m, 2 p - 1) under ZB-H2 [2]_. DualPipe holds
    min(m, p + 1) of both directions together [3]_.

    References
    ----------
    .. [1] Narayanan et al., SC 2021, section 2.2; Korthikanti et al., MLSys 2023, appendix.
    .. [2] Qi et al., Zero Bubble Pipeline Parallelism, 2023.
    .. [3] DeepSeek-AI, DeepSeek-V3 Technical Report, 2024, table 2.
    """
    stages, chunks = strategy.pipeline, strategy.interleave
    plain = np.minimum(micro_batches, stages - index)
    interleaved = np.minimum(micro_batches * chunks, 2.0 * (stages - index - 1.0) + (chunks - 1.0) * stages + 1.0)
    held = np.where(chunks > 1.0, interleaved / chunks, plain)
    held = np.where(strategy.schedule == ZERO_BUBBLE_1, np.minimum(micro_batches, stages), held)
    held = np.where(strategy.schedule == DUAL_PIPE, np.minimum(micro_batches, stages + 1.0), held)
    return np.where(strategy.schedule == ZERO_BUBBLE_2, np.minimum(micro_batches, 2.0 * stages - 1.0), held)


def copies(strategy: Strategy) -> Array:
    """How many stages a rank holds: two under DualPipe, one for each direction; else one [1]."""
    return np.where(strategy.schedule == DUAL_PIPE, 2.0, 1.0)


def _before(order: tuple[int, ...], kinds: int) -> list[Array]:
    """Layers of each kind that stand before a layer number."""
    numbers = np.asarray(order)
    return [np.concatenate([[0.0], np.cumsum(numbers == k, dtype=float)]) for k in range(kinds)]


def _clip(numbers: Array, layers: int) -> NDArray[np.int64]:
    return np.clip(numbers, 0, layers).astype(np.int64)
