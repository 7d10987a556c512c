"""A comparison as CSV: one row for each result of each scenario, then one for each break-even."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from planner.metrics import METRICS
from planner.planning.comparison import Comparison, Line
from planner.report.compare_json import UNIT_OF
from planner.report.escape import for_csv
from planner.report.json_report import rounded
from planner.units.interval import Interval

COLUMNS = (
    *("what", "unit", "letter", "scenario", "value", "low", "high"),
    *("ratio_to_best", "ratio_low", "ratio_high", "standing", "against", "now"),
)
Row = tuple[str | float | None, ...]


def render(comparison: Comparison) -> str:
    """Give a comparison as CSV; texts that a spreadsheet would run are made harmless."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in (*_results(comparison), *_break_evens(comparison)):
        writer.writerow([for_csv(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row])
    return stream.getvalue()


def _results(comparison: Comparison) -> Iterator[Row]:
    for line in comparison.lines:
        unit = METRICS[line.metric].unit
        for n, (candidate, result) in enumerate(zip(comparison.candidates, line.results, strict=True)):
            if result is None:
                continue
            numbers = [rounded(value) for value in (result.mid, result.low, result.high)]
            yield (
                *(line.metric, unit, candidate.letter, candidate.name),
                *numbers,
                *_ratio(line.ratios[n]),
                *(_standing(line, n), None, None),
            )


def _ratio(found: Interval | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if found is None else (rounded(found.mid), rounded(found.low), rounded(found.high))


def _standing(line: Line, n: int) -> str:
    if n in line.unknown:
        return "unknown"
    if line.best is None:
        return ""
    if n == line.best:
        return "ahead" if line.winner == n else "best"
    return "level" if n in line.level else "behind"


def _break_evens(comparison: Comparison) -> Iterator[Row]:
    for found in comparison.break_evens:
        of, against = comparison.candidates[found.of], comparison.candidates[found.against]
        yield (
            *(f"break-even: {found.kind}", UNIT_OF[found.kind], of.letter, of.name, rounded(found.value)),
            *(rounded(found.low), rounded(found.high), None, None, None),
            *("never" if found.value is None else "", against.letter, rounded(found.now)),
        )
