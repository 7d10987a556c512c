"""Whether a service keeps to its objectives, and by how much the fastest one does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError
from planner.planning.ledger import Ledger
from planner.planning.serving_answer import PERCENTILES, Answer
from planner.planning.serving_plan import ServingGround
from planner.scenario.serving_load import Objectives
from planner.units.printing import duration

Array = NDArray[np.float64]


def stated(objectives: Objectives) -> dict[str, float]:
    """Give the objectives that a scenario states, by name [s]."""
    return {name: value for name, value in objectives.model_dump().items() if value is not None}


def keeps(found: Answer, objectives: Objectives) -> NDArray[np.bool_]:
    """Whether an answer keeps to the objectives."""
    kept = np.isfinite(found.ttft_s)
    for name, limit in stated(objectives).items():
        kept = kept & (value_of(found, name) <= limit)
    return kept


def value_of(found: Answer, objective: str) -> Array:
    """Give the time that an objective bounds [s].

    Raises
    ------
    KeyError : a percentile that the load does not have.
    """
    phase, _, percentile = objective.partition("_")
    if not percentile:
        value: Array = getattr(found, f"{phase}_s")
        return value
    values = getattr(found, f"{phase}_percentiles_s")
    if values is None:
        raise KeyError(objective)
    chosen: Array = values[PERCENTILES.index(percentile)]
    return chosen


def require_objectives(ground: ServingGround, tree: Tree) -> None:
    """Refuse objectives on what a service does not have: tokens after the first, or the spread of a load with none.

    Raises
    ------
    InputError : a time per token of answers of one token; a percentile of clients in a loop, one batch, all at once.
    """
    load = ground.load.workload.load
    later = [name for name in stated(ground.load.workload.objectives) if name.startswith("tpot")]
    if later and float(np.ravel(ground.requests.output)[0]) <= 1.0:
        message = f"{later[0]} is about tokens after the first, and {ground.architecture.name} makes none here"
        hint = "bound the time to the first token, which is that of the whole answer"
        raise InputError(tree.fault("contradiction", message, ("workload", "objectives", later[0]), hint=hint))
    if load.rate is not None or load.demand is not None:
        return
    asked = [name for name in stated(ground.load.workload.objectives) if "_" in name]
    if asked:
        raise InputError(
            tree.fault(
                "percentile-unknown",
                f"{asked[0]} needs requests that come at a rate: this load has means alone",
                ("workload", "objectives", asked[0]),
                hint="load: {rate: 5 requests/s}, or an objective on the mean"
                + ("; --simulate tells the percentiles of clients in a loop" if load.clients else ""),
            )
        )


def too_slow(
    ground: ServingGround, fastest: Answer, most: int, tree: Tree, *, who: str = "an idle replica"
) -> InfeasibleError:
    """Give the error of objectives below what the fastest service does, with by how much.

    Parameters
    ----------
    fastest : under every layout, with nothing to wait for. most : accelerators of the largest replica that was tried.
    who : is so fast.
    """
    limits = stated(ground.load.workload.objectives)
    worst, name, best = furthest(fastest, ground.load.workload.objectives)
    asked = duration(limits.get(name, 0.0))
    up_to = "one accelerator a replica" if most == 1 else f"up to {most} accelerators a replica"
    if worst > 1.0:
        message = (
            f"{name} of {asked} is below what is possible: {who} takes {duration(best)}, {longer(worst)}, on {up_to}"
        )
    else:
        both = " and ".join(limits)
        message = (
            f"{both} are kept one at a time and not together, on {up_to}; "
            f"the nearest is {name}: {who} takes {duration(best)} of {asked}"
        )
    trail = ("workload", "objectives", name)
    return InfeasibleError(tree.fault("objective-unreachable", message, trail, hint=FASTER))


FASTER = "a faster accelerator, weights in fewer bits, a shorter prompt, or a looser objective"


def furthest(fastest: Answer, objectives: Objectives) -> tuple[float, str, float]:
    """Give the objective that the fastest of many services misses by most: time over limit, its name, its time [s]."""
    worst = (0.0, "", 0.0)
    for objective, limit in stated(objectives).items():
        least = float(np.min(value_of(fastest, objective)))
        worst = max(worst, (least / limit, objective, least))
    return worst


def warn_of_misses(found: Answer, objectives: Objectives, ledger: Ledger) -> None:
    """Say which objectives a service of a stated size does not keep."""
    for name, limit in stated(objectives).items():
        reached = float(np.ravel(value_of(found, name))[0])
        if reached > limit:
            ledger.warn(f"misses the objective {name}: {duration(reached)}, and {duration(limit)} is asked")


def longer(times: float) -> str:
    """Say how much longer something takes, as a share or, from twice as long, as times.

    >>> longer(1.11), longer(216.0), longer(21_900.0)
    ('11% more', '216 times as long', '21,900 times as long')
    """
    if times < 2.0:
        return f"{times - 1.0:.0%} more"
    return f"{times:,.0f} times as long" if times >= 100.0 else f"{times:.3g} times as long"
