"""Time of one optimizer step: layers on stages, pipeline, data-parallel communication, optimizer.

step = (m * slowest stage + bubble + pipeline sends + gradients + optimizer + fixed) * jitter
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.hardware.collectives import send_time_s
from planner.hardware.kernels import forward_and_backward_s
from planner.record import record
from planner.training.held import LayerUse, end_parameters
from planner.training.layer_time import LayerTime, Setting, layer_time, tensor_blocks, tensor_time_s
from planner.training.memory import StateBytes
from planner.training.stages import (
    DUAL_PIPE,
    ONE_F_ONE_B,
    ZERO_BUBBLE_1,
    StageLoad,
)
from planner.training.state_time import data_s, offload_s, optimizer_s, sharded_end_s, sharded_layer_s
from planner.workload.architecture import Architecture
from planner.workload.layer_operators import embedding_operators, head_operators
from planner.workload.operators import Operator

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


@record
class _Ends:
    """Embedding and head for one micro-batch, forward and backward together [s].

    `sharded_embedding` and `sharded_head` are the exposed gathering and scattering of their parameters.
    """

    embedding: Array
    head: Array
    sharded_embedding: Array
    sharded_head: Array


@record
class _Stage:
    """One candidate for the slowest stage, for one micro-batch [s].

    Parameters
    ----------
    load : what it holds.
    total : all of it. sharded, busy : of that, gathering sharded parameters, and work that keeps units busy.
    """

    load: StageLoad
    total: Array
    sharded: Array
    busy: Array


@record
class _Anatomy:
    """What the parts of a step are told from.

    Parameters
    ----------
    times, sharded, ends : of each kind of layer, and of what stands around them.
    stages, slowest : candidates, and the number of the slowest one.
    gatherings : how often a stage gathers its parameters in a step.
    once : parts by name that stand once in a step [s].
    """

    times: Sequence[LayerTime]
    sharded: Sequence[Array]
    ends: _Ends
    stages: Sequence[_Stage]
    slowest: Array
    gatherings: Array
    once: dict[str, Array]


@record
class StepTime:
    """One optimizer step [s], as addends that each depend on a few axes of the strategies.

    Parameters
    ----------
    layers : the slowest stage's micro-batches and all that does not depend on where states are kept.
    states, activations : updating and moving states, and moving activations.
    jitter_share : loss to stragglers, over all of that [1].
    busy_layers, busy_states : of `layers` and `states`, work that keeps an accelerator's units busy.
    micro_batches : of one pipeline [1].
    anatomy : what the parts are told from.
    """

    layers: Array
    states: Array
    activations: Array
    jitter_share: Array
    busy_layers: Array
    busy_states: Array
    micro_batches: Array
    anatomy: _Anatomy

    @property
    def total(self) -> Array:
        """The whole step [s]."""
        before = self.layers + (self.states + self.activations)
        total: Array = before + before * self.jitter_share
        return total

    @property
    def busy(self) -> Array:
        """Work that keeps an accelerator's units busy, and with them its power; the rest of a step it waits [s]."""
        return self.busy_layers + self.busy_states

    @property
    def parts(self) -> dict[str, Array]:
        """Parts by the names in `CAUSES`; they sum to the total [s]."""
        anatomy, m = self.anatomy, self.micro_batches
        parts: dict[str, Array] = {}
        for number, stage in enumerate(anatomy.stages):
            chosen = anatomy.slowest == number
            for name, value in _parts_of(stage.load, anatomy).items():
                parts[name] = np.where(chosen, value, parts.get(name, _ZERO))
        sharded = parts.pop("sharded")
        found = {name: m * value for name, value in parts.items()} | anatomy.once
        found["sharded"] = anatomy.gatherings * sharded
        found["jitter"] = self.jitter_share * (self.layers + (self.states + self.activations))
        return {name: np.asarray(found[name]) for name in CAUSES}


