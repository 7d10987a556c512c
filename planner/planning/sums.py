"""Sums of uncertain results: what each input does to the whole, where it moves several addends at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import field

from planner.planning.uncertainty import Effects
from planner.record import record


@record
class Uncertain:
    """A result with what each uncertain input does to it alone.

    Parameters
    ----------
    mid : its middle; None where it is unknown.
    effects : by input, the result at the input's low and high end over its middle.
    """

    mid: float | None
    effects: Effects = field(default_factory=dict)


def summed(addends: Iterable[tuple[float, Uncertain]]) -> Uncertain:
    """Give the sum of results, each so many times; unknown where one of them is.

    An input of the same name moves in all addends at once: the same grid, the same price, the same error of
    the model. Inputs of other names are independent of each other.

    >>> whole = summed([(1.0, Uncertain(10.0, {"price": (0.5, 2.0)})), (2.0, Uncertain(5.0))])
    >>> whole.mid, whole.effects["price"]
    (20.0, (0.75, 1.5))
    """
    weights: list[float] = []
    moved: dict[str, tuple[list[float], list[float]]] = {}
    for times, addend in addends:
        if addend.mid is None:
            return Uncertain(None)
        weight = times * addend.mid
        weights.append(weight)
        for cause, (low, high) in addend.effects.items() if weight else ():
            below, above = moved.setdefault(cause, ([], []))
            below.append(weight * (low - 1.0))
            above.append(weight * (high - 1.0))
    mid = math.fsum(weights)
    if not mid > 0:
        return Uncertain(mid)
    ends = {
        cause: (1.0 + math.fsum(below) / mid, 1.0 + math.fsum(above) / mid) for cause, (below, above) in moved.items()
    }
    # Rounding may put a share that vanishes below zero.
    return Uncertain(mid, {cause: (max(low, 0.0), max(high, 0.0)) for cause, (low, high) in ends.items()})
