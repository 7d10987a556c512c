"""Two runs, case by case: what became faster or slower, and where noise hides it."""

from __future__ import annotations

from planner.bench.document import BenchRun, RunRow
from planner.bench.noise import Spread, compared
from planner.record import record


@record
class Change:
    """One case that both runs measured [s]."""

    case: str
    before_s: float
    after_s: float
    verdict: str


def compared_rows(first: BenchRun, second: BenchRun) -> list[Change]:
    """Give every case that both runs measured."""
    later = {row.case: spread for row in second.rows if (spread := _spread(row))}
    found = []
    for row in first.rows:
        spread = _spread(row)
        if spread and row.case in later:
            after = later[row.case]
            found.append(Change(row.case, spread.median, after.median, compared(spread, after)))
    return found


def _spread(row: RunRow) -> Spread | None:
    if row.median_s is None or row.low_s is None or row.high_s is None or row.least_s is None:
        return None
    return Spread(row.median_s, row.low_s, row.high_s, row.least_s, row.samples)
