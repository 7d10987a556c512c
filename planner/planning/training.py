"""The estimate of a training run: from a closed scenario to results with ranges, parts and sources."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Breakdown, Estimate, Part, Result, StageMemory
from planner.planning.evaluate import Evaluation, evaluate_plan
from planner.planning.feasibility import MEMORY_CAUSES, require_end, require_fit
from planner.planning.ledger import Ledger
from planner.planning.offloading import Elsewhere, kept_elsewhere
from planner.planning.plan_words import words_of
from planner.planning.run_outcome import DAY_S, HOUR_S, Number, RunOutcome, run_outcome
from planner.planning.training_inputs import TrainingPlan
from planner.planning.training_plans import plan_of
from planner.planning.uncertainty import Ranged, ranged_together
from planner.record import record
from planner.scenario.resolve import Resolved
from planner.scenario.training_run import TrainingRun
from planner.training.memory import Memory
from planner.training.step import CAUSES, StepTime
from planner.units.interval import Interval
from planner.workload.flops import training_flops

_MONTH_HOURS = 730.0

RUN_CAUSES: dict[str, str] = {
    "steps_s": "steps that count",
    "waiting_for_data_s": "waiting for data",
    "checkpoints_s": "writing checkpoints",
    "lost_work_s": "work lost to failures",
    "restarts_s": "restarts",
}


@record
class _Counts:
    """Operations of one step and bytes of one checkpoint."""

    model_flops: float
    hardware_flops: float
    checkpoint_bytes: float
    peak_flops_per_s: float
    busy_share: float


def estimate_training(resolved: Resolved, books: Books) -> Estimate:
    """Give the estimate of a training scenario.

    Raises
    ------
    InputError : the scenario is wrong. InfeasibleError : it does not fit, and by how much.
    """
    run = resolved.document
    if not isinstance(run, TrainingRun):
        raise AssertionError("a training run is wanted")
    ledger = Ledger(books.catalog)
    plan = plan_of(run, resolved.tree, books, ledger)
    evaluation, stages = books.remembered.once(evaluate_plan, plan.problem, plan.strategy)
    require_fit(plan, stages, resolved.tree)
    counts = _counts(plan, evaluation.step)
    elsewhere = kept_elsewhere(plan, resolved.tree)
    middle = {name: interval.mid for name, interval in _inputs(plan, evaluation).items()}
    outcome = _outcome(plan, counts, middle)
    require_end(_number(outcome.hours), plan, resolved.tree)
    values = _ranged(plan, evaluation, counts, elsewhere)
    return Estimate(
        name=resolved.name,
        title=run.title or run.name,
        kind="training",
        tags=run.tags,
        results={name: Result.of(name, interval) for name, interval in values.results.items()},
        plan=words_of(plan),
        breakdowns=_breakdowns(plan, evaluation.step, counts, middle, outcome),
        memory=tuple(_stage_memory(number, memory) for number, memory in enumerate(stages)),
        memory_capacity_bytes=float(plan.problem.machine.memory_bytes[0]),
        inputs=tuple(ledger.inputs.values()),
        warnings=tuple(ledger.warnings),
        basis=_basis(plan),
        contributions=values.contributions,
        scenario=resolved.tree.value,
        currency=shown_currency(books),
    )


def _inputs(plan: TrainingPlan, evaluation: Evaluation) -> dict[str, Interval]:
    """Give the uncertain inputs of the run by name; the step's own range comes from its error on rows left out."""
    return {"step time": plan.spread.scaled(_number(evaluation.step.total)), **plan.inputs.uncertain}


def _counts(plan: TrainingPlan, step: StepTime) -> _Counts:
    problem = plan.problem
    flops = training_flops(
        problem.architecture,
        sequences=round(plan.run.workload.global_batch),
        length=plan.length,
        source_length=problem.source_length,
        trained=problem.trained,
    )
    again = float(plan.strategy.recompute.layers[0])
    return _Counts(
        model_flops=flops.model,
        hardware_flops=flops.model + again * flops.forward_layers,
        checkpoint_bytes=plan.course.checkpoint_bytes,
        peak_flops_per_s=float(problem.machine.matrix_flops_per_s[0]),
        busy_share=min(_number(step.busy) / _number(step.total), 1.0),
    )


def _outcome(plan: TrainingPlan, counts: _Counts, x: Mapping[str, Number]) -> RunOutcome:
    return run_outcome(plan.course, x, step_s=x["step time"], busy_share=counts.busy_share)