def step_time(
    architecture: Architecture,
    uses: Sequence[LayerUse],
    order: tuple[int, ...],
    candidates: Sequence[StageLoad],
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
    candidates : stages of which one is the slowest.
    setting : strategy, machine and efficiencies.
    global_batch : sequences of one step [1].
    states : bytes per parameter, which decide what is gathered and reduced.

    Returns
    -------
    The total and its parts, broadcast over the strategy [s].

    Notes
    -----
    1F1B: the slowest stage runs m micro-batches, and while the pipeline fills and drains it waits once for
    each other stage, divided by the chunks of an interleaved schedule: (p - 1)(F + B + W)/v where all are
    equal, with F, B and W a stage's forward pass, input gradients and weight gradients [1]_. Where there are
    micro-batches enough to put weight gradients off, ZB-H1 leaves (p - 1)(F + B - W) of it and ZB-H2
    (p - 1)(F + B - 2 W) [2]_. DualPipe leaves (p/2 - 1)(F + 2 B - W) [3]_.

    References
    ----------
    .. [1] Narayanan et al., SC 2021, section 2.2.
    .. [2] Qi et al., Zero Bubble Pipeline Parallelism, 2023.
    .. [3] DeepSeek-AI, DeepSeek-V3 Technical Report, 2024, table 2, whose B is B + W here.
    """
    strategy, efficiency = setting.strategy, setting.efficiency
    m = strategy.micro_batches(global_batch)
    times = [layer_time(use, setting) for use in uses]
    sharded = [sharded_layer_s(use, time, setting, states) for use, time in zip(uses, times, strict=True)]
    ends = _ends(architecture, uses, setting, states)
    stages = [_stage(load, times, sharded, ends) for load in candidates]
    # With a pipeline the parameters are gathered once per step and kept for all micro-batches.
    gatherings = np.where(strategy.pipeline > 1.0, 1.0, m)
    slowest, number = _slowest(stages, m, gatherings)
    # Clipping, logging and data loading wait for the slowest rank: their time grows with the ranks' number.
    fixed = efficiency.step_s * np.log2(2.0 * strategy.accelerators) / _RANKS_OF_STEP_S
    doublings = np.maximum(np.log2(strategy.accelerators / 8.0), 0.0)
    once = {
        "pipeline": _sends(uses, m, setting),
        "bubble": _bubble(order, times, ends, slowest, m, setting),
        "data": data_s(architecture, uses, order, times, m, setting, states),
        "optimizer": optimizer_s(architecture, uses, order, setting, states),
        "fixed": fixed,
    }
    moved, activations = offload_s(architecture, uses, order, m, setting, states)
    outside = once["pipeline"] + once["data"] + fixed
    return StepTime(
        layers=m * (slowest.total - slowest.sharded) + gatherings * slowest.sharded + once["bubble"] + outside,
        states=once["optimizer"] + moved,
        activations=activations,
        jitter_share=efficiency.jitter * doublings,
        busy_layers=m * slowest.busy,
        busy_states=once["optimizer"],
        micro_batches=m,
        anatomy=_Anatomy(times, sharded, ends, stages, number, gatherings, once | {"offload": moved + activations}),
    )


_RANKS_OF_STEP_S = 4.0  # `step_s` is stated for eight accelerators, log2(2 x 8)
_OF_LAYERS = ("matrix", "attention", "streaming", "recompute", "host", "tensor", "context", "expert")
_BUSY = ("matrix", "attention", "streaming", "recompute")


def _stage(load: StageLoad, times: Sequence[LayerTime], sharded: Sequence[Array], ends: _Ends) -> _Stage:
    of_ends = load.embedding * ends.embedding + load.head * ends.head
    gathering = _gathering(load, sharded, ends)
    working = [sum((getattr(time, name) for name in _BUSY), start=_ZERO) for time in times]
    total = load.of([time.total for time in times]) + of_ends
    return _Stage(load, total + gathering, gathering, load.of(working) + of_ends)


def _gathering(load: StageLoad, sharded: Sequence[Array], ends: _Ends) -> Array:
    return load.of(sharded) + load.embedding * ends.sharded_embedding + load.head * ends.sharded_head


def _parts_of(load: StageLoad, anatomy: _Anatomy) -> dict[str, Array]:
    """Give the parts of one stage for one micro-batch [s]."""
    parts = {name: load.of([getattr(time, name) for time in anatomy.times]) for name in _OF_LAYERS}
    parts["sharded"] = _gathering(load, anatomy.sharded, anatomy.ends)
    parts["head"] = load.embedding * anatomy.ends.embedding + load.head * anatomy.ends.head
    return parts


def _slowest(stages: Sequence[_Stage], m: Array, gatherings: Array) -> tuple[_Stage, Array]:
    """Give the stage that has most to do in one step of every strategy, and its number among the candidates."""

    def seconds(stage: _Stage) -> Array:
        return m * (stage.total - stage.sharded) + gatherings * stage.sharded

    slowest, longest = stages[0], seconds(stages[0])
    number = np.zeros_like(longest)
    for other, stage in enumerate(stages[1:], start=1):
        time = seconds(stage)
        slower = time > longest
        longest = np.where(slower, time, longest)
        number = np.where(slower, float(other), number)
        slowest = _Stage(
            stage.load,
            np.where(slower, stage.total, slowest.total),
            np.where(slower, stage.sharded, slowest.sharded),
            np.where(slower, stage.busy, slowest.busy),
        )
    return slowest, number


def _ends(architecture: Architecture, uses: Sequence[LayerUse], setting: Setting, states: StateBytes) -> _Ends:
    sharding = setting.strategy.sharding_of_layers
    first, last = uses[0], uses[-1]

    def both(operators: Sequence[Operator]) -> Array:
        total = _ZERO
        for operator in operators:
            forward, backward = forward_and_backward_s(
                setting.widened(operator),
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
    order: tuple[int, ...], times: Sequence[LayerTime], ends: _Ends, slowest: _Stage, m: Array, setting: Setting
) -> Array:
    """Time for which the slowest stage waits while the pipeline fills and drains: once for each other stage [s]."""
    strategy = setting.strategy
    counts = [float(order.count(kind)) for kind in range(len(times))]

    def of_all(values: Sequence[Array]) -> Array:
        return sum((n * v for n, v in zip(counts, values, strict=True)), start=_ZERO)

    others = of_all([time.total for time in times]) + ends.embedding + ends.head
    others = others - (slowest.total - slowest.sharded)
    stages = strategy.pipeline
    # Weight gradients wait until the pipeline drains: those of the other stages, and those that are in flight.
    flying = np.minimum(m, np.where(strategy.schedule == ZERO_BUBBLE_1, stages, 2.0 * stages - 1.0))
    filled = (stages - 1.0 + flying - 1.0) * of_all([time.weight for time in times]) / stages
    filled = np.where(strategy.schedule == ONE_F_ONE_B, 0.0, filled)
    waiting = np.maximum(others - filled, 0.0) / strategy.interleave
    waiting = np.where(strategy.schedule == DUAL_PIPE, _dual_bubble(of_all, times, ends, stages), waiting)
    return np.where(strategy.pipeline > 1.0, waiting, 0.0)


def _dual_bubble(
    of_all: Callable[[Sequence[Array]], Array], times: Sequence[LayerTime], ends: _Ends, stages: Array
) -> Array:
    """Time for which a rank that is fed from both ends waits: (p/2 - 1)(F + 2 B - W) of a mean stage [s]."""
    # The ends' backward pass is two of their three products.
    around = ends.embedding + ends.head
    forward = of_all([time.forward for time in times]) + around / 3.0
    weight = of_all([time.weight for time in times]) + around / 3.0
    gradient = of_all([time.total - time.forward - time.weight for time in times]) + around / 3.0
    return np.maximum(stages / 2.0 - 1.0, 0.0) * (forward + 2.0 * gradient - weight) / stages


def _sends(uses: Sequence[LayerUse], m: Array, setting: Setting) -> Array:
    """Exposed sends between stages: activations forward and their gradients back, once per chunk [s]."""
    strategy = setting.strategy
    last = uses[-1]
    here = last.tokens.sequences * last.tokens.length / strategy.context
    message = setting.element_bytes * here * last.layer.hidden / strategy.tensor
    outside = np.where(strategy.accelerators > setting.machine.domain, 1.0, 0.0)
    once = send_time_s(message, outside=outside, links=setting.links)
    sends = 2.0 * strategy.interleave * m * once * (1.0 - setting.efficiency.overlap_pipeline)
    return np.where(strategy.pipeline > 1.0, sends, 0.0)
