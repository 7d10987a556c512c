"""Scenarios side by side in a terminal of 80 columns or more: one row a result, one column a scenario."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.planning.comparison import Comparison, Line
from planner.report import compare_words as words
from planner.report.columns import fold, left, right
from planner.report.escape import for_terminal
from planner.report.labels import label_of
from planner.report.misfit import misfit
from planner.report.row_units import RowUnit, row_unit
from planner.units.printing import significant

NARROWEST = 80
AT_ONCE = 6
"""Scenarios that stand beside each other; more follow below."""
_LABEL = 30
_WIDEST = 15
_NAME, _VALUE, _RANGE = 24, 10, 18
_MOST_BREAK_EVENS = 12
_ASCII = {ord("–"): "-", ord("−"): "-", ord("…"): "~", ord("×"): "x"}
# Results whose ranges are shown; the others follow from them.
_RANGED = (
    *("days", "ttft_ms", "tpot_ms", "e2e_latency_ms", "output_tokens_per_s", "nodes_that_fit"),
    *("cost_total_usd", "cost_per_month_usd", "cost_per_million_tokens_usd", "cost_per_million_output_tokens_usd"),
    *("cost_per_request_usd", "energy_kwh", "joules_per_token", "carbon_kg", "facility_power_kw"),
)
_SAME_SHAPE = {"cost_per_million_tokens_usd": "cost_total_usd"}  # the same but for a constant, where both are known


def render(comparison: Comparison, *, width: int = NARROWEST, ascii_only: bool = False) -> str:
    """Give a comparison as plain text of a width of at least 80 [columns]."""
    lines = [line.rstrip() for line in _lines(comparison, max(width, NARROWEST))]
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _lines(comparison: Comparison, width: int) -> Iterator[str]:
    yield from _legend(comparison, width)
    fitting = [n for n, candidate in enumerate(comparison.candidates) if not candidate.estimate.why_not]
    for first in range(0, len(fitting), AT_ONCE):
        yield ""
        yield from _matrix(comparison, fitting[first : first + AT_ONCE], width)
    yield f"* {words.AHEAD}"
    yield f"~ {words.LEVEL}"
    if any(line.unknown for line in comparison.lines):
        yield f"? {words.UNKNOWN}"
    ranged = [line for line in comparison.lines if _has_ranges(line, comparison)]
    if ranged:
        yield ""
        yield f"How sure that is: 80 % ranges, and {words.RATIOS}"
        names = words.short_names(comparison)
        for line in ranged:
            yield from _standing(line, comparison, names, width)
        yield from fold(words.shared_words(comparison), width, indent="  ratios: ", hanging="  ")
    if comparison.front is not None:
        yield ""
        yield "Worth a choice (Pareto front)"
        for told in words.front_words(comparison.front, comparison):
            yield from fold(told, width, indent="  ", hanging="    ")
    yield from _break_evens(comparison, width)
    for note in comparison.notes:
        yield ""
        yield from fold(note, width, indent="note: ", hanging="      ")


def _legend(comparison: Comparison, width: int) -> Iterator[str]:
    yield f"{len(comparison.candidates)} scenarios side by side"
    for n, candidate in enumerate(comparison.candidates):
        yield from fold(for_terminal(candidate.name), width, indent=left(candidate.letter, 3), hanging="   ")
        if candidate.estimate.why_not:
            yield from fold(for_terminal(misfit(candidate.estimate.why_not)), width, indent="   ")
            continue
        machines = words.machines_of(comparison, n)
        if machines:
            yield from fold(for_terminal(machines), width, indent="   ")
        if candidate.bound_by:
            yield from fold(f"bound by {for_terminal(candidate.bound_by)}", width, indent="   ")


def _matrix(comparison: Comparison, shown: Sequence[int], width: int) -> Iterator[str]:
    each = min((width - _LABEL) // len(shown), _WIDEST)
    yield left("", _LABEL) + "".join(right(comparison.candidates[n].letter + " ", each) for n in shown)
    for line in comparison.lines:
        unit = _unit(line, comparison)
        label = label_of(line.metric) + (f" [{unit.unit}]" if unit.unit else "")
        yield left(label, _LABEL) + "".join(right(_cell(line, n, unit), each) for n in shown)


def _cell(line: Line, n: int, unit: RowUnit) -> str:
    result = line.results[n]
    if result is None:
        return "- "
    if result.mid is None:
        return "? "
    mark = " "
    if line.differs:
        if n == line.winner:
            mark = "*"
        elif line.winner is None and n in (line.best, *line.level):
            mark = "~"
    return unit.number(result.mid) + mark


def _unit(line: Line, comparison: Comparison) -> RowUnit:
    return row_unit(line.metric, (result.mid for result in line.results if result), comparison.currency)


def _has_ranges(line: Line, comparison: Comparison) -> bool:
    if line.metric not in _RANGED or line.best is None or not line.differs:
        return False
    twin = comparison.line(_SAME_SHAPE.get(line.metric, ""))
    if twin is not None and _ratios(twin) == _ratios(line):
        return False
    return any(result is not None and result.low != result.high for result in line.results)


def _ratios(line: Line) -> list[list[str] | None]:
    return [[significant(end, 6) for end in (each.low, each.mid, each.high)] if each else None for each in line.ratios]


def _standing(line: Line, comparison: Comparison, names: Sequence[str], width: int) -> Iterator[str]:
    unit = _unit(line, comparison)
    label = label_of(line.metric) + (f" [{unit.unit}]" if unit.unit else "")
    yield from fold(f"{label}: {words.verdict_words(line, comparison)}", width, hanging="  ")
    known = [n for n, result in enumerate(line.results) if result is not None and result.mid is not None]
    for n in sorted(known, key=lambda n: (n != line.best, _distance(line, n), n)):
        result, candidate = line.results[n], comparison.candidates[n]
        if result is not None:
            name = left(f"  {candidate.letter:<2} {for_terminal(names[n])}", _NAME + width - NARROWEST)
            span = left(unit.range(result.low, result.high), _RANGE)
            yield name + right(unit.number(result.mid), _VALUE) + "  " + span + "  " + _ratio(line, n)


def _distance(line: Line, n: int) -> float:
    found = line.ratios[n]
    return abs(found.mid - 1.0) if found else 0.0


def _ratio(line: Line, n: int) -> str:
    found = line.ratios[n]
    if n == line.best or found is None:
        return "best" if n == line.best else ""
    ends = [significant(value, 3) for value in (found.low, found.high)]
    middle = f"×{significant(found.mid, 3)}"
    return middle if ends[0] == ends[1] else f"{middle} ({ends[0]} – {ends[1]})"


def _break_evens(comparison: Comparison, width: int) -> Iterator[str]:
    if not comparison.break_evens:
        return
    yield ""
    yield "Break-even, with the range that holds 80 % of cases"
    chosen = comparison.break_evens[:_MOST_BREAK_EVENS]
    for found in chosen:
        yield from fold(for_terminal(words.break_even_words(found, comparison)), width, indent="  ", hanging="    ")
    left_out = len(comparison.break_evens) - len(chosen)
    if left_out:
        yield f"  and {left_out} more: --output csv=PATH, json=PATH and html=PATH hold all"
