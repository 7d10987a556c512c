"""Time of one optimizer step: layers on stages, pipeline, data-parallel communication, optimizer.

step = (m * slowest stage + bubble + pipeline sends + gradients + optimizer + fixed) * jitter
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.hardware.collectives import send_time_s
from planner.hardware.kernels import forward_and_backward_s
from planner.training.layer_time import LayerTime, Setting, layer_time, tensor_blocks, tensor_time_s
from planner.training.memory import LayerUse, StateBytes, end_parameters
from planner.training.stages import (
    ONE_F_ONE_B,
    ZERO_BUBBLE_1,
    StageLoad,
    candidate_stages,
)
from planner.training.state_time import data_s, offload_s, optimizer_s, sharded_end_s, sharded_layer_s
from planner.workload.architecture import Architecture
from planner.workload.operators import Operator, embedding_operators, head_operators

Array = NDArray[np.float64]

_ZERO = np.asarray(0.0)

CAUSES: dict[str, str] = {
    "matrix": "matrix products",
    "attention": "attention",
    "streaming": "norms, activations and other memory-bound work",
    "head": "embedding, vocabulary product and loss",
    "recompute": "recomputation",
    "host": "waiting for the host",
    "tensor": "tensor-parallel communication",
    "context": "context-parallel communication",
    "expert": "expert-parallel communication",
    "sharded": "gathering sharded parameters",
    "pipeline": "sending between pipeline stages",
    "bubble": "pipeline bubble",
    "data": "data-parallel communication",
    "optimizer": "optimizer",
    "offload": "moving offloaded states",
    "fixed": "fixed time of a step",
    "jitter": "stragglers and jitter",
}
"""Parts of a step, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """One optimizer step [s]: its total, and its parts by the names in `CAUSES`, which sum to it."""

    total: Array
    parts: dict[str, Array]
    micro_batches: Array


@dataclass(frozen=True, slots=True)
class _Ends:
    """Embedding and head for one micro-batch, forward and backward together [s].

    `sharded_embedding` and `sharded_head` are the exposed gathering and scattering of their parameters.
    """

    embedding: Array
    head: Array
    sharded_embedding: Array
    sharded_head: Array


@dataclass(frozen=True, slots=True)
class _Stage:
    """One candidate for the slowest stage: all of it for one micro-batch, and its parts [s]."""

    total: Array
    parts: dict[str, Array]


def step_time(
    architecture: Architecture,
    uses: Sequence[LayerUse],
    order: tuple[int, ...],
    *,
    setting: Setting,
    global_batch: Array,
    states: StateBytes,
) -> StepTime:
    """Give the time of one optimizer step.

    Parameters
    ----------
    architecture : the model.
    uses : its kinds of layers with their tokens in one micro-batch.
    order : index into `uses` of every layer, first to last.
    setting : strategy, machine and efficiencies.
    global_batch : sequences of one step [1].
    states : bytes per parameter, which decide what is gathered and reduced.

    Returns
    -------
    The total and its parts, broadcast over the strategy [s].

    Notes
    -----
    1F1B: the slowest stage runs m micro-batches, and while the pipeline fills and drains it waits once for
    each other stage, divided by the chunks of an interleaved schedule: (p - 1)(F + B)/v where all are equal
    [1]_. ZB-H1 fills that with weight gradients, (p - 1)(F + B - W), ZB-H2 with two, (p - 1)(F + B - 2 W)
    [2]_.

    References
    ----------
    .. [1] Narayanan et al., SC 2021, section 2.2.
    .. [2] Qi et al., Zero Bubble Pipeline Parallelism, 2023.
    """
    strategy = setting.strategy
    m = strategy.micro_batches(global_batch)
    times = [layer_time(use, setting) for use in uses]
    sharded = [sharded_layer_s(use, time, setting, states) for use, time in zip(uses, times, strict=True)]
    ends = _ends(architecture, uses, setting, states)
    weights = tuple(float(use.layer.active_parameters) for use in uses)
    stages = [_stage(load, times, sharded, ends) for load in candidate_stages(order, weights, strategy)]
    slowest = _slowest(stages)
    bubble = _bubble(order, times, ends, slowest, setting)
    sends = _sends(uses, m, setting)
    data = data_s(architecture, uses, order, times, m, setting, states)
    update = optimizer_s(architecture, uses, order, setting, states)
    moved = offload_s(architecture, uses, order, m, setting, states)
    once_per_step = np.where(strategy.pipeline > 1.0, m, 1.0)
    parts = {name: m * value for name, value in slowest.parts.items()}
    # With a pipeline the parameters are gathered once per step and kept for all micro-batches.
    parts["sharded"] = parts["sharded"] / once_per_step
    running = m * slowest.total - (m - m / once_per_step) * slowest.parts["sharded"]
    # Clipping, logging and data loading wait for the slowest rank: their time grows with the ranks' number.
    fixed = setting.efficiency.step_s * np.log2(2.0 * strategy.accelerators) / _RANKS_OF_STEP_S
    before = running + bubble + sends + data + update + moved + fixed
    doublings = np.maximum(np.log2(strategy.accelerators / 8.0), 0.0)
    jitter = before * setting.efficiency.jitter * doublings
    parts |= {
        "pipeline": sends,
        "bubble": bubble,
        "data": data,
        "optimizer": update,
        "offload": moved,
        "fixed": fixed,
        "jitter": jitter,
    }
    return StepTime(before + jitter, {name: np.asarray(parts[name]) for name in CAUSES}, m)


