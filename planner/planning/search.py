"""The best way to spread a training run: every combination of degrees at once, one axis per degree."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.errors import Fault, InfeasibleError
from planner.planning.evaluate import Evaluation, Problem, evaluate
from planner.planning.ledger import Ledger
from planner.planning.training_plan import offload_of, recompute_of
from planner.scenario.training_run import Parallelism, TrainingRun
from planner.training.strategy import Offload, Recompute, Strategy, shape_of
from planner.units import gibibytes
from planner.workload.architecture import Architecture, AttentionCore

Array = NDArray[np.float64]

AXES = ("tensor", "pipeline", "context", "expert", "micro_batch", "interleave", "sharding", "recompute")
_INTERLEAVE = (1, 2, 4, 8)
_MICRO_BATCH = (1, 2, 4, 8, 16)
_SHARDING = (1, 3)
_LONG_SEQUENCE = 16_384  # below this nobody splits a sequence over ranks


@dataclass(frozen=True, slots=True)
class Choices:
    """Values of every axis of a search."""

    tensor: tuple[int, ...]
    pipeline: tuple[int, ...]
    context: tuple[int, ...]
    expert: tuple[int, ...]
    micro_batch: tuple[int, ...]
    interleave: tuple[int, ...]
    sharding: tuple[int, ...]
    recompute: tuple[float, ...]


def choices_of(problem: Problem, *, accelerators: int) -> Choices:
    """Give the degrees worth trying: those that divide heads, layers, experts and accelerators."""
    architecture = problem.architecture
    domain = int(problem.machine.domain[0])
    heads = _common([core.heads for core in _cores(architecture)]) or 1
    experts = _common([k.experts.count for s in architecture.stacks for k in s.kinds if k.experts])
    layers = architecture.layers
    powers = tuple(2**k for k in range(17))
    long = bool(np.max(problem.length) >= _LONG_SEQUENCE)
    return Choices(
        tensor=tuple(t for t in powers if heads % t == 0 and t <= max(domain, 1) and accelerators % t == 0),
        pipeline=tuple(p for p in range(1, min(layers, accelerators) + 1) if _spreads(p, layers, accelerators)),
        context=tuple(c for c in powers[:6] if (c == 1 or long) and accelerators % c == 0),
        expert=tuple(e for e in powers if experts and experts % e == 0 and e <= accelerators) if experts else (1,),
        micro_batch=tuple(b for b in _MICRO_BATCH if b <= np.max(problem.global_batch)),
        interleave=_INTERLEAVE,
        sharding=_SHARDING,
        recompute=(0.0, 1.0),
    )


def _spreads(stages: int, layers: int, accelerators: int) -> bool:
    """Whether a pipeline degree is worth trying: it divides the accelerators, and the layers nearly."""
    nearly = layers % stages == 0 or (layers + 2) % stages == 0 or stages & (stages - 1) == 0
    return accelerators % stages == 0 and nearly


def _cores(architecture: Architecture) -> list[AttentionCore]:
    return [core for stack in architecture.stacks for kind in stack.kinds for core in kind.cores]


def _common(numbers: list[int]) -> int:
    return int(np.gcd.reduce(numbers)) if numbers else 0


def grid_of(choices: Choices, *, accelerators: int) -> Strategy:
    """Give all combinations as one strategy: each axis of the arrays is one degree."""

    def along(name: str) -> Array:
        values = np.asarray(getattr(choices, name), dtype=float)
        shape = [1] * len(AXES)
        shape[AXES.index(name)] = len(values)
        return values.reshape(shape)

    nothing = np.zeros([1] * len(AXES))
    tensor = along("tensor")
    return Strategy(
        accelerators=np.full([1] * len(AXES), float(accelerators)),
        tensor=tensor,
        pipeline=along("pipeline"),
        context=along("context"),
        expert=along("expert"),
        expert_tensor=nothing + 1.0,
        interleave=along("interleave"),
        micro_batch=along("micro_batch"),
        sequence_parallel=np.where(tensor > 1.0, 1.0, 0.0),
        sharding=along("sharding"),
        sharding_group=nothing + 1e12,
        schedule=nothing,
        embedding_slots=nothing,
        head_slots=nothing,
        recompute=Recompute(along("recompute"), nothing, nothing, nothing, nothing, nothing, nothing),
        offload=Offload(nothing, nothing, nothing, nothing),
    )


def possible(problem: Problem, strategy: Strategy) -> NDArray[np.bool_]:
    """Give which strategies make sense: degrees divide, batches fill, a pipeline is deep enough."""
    data = strategy.data
    ranks = data * strategy.context * strategy.tensor
    layers = float(problem.architecture.layers)
    whole = (data >= 1.0) & (data == np.floor(data))
    with np.errstate(invalid="ignore", divide="ignore"):
        per_pipeline = problem.global_batch / (data * strategy.micro_batch)
        filled = (per_pipeline >= 1.0) & (per_pipeline == np.floor(per_pipeline))
        experts = (ranks / strategy.expert) == np.floor(ranks / strategy.expert)
    each = layers / (strategy.pipeline * strategy.interleave)
    chunks = (strategy.interleave == 1.0) | (
        (strategy.pipeline > 1.0) & (each == np.floor(each)) & (per_pipeline % strategy.pipeline == 0)
    )
    # Gathering parameters layer by layer inside a pipeline is not offered: no framework in the profiles does it.
    sharded = (strategy.sharding < 3.0) | (strategy.pipeline == 1.0)
    stages = strategy.pipeline <= layers
    allowed: NDArray[np.bool_] = whole & filled & experts & chunks & sharded & stages
    return allowed


def fastest(run: TrainingRun, problem: Problem, *, accelerators: int, ledger: Ledger) -> TrainingRun:
    """Give the run with the degrees of the fastest strategy that fits.

    What the run offloads is kept to, and what it recomputes if it says so; else all layers or none are.

    Raises
    ------
    InfeasibleError : none fits; says by how much the nearest one does not.
    """
    choices = choices_of(problem, accelerators=accelerators)
    chosen_by_user = run.recompute != "none"
    if chosen_by_user:
        choices = replace(choices, recompute=(0.0,))
    strategy = replace(grid_of(choices, accelerators=accelerators), offload=offload_of(run.offload))
    if chosen_by_user:
        strategy = replace(strategy, recompute=recompute_of(run.recompute))
    allowed = possible(problem, strategy)
    if not np.any(allowed):
        batch = float(np.max(problem.global_batch))
        raise InfeasibleError(
            Fault(
                "no-strategy",
                f"no degrees divide {accelerators} accelerators and a batch of {batch:g} sequences",
                hint="a global batch that is a multiple of the accelerators, or a rounder number of accelerators",
            )
        )
    found: Evaluation = evaluate(problem, strategy)
    shape = np.broadcast_shapes(shape_of(strategy), found.step.total.shape)
    memory = np.broadcast_to(found.memory_bytes, shape)
    capacity = float(problem.machine.memory_bytes[0])
    allowed = np.broadcast_to(allowed, shape)
    fits = allowed & (memory <= capacity)
    if not np.any(fits):
        least = float(np.min(np.where(allowed, memory, np.inf)))
        raise InfeasibleError(
            Fault(
                "does-not-fit",
                f"no strategy fits: the smallest needs {gibibytes(least)} of {gibibytes(capacity)}",
                hint="use more accelerators, accelerators with more memory, or offload states",
            )
        )
    time = np.where(fits, np.broadcast_to(found.step.total, shape), np.inf)
    best = np.unravel_index(int(np.argmin(time)), shape)
    chosen = {name: getattr(choices, name)[best[axis]] for axis, name in enumerate(AXES)}
    ledger.warn(f"parallelism was chosen: the fastest of {int(np.sum(fits)):,} strategies that fit")
    degrees = Parallelism(
        tensor=chosen["tensor"],
        pipeline=chosen["pipeline"],
        context=chosen["context"],
        expert=chosen["expert"],
        micro_batch=chosen["micro_batch"],
        interleave=chosen["interleave"],
        sharding="zero-3" if chosen["sharding"] == 3 else "zero-1",
    )
    again = run.recompute if chosen_by_user else "full" if chosen["recompute"] else "none"
    return run.model_copy(update={"parallelism": degrees, "recompute": again})
