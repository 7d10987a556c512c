"""A check as one CSV table: a row for each result, budget and finding; no cell of it is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator

from planner.metrics import METRICS
from planner.policy.check import Check, CheckedScenario
from planner.policy.finding import Finding
from planner.policy.stated import exact
from planner.policy.subjects import Subject
from planner.report.check_json import plain
from planner.report.check_words import message
from planner.report.escape import for_csv, for_text

COLUMNS = (
    *("record", "scenario", "rule", "metric", "unit", "per", "value", "low", "high", "before", "change"),
    *("limit", "level", "file", "line", "column", "message"),
)
Cell = str | float | int | None


def render(check: Check, *, raw: bool = False) -> str:
    """Give a check as CSV.

    Parameters
    ----------
    check : the check.
    raw : texts as they are, for programs that take no cell for a formula.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    safe = for_text if raw else for_csv
    for row in _rows(check):
        writer.writerow([_cell(row.get(column), safe) for column in COLUMNS])
    return written.getvalue()


def _cell(value: Cell, safe: Callable[[str], str]) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return safe(value)
    return str(value) if isinstance(value, int) else plain(exact(value))


def _rows(check: Check) -> Iterator[dict[str, Cell]]:
    for scenario in check.scenarios:
        for subject in scenario.evaluated.subjects():
            yield from _results(scenario, subject)
    for budget in check.budgets:
        rule = budget.rule.document
        yield {
            "record": "budget",
            "scenario": budget.subject,
            "rule": rule.id,
            **_measured(rule.metric, rule.per),
            "value": budget.taken,
            "limit": budget.rule.deny if budget.rule.deny is not None else budget.rule.warn,
            "level": budget.level or "ok",
            **_place(budget.rule.where.file, budget.rule.where.line, budget.rule.where.column),
        }
    yield from (_finding(finding, check) for finding in check.findings)


def _results(scenario: CheckedScenario, subject: Subject) -> Iterator[dict[str, Cell]]:
    changed = {change.metric: change for change in scenario.changes.get(subject.name, ())}
    for metric, result in subject.results.items():
        change = changed.get(metric)
        yield {
            "record": "result",
            "scenario": subject.name,
            **_measured(metric, "run"),
            "value": result.mid,
            "low": result.low,
            "high": result.high,
            "before": change.before if change else result.mid if not scenario.is_new else None,
            "change": float(change.amount) if change and change.amount is not None else None,
        }


def _finding(finding: Finding, check: Check) -> dict[str, Cell]:
    place = finding.where
    return {
        "record": finding.kind.id,
        "scenario": finding.subject,
        "rule": finding.rule,
        **(_measured(finding.metric, finding.per) if finding.metric else {}),
        "value": finding.value,
        "before": finding.before,
        "limit": finding.limit,
        "level": "waived" if finding.waived_by else finding.level,
        **(_place(place.file, place.line, place.column) if place else {}),
        "message": message(finding, check.currency),
    }


def _measured(metric: str, per: str) -> dict[str, Cell]:
    return {"metric": metric, "unit": METRICS[metric].unit, "per": per}


def _place(file: str, line: int, column: int) -> dict[str, Cell]:
    return {"file": file, "line": line, "column": column}
