"""Scenarios side by side in Markdown, for a comment or a document."""

from __future__ import annotations

from collections.abc import Iterator

from planner.planning.comparison import Comparison, Line
from planner.report import compare_words as words
from planner.report.escape import for_markdown
from planner.report.labels import label_of
from planner.report.misfit import misfit
from planner.report.row_units import RowUnit, row_unit


def render(comparison: Comparison) -> str:
    """Give a comparison as Markdown."""
    return "\n".join(_lines(comparison)) + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    candidates = comparison.candidates
    yield f"### {len(candidates)} scenarios side by side"
    yield ""
    yield "| | scenario | on | bound by |"
    yield "|---|---|---|---|"
    for n, candidate in enumerate(candidates):
        refused = candidate.estimate.why_not
        on = for_markdown(words.machines_of(comparison, n))
        bound = for_markdown(misfit(refused)) if refused else for_markdown(candidate.bound_by)
        yield f"| {candidate.letter} | {for_markdown(candidate.name)} | {on} | {bound} |"
    yield ""
    yield from _matrix(comparison)
    yield ""
    yield f"**Bold**: {words.AHEAD}. ≈: {words.LEVEL}. Ranges hold 80 % of cases."
    yield ""
    yield for_markdown(f"Compared by ratios: {words.shared_words(comparison)}")
    yield from _told("Worth a choice (Pareto front)", _front(comparison))
    breaks = [words.break_even_words(found, comparison) for found in comparison.break_evens]
    yield from _told("Break-even, with the range that holds 80 % of cases", breaks)
    yield from _told("Notes", list(comparison.notes))


def _front(comparison: Comparison) -> list[str]:
    return words.front_words(comparison.front, comparison) if comparison.front else []


def _told(title: str, texts: list[str]) -> Iterator[str]:
    if texts:
        yield ""
        yield f"#### {title}"
        yield ""
        yield from (f"- {for_markdown(text)}" for text in texts)


def _matrix(comparison: Comparison) -> Iterator[str]:
    fitting = [n for n, candidate in enumerate(comparison.candidates) if not candidate.estimate.why_not]
    yield "| | " + " | ".join(comparison.candidates[n].letter for n in fitting) + " | |"
    yield "|---" + "|---:" * len(fitting) + "|---|"
    for line in comparison.lines:
        unit = row_unit(line.metric, (result.mid for result in line.results if result), comparison.currency)
        label = label_of(line.metric) + (f" ({unit.unit})" if unit.unit else "")
        cells = [_cell(line, n, unit) for n in fitting]
        verdict = words.verdict_words(line, comparison)
        yield f"| {for_markdown(label)} | " + " | ".join(cells) + f" | {for_markdown(verdict)} |"


def _cell(line: Line, n: int, unit: RowUnit) -> str:
    result = line.results[n]
    if result is None:
        return ""
    number = unit.number(result.mid)
    span = unit.range(result.low, result.high)
    if line.differs and n == line.winner:
        number = f"**{number}**"
    elif line.differs and line.best is not None and line.level and n in (line.best, *line.level):
        number = f"≈ {number}"
    return f"{number}<br><sub>{span}</sub>" if span else number
