"""Money over the time of a run, and where owning catches up with renting, as lines of a figure."""

from __future__ import annotations

from collections.abc import Sequence

from planner.planning.estimate import Currency, Estimate
from planner.record import record
from planner.report.numbers import money, shown
from planner.report.page.parts import Cell, Column, Figure, Table, number
from planner.report.row_units import row_unit

_STEPS = 8
Point = tuple[float, float, float | None, float | None]


@record
class _Line:
    """One line: its label and filter key, and points of time [d], money and its range [USD]."""

    label: str
    choice: str
    points: tuple[Point, ...]


def cost_figure(named: Sequence[tuple[str, str, Estimate]]) -> Figure | None:
    """Give the money of runs day by day: what has been charged to each so far.

    Parameters
    ----------
    named : label, key of the filter ("" without one) and estimate of each run.
    """
    lines = [line for label, choice, estimate in named for line in _charged(label, choice, estimate)]
    if len(named) == 1:
        lines += _paid_out(named[0][1], named[0][2])
    if not lines:
        return None
    says = "Money charged to the run so far; the band holds 80 % of cases at the middle duration."
    if len(lines) > len(named):
        says += " Who owns the machines pays for them first: the second line is what has left the bank by then."
    return _drawn("cost-over-time", "Cost over time", says, lines, named[0][2].currency)


def _charged(label: str, choice: str, estimate: Estimate) -> list[_Line]:
    cost, days = estimate.results.get("cost_total_usd"), estimate.value("days")
    if cost is None or cost.mid is None or not days:
        return []
    shares = [n / _STEPS for n in range(_STEPS + 1)]
    low, high = cost.low, cost.high
    points = tuple(
        (share * days, share * cost.mid, None if low is None else share * low, None if high is None else share * high)
        for share in shares
    )
    return [_Line(label, choice, points)]


def _paid_out(choice: str, estimate: Estimate) -> list[_Line]:
    """Give the purchase at the start and the running costs after it, where machines are owned."""
    capital, days, cost = estimate.value("capital_usd"), estimate.value("days"), estimate.breakdown("cost")
    if not capital or not days or cost is None:
        return []
    running = sum(part.value for part in cost.parts if part.key != "capital")
    points = tuple((n / _STEPS * days, capital + n / _STEPS * running, None, None) for n in range(_STEPS + 1))
    return [_Line("paid out so far", choice, points)]


def _drawn(key: str, title: str, says: str, lines: Sequence[_Line], currency: Currency) -> Figure:
    time = row_unit("days", [max(point[0] for line in lines for point in line.points)], currency)
    cash = row_unit("cost_total_usd", [max(point[1] for line in lines for point in line.points)], currency)
    rows = tuple(
        {
            "label": line.label,
            "choice": line.choice,
            "x": days / time.per,
            "y": usd / cash.per,
            "low": (usd if low is None else low) / cash.per,
            "high": (usd if high is None else high) / cash.per,
            "x_text": shown("days", days),
            "text": money(usd, currency),
        }
        for line in lines
        for days, usd, low, high in line.points
    )
    ends = [(line, line.points[-1]) for line in lines]
    table = Table(
        title,
        (Column("run"), number("after"), number("money")),
        tuple(
            (Cell(line.label), Cell(shown("days", point[0]), point[0]), Cell(money(point[1], currency), point[1]))
            for line, point in ends
        ),
        choices=tuple(line.choice for line in lines) if lines[0].choice else (),
    )
    choices = tuple(dict.fromkeys(line.choice for line in lines if line.choice))
    return Figure(
        key, title, says, "lines", rows, table, x=f"time [{time.unit}]", y=f"money [{cash.unit}]", choices=choices
    )
