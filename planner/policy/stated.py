"""Results as they are stated and compared: rounded once, with the ends that a rule may be judged at."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from planner.metrics import METRICS
from planner.planning.estimate import Estimate
from planner.planning.sums import Uncertain
from planner.planning.uncertainty import factors_of
from planner.scenario.rules import JudgedAt

_DIGITS = 9


class Stated(NamedTuple):
    """One result at 9 significant digits, beyond which libraries of mathematics differ.

    Parameters
    ----------
    mid : its middle. low, high : ends of its 80 % range.
    least, most : with every uncertain input at its worse end at once.

    All are None where the result is unknown; an end that nothing bounds is infinite.
    """

    mid: float | None
    low: float | None
    high: float | None
    least: float | None
    most: float | None

    def at(self, level: JudgedAt, *, upwards: bool) -> float | None:
        """Give the value that a rule is judged by.

        Parameters
        ----------
        level : how sure one wants to be.
        upwards : whether a high value is the bad one, as for a maximum.
        """
        if level == "p50":
            return self.mid
        if level == "p90":
            return self.high if upwards else self.low
        return self.most if upwards else self.least


UNKNOWN = Stated(None, None, None, None, None)


def rounded(value: float) -> float:
    """Give a number at 9 significant digits.

    >>> rounded(0.1 + 0.2), rounded(float("inf"))
    (0.3, inf)
    """
    return float(f"{value:.{_DIGITS}g}")


def stated(result: Uncertain) -> Stated:
    """Give a result as it is stated.

    >>> found = stated(Uncertain(100.0, {"price": (0.5, 2.0), "time": (0.5, 2.0)}))
    >>> round(found.high, 2), found.least, found.most
    (266.51, 25.0, 400.0)
    """
    mid = result.mid
    if mid is None:
        return UNKNOWN
    if not result.effects:
        return Stated(*[rounded(mid)] * len(Stated._fields))
    low, high, least, most = factors_of(result.effects)
    return Stated(rounded(mid), rounded(mid * low), rounded(mid * high), rounded(mid * least), rounded(mid * most))


def uncertain(found: Estimate, metric: str) -> Uncertain:
    """Give a result of an estimate with what moves it."""
    return Uncertain(found.value(metric), found.contributions.get(metric, {}))


def stated_results(found: Estimate) -> dict[str, Stated]:
    """Give all results of an estimate as they are stated, by their names."""
    return {name: stated(uncertain(found, name)) for name in found.results}


def exact(value: float) -> Decimal:
    """Give a stated number as a decimal: differences and sums of those are exact.

    >>> exact(rounded(0.1)) + exact(rounded(0.2)) == exact(0.3)
    True
    """
    return Decimal(repr(value))


def is_money(metric: str) -> bool:
    """Whether a result is an amount of money."""
    return METRICS[metric].unit.startswith("USD")
