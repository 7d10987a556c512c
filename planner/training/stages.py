"""Dealing layers to pipeline stages: how many layers of each kind a stage holds, and what is in flight.

Chunks of nearly equal size are dealt in turn, as interleaved schedules do: stage i of p holds the chunks
i, i + p, i + 2p and so on. Embedding and head fill no slots, one each (as Llama 3 deals its 126 layers), or as
many as they take layers' time, which is how layouts are made that balance an uneven number of layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.training.strategy import Strategy

Array = NDArray[np.float64]

ONE_F_ONE_B, ZERO_BUBBLE_1, ZERO_BUBBLE_2 = 0.0, 1.0, 2.0


@dataclass(frozen=True, slots=True)
class StageLoad:
    """What one pipeline stage holds.

    Parameters
    ----------
    index : the stage, from 0 [1].
    layers : layers of each kind [1].
    embedding, head : 1 where the stage holds them [1].
    """

    index: Array
    layers: tuple[Array, ...]
    embedding: Array
    head: Array


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
    stages, chunks = strategy.pipeline, strategy.interleave
    first_slots, last_slots = strategy.embedding_slots, strategy.head_slots
    before = _before(order, kinds)
    slots = len(order) + first_slots + last_slots
    shape = np.broadcast_shapes(stages.shape, chunks.shape, slots.shape, index.shape)
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


def candidate_stages(order: tuple[int, ...], weights: tuple[float, ...], strategy: Strategy) -> list[StageLoad]:
    """Give the stages of which one is the slowest and one the fullest: first, second, last, heaviest.

    The first has most in flight and the embedding, the second most in flight without it, the last the head;
    where layers differ or do not divide evenly, the heaviest by `weights` may be another one.
    """
    stages = strategy.pipeline
    zero = np.zeros_like(stages)
    if np.all(stages == 1.0):
        return [stage_load(order, len(weights), strategy, zero)]
    indices = [zero, np.minimum(1.0, stages - 1.0), stages - 1.0]
    deepest = int(np.max(stages))
    if deepest > 3:
        heaviest, most = zero, np.full(stages.shape, -1.0)
        for number in range(deepest):
            load = stage_load(order, len(weights), strategy, np.full_like(stages, float(number)))
            weight = sum((w * n for w, n in zip(weights, load.layers, strict=True)), start=np.asarray(0.0))
            better = (weight > most) & (number < stages)
            heaviest, most = np.where(better, float(number), heaviest), np.where(better, weight, most)
        indices.append(heaviest)
    return [stage_load(order, len(weights), strategy, index) for index in indices]


def in_flight(strategy: Strategy, micro_batches: Array, index: Array) -> Array:
    """Micro-batches whose activations a stage holds at most, in units of all its layers [1].

    Notes
    -----
    1F1B: min(m, p - i). Interleaved: min(m v, 2 (p - i - 1) + (v - 1) p + 1) chunks of 1/v of the layers
    [1]_. Zero-bubble schedules hold a micro-batch until its weight gradients are made, which later stages
    put off for longer: min(m, p) on every stage under ZB-H1, min(m, 2 p - 1) under ZB-H2 [2]_.

    References
    ----------
    .. [1] Narayanan et al., SC 2021, section 2.2; Korthikanti et al., MLSys 2023, appendix.
    .. [2] Qi et al., Zero Bubble Pipeline Parallelism, 2023.
    """
    stages, chunks = strategy.pipeline, strategy.interleave
    plain = np.minimum(micro_batches, stages - index)
    interleaved = np.minimum(micro_batches * chunks, 2.0 * (stages - index - 1.0) + (chunks - 1.0) * stages + 1.0)
    held = np.where(chunks > 1.0, interleaved / chunks, plain)
    held = np.where(strategy.schedule == ZERO_BUBBLE_1, np.minimum(micro_batches, stages), held)
    return np.where(strategy.schedule == ZERO_BUBBLE_2, np.minimum(micro_batches, 2.0 * stages - 1.0), held)


def _before(order: tuple[int, ...], kinds: int) -> list[Array]:
    """Layers of each kind that stand before a layer number."""
    numbers = np.asarray(order)
    return [np.concatenate([[0.0], np.cumsum(numbers == k, dtype=float)]) for k in range(kinds)]


def _clip(numbers: Array, layers: int) -> NDArray[np.int64]:
    return np.clip(numbers, 0, layers).astype(np.int64)
