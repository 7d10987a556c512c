"""Device memory of a training run, by cause: weights, gradients, optimizer states, activations and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.training.activations import Stream, bytes_by_group, kept_bytes, saved_tensors
from planner.training.end_activations import head_bytes, source_bytes, stem_bytes, table_bytes
from planner.training.implementation import Implementation
from planner.training.stages import StageLoad, in_flight
from planner.training.strategy import Strategy
from planner.training.tape import Kept, SavedTensor
from planner.workload.architecture import Architecture, Layer, Projection
from planner.workload.operators import Sharding, Tokens, local_inputs, local_outputs

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LayerUse:
    """One kind of layer with the tokens that it meets in one micro-batch.

    Parameters
    ----------
    layer, tokens : the kind and its input.
    trained : its weights train.
    shared : all layers of the kind use one set of weights (ALBERT).
    """

    layer: Layer
    tokens: Tokens
    trained: bool = True
    shared: bool = False

    def held(self, count: Array) -> Array:
        """Give the sets of weights of so many layers [1]."""
        return np.minimum(count, 1.0) if self.shared else count


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
    keeps_sent : a stage keeps what it sent to the next one until the backward pass.
    """

    implementation: Implementation
    logits_copies: float
    head_gradient_bytes: float
    reserve_bytes: float
    fragmentation: float
    keeps_sent: bool = False


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
    held = (_held(p, sharding.tensor) for p in (*layer.projections, *layer.per_sample))
    dense = dense + sum(held, start=np.asarray(0.0))
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


@dataclass(frozen=True, slots=True)
class EndParameters:
    """Parameters outside the layers on one accelerator [1].

    Parameters
    ----------
    embedding : before the first layer. head : behind the last one.
    shared : of both, the matrix that tied embeddings hold once where both are on one stage.
    """

    embedding: Array
    head: Array
    shared: Array

    def of(self, stage: StageLoad) -> Array:
        """Give those of one stage [1]."""
        held: Array = stage.embedding * self.embedding + stage.head * self.head
        return held - stage.embedding * stage.head * self.shared


