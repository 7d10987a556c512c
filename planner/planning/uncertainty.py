"""Ranges of results from ranges of inputs: each input moved alone, their effects joined.

Inputs are taken as independent and log-normal between the ends of their 80 % ranges. A result's range is
the quadratic sum of what each input does to its logarithm alone, upwards and downwards apart. For products
of independent factors, which nearly all results are, that is exact; tests compare it with sampling.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.units.interval import Interval

_NOTHING = 1e-12  # a smaller change is rounding

Array = NDArray[np.float64]
Outcome = Mapping[str, float | None]
Evaluate = Callable[[Mapping[str, float]], Outcome]
EvaluateAll = Callable[[Mapping[str, Array | float]], Mapping[str, Array | float | None]]
Effects = Mapping[str, tuple[float, float]]


@record
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
    middle, cases = _cases(inputs)
    base = evaluate(middle)
    moved = [evaluate({**middle, name: value}) for name, value in cases]
    values = {metric: np.array([_float(each[metric]) for each in (base, *moved)]) for metric in base}
    return _joined_all(base, values, cases)


def ranged_together(evaluate: EvaluateAll, inputs: Mapping[str, Interval]) -> Ranged:
    """Give the ranges of results of an evaluation that takes arrays, in one call; see `ranged`.

    Parameters
    ----------
    evaluate : results by metric name, each a number or an array with one element for each case [n], from numbers
        for what is not uncertain and arrays for what is [n].
    inputs : as for `ranged`.
    """
    middle, cases = _cases(inputs)
    x: dict[str, Array | float] = dict(middle)
    for number, (name, value) in enumerate(cases, start=1):
        if not isinstance(x[name], np.ndarray):
            x[name] = np.full(len(cases) + 1, middle[name])
        x[name][number] = value  # type: ignore[index] # made an array above
    with np.errstate(all="ignore"):  # as with Python's numbers; what has no value becomes no range
        found = evaluate(x)
    values = {metric: np.full(len(cases) + 1, _float(value)) for metric, value in found.items()}
    base = {metric: None if found[metric] is None else float(each[0]) for metric, each in values.items()}
    return _joined_all(base, values, cases)


def _cases(inputs: Mapping[str, Interval]) -> tuple[dict[str, float], list[tuple[str, float]]]:
    """Give the middles, and each uncertain input at its low and its high end, in turn."""
    middle = {name: interval.mid for name, interval in inputs.items()}
    uncertain = [(name, interval) for name, interval in inputs.items() if not interval.is_point]
    return middle, [(name, end) for name, interval in uncertain for end in (interval.low, interval.high)]


def _float(value: Array | float | None) -> Array | float:
    return math.nan if value is None else value


def _joined_all(base: Outcome, values: Mapping[str, Array], cases: Sequence[tuple[str, float]]) -> Ranged:
    """Give ranges from each result's values: at the middles, and then at the low and high end of each input."""
    contributions = dict(zip(base, _effects(np.array(list(values.values())), cases[::2]), strict=True))
    results = {metric: joined(mid, contributions[metric]) for metric, mid in base.items()}
    return Ranged(results, {metric: effects for metric, effects in contributions.items() if effects})


def _effects(values: Array, inputs: Sequence[tuple[str, float]]) -> list[dict[str, tuple[float, float]]]:
    """Give what each input does to each result, as ratios: 0 and infinity are some too; nothing where there is none.

    Parameters
    ----------
    values : one row for each result [results, 1 + 2 inputs]. inputs : their names.
    """
    middles = values[:, :1]
    with np.errstate(all="ignore"):
        ratios = (values[:, 1:] / middles).reshape(len(values), len(inputs), 2)
        moved = (ratios >= 0).all(axis=2) & (np.abs(ratios - 1.0).max(axis=2) > _NOTHING)
    moved &= (middles > 0) & np.isfinite(middles)
    found: list[dict[str, tuple[float, float]]] = [{} for _ in values]
    for result, number in np.argwhere(moved).tolist():
        low, high = ratios[result, number].tolist()
        found[result][inputs[number][0]] = (low, high)
    return found


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
    if not effects:
        return Interval(mid, mid, mid)
    low, high, _, _ = factors_of(effects)
    return Interval(mid * low, mid, mid * high)


def factors_of(effects: Effects) -> tuple[float, float, float, float]:
    """Give what a result's ends are over its middle.

    Returns
    -------
    The low and high end of its range, and the least and the most with every input at its worse end at once [1].
    """
    return _factors(tuple(effects.values()))


@lru_cache(maxsize=4096)  # many results are moved alike: hours, days and money of one run by the time of a step
def _factors(effects: tuple[tuple[float, float], ...]) -> tuple[float, float, float, float]:
    logs = [(min(_log(min(ends)), 0.0), max(_log(max(ends)), 0.0)) for ends in effects]
    downs, ups = [low for low, _ in logs], [high for _, high in logs]
    down, up = (math.sqrt(math.fsum([each**2 for each in side])) for side in (downs, ups))
    return math.exp(-down), _exponential(up), math.exp(math.fsum(downs)), _exponential(math.fsum(ups))


def _exponential(log: float) -> float:
    return math.exp(log) if log < _LARGEST_LOG else math.inf


_LARGEST_LOG = 700.0  # the exponential of a little more is no number


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -math.inf
