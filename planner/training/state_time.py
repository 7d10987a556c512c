"""Time that a run's states cost: gathering and reducing them over ranks, updating them, moving them elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.hardware.collectives import Group, all_reduce_time_s, gather_or_scatter_time_s
from planner.training.activations import kept_bytes, saved_tensors
from planner.training.held import LayerUse, end_parameters, held_parameters
from planner.training.layer_time import LayerTime, Setting, exposed
from planner.training.memory import StateBytes
from planner.training.stages import copies
from planner.workload.architecture import Architecture

Array = NDArray[np.float64]

_ZERO = np.asarray(0.0)


def sharded_end_s(parameters: Array, setting: Setting, states: StateBytes, *, trained: bool) -> Array:
    """Exposed gathering, forward and backward, and scattering of the embedding's or the head's parameters [s]."""
    strategy = setting.strategy
    if not np.any(strategy.sharding >= 3.0):
        return _ZERO
    group = Group.of(strategy.state_group, stride=strategy.tensor, machine=setting.machine)
    once = gather_or_scatter_time_s(states.weights * parameters, group, setting.links)
    shown = (3.0 if trained else 2.0) * once * (1.0 - setting.efficiency.overlap_sharded)
    return np.where(strategy.sharding >= 3.0, shown, 0.0)


def sharded_layer_s(use: LayerUse, time: LayerTime, setting: Setting, states: StateBytes) -> Array:
    """Exposed gathering and scattering of one layer's sharded parameters for one micro-batch [s].

    Parameters are gathered forward and again backward, gradients scattered: each hides behind the layer's
    own work, since the next layer is fetched while this one runs.
    """
    strategy = setting.strategy
    if not np.any(strategy.sharding >= 3.0):
        return _ZERO
    held = held_parameters(use.layer, strategy.sharding_of_layers)
    group = Group.of(strategy.state_group, stride=strategy.tensor, machine=setting.machine)
    experts = Group.of(
        strategy.expert_state_group,
        stride=strategy.expert * strategy.expert_tensor,
        machine=setting.machine,
    )

    def gathered(bytes_each: float) -> Array:
        dense = gather_or_scatter_time_s(bytes_each * held.dense, group, setting.links)
        routed = gather_or_scatter_time_s(bytes_each * held.expert, experts, setting.links)
        return dense + np.where(held.expert > 0, routed, 0.0)

    weights = gathered(states.weights)
    # FSDP reduces gradients in the weights' precision.
    gradients = gathered(states.weights) if use.trained else _ZERO
    share = setting.efficiency.overlap_sharded
    forward = exposed(weights, share, time.forward)
    backward = exposed(weights + gradients, share, time.backward + time.recompute)
    return np.where(strategy.sharding >= 3.0, forward + backward, 0.0)


def data_s(
    architecture: Architecture,
    uses: Sequence[LayerUse],
    order: tuple[int, ...],
    times: Sequence[LayerTime],
    m: Array,
    setting: Setting,
    states: StateBytes,
) -> Array:
    """Exposed reduction of gradients and gathering of updated weights over data ranks, once per step [s].

    Gradients are reduced while the last micro-batch's backward pass runs, weights gathered while the next
    step's first forward pass does. With gradients sharded and no pipeline they are scattered after every
    micro-batch.
    """
    strategy = setting.strategy
    held = copies(strategy)
    dense, expert = (held * count for count in stage_parameters(architecture, uses, order, setting))
    stride = strategy.tensor
    group = Group.of(strategy.data * strategy.context, stride=stride, machine=setting.machine)
    expert_group = Group.of(
        np.maximum(strategy.expert_data, 1.0),
        stride=strategy.expert * strategy.expert_tensor,
        machine=setting.machine,
    )
    share = states.trained_share
    reduced = _ZERO
    gathered = _ZERO
    for count, ranks in ((dense, group), (expert, expert_group)):
        scatter = gather_or_scatter_time_s(states.gradients * share * count, ranks, setting.links)
        reduced = reduced + np.where(
            strategy.sharding >= 1.0,
            scatter,
            all_reduce_time_s(states.gradients * share * count, ranks, setting.links),
        )
        weights = gather_or_scatter_time_s(states.weights * share * count, ranks, setting.links)
        gathered = gathered + np.where(strategy.sharding >= 1.0, weights, 0.0)
    often = np.where((strategy.sharding >= 2.0) & (strategy.pipeline == 1.0), m, 1.0)
    layers = [float(order.count(kind)) / strategy.pipeline for kind in range(len(uses))]
    forward = sum((n * t.forward for n, t in zip(layers, times, strict=True)), start=_ZERO)
    backward = sum((n * t.backward for n, t in zip(layers, times, strict=True)), start=_ZERO)
    overlap = setting.efficiency.overlap_data
    shown = often * exposed(reduced, overlap, backward) + exposed(gathered, overlap, forward)
    # Parameters sharded too are gathered and scattered layer by layer instead; where every group of ranks holds
    # a copy of them, the groups add their shards of the gradients up.
    between = (1.0 - overlap) * _between_copies_s(dense, expert, setting, states)
    return np.where(strategy.sharding >= 3.0, between, shown)


def _between_copies_s(dense: Array, expert: Array, setting: Setting, states: StateBytes) -> Array:
    """All-reduce of sharded gradients between groups that hold one copy of the states each (hybrid sharding) [s]."""
    strategy, machine = setting.strategy, setting.machine
    experts_stride = strategy.expert * strategy.expert_tensor
    total = _ZERO
    for count, ranks, shards, stride in (
        (dense, strategy.data * strategy.context, strategy.state_group, strategy.tensor),
        (expert, np.maximum(strategy.expert_data, 1.0), strategy.expert_state_group, experts_stride),
    ):
        copies = Group.of(ranks / shards, stride=stride * shards, machine=machine)
        shard = states.weights * states.trained_share * count / shards
        total = total + all_reduce_time_s(shard, copies, setting.links)
    return total


def stage_parameters(
    architecture: Architecture, uses: Sequence[LayerUse], order: tuple[int, ...], setting: Setting
) -> tuple[Array, Array]:
    """Give the parameters that an accelerator of a mean stage holds: dense, and those of experts [1]."""
    strategy = setting.strategy
    sharding = strategy.sharding_of_layers
    dense, expert = _ZERO, _ZERO
    for kind, use in enumerate(uses):
        held = held_parameters(use.layer, sharding)
        count = use.held(np.asarray(float(order.count(kind))))
        dense, expert = dense + count * held.dense, expert + count * held.expert
    ends = end_parameters(architecture, sharding)
    shared = np.where(strategy.pipeline > 1.0, 0.0, ends.shared)
    return (dense + ends.embedding + ends.head - shared) / strategy.pipeline, expert / strategy.pipeline


def optimizer_s(
    architecture: Architecture, uses: Sequence[LayerUse], order: tuple[int, ...], setting: Setting, states: StateBytes
) -> Array:
    """Update of the parameters that one accelerator owns: memory traffic of states, gradient and weights [s].

    Moments and master copy are read and written, the gradient read, the weights written, and read first
    where no master copy holds their exact value.
    """
    strategy, machine = setting.strategy, setting.machine
    dense, expert = stage_parameters(architecture, uses, order, setting)
    divided = strategy.sharding >= 1.0
    owned = dense / np.where(divided, strategy.state_group, 1.0)
    owned = owned + expert / np.where(divided, strategy.expert_state_group, 1.0)
    traffic = 2.0 * states.optimizer + states.gradients + states.weights
    rate = machine.memory_bandwidth_bytes_per_s * setting.efficiency.memory
    on_device = owned * states.trained_share * traffic * setting.efficiency.optimizer / rate
    return np.where(strategy.offload.optimizer == 0, on_device, 0.0)


def offload_s(
    architecture: Architecture,
    uses: Sequence[LayerUse],
    order: tuple[int, ...],
    m: Array,
    setting: Setting,
    states: StateBytes,
) -> tuple[Array, Array]:
    """Moving what is kept in host memory (1) or on local drives (2), not hidden: states, and activations [s].

    Optimizer states on the host are updated there: gradients go down and weights come up; states on drives
    are read and written once a step besides. Gradients kept outside go down after every micro-batch,
    parameters come up for every forward and every backward pass, activations go down and come up again.
    """
    strategy, offload = setting.strategy, setting.strategy.offload
    places = (offload.optimizer, offload.gradients, offload.parameters, offload.activations)
    if not any(np.any(place > 0) for place in places):
        return _ZERO, _ZERO
    machine, trained = setting.machine, states.trained_share
    dense, expert = stage_parameters(architecture, uses, order, setting)

    def owned(from_stage: float) -> Array:
        divided = strategy.sharding >= from_stage
        mine = dense / np.where(divided, strategy.state_group, 1.0)
        return mine + expert / np.where(divided, strategy.expert_state_group, 1.0)

    def rate(place: Array) -> Array:
        drives = np.minimum(machine.disk_read_bytes_per_s, machine.disk_write_bytes_per_s)
        both = np.minimum(drives, machine.host_link_bytes_per_s)
        return np.where(place == 2.0, both, machine.host_link_bytes_per_s)

    updated = owned(1.0) * trained
    down = np.where(offload.gradients > 0, 0.0, states.gradients)  # else they are there already
    link = updated * (down + states.weights) / machine.host_link_bytes_per_s
    disk = updated * states.optimizer * (1.0 / machine.disk_read_bytes_per_s + 1.0 / machine.disk_write_bytes_per_s)
    optimizer = np.where(offload.optimizer > 0, link, 0.0) + np.where(offload.optimizer == 2.0, disk, 0.0)
    back = np.where(offload.optimizer > 0, 0.0, 1.0)
    gradients = (m + back) * owned(2.0) * trained * states.gradients / rate(offload.gradients)
    parameters = 2.0 * m * owned(3.0) * states.weights / rate(offload.parameters)
    moved = optimizer + np.where(offload.gradients > 0, gradients, 0.0)
    moved = moved + np.where(offload.parameters > 0, parameters, 0.0)
    if not np.any(offload.activations > 0):
        return moved, _ZERO
    activations = 2.0 * m * _kept_bytes(uses, order, setting) / rate(offload.activations)
    return moved, np.where(offload.activations > 0, activations, 0.0)


def _kept_bytes(uses: Sequence[LayerUse], order: tuple[int, ...], setting: Setting) -> Array:
    """Activations that a mean stage keeps of one micro-batch [B]."""
    strategy = setting.strategy
    total = _ZERO
    for kind, use in enumerate(uses):
        tensors = saved_tensors(use.layer, use.tokens, strategy.sharding_of_layers, setting.implementation)
        total = total + order.count(kind) / strategy.pipeline * kept_bytes(tensors, strategy.recompute)
    return total
