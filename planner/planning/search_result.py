"""What a search found: the winner, what does not lose to it, the best of each kind of machine, and why others lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.planning.estimate import Estimate
from planner.record import record
from planner.scenario.training_run import OffloadChoice, Parallelism, RecomputeChoice

OBJECTIVES: dict[str, str] = {
    "time": "days",
    "cost": "cost_total_usd",
    "energy": "energy_kwh",
    "carbon": "carbon_kg",
}
"""What can be minimised, and the metric of each."""


@record
class Candidate:
    """One strategy on so many machines of a kind, with what the run comes to.

    Parameters
    ----------
    node, accelerator, framework : catalog ids. accelerators, nodes : how many [1].
    parallelism, recompute, offload : as a scenario says them.
    results : by metric name, in its unit; None where unknown.
    shares : of a step, by cause, as in `planner.training.step.CAUSES` [1].
    bound : what holds it up, in words.
    """

    node: str
    accelerator: str
    framework: str
    accelerators: int
    nodes: int
    parallelism: Parallelism
    recompute: str | RecomputeChoice
    offload: OffloadChoice
    results: Mapping[str, float | None]
    shares: Mapping[str, float]
    bound: str

    def value(self, minimise: str) -> float | None:
        """Give what is minimised, by its word in `OBJECTIVES`."""
        return self.results[OBJECTIVES[minimise]]


@record
class MachineVerdict:
    """One kind of machine in a search.

    Parameters
    ----------
    node : its catalog id. accelerators : numbers that were tried [1].
    best : its best strategy inside the limits, or outside where none is inside; None where none can be carried out.
    inside : whether that one keeps the limits.
    valid, fit, within : strategies that can be carried out, that fit, that keep the limits [1].
    reason : why it lost, in words; "" for the winner.
    """

    node: str
    accelerators: tuple[int, ...]
    best: Candidate | None
    inside: bool
    valid: int
    fit: int
    within: int
    reason: str


@record
class Change:
    """The winner with one thing changed.

    Parameters
    ----------
    axis, before, after : what is changed, in words.
    results : as of a candidate; empty where it cannot be carried out.
    why_not : why it cannot, or does not fit.
    """

    axis: str
    before: str
    after: str
    results: Mapping[str, float | None]
    why_not: str


@record
class Limits:
    """What a strategy must keep; None where there is no limit: wall-clock days, money, mean power from the grid."""

    days: float | None = None
    cost_total_usd: float | None = None
    facility_power_kw: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The answer of a search.

    Parameters
    ----------
    name, title : of the scenario. minimise, limits : what was asked.
    axes : values that were tried, in words, by axis.
    points, valid, fit, within : points of the grid; strategies that can be carried out, fit, keep the limits [1].
    winner, top : the best, and the best few in order.
    front : the strategies that none beats in time, money and energy together, the fastest first.
    machines : every kind of machine, the best first.
    changes : the winner with one thing changed.
    estimate : of the winner, with ranges; its scenario is the winner's.
    """

    name: str
    title: str
    minimise: str
    limits: Limits
    axes: Mapping[str, tuple[str, ...]]
    points: int
    valid: int
    fit: int
    within: int
    winner: Candidate
    top: tuple[Candidate, ...]
    front: tuple[Candidate, ...]
    machines: tuple[MachineVerdict, ...]
    changes: tuple[Change, ...]
    estimate: Estimate
