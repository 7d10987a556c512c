"""Whether a training plan can be carried out: its memory fits, and failures let it end."""

from __future__ import annotations

import math

import numpy as np

from planner.documents.reader import Tree
from planner.errors import InfeasibleError
from planner.planning.training_inputs import TrainingPlan
from planner.training.memory import Memory
from planner.units.printing import gibibytes

_HOUR = 3600.0

MEMORY_CAUSES: dict[str, str] = {
    "weights": "weights",
    "gradients": "gradients",
    "optimizer": "optimizer states",
    "activations": "activations",
    "head": "logits",
    "gathered": "gathered layers",
    "workspace": "backward work space",
    "reserve": "reserve, fragmentation",
}


def require_fit(plan: TrainingPlan, stages: list[Memory], tree: Tree) -> None:
    """Refuse a plan that does not fit, with the stage, the shortage and what would help."""
    capacity = float(plan.problem.machine.memory_bytes[0])
    totals = [_first(memory.total) for memory in stages]
    worst = int(np.argmax(totals))
    if totals[worst] <= capacity:
        return
    parts = {name: _first(getattr(stages[worst], name)) for name in MEMORY_CAUSES}
    largest = max(parts, key=lambda name: parts[name])
    hints = {
        "weights": "raise tensor or pipeline degree, or shard parameters (sharding: zero-3)",
        "gradients": "shard gradients (sharding: zero-2), or raise tensor or pipeline degree",
        "optimizer": "shard the optimizer (sharding: zero-1), use more data ranks, or offload it",
        "activations": "recompute (recompute: full), smaller micro_batch, or more tensor or context ranks",
        "head": "smaller micro_batch, or a higher tensor degree",
    }
    where = f"stage {worst} of {len(stages)}" if len(stages) > 1 else "an accelerator"
    raise InfeasibleError(
        tree.fault(
            "does-not-fit",
            f"does not fit: {where} needs {gibibytes(totals[worst])} of {gibibytes(capacity)} "
            f"({gibibytes(totals[worst] - capacity)} too much; most of it {MEMORY_CAUSES[largest]}, "
            f"{gibibytes(parts[largest])})",
            ("parallelism",) if ("parallelism",) in tree.marks else (),
            hint=hints.get(largest, "use more accelerators, or parallelism: auto"),
        )
    )


def require_end(hours: float, plan: TrainingPlan, tree: Tree) -> None:
    """Refuse a run that failures keep from ever ending: whose wall-clock hours are without end."""
    if math.isfinite(hours):
        return
    between = 1.0 / (plan.inputs.failure_rate.mid * plan.accelerators + plan.inputs.money.reclaims_per_s) / _HOUR
    raise InfeasibleError(
        tree.fault(
            "never-ends",
            f"the run never ends: it fails every {between:.2g} h, and a restart with the work lost takes longer",
            ("hardware",),
            hint="fewer accelerators, faster storage, or a shorter operations.restart",
        )
    )


def _first(value: object) -> float:
    return float(np.ravel(np.asarray(value))[0])
