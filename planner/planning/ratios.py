"""The ratio of two uncertain results that share some of their inputs.

An input that is one and the same in both moves in both at once: what it does to the one it does to the other,
and only the difference is left in their ratio. Inputs of their own add to its range. Two results whose ranges
overlap can so differ for certain, and the ranges alone would not tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from planner.planning.alike import Scenarios, alike
from planner.planning.estimate import Estimate
from planner.planning.uncertainty import joined
from planner.units.interval import Interval


def ratio(one: Estimate, other: Estimate, metric: str, *, about: tuple[Scenarios, Scenarios]) -> Interval | None:
    """Give the range of one scenario's result over another's.

    Parameters
    ----------
    one, other : the estimates. metric : the result.
    about : the closed scenarios that each rests on, which tell the inputs that are the same in both.

    Returns
    -------
    The ratio; None where a result is missing, unknown or not above zero.
    """
    above, below = one.value(metric), other.value(metric)
    if above is None or below is None or not above > 0 or not below > 0:
        return None
    ours = one.contributions.get(metric, {})
    theirs = other.contributions.get(metric, {})
    effects = {**_own_range(one, metric, "one"), **_inverse(_own_range(other, metric, "the other"))}
    for name in dict.fromkeys((*ours, *theirs)):
        up, down = ours.get(name, (1.0, 1.0)), theirs.get(name, (1.0, 1.0))
        if alike(name, *about):
            effects[name] = (_over(up[0], down[0]), _over(up[1], down[1]))
        else:
            effects[f"{name} of one"] = up
            effects |= _inverse({f"{name} of the other": down})
    return joined(above / below, effects)


def _own_range(estimate: Estimate, metric: str, whose: str) -> dict[str, tuple[float, float]]:
    """Give a result's range as one effect where nothing says which inputs it comes from: none of it cancels."""
    result = estimate.results[metric]
    if estimate.contributions.get(metric) or result.low is None or not result.mid or result.low == result.high:
        return {}
    high = math.inf if result.high is None else result.high / result.mid
    return {f"range of {whose}": (result.low / result.mid, high)}


def _inverse(effects: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    return {name: (_over(1.0, low), _over(1.0, high)) for name, (low, high) in effects.items()}


def _over(above: float, below: float) -> float:
    """Divide effects of one input on two results; 0 and infinity stand for what is not bounded."""
    if below == 0:
        return math.inf if above else 1.0
    if math.isinf(below):
        return 1.0 if math.isinf(above) else 0.0
    return above / below
