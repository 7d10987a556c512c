"""Single strategies, priced side by side: each one with its parts, whether it fits, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.planning.evaluate import Problem, evaluate
from planner.planning.search_room import room_elsewhere
from planner.planning.search_sites import Sites
from planner.planning.search_space import Space
from planner.planning.search_spots import Spots, carries_out, divides, strategy_at
from planner.planning.search_tally import Point
from planner.planning.training_plan import offload_of
from planner.record import record
from planner.training.strategy import Strategy

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@record
class PricedPoint:
    """A strategy with all that was found of it.

    Parameters
    ----------
    point : with its numbers. shares : of a step by cause [1].
    possible : degrees divide and the schedule can be carried out. has_room : for what is kept elsewhere.
    capacity_bytes : device memory of an accelerator [B].
    """

    point: Point
    shares: dict[str, float]
    possible: bool
    has_room: bool
    capacity_bytes: float


def priced(points: Sequence[Point], space: Space, sites: Sites) -> list[PricedPoint]:
    """Give strategies at sites of one framework with their numbers, whatever stood in the points before."""
    places = {number: place for place, number in enumerate(sites.numbers)}
    told = {
        name: np.array([getattr(point, name) for point in points], dtype=np.intp)
        for name in ("stages", "tensor", "context", "expert", "expert_tensor", "micro_batch")
    }
    spots = Spots(site=np.array([places[point.site] for point in points], dtype=np.intp), **told)
    numbers = tuple(
        np.array([getattr(point, name) for point in points], dtype=np.intp)
        for name in ("pipelining", "sharding", "recompute", "offload")
    )
    pipelining, sharding, recompute, offload = numbers
    strategy = strategy_at(spots, space, sites, (pipelining, sharding, recompute, offload), crossed=False)
    problem = sites.problem_at(spots.site, (len(points),))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        found = evaluate(problem, strategy)
        step_s, memory = _each(found.step.total, points), _each(found.memory_bytes, points)
        busy = np.minimum(_each(found.step.busy, points) / step_s, 1.0)
        outcome = sites.outcome(spots.site, step_s=step_s, busy_share=busy)
        shares = {name: _each(part, points) / step_s for name, part in found.step.parts.items()}
        has_room = _has_room(problem, strategy, space, offload)
    possible = _possible(spots, space, sites, pipelining, sharding)
    hours, energy, power = (np.asarray(v) for v in (outcome.hours, outcome.energy_kwh, outcome.facility_power_w))
    cost, carbon = _known(outcome.cost_usd, points), _known(outcome.carbon_kg, points)
    capacity = _each(problem.machine.memory_bytes, points)
    return [
        PricedPoint(
            replace(
                point,
                step_s=float(step_s[n]),
                hours=float(hours[n]),
                memory_bytes=float(memory[n]),
                energy_kwh=float(energy[n]),
                power_w=float(power[n]),
                cost_usd=float(cost[n]),
                carbon_kg=float(carbon[n]),
            ),
            {name: float(values[n]) for name, values in shares.items()},
            bool(possible[n]),
            bool(has_room[n]),
            float(capacity[n]),
        )
        for n, point in enumerate(points)
    ]


def _each(values: Array, points: Sequence[Point]) -> Array:
    return np.broadcast_to(np.asarray(values, dtype=float), (len(points),))


def _known(values: object, points: Sequence[Point]) -> Array:
    """Give money or carbon of every point, infinite where it is unknown."""
    if values is None:
        return np.full(len(points), np.inf)
    numbers = _each(np.asarray(values), points)
    return np.where(np.isnan(numbers), np.inf, numbers)


def _has_room(problem: Problem, strategy: Strategy, space: Space, offload: NDArray[np.intp]) -> Flags:
    good = np.ones(len(offload), dtype=bool)
    for number in np.unique(offload):
        flags = room_elsewhere(problem, replace(strategy, offload=offload_of(space.offload[number])))
        if flags is not None:
            good = np.where(offload == number, np.broadcast_to(flags, good.shape), good)
    return good


def _possible(
    spots: Spots, space: Space, sites: Sites, pipelining: NDArray[np.intp], sharding: NDArray[np.intp]
) -> Flags:
    layers = sites.problem.architecture.layers
    one = [spots.rows(slice(n, n + 1)) for n in range(len(spots))]
    carried = [
        bool(carries_out(spot, space, sites, pipelining[n : n + 1], sharding[n : n + 1]).item())
        and pipelining[n] in space.pipelining_of(int(spot.stages[0]), layers)
        and sharding[n] in space.sharding_of(int(spot.stages[0]))
        for n, spot in enumerate(one)
    ]
    good: Flags = divides(spots, sites) & np.array(carried, dtype=bool)
    return good
