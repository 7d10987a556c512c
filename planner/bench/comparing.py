"""Two runs, case by case: what became faster or slower, and where noise hides it."""

from __future__ import annotations

import math

from planner.bench.document import BenchRun, RunRow
from planner.bench.fingerprint import differences
from planner.bench.noise import Spread, compared
from planner.bench.pace import Canary, memory_share_of, pace_of, slowdown
from planner.bench.suite import Case
from planner.record import record


@record
class Change:
    """One case that both runs measured [s]."""

    case: str
    before_s: float
    after_s: float
    verdict: str


def paces(first: BenchRun, second: BenchRun) -> tuple[Canary, Canary] | None:
    """Give the paces of two runs of one shared machine and software; None where they are of two, or tell no pace."""
    before, after = pace_of(first), pace_of(second)
    alike = not differences(first.fingerprint, second.fingerprint) and first.backend == second.backend
    return (before, after) if alike and before and after else None


_LEAST_CHANGE = 0.03
_NOT_TAKEN_OUT = 0.25  # of a difference in pace: times follow their canary with slopes of 0.8 to 1.1; our estimate


def compared_rows(first: BenchRun, second: BenchRun) -> list[Change]:
    """Give every case that both runs measured, the second at the pace of the first where one machine made both."""
    later = {row.case: spread for row in second.rows if (spread := _spread(row))}
    both = paces(first, second)
    found = []
    for row in first.rows:
        spread = _spread(row)
        if spread and row.case in later:
            slower = _slowdown(row, both) if both else 1.0
            after = later[row.case].scaled(1.0 / slower)
            least = _LEAST_CHANGE + _NOT_TAKEN_OUT * abs(math.log(slower))
            verdict = compared(spread, after, least_change=least)
            found.append(Change(row.case, spread.median, after.median, verdict))
    return found


def _slowdown(row: RunRow, both: tuple[Canary, Canary]) -> float:
    case = Case(row.kernel, row.family, row.layout, row.operands, row.size, left_out=row.left_out, dtype=row.dtype)
    before, after = both
    return slowdown(after, before, memory_share_of(case, before))


def _spread(row: RunRow) -> Spread | None:
    if row.median_s is None or row.low_s is None or row.high_s is None or row.least_s is None:
        return None
    return Spread(row.median_s, row.low_s, row.high_s, row.least_s, row.samples)