def _ranged(plan: TrainingPlan, evaluation: Evaluation, counts: _Counts, elsewhere: Elsewhere | None) -> Ranged:
    """Give all results with their ranges, by moving each uncertain input alone, all at once in arrays."""
    problem, n = plan.problem, plan.accelerators
    tokens_per_step = plan.step_tokens
    peak_memory = _number(evaluation.memory_bytes)
    parameters, active = float(plan.architecture.parameters), float(plan.architecture.active_parameters)
    state_bytes = _state_bytes(plan)
    capacity = float(problem.machine.memory_bytes[0])
    offloaded: dict[str, float | None] = {}
    if elsewhere is not None:
        offloaded = {"host_memory_gb": elsewhere.host_bytes / 1e9, "local_storage_gb": elsewhere.disk_bytes / 1e9}

    def outcome(x: Mapping[str, Number]) -> dict[str, Number | None]:
        step_s = x["step time"]
        found = _outcome(plan, counts, x)
        hours = found.hours
        node_price = x.get("node price")
        cost = found.cost_usd
        data_rate = tokens_per_step * plan.inputs.bytes_per_token / step_s
        return {
            "step_time_s": step_s,
            "tokens_per_s": tokens_per_step / step_s,
            "tokens_per_s_per_accelerator": tokens_per_step / step_s / n,
            "mfu": counts.model_flops / (step_s * n * counts.peak_flops_per_s),
            "hfu": counts.hardware_flops / (step_s * n * counts.peak_flops_per_s),
            "model_flops": counts.model_flops * x["tokens"] / tokens_per_step,
            "steps": x["tokens"] / tokens_per_step,
            "days": hours * HOUR_S / DAY_S,
            "goodput": found.run.goodput,
            "accelerator_hours": hours * n,
            "peak_memory_gb": peak_memory / 1e9,
            "memory_headroom_gb": (capacity - peak_memory) / 1e9,
            "checkpoint_bytes": counts.checkpoint_bytes,
            "checkpoint_write_s": counts.checkpoint_bytes / x["storage write"],
            "restart_s": x["restart"] + counts.checkpoint_bytes / x["storage read"],
            "data_rate_bytes_per_s": data_rate,
            "storage_read_bytes_per_s": x["storage read"],
            "storage_load": data_rate / x["storage read"],
            "accelerators": float(n),
            "nodes": float(plan.nodes),
            "node_power_kw": found.node_w / 1e3,
            "power_kw": found.power_w / 1e3,
            "facility_power_kw": found.facility_power_w / 1e3,
            "energy_kwh": found.energy_kwh,
            "carbon_kg": found.carbon_kg,
            "cost_total_usd": cost,
            "cost_per_hour_usd": None if cost is None else cost / hours,
            "cost_per_month_usd": None if cost is None else cost / hours * _MONTH_HOURS,
            "cost_per_million_tokens_usd": None if cost is None else cost / x["tokens"] * 1e6,
            "capital_usd": None if node_price is None else node_price * plan.nodes,
            "parameters": parameters,
            "active_parameters": active,
            "state_bytes": state_bytes,
            **offloaded,
        }

    return ranged_together(outcome, _inputs(plan, evaluation))


def _breakdowns(
    plan: TrainingPlan, step: StepTime, counts: _Counts, x: Mapping[str, float], outcome: RunOutcome
) -> tuple[Breakdown, ...]:
    run, hours, energy = outcome.run, _number(outcome.hours), _number(outcome.energy_kwh)
    spent = plan.inputs.money.spent(x, nodes=plan.nodes, hours=hours, energy_kwh=energy)
    parts = step.parts
    found = [
        Breakdown("step", "one step", "s", tuple(Part(k, label, _number(parts[k])) for k, label in CAUSES.items())),
        Breakdown(
            "run", "the run", "s", tuple(Part(k, label, _number(getattr(run, k))) for k, label in RUN_CAUSES.items())
        ),
        Breakdown("power", "one node", "W", plan.inputs.power.parts(counts.busy_share)),
    ]
    if spent.total_usd is not None:
        found.append(Breakdown("cost", "money", "USD", spent.parts))
    return tuple(found)


def _stage_memory(number: int, memory: Memory) -> StageMemory:
    parts = tuple(Part(name, label, _number(getattr(memory, name))) for name, label in MEMORY_CAUSES.items())
    return StageMemory(number, parts, _number(memory.total))


def _basis(plan: TrainingPlan) -> str:
    chip = plan.fleet.accelerator.id
    words = {
        "measured": f"efficiencies fitted on runs measured on {chip}",
        "relative": f"efficiencies carried over from {plan.basis.by}; none measured on {chip}",
        "datasheet": f"data sheet of {chip} with efficiencies of its kind; nothing like it was measured",
    }
    return words[plan.basis.kind]


def _state_bytes(plan: TrainingPlan) -> float:
    """Give the weights, gradients and optimizer states of the whole run, each held once [B]."""
    states = plan.problem.states
    return (
        states.weights + (states.gradients + states.optimizer) * states.trained_share
    ) * plan.architecture.parameters


def _number(value: object) -> float:
    return float(value.item(0) if isinstance(value, np.ndarray) else value)  # type: ignore[arg-type] # a number
