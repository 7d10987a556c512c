"""One block of a search: spots of one pipeline degree with every choice, priced in arrays and reduced at once.

Terms stay on the axes that they depend on; only the totals of a few thousand strategies at a time are ever whole,
so that they stay in the processor's cache and memory does not grow with the search.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from planner.planning.evaluate import Evaluation, Totals, evaluate, rows_of
from planner.planning.run_outcome import RunOutcome
from planner.planning.search_room import room_elsewhere
from planner.planning.search_sites import Sites
from planner.planning.search_space import Space
from planner.planning.search_spots import Spots, carries_out, strategy_at
from planner.planning.search_tally import Point, SiteTally, unbeaten_of
from planner.record import record

Array = NDArray[np.float64]
Whole = NDArray[np.intp]

WHOLE_AT_ONCE = 1 << 15  # strategies whose totals are whole at one time: 256 KiB an array, inside the cache


@record
class Aim:
    """What a search minimises, inside which limits; infinite where there is none.

    Parameters
    ----------
    minimise : "time", "cost", "energy" or "carbon"; "step" for the time of a step, whatever the run comes to.
    hours, usd, power_w : longest run [h], most money [USD], most mean power from the grid [W].
    top : strategies kept of each site, the best first.
    """

    minimise: str = "cost"
    hours: float = np.inf
    usd: float = np.inf
    power_w: float = np.inf
    top: int = 1

    def value(self, point: Point) -> float:
        """Give what is minimised of a strategy."""
        found = {
            "step": point.step_s,
            "time": point.hours,
            "cost": point.cost_usd,
            "energy": point.energy_kwh,
            "carbon": point.carbon_kg,
        }
        return found[self.minimise]


@record
class _Priced:
    """Strategies that fit, one element each: where they stand in their block, and what they come to."""

    place: Whole
    memory: Array
    step_s: Array
    hours: Array
    energy: Array
    power_w: Array
    cost: Array
    carbon: Array

    def minimised(self, aim: Aim) -> Array:
        found = {
            "step": self.step_s,
            "time": self.hours,
            "cost": self.cost,
            "energy": self.energy,
            "carbon": self.carbon,
        }
        return found[aim.minimise]

    def within(self, aim: Aim) -> NDArray[np.bool_]:
        good: NDArray[np.bool_] = (self.hours <= aim.hours) & (self.power_w <= aim.power_w)
        return good & (self.cost <= aim.usd) if np.isfinite(aim.usd) else good


_PRICED = tuple(each.name for each in fields(_Priced))
_SPOTS = tuple(each.name for each in fields(Spots))


@record
class Block:
    """Spots of one pipeline degree, priced together; `start` is the place of the first among those of its degree."""

    spots: Spots
    start: int

    def tallies(self, space: Space, sites: Sites, aim: Aim) -> dict[int, SiteTally]:
        """Price every strategy of the block, and give what is kept of each site by its number."""
        stages = int(self.spots.stages[0])
        layers = sites.problem.architecture.layers
        numbers = (
            np.array(space.pipelining_of(stages, layers), dtype=np.intp),
            np.array(space.sharding_of(stages), dtype=np.intp),
            np.arange(len(space.recompute)),
            np.arange(len(space.offload)),
        )
        if not all(map(len, numbers)):
            return {}
        strategy = strategy_at(self.spots, space, sites, numbers, crossed=True)
        problem = sites.problem_at(self.spots.site, (len(self.spots), 1, 1, 1, 1))
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            found = evaluate(problem, strategy)
            room = room_elsewhere(problem, strategy)
            valid = carries_out(self.spots, space, sites, numbers[0], numbers[1])[:, :, :, None, None]
            work = _Work(self, sites, aim, numbers, found, found.totals, valid, room, problem.machine.memory_bytes)
            return work.tallies()


@record
class _Work:
    """A block whose terms are known on the axes that they depend on."""

    block: Block
    sites: Sites
    aim: Aim
    numbers: tuple[Whole, Whole, Whole, Whole]
    found: Evaluation
    totals: Totals
    valid: NDArray[np.bool_]
    room: NDArray[np.bool_] | None
    capacity: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Axes of the block: spots, pipelining, sharding, recomputation, offloading."""
        return (len(self.block.spots), *map(len, self.numbers))

    def tallies(self) -> dict[int, SiteTally]:
        tallies: dict[int, SiteTally] = {}
        each = int(np.prod(self.shape[1:]))
        size = max(1, WHOLE_AT_ONCE // each)
        for start in range(0, self.shape[0], size):
            self._add(slice(start, min(start + size, self.shape[0])), tallies)
        return tallies

    def _add(self, rows: slice, tallies: dict[int, SiteTally]) -> None:
        """Price the strategies of some spots whole, and take them into the tallies."""
        shape = (rows.stop - rows.start, *self.shape[1:])
        totals = self.totals.rows(rows)
        memory = np.broadcast_to(totals.memory_bytes, shape)
        valid = self.valid[rows]
        if self.room is not None:
            valid = valid & rows_of(self.room, rows)
        fits = np.broadcast_to((memory <= self.capacity[rows]) & valid, shape)
        least = np.min(np.where(valid, memory, np.inf), axis=(1, 2, 3, 4))
        place = np.flatnonzero(fits)
        priced = self._priced(place, memory, np.broadcast_to(totals.step_s, shape), rows)
        spot = priced.place // int(np.prod(shape[1:]))
        many = int(np.prod(shape[3:]))
        counts = np.sum(self.valid[rows], axis=(1, 2, 3, 4)) * many
        site = self.block.spots.site[rows]
        for number in np.unique(site):
            here = np.flatnonzero(site == number)
            first, last = np.searchsorted(spot, (here[0], here[-1] + 1))
            tally = SiteTally(valid=int(np.sum(counts[here])), least_bytes=float(np.min(least[here])))
            self._reduce(tally, priced, slice(int(first), int(last)), rows, shape)
            tallies.setdefault(self.sites.numbers[number], SiteTally()).add(tally, top=self.aim.top)

    def _priced(self, place: Whole, memory: Array, step_s: Array, rows: slice) -> _Priced:
        """Give what the strategies at some places come to: those of them that end."""
        times = step_s.ravel()[place] if step_s.flags.c_contiguous else step_s[np.unravel_index(place, step_s.shape)]
        outcome = self._outcome(place, times, step_s.shape, rows)
        hours = np.asarray(outcome.hours)
        ends = np.isfinite(times if self.aim.minimise == "step" else hours)
        keep = slice(None) if np.all(ends) else ends
        sizes = memory[np.unravel_index(place, memory.shape)]

        def known(values: object) -> Array:
            if values is None:
                return np.full(len(place), np.inf)[keep]
            numbers = np.broadcast_to(np.asarray(values, dtype=float), place.shape)
            return np.where(np.isnan(numbers), np.inf, numbers)[keep]

        return _Priced(
            place[keep],
            sizes[keep],
            times[keep],
            hours[keep],
            known(outcome.energy_kwh),
            known(outcome.facility_power_w),
            known(outcome.cost_usd),
            known(outcome.carbon_kg),
        )

    def _outcome(self, place: Whole, times: Array, shape: tuple[int, ...], rows: slice) -> RunOutcome:
        step = self.found.step
        index = np.unravel_index(place, shape)
        busy = _taken(rows_of(step.busy_layers, rows), index) + _taken(rows_of(step.busy_states, rows), index)
        site = self.block.spots.site[rows][index[0]]
        return self.sites.outcome(site, step_s=times, busy_share=np.minimum(busy / times, 1.0))

    def _reduce(self, tally: SiteTally, priced: _Priced, part: slice, rows: slice, shape: tuple[int, ...]) -> None:
        """Take the strategies of one site into its tally."""
        here = _Priced(*(getattr(priced, name)[part] for name in _PRICED))
        tally.fit = len(here.place)
        if not tally.fit:
            return
        tally.least_hours, tally.least_usd = float(np.min(here.hours)), float(np.min(here.cost))
        tally.least_w = float(np.min(here.power_w))
        wanted = here.minimised(self.aim)
        tally.nearest = self._ranked(here, int(np.argmin(wanted)), rows, shape)
        within = np.flatnonzero(here.within(self.aim))
        tally.within = len(within)
        if not tally.within:
            return
        chosen = wanted[within]
        for at in within[_first(chosen, self.aim.top)]:
            tally.best.append(self._ranked(here, int(at), rows, shape))
        kept = within[unbeaten_of(here.hours[within], here.cost[within], here.energy[within])]
        tally.front = [self._ranked(here, int(at), rows, shape)[1] for at in kept]

    def _ranked(self, here: _Priced, at: int, rows: slice, shape: tuple[int, ...]) -> tuple[float, Point]:
        """Give one strategy with what is minimised of it."""
        spot, *choice = (int(i) for i in np.unravel_index(here.place[at], shape))
        spot += rows.start
        spots = self.block.spots
        told = {name: int(getattr(spots, name)[spot]) for name in _SPOTS if name != "site"}
        pipelining, sharding, recompute, offload = (
            int(numbers[n]) for numbers, n in zip(self.numbers, choice, strict=True)
        )
        point = Point(
            order=(told["stages"], self.block.start + spot, pipelining, sharding, recompute, offload),
            site=self.sites.numbers[spots.site[spot]],
            **told,
            pipelining=pipelining,
            sharding=sharding,
            recompute=recompute,
            offload=offload,
            step_s=float(here.step_s[at]),
            hours=float(here.hours[at]),
            memory_bytes=float(here.memory[at]),
            energy_kwh=float(here.energy[at]),
            power_w=float(here.power_w[at]),
            cost_usd=float(here.cost[at]),
            carbon_kg=float(here.carbon[at]),
        )
        return self.aim.value(point), point


def _first(values: Array, count: int) -> Whole:
    """Give the places of the least values, the least first, and of equal ones the first."""
    if count == 1:
        return np.array([int(np.argmin(values))])
    if count < len(values):
        limit = np.partition(values, count - 1)[count - 1]
        few = np.flatnonzero(values <= limit)
        return few[np.argsort(values[few], kind="stable")][:count]
    return np.argsort(values, kind="stable")[:count]


def _taken(values: Array, index: tuple[Whole, ...]) -> Array:
    """Give values at places of the whole block from an array on some of its axes."""
    if values.ndim != len(index):
        return np.broadcast_to(values, np.shape(index[0])) if values.size == 1 else values
    where = tuple(at if size > 1 else 0 for at, size in zip(index, values.shape, strict=True))
    taken: Array = np.broadcast_to(values[where], np.shape(index[0]))
    return taken
