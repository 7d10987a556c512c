"""The same run on fewer and on more accelerators: how far its time falls, and what that costs."""

from __future__ import annotations

from contextlib import suppress

from planner.errors import PlannerError
from planner.planning.books import Books
from planner.planning.dispatch import estimate
from planner.planning.estimate import Estimate
from planner.record import record
from planner.scenario.resolve import Resolved, close
from planner.scenario.training_run import Parallelism, TrainingRun

FACTORS = (0.125, 0.25, 0.5, 2.0, 4.0, 8.0)


@record
class Scaled:
    """A run on another number of accelerators."""

    accelerators: int
    estimate: Estimate


def scaled_runs(resolved: Resolved, found: Estimate, books: Books) -> tuple[Scaled, ...]:
    """Give a training run on an eighth to eight times its accelerators, with the same batch, as far as it works.

    The degrees of the run are kept, so that the data-parallel degree is what changes; where they do not fit
    the number, the fastest degrees that do are taken, and where none do it is left out. Empty where the
    scenario is no training run, or works at its own number alone.

    Parameters
    ----------
    resolved, found : the scenario and its estimate. books : what it is looked up in.
    """
    run, own = resolved.document, found.value("accelerators")
    if not isinstance(run, TrainingRun) or own is None:
        return ()
    others = [
        _scaled(resolved, run, round(own * factor), factor, books) for factor in FACTORS if (own * factor).is_integer()
    ]
    known = [Scaled(round(own), found), *(other for other in others if other is not None)]
    return tuple(sorted(known, key=lambda each: each.accelerators)) if len(known) > 1 else ()


def _scaled(resolved: Resolved, run: TrainingRun, accelerators: int, factor: float, books: Books) -> Scaled | None:
    kept = _changes(run, accelerators, factor)
    chosen = {**{key: text for key, text in kept.items() if key != "parallelism.data"}, "parallelism": "auto"}
    for changes in (kept, chosen):
        with suppress(PlannerError):
            return Scaled(accelerators, estimate(close(resolved.tree, changes=changes), books))
    return None


def _changes(run: TrainingRun, accelerators: int, factor: float) -> dict[str, str]:
    changes = {"hardware.accelerators": str(accelerators)}
    if run.hardware.nodes is not None:
        changes["hardware.nodes"] = f"{run.hardware.nodes * factor:g}"
    if isinstance(run.parallelism, Parallelism) and run.parallelism.data is not None:
        changes["parallelism.data"] = f"{run.parallelism.data * factor:g}"
    return changes
