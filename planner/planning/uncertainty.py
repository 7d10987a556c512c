"""Ranges of results from ranges of inputs: each input moved alone, their effects joined.

Inputs are taken as independent and log-normal between the ends of their 80 % ranges. A result's range is
the quadratic sum of what each input does to its logarithm alone, upwards and downwards apart. For products
of independent factors, which nearly all results are, that is exact; tests compare it with sampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from planner.units import Interval

_NOTHING = 1e-12  # a smaller change is rounding

Outcome = Mapping[str, float | None]
Evaluate = Callable[[Mapping[str, float]], Outcome]
Effects = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Ranged:
    """Results with their ranges, and what each input does alone.

    Parameters
    ----------
    results : by metric: low, mid, high; None where unknown.
    contributions : by metric and input: the result at the input's low and high end over its middle.
    """

    results: Mapping[str, Interval | None]
    contributions: Mapping[str, Effects]


def ranged(evaluate: Evaluate, inputs: Mapping[str, Interval]) -> Ranged:
    """Give the ranges of results.

    Parameters
    ----------
    evaluate : results by metric name, from a value for every input.
    inputs : 80 % ranges of the inputs; points do not widen anything.

    >>> out = ranged(lambda x: {"y": x["a"] * x["b"]}, {"a": Interval(0.5, 1, 2), "b": Interval(0.5, 1, 2)})
    >>> round(out.results["y"].high, 3)  # 2 ** sqrt(2), not 4
    2.665
    """
    middle = {name: interval.mid for name, interval in inputs.items()}
    base = evaluate(middle)
    contributions: dict[str, dict[str, tuple[float, float]]] = {metric: {} for metric in base}
    for name, interval in inputs.items():
        if interval.is_point:
            continue
        below = evaluate({**middle, name: interval.low})
        above = evaluate({**middle, name: interval.high})
        for metric, mid in base.items():
            low, high = _ratio(below[metric], mid), _ratio(above[metric], mid)
            if low is not None and high is not None and max(abs(low - 1.0), abs(high - 1.0)) > _NOTHING:
                contributions[metric][name] = (low, high)
    results = {metric: joined(mid, contributions[metric]) for metric, mid in base.items()}
    return Ranged(results, {metric: effects for metric, effects in contributions.items() if effects})


def _ratio(value: float | None, mid: float | None) -> float | None:
    """Give a moved result over its middle: 0 and infinity are ratios too; None where there is none."""
    if value is None or mid is None or mid <= 0 or not value >= 0 or not math.isfinite(mid):
        return None
    return value / mid


def joined(mid: float | None, effects: Effects) -> Interval | None:
    """Give a result's range from what each input does to it alone.

    Parameters
    ----------
    mid : the result; None where it is unknown, and its range with it.
    effects : by input, the result at its low and high end over `mid`; 0 and infinite where the input can
        make the result so, which opens the range to there.
    """
    if mid is None:
        return None
    logs = [(_log(min(ends)), _log(max(ends))) for ends in effects.values()]
    down = math.sqrt(math.fsum(min(low, 0.0) ** 2 for low, _ in logs))
    up = math.sqrt(math.fsum(max(high, 0.0) ** 2 for _, high in logs))
    return Interval(mid * math.exp(-down), mid, mid * math.exp(up) if up < _LARGEST_LOG else math.inf)


_LARGEST_LOG = 700.0  # the exponential of a little more is no number


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -math.inf
