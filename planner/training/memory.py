"""Device memory of a training run, by cause: weights, gradients, optimizer states, activations and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.training.activations import Stream, bytes_by_group, kept_bytes, saved_tensors
from planner.training.end_activations import head_bytes, source_bytes, stem_bytes, table_bytes
from planner.training.held import EndParameters, Held, LayerUse, end_parameters, held_of, held_parameters
from planner.training.implementation import Implementation
from planner.training.stages import StageLoad, copies, in_flight
from planner.training.strategy import Strategy
from planner.training.tape import Kept
from planner.workload.architecture import Architecture
from planner.workload.operators import Sharding

Array = NDArray[np.float64]


@record
class StateBytes:
    """Bytes per parameter of each state [B].

    Parameters
    ----------
    weights : the copy that products read.
    gradients : gradients as they are accumulated.
    optimizer : moments and 32-bit master copy together.
    trained_share : share of the parameters that is trained; a LoRA run trains less than a hundredth.
    more_gradients : a second copy of the gradients, in another format, that no rank passes on.
    """

    weights: float
    gradients: float
    optimizer: float
    trained_share: float = 1.0
    more_gradients: float = 0.0


@record
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

    def total_bytes(self, allocated: Array) -> Array:
        """Give the memory that is taken where a framework allocates so much [B]."""
        return allocated + (self.reserve_bytes + self.fragmentation * allocated)


@record
class Memory:
    """Device memory of one accelerator of one stage, by cause [B].

    `rules` say what the framework adds to what is allocated.
    """

    weights: Array
    gradients: Array
    optimizer: Array
    activations: Array
    head: Array
    gathered: Array
    workspace: Array
    rules: MemoryRules

    @property
    def states(self) -> Array:
        """Weights, gradients and optimizer states, with the layers gathered beside them [B]."""
        total: Array = self.weights + self.gradients + self.optimizer + self.gathered
        return total

    @property
    def working(self) -> Array:
        """Activations, logits and work space [B]."""
        total: Array = self.activations + (self.head + self.workspace)
        return total

    @property
    def allocated(self) -> Array:
        """What the framework allocates: all but the reserve and fragmentation [B]."""
        return self.states + self.working

    @property
    def reserve(self) -> Array:
        """Driver, libraries and fragmentation [B]."""
        return self.rules.reserve_bytes + self.rules.fragmentation * self.allocated

    @property
    def total(self) -> Array:
        """All of it [B]."""
        return self.rules.total_bytes(self.allocated)


@record
class _LayerMemory:
    """One layer of a kind on one accelerator.

    Parameters
    ----------
    use, held : the kind, and its parameters [1].
    kept : of one micro-batch [B].
    whole, inner : all that it could keep, and of that the feed-forward's inner tensors [B].
    kept_of_parts : where no layer is computed again whole. kept_of_input : where it is [B].
    """

    use: LayerUse
    held: Held
    kept: Array
    whole: Array
    inner: Array
    kept_of_parts: Array
    kept_of_input: Array

    @staticmethod
    def of(use: LayerUse, strategy: Strategy, implementation: Implementation) -> _LayerMemory:
        sharding, again = strategy.sharding_of_layers, strategy.recompute
        tensors = saved_tensors(use.layer, use.tokens, sharding, implementation)
        sizes = bytes_by_group(tensors)
        nothing = np.asarray(0.0)
        return _LayerMemory(
            use,
            held_parameters(use.layer, sharding),
            kept=kept_bytes(tensors, again),
            whole=sum((size for group, size in sizes.items() if group is not Kept.BOUNDARY), start=nothing),
            inner=sizes.get(Kept.INNER, nothing) + sizes.get(Kept.ACTIVATION, nothing),
            kept_of_parts=kept_bytes(tensors, replace(again, layers=nothing)),
            kept_of_input=kept_bytes(tensors, replace(again, layers=np.asarray(1.0))),
        )

    def besides(self, count: Array, strategy: Strategy) -> Array:
        """What one layer holds besides while its backward pass runs [B].

        Everything it would have kept where it is computed again or kept elsewhere, and the gradients of its
        feed-forward's inner tensors, which are the largest that are alive together. A share of less than one
        layer in all is computed again in the same proportion.
        """
        some = np.minimum(1.0, strategy.recompute.layers * count)
        parts, layer = self.whole - self.kept_of_parts, self.whole - self.kept_of_input
        returned = some * layer + (1.0 - some) * parts
        if np.any(strategy.offload.activations > 0):
            returned = np.where(strategy.offload.activations > 0, self.whole, returned)
        return returned + self.inner


@record
class MemoryModel:
    """Memory of a run under strategies: what all its stages share is worked out once.

    Parameters
    ----------
    architecture, uses : the model, its kinds of layers with their tokens.
    strategy, micro_batches : how the run is spread, micro-batches of one step [1].
    states, rules : bytes per parameter, what the framework adds.
    layers, ends : of the kinds of layers, and of what stands around them.
    """

    architecture: Architecture
    uses: Sequence[LayerUse]
    strategy: Strategy
    micro_batches: Array
    states: StateBytes
    rules: MemoryRules
    layers: tuple[_LayerMemory, ...]
    ends: EndParameters

    @staticmethod
    def of(
        architecture: Architecture,
        uses: Sequence[LayerUse],
        *,
        strategy: Strategy,
        micro_batches: Array,
        states: StateBytes,
        rules: MemoryRules,
    ) -> MemoryModel:
        """Give the model of a run's memory; parameters as of the class."""
        layers = tuple(_LayerMemory.of(use, strategy, rules.implementation) for use in uses)
        ends = end_parameters(architecture, strategy.sharding_of_layers)
        return MemoryModel(architecture, uses, strategy, micro_batches, states, rules, layers, ends)

    def stage(self, stage: StageLoad) -> Memory:
        """Give the memory of one accelerator of one stage, broadcast over the strategies [B].

        Notes
        -----
        States are divided by the sharding group: optimizer from stage 1 on, gradients from 2, weights from 3.
        Experts divide by the data ranks that hold the same experts. The peak stands where the backward pass
        begins, with all activations in flight: either at the head, with the logits and the gradient of its
        matrix, or, the logits gone, in the layer that needs most besides what it kept.
        """
        strategy, rules, offload = self.strategy, self.rules, self.strategy.offload
        nothing = np.asarray(0.0)
        dense, expert, largest, kept, besides = nothing, nothing, nothing, nothing, nothing
        for layer, count in zip(self.layers, stage.layers, strict=True):
            held, sets = layer.held, layer.use.held(count)
            dense, expert = dense + sets * held.dense, expert + sets * held.expert
            largest = np.maximum(largest, np.where(count > 0, held.dense + held.expert, 0.0))
            kept = kept + count * layer.kept
            besides = np.maximum(besides, np.where(count > 0, layer.besides(count, strategy), 0.0))
        # With a stage for each direction a rank holds twice what one micro-batch passes; the optimizer's states
        # of both are divided over twice the ranks.
        dense, held_twice = dense + self.ends.of(stage), copies(strategy)
        at_head, of_head = self._at_head(stage)
        is_head = at_head + of_head >= besides
        activations = in_flight(strategy, self.micro_batches, stage.index) * (kept + self._around(stage))
        activations = activations + self._tables()
        share = self.states.trained_share
        return Memory(
            weights=held_twice * self._divided(3.0, self.states.weights, dense, expert) * _here(offload.parameters),
            gradients=held_twice
            * self._divided(2.0, (self.states.gradients + self.states.more_gradients) * share, dense, expert)
            * _here(offload.gradients),
            optimizer=self._divided(1.0, self.states.optimizer * share, dense, expert) * _here(offload.optimizer),
            activations=activations * _here(offload.activations),
            head=np.where(is_head, at_head, 0.0),
            gathered=_gathered(strategy, dense + expert, largest, self.states),
            workspace=np.where(is_head, of_head, besides),
            rules=rules,
        )

    def _divided(self, from_stage: float, bytes_each: float, dense: Array, expert: Array) -> Array:
        strategy = self.strategy
        by_dense = np.where(strategy.sharding >= from_stage, strategy.state_group, 1.0)
        by_expert = np.where(strategy.sharding >= from_stage, strategy.expert_state_group, 1.0)
        return bytes_each * (dense / by_dense + expert / by_expert)

    def _at_head(self, stage: StageLoad) -> tuple[Array, Array]:
        """What the head keeps, and the gradient of its matrix [B]."""
        sharding, rules, last = self.strategy.sharding_of_layers, self.rules, self.uses[-1]
        at_head = head_bytes(self.architecture, last.tokens, sharding, rules.implementation, copies=rules.logits_copies)
        matrix = sum((held_of(p, sharding.tensor) for p in self.architecture.head), start=np.asarray(0.0))
        trained = 1.0 if self.states.trained_share == 1.0 else 0.0
        here = np.ceil(stage.head)
        return here * at_head, here * rules.head_gradient_bytes * matrix * trained

    def _around(self, stage: StageLoad) -> Array:
        """What a stage keeps of one micro-batch outside its layers [B]."""
        sharding, rules = self.strategy.sharding_of_layers, self.rules
        kept = _between(self.architecture, self.uses, stage, sharding, rules.implementation)
        if rules.keeps_sent:
            tokens, element = self.uses[-1].tokens, rules.implementation.element_bytes
            sent = Stream.of(self.architecture.hidden, tokens, sharding, element)
            kept = kept + (1.0 - stage.head) * sent.hidden_bytes
        return kept

    def _tables(self) -> Array:
        length = self.uses[-1].tokens.length
        return table_bytes(self.architecture, length, self.strategy.sharding_of_layers, self.rules.implementation)


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