def end_parameters(architecture: Architecture, sharding: Sharding) -> EndParameters:
    """Give the parameters of the embedding and of the head on one accelerator.

    The token table and the vocabulary's matrix are divided over tensor ranks; with tied embeddings the
    latter is a second copy of the table where the two are on different stages.
    """
    one = np.ones_like(sharding.tensor)
    matrix = sum((_held(p, sharding.tensor) for p in architecture.head), start=np.asarray(0.0))
    pooled = sum((_held(p, one) for p in architecture.pooled), start=np.asarray(0.0))
    norms = architecture.head_parameters + sum(s.final_norm_parameters for s in architecture.stacks)
    vocabulary = [p for p in architecture.head if p.name == "vocabulary"]
    tied = sum((p.weights / np.minimum(sharding.tensor, float(p.shards)) for p in vocabulary), start=np.asarray(0.0))
    return EndParameters(
        embedding=architecture.embedding_parameters / sharding.tensor + architecture.stem_parameters,
        head=matrix + pooled + float(norms),
        shared=tied if architecture.tied else np.asarray(0.0),
    )


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
    States are divided by the sharding group: optimizer from stage 1 on, gradients from 2, weights from 3.
    Experts divide by the data ranks that hold the same experts. The peak stands where the backward pass
    begins, with all activations in flight: either at the head, with the logits and the gradient of its
    matrix, or, the logits gone, in the layer that needs most besides what it kept.
    """
    sharding = strategy.sharding_of_layers
    nothing = np.asarray(0.0)
    dense, expert, largest, kept, besides = nothing, nothing, nothing, nothing, nothing
    for use, count in zip(uses, stage.layers, strict=True):
        held = held_parameters(use.layer, sharding)
        dense, expert = dense + use.held(count) * held.dense, expert + use.held(count) * held.expert
        largest = np.maximum(largest, np.where(count > 0, held.dense + held.expert, 0.0))
        tensors = saved_tensors(use.layer, use.tokens, sharding, rules.implementation)
        kept = kept + count * kept_bytes(tensors, strategy.recompute)
        besides = np.maximum(besides, np.where(count > 0, _besides(tensors, count, strategy), 0.0))
    ends = end_parameters(architecture, sharding)
    dense = dense + ends.of(stage)
    flying = in_flight(strategy, micro_batches, stage.index)
    kept = kept + _between(architecture, uses, stage, sharding, rules.implementation)
    if rules.keeps_sent:
        last = Stream.of(architecture.hidden, uses[-1].tokens, sharding, rules.implementation.element_bytes)
        kept = kept + (1.0 - stage.head) * last.hidden_bytes
    tables = table_bytes(architecture, uses[-1].tokens.length, sharding, rules.implementation)

    at_head = stage.head * head_bytes(
        architecture, uses[-1].tokens, sharding, rules.implementation, copies=rules.logits_copies
    )
    matrix = sum((_held(p, sharding.tensor) for p in architecture.head), start=nothing)
    of_head = stage.head * rules.head_gradient_bytes * matrix * (1.0 if states.trained_share == 1.0 else 0.0)
    is_head = at_head + of_head >= besides

    def divided(from_stage: float, bytes_each: float) -> Array:
        by_dense = np.where(strategy.sharding >= from_stage, strategy.state_group, 1.0)
        by_expert = np.where(strategy.sharding >= from_stage, strategy.expert_state_group, 1.0)
        return bytes_each * (dense / by_dense + expert / by_expert)

    offload, share = strategy.offload, states.trained_share
    used = Memory(
        weights=divided(3.0, states.weights) * _here(offload.parameters),
        gradients=divided(2.0, states.gradients * share) * _here(offload.gradients),
        optimizer=divided(1.0, states.optimizer * share) * _here(offload.optimizer),
        activations=(flying * kept + tables) * _here(offload.activations),
        head=np.where(is_head, at_head, 0.0),
        gathered=_gathered(strategy, dense + expert, largest, states),
        workspace=np.where(is_head, of_head, besides),
        reserve=nothing,
    )
    return replace(used, reserve=rules.reserve_bytes + rules.fragmentation * used.allocated)


def _here(kept: Array) -> Array:
    """1 where a state stays in device memory, 0 where it is offloaded [1]."""
    return np.where(kept == 0, 1.0, 0.0)


def _gathered(strategy: Strategy, whole: Array, largest: Array, states: StateBytes) -> Array:
    """Whole weights beside the shards [B]: of the layer that runs and the next one.

    A pipeline gathers its stage once a step and keeps it for all micro-batches.
    """
    elsewhere = (strategy.sharding >= 3.0) | (strategy.offload.parameters > 0)
    kept = np.where((strategy.sharding >= 3.0) & (strategy.pipeline > 1.0), whole, np.minimum(2.0 * largest, whole))
    return np.where(elsewhere, states.weights * kept, 0.0)


def _between(
    architecture: Architecture,
    uses: Sequence[LayerUse],
    stage: StageLoad,
    sharding: Sharding,
    implementation: Implementation,
) -> Array:
    """What is kept before the first layer, and between an encoder and its decoder [B].

    An encoder's result is kept by each stage that holds layers which read it.
    """
    total = stage.embedding * stem_bytes(architecture, uses[0].tokens, sharding, implementation)
    readers = [n for use, n in zip(uses, stage.layers, strict=True) if any(core.cross for core in use.layer.cores)]
    reads = sum(readers, start=np.asarray(0.0)) > 0
    first = 0
    for stack in architecture.stacks[:-1]:
        result = source_bytes(stack, uses[first].tokens, sharding, implementation)
        total = total + np.where(reads | (stage.embedding > 0), result, 0.0)
        first += len(stack.kinds)
    return np.asarray(total)


def _besides(tensors: Sequence[SavedTensor], count: Array, strategy: Strategy) -> Array:
    """What one layer holds besides while its backward pass runs [B].

    Everything it would have kept where it is computed again or kept elsewhere, and the gradients of its
    feed-forward's inner tensors, which are the largest that are alive together. A share of less than one
    layer in all is computed again in the same proportion.
    """
    sizes = bytes_by_group(tensors)
    again = strategy.recompute
    some = np.minimum(1.0, again.layers * count)
    whole = sum((size for group, size in sizes.items() if group is not Kept.BOUNDARY), start=np.asarray(0.0))
    parts = whole - kept_bytes(tensors, replace(again, layers=np.asarray(0.0)))
    layer = whole - kept_bytes(tensors, replace(again, layers=np.asarray(1.0)))
    returned = np.where(strategy.offload.activations > 0, whole, some * layer + (1.0 - some) * parts)
    return returned + sizes.get(Kept.INNER, 0.0) + sizes.get(Kept.ACTIVATION, 0.0)
