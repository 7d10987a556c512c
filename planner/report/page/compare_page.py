"""The page of a comparison: verdicts, ranges side by side, the Pareto front, where time and money go in each."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from planner.planning.breakeven import BreakEven
from planner.planning.comparison import Candidate, Comparison, Line
from planner.planning.explain import SourcedInput
from planner.record import record
from planner.report import compare_words as words
from planner.report.labels import label_of
from planner.report.misfit import misfit
from planner.report.page import compare_figures as fig
from planner.report.page.cost_time import cost_figure
from planner.report.page.figures import effects_figure
from planner.report.page.parts import Cell, Column, Figure, Page, Section, Source, Table, number
from planner.report.page.sources import scenario_text
from planner.report.page.tables import inputs_table
from planner.report.row_units import row_unit

_MOST_EFFECTS = 6
_EFFECTS_OF = ("cost_total_usd", "cost_per_month_usd", "cost_per_million_output_tokens_usd", "days")


@record
class Told:
    """What a page of a comparison is made of.

    Parameters
    ----------
    comparison : the scenarios side by side. inputs : of each, with their sources.
    on : the day that ages are counted to. command : that makes the comparison again; "" where none does.
    """

    comparison: Comparison
    inputs: Mapping[str, Sequence[SourcedInput]]
    on: datetime.date


def page_of(told: Told) -> Page:
    """Give the page of a comparison."""
    comparison = told.comparison
    short = words.short_names(comparison)
    sections = [
        _verdicts(comparison),
        _ranges(comparison),
        _choice(comparison),
        _where(comparison),
        _why(comparison),
        _inputs(told),
    ]
    return Page(
        title=f"{len(comparison.candidates)} scenarios side by side",
        lead="comparison of " + ", ".join(short),
        facts=tuple((candidate.letter, _fact(comparison, n)) for n, candidate in enumerate(comparison.candidates)),
        sections=tuple(section for section in sections if section is not None),
        choices=fig.choices_of(comparison),
        sources=tuple(
            Source(
                f"{candidate.letter}: {candidate.name}", scenario_text(candidate.estimate.scenario), candidate.letter
            )
            for candidate in comparison.candidates
            if candidate.estimate.scenario
        ),
        notes=comparison.notes,
    )


def _fact(comparison: Comparison, n: int) -> str:
    candidate = comparison.candidates[n]
    told = [candidate.name, words.machines_of(comparison, n)]
    if candidate.estimate.why_not:
        told.append(misfit(candidate.estimate.why_not))
    elif candidate.bound_by:
        told.append(f"bound by {candidate.bound_by}")
    return "; ".join(each for each in told if each)


def _verdicts(comparison: Comparison) -> Section:
    columns = (
        Column("result"),
        *(number(c.letter) for c in comparison.candidates),
        Column("who is ahead", is_long=True),
    )
    rows = tuple(_row(line, comparison) for line in comparison.lines)
    intro = f"★ is {words.AHEAD}; ≈ is {words.LEVEL}."
    table = Table("All results, best marked", columns, rows)
    return Section("verdicts", "Who is ahead", intro, tables=(table,))


def _row(line: Line, comparison: Comparison) -> tuple[Cell, ...]:
    unit = row_unit(line.metric, (result.mid for result in line.results if result), comparison.currency)
    label = label_of(line.metric) + (f" [{unit.unit}]" if unit.unit else "")
    cells = []
    for n, result in enumerate(line.results):
        if result is None:
            cells.append(Cell(""))
        else:
            cells.append(Cell(unit.number(result.mid), "" if result.mid is None else result.mid, mark=_mark(line, n)))
    return (Cell(label), *cells, Cell(words.verdict_words(line, comparison)))


def _mark(line: Line, n: int) -> str:
    if not line.differs or line.best is None:
        return ""
    if n == line.winner:
        return "best"
    return "level" if line.level and n in (line.best, *line.level) else ""


def _ranges(comparison: Comparison) -> Section | None:
    found = fig.ranged_figures(comparison)
    intro = f"Compared by ratios: {words.shared_words(comparison)}"
    return Section("ranges", "How sure that is", intro, figures=found) if found else None


def _choice(comparison: Comparison) -> Section | None:
    figures = [fig.front(comparison), _cost(comparison)]
    drawn = tuple(figure for figure in figures if figure is not None)
    tables = (_break_evens(comparison),) if comparison.break_evens else ()
    lines = words.front_words(comparison.front, comparison) if comparison.front else []
    if not drawn and not tables:
        return None
    return Section("choice", "What is worth a choice", "", tuple(lines), figures=drawn, tables=tables)


def _cost(comparison: Comparison) -> Figure | None:
    fitting = [c for c in comparison.candidates if not c.estimate.why_not]
    return cost_figure([(f"{c.letter}  {name}", c.letter, c.estimate) for c, name in _named(comparison, fitting)])


def _named(comparison: Comparison, candidates: Sequence[Candidate]) -> list[tuple[Candidate, str]]:
    short = words.short_names(comparison)
    return [(c, short[comparison.candidates.index(c)]) for c in candidates]


def _end(found: BreakEven, end: float | None, comparison: Comparison) -> Cell:
    return Cell("") if end is None else Cell(words.break_even_value(found, end, comparison), end)


def _break_evens(comparison: Comparison) -> Table:
    letters = [candidate.letter for candidate in comparison.candidates]
    rows = tuple(
        (
            Cell(found.kind),
            Cell(letters[found.of]),
            Cell(letters[found.against]),
            Cell(words.break_even_value(found, found.value, comparison), "" if found.value is None else found.value),
            *(_end(found, end, comparison) for end in (found.low, found.high)),
            Cell(
                words.break_even_value(found, found.now, comparison) if found.now is not None else "", found.now or ""
            ),
            Cell(words.break_even_words(found, comparison)),
        )
        for found in comparison.break_evens
    )
    columns = (
        *(
            Column("break-even"),
            Column("of"),
            Column("against"),
            number("at"),
            number("low"),
            number("high"),
            number("now"),
            Column("in words", is_long=True),
        ),
    )
    return Table("Break-even between any two, with the range that holds 80 % of cases", columns, rows)


def _where(comparison: Comparison) -> Section | None:
    figures = [
        fig.parts(comparison, "step", "seconds", "Where the seconds of one step go"),
        fig.parts(comparison, "decode", "decode", "Where the time of a decode step goes"),
        fig.parts(comparison, "prompt", "prompt", "Where the time of reading a prompt goes"),
        fig.parts(comparison, "cost", "dollars", "Where the money goes"),
        fig.memory(comparison),
        fig.parts(comparison, "power", "power", "Where the power of a node goes"),
    ]
    drawn = tuple(figure for figure in figures if figure is not None)
    return Section("where", "Where it goes", figures=drawn) if drawn else None


def _why(comparison: Comparison) -> Section | None:
    """Give what moves the money, or the time, of the first scenarios."""
    metric = next((m for m in _EFFECTS_OF if any(m in c.estimate.contributions for c in comparison.candidates)), None)
    if metric is None:
        return None
    found = [
        (c, effects_figure(c.estimate, metric, key=f"effects-{c.letter}", of=c.letter)) for c in comparison.candidates
    ]
    drawn = tuple(figure for _, figure in found if figure is not None)[:_MOST_EFFECTS]
    return Section("why", f"What moves the {label_of(metric)}", figures=drawn) if drawn else None


def _inputs(told: Told) -> Section:
    tables = [
        inputs_table(told.inputs[candidate.letter], told.on, of=candidate.letter)
        for candidate in told.comparison.candidates
        if told.inputs.get(candidate.letter)
    ]
    return Section("numbers", "What they rest on", tables=tuple(tables))
