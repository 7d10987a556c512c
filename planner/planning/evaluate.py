"""Time, memory and feasibility of training strategies: one plan or millions, by the same functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from planner.hardware.collectives import Links
from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine
from planner.planning.training_plan import Layers, layers_of
from planner.record import record
from planner.training.layer_time import Setting
from planner.training.memory import Memory, MemoryModel, MemoryRules, StateBytes
from planner.training.stages import StageLoad, candidate_stages, stage_load
from planner.training.step import StepTime, step_time
from planner.training.strategy import Strategy
from planner.workload.architecture import Architecture

Array = NDArray[np.float64]


@record
class Problem:
    """A training run, all but its strategy; many runs of one architecture where sizes are arrays.

    Parameters
    ----------
    architecture : the model.
    length, source_length : tokens of one sequence, and of an encoder's input before a decoder [1].
    global_batch : sequences of one step [1].
    states, rules : bytes per parameter, and what the framework adds.
    trained : whether the model's own weights train.
    machine, efficiency : what it runs on.
    bytes_per_element, quantised : of the layers' products.
    adapted : where adapters of a frozen model stand: beside all projections, or attention's alone.
    """

    architecture: Architecture
    length: Array | float
    source_length: int | None
    global_batch: Array | float
    states: StateBytes
    rules: MemoryRules
    trained: bool
    machine: Machine
    efficiency: Efficiency
    bytes_per_element: Array | float
    quantised: bool
    adapted: Literal["all", "attention"] = "all"


@record
class Evaluation:
    """Time of a step, and memory of the stages of which one is the fullest."""

    step: StepTime
    stages: tuple[Memory, ...]

    @property
    def memory_bytes(self) -> Array:
        """Memory of the fullest stage [B]."""
        return self.totals.memory_bytes

    @property
    def totals(self) -> Totals:
        """Time and memory as addends on few axes."""
        return Totals(self.step, tuple((s.states, s.working) for s in self.stages), self.stages[0].rules)


@record
class Totals:
    """Time of a step and memory of the fullest stage, as addends that each depend on a few axes of the strategies.

    Parameters
    ----------
    step : the time's addends.
    memory : of each candidate for the fullest stage, states and working memory [B].
    rules : what the framework adds to them.
    """

    step: StepTime
    memory: tuple[tuple[Array, Array], ...]
    rules: MemoryRules

    @property
    def step_s(self) -> Array:
        """Time of a step [s]."""
        return self.step.total

    @property
    def memory_bytes(self) -> Array:
        """Memory of the fullest stage [B]."""
        (states, working), *others = self.memory
        allocated = states + working
        for states, working in others:
            allocated = np.maximum(allocated, states + working)
        return self.rules.total_bytes(allocated)

    def rows(self, wanted: slice) -> Totals:
        """Give those of a part of the first axis."""
        step = replace(
            self.step,
            layers=rows_of(self.step.layers, wanted),
            states=rows_of(self.step.states, wanted),
            activations=rows_of(self.step.activations, wanted),
            jitter_share=rows_of(self.step.jitter_share, wanted),
        )
        memory = tuple((rows_of(s, wanted), rows_of(w, wanted)) for s, w in self.memory)
        return Totals(step, memory, self.rules)


_AXES = 5  # of the strategies of a block


def rows_of(values: NDArray[Any], wanted: slice) -> NDArray[Any]:
    """Give a part of the first of a block's axes; values that do not depend on it stay whole."""
    return values[wanted] if values.ndim == _AXES and values.shape[0] > 1 else values


def evaluate(problem: Problem, strategy: Strategy) -> Evaluation:
    """Give step time and peak memory of every strategy in the arrays."""
    layers = _layers(problem, strategy)
    candidates = candidate_stages(layers.order, len(layers.uses), strategy)
    memory = _memory_model(problem, strategy, layers)
    return Evaluation(_step(problem, strategy, layers, candidates), tuple(memory.stage(c) for c in candidates))


def evaluate_plan(problem: Problem, strategy: Strategy) -> tuple[Evaluation, list[Memory]]:
    """Give one plan's step time and peak memory, and the memory of every stage."""
    return evaluate(problem, strategy), memory_by_stage(problem, strategy)


def step_of(problem: Problem, strategy: Strategy) -> StepTime:
    """Give the step time alone: a fit asks for it thousands of times, and memory does not depend on efficiencies."""
    layers = _layers(problem, strategy)
    return _step(problem, strategy, layers, candidate_stages(layers.order, len(layers.uses), strategy))


def _step(problem: Problem, strategy: Strategy, layers: Layers, candidates: Sequence[StageLoad]) -> StepTime:
    return step_time(
        problem.architecture,
        layers.uses,
        layers.order,
        candidates,
        setting=setting_of(problem, strategy),
        global_batch=np.atleast_1d(np.asarray(problem.global_batch, dtype=float)),
        states=problem.states,
    )


def memory_of_candidates(problem: Problem, strategy: Strategy) -> tuple[Memory, ...]:
    """Give the memory of the stages of which one is the fullest, whatever is counted of them."""
    layers = _layers(problem, strategy)
    memory = _memory_model(problem, strategy, layers)
    return tuple(memory.stage(stage) for stage in candidate_stages(layers.order, len(layers.uses), strategy))


def memory_by_stage(problem: Problem, strategy: Strategy) -> list[Memory]:
    """Give the memory of every stage of one plan, first to last."""
    layers = _layers(problem, strategy)
    memory = _memory_model(problem, strategy, layers)
    indices = range(int(strategy.pipeline[0]))
    places = [np.full_like(strategy.pipeline, float(index)) for index in indices]
    return [memory.stage(stage_load(layers.order, len(layers.uses), strategy, place)) for place in places]


def _layers(problem: Problem, strategy: Strategy) -> Layers:
    return layers_of(
        problem.architecture,
        sequences=strategy.micro_batch,
        length=problem.length,
        source_length=problem.source_length,
        trained=problem.trained,
    )


def _memory_model(problem: Problem, strategy: Strategy, layers: Layers) -> MemoryModel:
    return MemoryModel.of(
        problem.architecture,
        layers.uses,
        strategy=strategy,
        micro_batches=strategy.micro_batches(problem.global_batch),
        states=problem.states,
        rules=problem.rules,
    )


def setting_of(problem: Problem, strategy: Strategy) -> Setting:
    """Give what all layers of a problem share under a strategy."""
    return Setting(
        strategy,
        problem.machine,
        problem.efficiency,
        Links.of(problem.machine, problem.efficiency),
        problem.bytes_per_element,
        problem.quantised,
        implementation=problem.rules.implementation,
        adapted=problem.adapted,
    )
