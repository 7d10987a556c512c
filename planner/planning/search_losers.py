"""Why kinds of machines lost a search, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from planner.planning.search_block import Aim
from planner.planning.search_result import OBJECTIVES, Candidate
from planner.planning.search_sites import Site
from planner.planning.search_tally import SiteTally
from planner.units.printing import duration, gibibytes, scaled

_GROUPS: dict[str, tuple[str, ...]] = {
    "compute": ("matrix", "attention", "head", "recompute"),
    "memory": ("streaming", "optimizer"),
    "fabric": ("tensor", "context", "expert", "sharded", "pipeline", "data"),
    "bubble": ("bubble",),
    "host": ("host", "fixed"),
    "offload": ("offload",),
    "stragglers": ("jitter",),
}
_NOTABLE = 0.2  # of a step, from which on something other than computing is said to hold a run up; our choice


def bound_of(shares: Mapping[str, float]) -> str:
    """Give what holds a step up: the largest thing besides computing, where it takes a fifth or more.

    >>> bound_of({"matrix": 0.6, "tensor": 0.2, "data": 0.15, "bubble": 0.05})
    'fabric-bound (35 % of a step)'
    >>> bound_of({"matrix": 0.9, "bubble": 0.1})
    'compute-bound (90 % of a step)'
    """
    sums = {group: math.fsum(shares.get(name, 0.0) for name in names) for group, names in _GROUPS.items()}
    others = {group: share for group, share in sums.items() if group != "compute"}
    group = max(others, key=lambda name: others[name])
    if others[group] < _NOTABLE:
        group = "compute"
    return f"{group}-bound ({sums[group]:.0%} of a step)".replace("%", " %")


def why_outside(tallies: Sequence[tuple[Site, SiteTally]], aim: Aim, batch: float) -> str:
    """Give why no strategy of a kind of machine is inside the limits, over all its numbers.

    Parameters
    ----------
    tallies : of the numbers of machines that were tried. aim : the limits. batch : sequences of a step.
    """
    if not any(tally.valid for _, tally in tallies):
        return f"no degrees divide its accelerators and a batch of {batch:g} sequences"
    capacity = float(tallies[0][0].ground.problem.machine.memory_bytes[0])
    if not any(tally.fit for _, tally in tallies):
        least = min(tally.least_bytes for _, tally in tallies)
        if least > capacity:
            return f"does not fit by {gibibytes(least - capacity)}"
        return "failures keep the run from ending"
    pieces = []
    hours = min(tally.least_hours for _, tally in tallies) - aim.hours
    usd = min(tally.least_usd for _, tally in tallies) - aim.usd
    watts = min(tally.least_w for _, tally in tallies) - aim.power_w
    if hours > 0:
        pieces.append(f"its fastest is too slow by {duration(hours * 3600.0)}")
    if usd > 0:
        pieces.append(
            "its price is unknown" if math.isinf(usd) else f"its cheapest is too expensive by ${scaled(usd, '')}"
        )
    if watts > 0:
        pieces.append(f"its thriftiest draws {scaled(watts, 'W')} too much")
    return ", ".join(pieces) or "nothing keeps all limits at once"


def why_lost(loser: Candidate, winner: Candidate, minimise: str) -> str:
    """Give why a strategy that keeps the limits lost: by how much, and what of it."""
    mine, best = loser.value(minimise), winner.value(minimise)
    if mine is None or best is None:
        return f"its {minimise} is unknown"
    ratio = mine / best if best else math.inf
    word = OBJECTIVES[minimise].split("_")[0].replace("days", "time")
    return f"{ratio:.2f} x the {word}: {_cause(loser, winner, minimise)}"


def _cause(loser: Candidate, winner: Candidate, minimise: str) -> str:
    """Give the larger of two factors: more accelerator-hours, or more money or power for each."""
    name = OBJECTIVES[minimise]
    totals = [candidate.results[name] or math.nan for candidate in (loser, winner)]
    hours = [candidate.results["accelerator_hours"] or math.nan for candidate in (loser, winner)]
    each = (totals[0] / hours[0]) / (totals[1] / hours[1])
    if minimise != "time" and each > hours[0] / hours[1]:
        unit = {"cost": "costs", "energy": "draws", "carbon": "emits"}[minimise]
        return f"an accelerator-hour {unit} {each:.2f} x"
    if minimise == "time" and loser.accelerators != winner.accelerators:
        return f"{loser.accelerators:,} accelerators, {loser.bound}"
    return loser.bound
