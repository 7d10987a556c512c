"""Charts of a check: how much of each budget is used, and which causes moved whose cost."""

from __future__ import annotations

from collections.abc import Sequence

from planner.policy.attribution import Cause, Change
from planner.policy.budgets import JudgedBudget
from planner.policy.check import Check, CheckedScenario
from planner.report import check_words as words
from planner.report.labels import label_of
from planner.report.numbers import percent
from planner.report.page.parts import Cell, Column, Figure, Table, number
from planner.report.row_units import row_unit

_MOST_USED = 3.0  # beyond three times its limit a budget's bar says no more
_MOST_MOVED = 20
_MONEY = ("cost_total_usd", "cost_per_month_usd")


def budgets_figure(check: Check, table: Table) -> Figure | None:
    """Give how much of its limit each budget has used."""
    shares = [(budget, share) for budget in check.budgets if (share := _share(budget)) is not None]
    if not shares:
        return None
    rows = tuple(
        {
            "label": budget.rule.document.id,
            "part": "used",
            "order": 0,
            "value": 100.0 * min(share, _MOST_USED),
            "text": percent(share),
        }
        for budget, share in shares
    )
    limits = ({"value": 100.0, "text": "the limit"},)
    says = "The dashed line is each budget's limit."
    more = {"parts": ("used",), "limits": limits}
    return Figure(
        "budgets-used", "Share of each budget that is used", says, "stacked", rows, table, x="% of the limit", more=more
    )


def _share(budget: JudgedBudget) -> float | None:
    rule = budget.rule
    limit = rule.deny if rule.deny is not None else rule.warn
    return budget.taken / limit if rule.holds and limit and budget.taken is not None else None


def moves_figure(check: Check, told: Sequence[tuple[CheckedScenario, Sequence[Change]]]) -> Figure | None:
    """Give what each cause did to the cost of the scenarios that moved most."""
    metric = next((each for each in _MONEY if _moves(told, each)), None)
    if metric is None:
        return None
    moved = sorted(_moves(told, metric), key=_size, reverse=True)[:_MOST_MOVED]
    largest = max(abs(float(part)) for _, change in moved for part in change.parts.values())
    unit = row_unit(metric, [largest], check.currency)
    causes = [cause for cause in Cause if any(cause in change.parts for _, change in moved)]
    rows = tuple(
        {
            "label": name,
            "part": cause.words,
            "order": causes.index(cause),
            "value": float(part) / unit.per,
            "text": words.signed(metric, part, check.currency),
        }
        for name, change in moved
        for cause, part in change.parts.items()
    )
    columns = (Column("scenario"), *(number(cause.words) for cause in causes), number("change"))
    cells = tuple(_row(name, change, causes, check) for name, change in moved)
    label = label_of(metric)
    says = f"What each cause did to the {label}; the parts of a bar sum to its change."
    if len(_moves(told, metric)) > len(moved):
        says += f" Those {len(moved)} that moved most."
    return Figure(
        "changes-by-cause",
        f"Why the {label} moved",
        says,
        "stacked",
        rows,
        Table(f"Changes of the {label} by cause", columns, cells),
        x=f"change of the {label} [{unit.unit}]",
        more={"parts": tuple(cause.words for cause in causes)},
    )


def _moves(told: Sequence[tuple[CheckedScenario, Sequence[Change]]], metric: str) -> list[tuple[str, Change]]:
    return [
        (scenario.subject.name, change)
        for scenario, changes in told
        for change in changes
        if change.metric == metric and change.parts
    ]


def _size(each: tuple[str, Change]) -> float:
    return abs(float(each[1].amount or 0))


def _row(name: str, change: Change, causes: Sequence[Cause], check: Check) -> tuple[Cell, ...]:
    parts = (change.parts.get(cause) for cause in causes)
    told = (
        Cell("", "") if part is None else Cell(words.signed(change.metric, part, check.currency), float(part))
        for part in parts
    )
    return (Cell(name), *told, Cell(words.change_amount(change, check.currency), float(change.amount or 0)))
