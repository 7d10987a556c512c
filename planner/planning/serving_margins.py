"""What the last replicas of a service buy: said where an objective lies so near the fastest that many do little."""

from __future__ import annotations

import math

import numpy as np

from planner.planning.serving_answer import answer
from planner.planning.serving_objectives import stated, value_of
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_sizing import Size
from planner.serving.engine import Engine
from planner.units.printing import duration

_LITTLE = 0.1  # of an objective, by which a looser one that halves the replicas is worth telling; our estimate


def half_would_do(ground: ServingGround, replica: Engine, size: Size, rate: float | None) -> str | None:
    """Say where half of the replicas keep objectives that are hardly looser; None where they do not.

    Parameters
    ----------
    ground, replica, size : a service that keeps its objectives. rate : of requests; None where it is no rate [1/s].
    """
    limits = stated(ground.load.workload.objectives)
    fewer = math.ceil(size.replicas / 2)
    if rate is None or not limits or ground.load.replicas != "auto" or fewer == size.replicas:
        return None
    both = answer(ground, replica, replicas=np.array([float(fewer), float(size.replicas)]), rate=rate)
    missed = {name: value_of(both, name) for name in limits}
    missed = {name: times for name, times in missed.items() if times[0] > limits[name]}
    crowded = float(np.ravel(both.crowded)[0]) > 1.0
    if not missed or crowded or any(times[0] > (1.0 + _LITTLE) * limits[name] for name, times in missed.items()):
        return None
    looser = " and ".join(f"{name}: {duration(float(times[0]))}" for name, times in missed.items())
    asked = " and ".join(duration(limits[name]) for name in missed)
    words = f"{looser} in place of {asked} would take {fewer:,} replicas and not {size.replicas:,}"
    if size.replicas - fewer == 1:
        return words
    first = next(iter(missed.values()))
    buys = float(first[0] - first[1]) / (size.replicas - fewer)
    return f"{words}: each of the others buys {duration(buys)}"
