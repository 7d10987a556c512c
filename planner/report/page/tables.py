"""Tables that several pages have: results with their ranges, and inputs with their sources and ages."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

from planner.catalog.price import earliest
from planner.metrics import METRICS
from planner.planning.estimate import Currency, Result
from planner.planning.explain import SourcedInput
from planner.report.labels import label_of
from planner.report.page.parts import Cell, Column, Table, aligned, number
from planner.report.row_units import RowUnit, row_unit

_MONTH_DAYS = 30.4
_YEAR_DAYS = 365.25


def results_table(results: Sequence[Result], currency: Currency) -> Table:
    """Give results with their ranges, one a row."""
    units = [row_unit(result.metric, (result.mid,), currency) for result in results]
    numbers = [
        (unit.number(result.mid), *(_end(unit, value, result) for value in (result.low, result.high)))
        for unit, result in zip(units, results, strict=True)
    ]
    middles, lows, highs = (aligned([row[n] for row in numbers]) for n in range(3))
    rows = tuple(
        (
            Cell(label_of(result.metric)),
            Cell(middles[n], _key(result.mid)),
            Cell(lows[n], _key(result.low)),
            Cell(highs[n], _key(result.high)),
            Cell(units[n].unit),
            Cell(METRICS[result.metric].meaning),
        )
        for n, result in enumerate(results)
    )
    headers = (
        Column("result"),
        number("middle"),
        number("low"),
        number("high"),
        Column("unit"),
        Column("what it is", is_long=True),
    )
    return Table("All results, with the range that holds 80 % of cases", headers, rows)


def _end(unit: RowUnit, value: float | None, result: Result) -> str:
    """Give an end of a range; nothing where there is no range."""
    if result.mid is None or result.low == result.high:
        return ""
    return "no bound" if value is None else unit.number(value)


def _key(value: float | None) -> float | str:
    """Give what a number is sorted by; what is unknown comes last."""
    return "" if value is None or not math.isfinite(value) else value


def inputs_table(inputs: Sequence[SourcedInput], on: datetime.date, *, of: str = "") -> Table:
    """Give inputs with where they came from, and how old that was on a day; `of` is the candidate they are of."""
    rows = tuple(
        (
            Cell(sourced.input.name),
            Cell(sourced.input.value),
            Cell(sourced.input.standing.value, mark="weak" if sourced.input.standing.is_weak else ""),
            Cell(sourced.title, url=sourced.url),
            Cell(sourced.date),
            Cell(*age_of(sourced.date, on)),
        )
        for sourced in inputs
    )
    whose = f" of {of}" if of else ""
    headers = (
        Column("input"),
        Column("value"),
        Column("standing"),
        Column("source", is_long=True),
        number("date"),
        number("age"),
    )
    return Table(f"Inputs{whose}, their sources, and their age on {on.isoformat()}", headers, rows, owner=of)


def age_of(date: str, on: datetime.date) -> tuple[str, float | str]:
    """Give an age in words, and in days; nothing for what has no date.

    >>> age_of("2024", datetime.date(2026, 1, 1)), age_of("", datetime.date(2026, 1, 1))
    (('2 years', 731), ('', ''))
    """
    if not date:
        return "", ""
    days = (on - datetime.date.fromisoformat(earliest(date))).days
    if days < 0:
        return "", days
    if days < 2 * _MONTH_DAYS:
        return f"{days} days", days
    if days < 2 * _YEAR_DAYS:
        return f"{days / _MONTH_DAYS:.0f} months", days
    return f"{days / _YEAR_DAYS:.0f} years", days
