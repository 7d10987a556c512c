"""What is kept of strategies once they are priced: the best of each site, what does not beat another, counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]
Whole = NDArray[np.intp]


@record
class Point:
    """One strategy at one site.

    Parameters
    ----------
    order : its place among all that are tried: pipeline degree, spot and choices.
    site : its number. stages, tensor, context, expert, expert_tensor, micro_batch : [1].
    pipelining, sharding, recompute, offload : numbers of choices in the space.
    step_s, hours, memory_bytes, energy_kwh, power_w : what it comes to; power is drawn from the grid.
    cost_usd, carbon_kg : infinite where unknown.
    """

    order: tuple[int, ...]
    site: int
    stages: int
    tensor: int
    context: int
    expert: int
    expert_tensor: int
    micro_batch: int
    pipelining: int
    sharding: int
    recompute: int
    offload: int
    step_s: float
    hours: float
    memory_bytes: float
    energy_kwh: float
    power_w: float
    cost_usd: float
    carbon_kg: float


@dataclass(slots=True)
class SiteTally:
    """What became of the strategies of one site.

    Parameters
    ----------
    valid, fit, within : strategies that can be carried out; of those, that fit; of those, inside the limits.
    least_bytes : device memory of the smallest one that can be carried out [B].
    least_hours, least_usd, least_w : of those that fit.
    best : by what is minimised, inside the limits. nearest : without them.
    front : inside the limits, which no other beats in time, money and energy together.
    """

    valid: int = 0
    fit: int = 0
    within: int = 0
    least_bytes: float = np.inf
    least_hours: float = np.inf
    least_usd: float = np.inf
    least_w: float = np.inf
    best: list[tuple[float, Point]] = field(default_factory=list)
    nearest: tuple[float, Point] | None = None
    front: list[Point] = field(default_factory=list)

    def add(self, other: Self, *, top: int) -> None:
        """Take in what another part of the same search found at this site."""
        self.valid += other.valid
        self.fit += other.fit
        self.within += other.within
        for name in ("least_bytes", "least_hours", "least_usd", "least_w"):
            setattr(self, name, min(getattr(self, name), getattr(other, name)))
        self.best = sorted(self.best + other.best, key=_rank)[:top]
        both = [each for each in (self.nearest, other.nearest) if each is not None]
        self.nearest = min(both, key=_rank, default=None)
        self.front = unbeaten(self.front + other.front)


def _rank(each: tuple[float, Point]) -> tuple[float, tuple[int, ...]]:
    return each[0], each[1].order


def unbeaten(points: list[Point]) -> list[Point]:
    """Give the points that no other beats: that none is as good as in time, money and energy, and better in one.

    Of equal ones the first is kept. They are given from the fastest to the slowest.
    """
    if not points:
        return []
    ordered = sorted(points, key=lambda p: (p.hours, p.cost_usd, p.energy_kwh, p.order))
    kept = unbeaten_of(
        np.array([p.hours for p in ordered]),
        np.array([p.cost_usd for p in ordered]),
        np.array([p.energy_kwh for p in ordered]),
    )
    return [ordered[n] for n in kept]


def unbeaten_of(hours: Array, cost: Array, energy: Array) -> Whole:
    """Give the places of the unbeaten among points by time, money and energy; infinite where unknown.

    Notes
    -----
    Points that the fastest, the cheapest or the thriftiest one beats are left out first, which leaves few. The
    rest is gone through from the fastest on: a point stays if it beats all before it in money or in energy
    together.
    """
    left = np.arange(len(hours))
    for values in (hours, cost, energy):
        at = left[int(np.argmin(values[left]))]
        worse = (hours[left] >= hours[at]) & (cost[left] >= cost[at]) & (energy[left] >= energy[at])
        same = (hours[left] == hours[at]) & (cost[left] == cost[at]) & (energy[left] == energy[at])
        first = left[same][0]
        left = left[~worse | (left == first)]
    ordered = left[np.lexsort((energy[left], cost[left], hours[left]))]
    kept: list[int] = []
    for place in ordered:
        if not any(cost[other] <= cost[place] and energy[other] <= energy[place] for other in kept):
            kept.append(int(place))
    return np.array(kept, dtype=np.intp)