_RANKS_OF_STEP_S = 4.0  # `step_s` is stated for eight accelerators, log2(2 x 8)


def _stage(load: StageLoad, times: Sequence[LayerTime], sharded: Sequence[Array], ends: _Ends) -> _Stage:
    def summed(values: Sequence[Array]) -> Array:
        return sum((n * value for n, value in zip(load.layers, values, strict=True)), start=_ZERO)

    names = ("matrix", "attention", "streaming", "recompute", "host", "tensor", "context", "expert")
    parts = {name: summed([getattr(time, name) for time in times]) for name in names}
    parts["sharded"] = summed(sharded) + load.embedding * ends.sharded_embedding + load.head * ends.sharded_head
    parts["head"] = load.embedding * ends.embedding + load.head * ends.head
    total = summed([time.total for time in times]) + parts["sharded"] + parts["head"]
    return _Stage(total, parts)


def _slowest(stages: Sequence[_Stage]) -> _Stage:
    first, *others = stages
    total, parts = first.total, dict(first.parts)
    for other in others:
        slower = other.total > total
        parts = {name: np.where(slower, other.parts[name], value) for name, value in parts.items()}
        total = np.where(slower, other.total, total)
    return _Stage(total, parts)


def _ends(architecture: Architecture, uses: Sequence[LayerUse], setting: Setting, states: StateBytes) -> _Ends:
    sharding = setting.strategy.sharding_of_layers
    first, last = uses[0], uses[-1]

    def both(operators: Sequence[Operator]) -> Array:
        total = _ZERO
        for operator in operators:
            forward, backward = forward_and_backward_s(
                operator,
                machine=setting.machine,
                efficiency=setting.efficiency,
                bytes_per_element=setting.bytes_per_element,
                weight_gradient=1.0 if last.trained else 0.0,
            )
            total = total + forward + backward
        return total

    # The head joins its tensor ranks once forward and once backward, as one block of a layer does.
    joining = 2.0 * tensor_time_s(last, setting) / max(1, tensor_blocks(last.layer))
    head = both(head_operators(architecture, last.tokens, sharding)) + joining
    # Layers that predict further tokens pass through the head once each.
    passes = 1.0 + (architecture.multi_token.layers if architecture.multi_token else 0)
    parameters = end_parameters(architecture, sharding)
    return _Ends(
        embedding=both(embedding_operators(architecture, first.tokens, sharding)),
        head=passes * head,
        sharded_embedding=sharded_end_s(parameters.embedding, setting, states, trained=last.trained),
        sharded_head=sharded_end_s(parameters.head, setting, states, trained=last.trained),
    )


def _bubble(
    order: tuple[int, ...], times: Sequence[LayerTime], ends: _Ends, slowest: _Stage, setting: Setting
) -> Array:
    """Time for which the slowest stage waits while the pipeline fills and drains: once for each other stage [s]."""
    strategy = setting.strategy
    counts = [float(order.count(kind)) for kind in range(len(times))]

    def of_all(values: Sequence[Array]) -> Array:
        return sum((n * v for n, v in zip(counts, values, strict=True)), start=_ZERO)

    others = of_all([time.total for time in times]) + ends.embedding + ends.head
    others = others - (slowest.total - slowest.parts["sharded"])
    weight = of_all([time.weight for time in times]) * (strategy.pipeline - 1.0) / strategy.pipeline
    filled = np.where(strategy.schedule == ZERO_BUBBLE_1, weight, 2.0 * weight)
    filled = np.where(strategy.schedule == ONE_F_ONE_B, 0.0, filled)
    waiting = np.maximum(others - filled, 0.0) / strategy.interleave
    return np.where(strategy.pipeline > 1.0, waiting, 0.0)


def _sends(uses: Sequence[LayerUse], m: Array, setting: Setting) -> Array:
    """Exposed sends between stages: activations forward and their gradients back, once per chunk [s]."""
    strategy = setting.strategy
    last = uses[-1]
    here = last.tokens.sequences * last.tokens.length / strategy.context
    message = 2.0 * here * last.layer.hidden / strategy.tensor
    outside = np.where(strategy.accelerators > setting.machine.domain, 1.0, 0.0)
    once = send_time_s(message, outside=outside, links=setting.links)
    sends = 2.0 * strategy.interleave * m * once * (1.0 - setting.efficiency.overlap_pipeline)
    return np.where(strategy.pipeline > 1.0, sends, 0.0)
