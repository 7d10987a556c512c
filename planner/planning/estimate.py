"""What an estimate is: results with their ranges, the parts they are made of, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from planner.planning.ledger import Input
from planner.record import record
from planner.units.interval import Interval


@record
class Result:
    """One result by its name in `planner.metrics`: the middle and the ends of its 80 % range.

    All three are None where an input is unknown (a price that nobody published): unknown spreads, it is
    never taken for zero. The high end alone is None where nothing bounds the result.
    """

    metric: str
    mid: float | None
    low: float | None
    high: float | None

    @staticmethod
    def of(metric: str, interval: Interval | None) -> Result:
        """Give a result from its interval, or an unknown one."""
        if interval is None:
            return Result(metric, None, None, None)
        return Result(metric, interval.mid, interval.low, interval.high if math.isfinite(interval.high) else None)


@record
class Part:
    """One part of a whole: its key, what it is in words, and its value in the whole's unit."""

    key: str
    label: str
    value: float


@record
class StageMemory:
    """Device memory of one accelerator of one pipeline stage, by cause [B]."""

    stage: int
    parts: tuple[Part, ...]
    total_bytes: float


@record
class Breakdown:
    """A whole and its parts, in one unit.

    Parameters
    ----------
    key : "step", "run", "power", "cost".
    title : in words. unit : of the parts. whole : metric that the parts sum to.
    """

    key: str
    title: str
    unit: str
    parts: tuple[Part, ...]

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return sum(part.value for part in self.parts)


@record
class Currency:
    """The currency that money is shown in: its code, its units for one US dollar, and the day of that rate."""

    code: str = "USD"
    per_usd: float = 1.0
    date: str = ""


@record
class Verdict:
    """One expectation of a claim, judged.

    Parameters
    ----------
    metric : result that is bounded; "" where something must not fit.
    of, over : the part that is meant, and the one that it is set against.
    low, high : the bounds, None where there is none.
    value : what we get, a ratio where `over` is named; None where it is unknown or there is nothing.
    holds : whether the value keeps the bounds; an unknown value keeps none.
    """

    metric: str
    of: str
    over: str
    low: float | None
    high: float | None
    value: float | None
    holds: bool


@record
class Judgement:
    """A claim with what became of it.

    Parameters
    ----------
    id, says, source, note : of the claim. verdicts : one for each of its expectations.
    """

    id: str
    says: str
    source: str
    note: str
    verdicts: tuple[Verdict, ...]

    @property
    def holds(self) -> bool:
        """Whether every expectation does."""
        return all(verdict.holds for verdict in self.verdicts)


@record
class Estimate:
    """The answer to one scenario.

    Parameters
    ----------
    name, title, kind, tags : of the scenario.
    results : by metric name, in the order of `planner.metrics`.
    plan : the choices that were made or given: degrees, machine, framework, in words.
    breakdowns : where time, power and money go.
    memory : per pipeline stage; empty where none is planned.
    memory_capacity_bytes : of one accelerator.
    inputs : what the results rest on. warnings : what the reader should know.
    basis : what the efficiencies rest on, in words.
    contributions : for every metric, what each uncertain input does to it alone: (low, high) ratios.
    scenario : the closed scenario, to reproduce the estimate.
    children : parts of a composite, or nodes of a place.
    why_not : why it does not fit, for a node or an alternative that does not; its results then are few.
    currency : that people are shown money in; results are in US dollars.
    judgement : of the claim that the scenario makes.
    """

    name: str
    title: str
    kind: str
    tags: Mapping[str, str]
    results: Mapping[str, Result]
    plan: tuple[tuple[str, str], ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    memory: tuple[StageMemory, ...] = ()
    memory_capacity_bytes: float = 0.0
    inputs: tuple[Input, ...] = ()
    warnings: tuple[str, ...] = ()
    basis: str = ""
    contributions: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    scenario: Mapping[str, Any] = field(default_factory=dict)
    children: Mapping[str, Estimate] = field(default_factory=dict)
    why_not: str = ""
    currency: Currency = Currency()
    judgement: Judgement | None = None

    def breakdown(self, key: str) -> Breakdown | None:
        """Give the breakdown of that key."""
        return next((b for b in self.breakdowns if b.key == key), None)

    def value(self, metric: str) -> float | None:
        """Give the middle of a result; None where it is unknown or not part of this estimate."""
        result = self.results.get(metric)
        return result.mid if result else None
