"""A training plan in words: what was chosen, for tables and reports."""

from __future__ import annotations

from planner.planning.training_inputs import TrainingPlan
from planner.scenario.training_run import Parallelism, RecomputeChoice, TrainingRun
from planner.units.printing import counted, scaled

DEGREES = (
    ("tensor", "tensor"),
    ("pipeline", "pipeline"),
    ("interleave", "chunks per stage"),
    ("context", "context"),
    ("expert", "expert"),
    ("expert_tensor", "expert tensor"),
)
"""How a plan is dealt over accelerators: keys of its parallelism, and what they are called."""


def words_of(plan: TrainingPlan) -> tuple[tuple[str, str], ...]:
    """Give the choices of a plan as (what, value) pairs."""
    run = plan.run
    words = [
        ("model", f"{plan.architecture.name}, {counted(plan.architecture.parameters)} parameters"),
        ("machines", f"{plan.accelerators:,} {plan.fleet.accelerator.id} in {plan.nodes:,} {plan.fleet.node.id}"),
        ("place", plan.facility.id if plan.facility else "unnamed"),
        (
            "batch",
            f"{run.workload.global_batch:,.0f} sequences of {plan.length:,}, {scaled(plan.step_tokens, 'tokens')}",
        ),
        ("precision", run.workload.precision.compute),
        ("framework", plan.framework),
        ("parallelism", _degrees(run, plan)),
        ("recompute", _recompute(run)),
    ]
    return tuple(words)


def _degrees(run: TrainingRun, plan: TrainingPlan) -> str:
    p = run.parallelism
    if not isinstance(p, Parallelism):
        raise AssertionError("degrees are chosen before they are told")
    pieces = [f"{word} {getattr(p, key)}" for key, word in DEGREES if getattr(p, key) > 1]
    pieces.append(f"data {plan.strategy.data[0]:.0f}")
    pieces.append(f"micro-batch {p.micro_batch}")
    if p.sharding != "none":
        pieces.append(p.sharding)
    if p.schedule != "1f1b":
        pieces.append(p.schedule)
    return ", ".join(pieces)


def _recompute(run: TrainingRun) -> str:
    choice = run.recompute
    if isinstance(choice, RecomputeChoice):
        pieces: list[str] = list(choice.modules)
        if choice.layers:
            pieces.append(f"{choice.layers:.0%} of the layers")
        return ", ".join(pieces) or "none"
    return choice
