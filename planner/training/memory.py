"""Device memory of a training run, by cause: weights, gradients, optimizer states, activations and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.training.activations import Implementation, head_bytes, kept_bytes, saved_tensors
from planner.training.stages import StageLoad, in_flight
from planner.training.strategy import Strategy
from planner.workload.architecture import Architecture, Layer, Projection
from planner.workload.operators import Sharding, Tokens, local_inputs, local_outputs

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LayerUse:
    """One kind of layer with the tokens that it meets in one micro-batch, and whether its weights train."""

    layer: Layer
    tokens: Tokens
    trained: bool = True


@dataclass(frozen=True, slots=True)
class StateBytes:
    """Bytes per parameter of each state [B].

    Parameters
    ----------
    weights : the copy that products read.
    gradients : gradients as they are accumulated.
    optimizer : moments and 32-bit master copy together.
    trained_share : share of the parameters that is trained; a LoRA run trains less than a hundredth.
    """

    weights: float
    gradients: float
    optimizer: float
    trained_share: float = 1.0


@dataclass(frozen=True, slots=True)
class MemoryRules:
    """What a framework adds to the states and activations.

    Parameters
    ----------
    implementation : what a layer saves.
    logits_copies : copies of the logits alive at once.
    head_gradient_bytes : bytes per element of the head's weight gradient before it is added up [B].
    reserve_bytes : context of the driver, communication buffers and work space of libraries [B].
    fragmentation : share of the rest that the allocator cannot use [1].
    """

    implementation: Implementation
    logits_copies: float
    head_gradient_bytes: float
    reserve_bytes: float
    fragmentation: float


@dataclass(frozen=True, slots=True)
class Memory:
    """Device memory of one accelerator of one stage, by cause [B]."""

    weights: Array
    gradients: Array
    optimizer: Array
    activations: Array
    head: Array
    gathered: Array
    workspace: Array
    reserve: Array

    @property
    def allocated(self) -> Array:
        """What the framework allocates: all but the reserve and fragmentation [B]."""
        states = self.weights + self.gradients + self.optimizer
        total: Array = states + self.activations + self.head + self.gathered + self.workspace
        return total

    @property
    def total(self) -> Array:
        """All of it [B]."""
        return self.allocated + self.reserve


@dataclass(frozen=True, slots=True)
class Held:
    """Parameters on one accelerator [1]: those that data ranks share, and those that expert ranks share."""

    dense: Array
    expert: Array


def held_parameters(layer: Layer, sharding: Sharding) -> Held:
    """Give the parameters of one layer on one accelerator, before any sharding of states [1]."""
    dense = np.asarray(float(layer.norm_parameters + layer.other_parameters))
    dense = dense + sum((_held(p, sharding.tensor) for p in layer.projections), start=np.asarray(0.0))
    if layer.scan:
        vectors = layer.scan.parameters + layer.scan.convolution_parameters
        dense = dense + vectors / np.minimum(sharding.tensor, float(layer.scan.heads))
    expert = np.asarray(0.0)
    if layer.experts:
        each = sum((_held(p, sharding.expert_tensor) for p in layer.experts.projections), start=np.asarray(0.0))
        expert = layer.experts.count / sharding.expert * each
    return Held(dense, expert)


def _held(projection: Projection, tensor: Array) -> Array:
    outputs = local_outputs(projection, tensor)
    return local_inputs(projection, tensor) * outputs + (outputs if projection.bias else 0.0)


def end_parameters(architecture: Architecture, sharding: Sharding) -> tuple[Array, Array]:
    """Give the parameters of the embedding and of the head on one accelerator [1].

    With tied embeddings the head is a second copy of the embedding where the two are on different stages;
    `stage_memory` drops it where they are not.
    """
    stems = sum(c.parameters for c in architecture.convolutions)
    embedding = architecture.embedding_parameters / sharding.tensor + architecture.position_parameters + stems
    head = sum((_held(p, sharding.tensor) for p in architecture.head), start=np.asarray(0.0))
    final = architecture.head_parameters + sum(s.final_norm_parameters for s in architecture.stacks)
    return np.asarray(embedding), head + float(final)


def stage_memory(
    architecture: Architecture,
    uses: Sequence[LayerUse],
    stage: StageLoad,
    *,
    strategy: Strategy,
    micro_batches: Array,
    states: StateBytes,
    rules: MemoryRules,
) -> Memory:
    """Give the memory of one accelerator of one stage.

    Parameters
    ----------
    architecture : the model.
    uses : its kinds of layers with their tokens, in the order that `stage.layers` counts.
    stage : which layers the stage holds.
    strategy : how the run is spread.
    micro_batches : micro-batches of one step [1].
    states : bytes per parameter.
    rules : what the framework adds.

    Returns
    -------
    Bytes by cause, broadcast over the strategy [B].

    Notes
    -----
    States are divided by the sharding group: optimizer from stage 1 on, gradients from 2, weights from 3,
    where the two largest gathered layers are alive besides. Experts divide by the data ranks that hold the
    same experts. The peak stands where the backward pass begins: all activations in flight, the head's
    logits and the gradient of its weights.
    """
    sharding = strategy.sharding_of_layers
    dense, expert, largest = np.asarray(0.0), np.asarray(0.0), np.asarray(0.0)
    kept, trained = np.asarray(0.0), np.asarray(0.0)
    for use, count in zip(uses, stage.layers, strict=True):
        held = held_parameters(use.layer, sharding)
        dense, expert = dense + count * held.dense, expert + count * held.expert
        largest = np.maximum(largest, np.where(count > 0, held.dense + held.expert, 0.0))
        tensors = saved_tensors(use.layer, use.tokens, sharding, rules.implementation)
        kept = kept + count * kept_bytes(tensors, strategy.recompute)
        trained = trained + count * (held.dense + held.expert) * use.trained
    embedding, head = end_parameters(architecture, sharding)
    shares_embedding = stage.embedding * stage.head if architecture.tied else 0.0
    dense = dense + stage.embedding * embedding + stage.head * head * (1.0 - shares_embedding)

    group = strategy.state_group
    expert_group = np.minimum(strategy.sharding_group, np.maximum(strategy.expert_data, 1.0))

    def divided(from_stage: float, bytes_each: float) -> Array:
        by_dense = np.where(strategy.sharding >= from_stage, group, 1.0)
        by_expert = np.where(strategy.sharding >= from_stage, expert_group, 1.0)
        return bytes_each * (dense / by_dense + expert / by_expert)

    offload = strategy.offload
    gathered = np.where(strategy.sharding >= 3.0, 2.0 * states.weights * largest, 0.0)
    flying = in_flight(strategy, micro_batches, stage.index)
    last = uses[-1]
    at_head = head_bytes(
        architecture,
        last.tokens,
        sharding,
        copies=rules.logits_copies,
        element_bytes=rules.implementation.element_bytes,
    )
    vocabulary = sum((_held(p, sharding.tensor) for p in architecture.head), start=np.asarray(0.0))
    head_trains = 1.0 if states.trained_share == 1.0 else 0.0
    workspace = np.maximum(
        stage.head * rules.head_gradient_bytes * vocabulary * head_trains,
        _layer_workspace(uses, stage, strategy, rules),
    )
    share = states.trained_share
    used = Memory(
        weights=divided(3.0, states.weights) * _here(offload.parameters),
        gradients=divided(2.0, states.gradients * share) * _here(offload.gradients),
        optimizer=divided(1.0, states.optimizer * share) * _here(offload.optimizer),
        activations=flying * kept * _here(offload.activations),
        head=stage.head * at_head,
        gathered=gathered,
        workspace=workspace,
        reserve=np.asarray(0.0),
    )
    return replace(used, reserve=rules.reserve_bytes + rules.fragmentation * used.allocated)


def _here(kept: Array) -> Array:
    """1 where a state stays in device memory, 0 where it is offloaded [1]."""
    return np.where(kept == 0, 1.0, 0.0)


def _layer_workspace(uses: Sequence[LayerUse], stage: StageLoad, strategy: Strategy, rules: MemoryRules) -> Array:
    """What one layer holds besides while its backward pass runs [B].

    Everything it would have kept where it is computed again, and the gradients of its feed-forward's inner
    tensors, which are the largest that are alive together.
    """
    most = np.asarray(0.0)
    sharding = strategy.sharding_of_layers
    for use, count in zip(uses, stage.layers, strict=True):
        tensors = saved_tensors(use.layer, use.tokens, sharding, rules.implementation)
        whole = sum((t.size_bytes for t in tensors), start=np.asarray(0.0))
        inner = (t.size_bytes for t in tensors if t.name.endswith((" inner", " activation")))
        again = whole - kept_bytes(tensors, strategy.recompute) + sum(inner, start=np.asarray(0.0))
        most = np.maximum(most, np.where(count > 0, again, 0.0))
    return most
