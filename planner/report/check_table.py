"""A check as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from planner.policy.check import Check
from planner.policy.finding import Finding
from planner.report.check_words import (
    arrivals,
    budget_line,
    causes,
    change_amount,
    details,
    level_of,
    message,
    other_money,
    untold,
    verdict,
    worth_telling,
)
from planner.report.columns import fold, left, right
from planner.report.escape import for_log, for_terminal
from planner.report.labels import label_of
from planner.report.numbers import shown

NARROWEST = 80
_LEVEL = 8
_NAME, _VALUE = 32, 18
_MOST_SCENARIOS = 30
_ASCII = {ord("–"): "-", ord("…"): "~", ord("→"): ">", ord("·"): "-"}


def render(check: Check, *, width: int = NARROWEST, ascii_only: bool = False) -> str:
    """Give a check as plain text of a width of at least 80 [columns]."""
    lines = [for_log(line.rstrip()) for line in _lines(check, max(width, NARROWEST))]
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _lines(check: Check, width: int) -> Iterator[str]:
    yield from fold(for_terminal(verdict(check)), width)
    if check.findings:
        yield ""
        yield "Findings"
        for finding in check.findings:
            yield from _finding(finding, check, width)
    if check.budgets:
        yield ""
        yield left("Budgets", _NAME) + right("used", _VALUE) + right("limit", _VALUE)
        for budget in check.budgets:
            name, value, limit, level = budget_line(budget, check.currency)
            line = left(for_terminal(name), _NAME) + right(value, _VALUE) + right(limit, _VALUE)
            yield line + "  " + level
    if check.baseline is not None:
        yield ""
        yield from _changes(check, width)


def _finding(finding: Finding, check: Check, width: int) -> Iterator[str]:
    hanging = " " * (2 + _LEVEL)
    rule = f" ({finding.rule})" if finding.rule else ""
    text = for_terminal(f"{message(finding, check.currency)}{rule} [{finding.kind.id}]")
    yield from fold(text, width, indent="  " + left(level_of(finding), _LEVEL), hanging=hanging)
    if finding.where is not None:
        yield hanging + for_terminal(str(finding.where))
    for line in details(finding, check.currency):
        yield from fold(for_terminal(line), width, indent=hanging, hanging=hanging + "  ")
    if finding.owner:
        yield from fold(for_terminal(f"owner: {finding.owner}"), width, indent=hanging)


def _changes(check: Check, width: int) -> Iterator[str]:
    label = check.baseline.label if check.baseline else ""
    told = worth_telling(check, check.scenarios)
    others, less = arrivals(check), untold(check)
    if other_money(check):
        yield from fold(for_terminal(other_money(check)), width)
    if not told and not others and not less:
        yield from fold(for_terminal(f"No change against {label}"), width)
        return
    yield from fold(for_terminal(f"Changes against {label}"), width)
    for scenario, changes in told[:_MOST_SCENARIOS]:
        yield from fold(for_terminal(scenario.subject.name), width, indent="  ")
        for change in changes:
            before, after = (shown(change.metric, each, check.currency) for each in (change.before, change.after))
            line = f"{label_of(change.metric)}: {before} → {after} {change_amount(change, check.currency)}"
            only = next(iter(change.parts)).words if len(change.parts) == 1 else ""
            yield from fold(line + (f" by {only}" if only else ""), width, indent="    ", hanging="      ")
            if len(change.parts) > 1:
                yield from fold(f"by {causes(change, check.currency)}", width, indent="      ")
    if len(told) > _MOST_SCENARIOS:
        yield f"  and {len(told) - _MOST_SCENARIOS:,} more scenarios; --output json=PATH has all"
    if less:
        yield f"  {less}"
    for word, names in others:
        yield from fold(for_terminal(f"{word}: {', '.join(names)}"), width, indent="  ", hanging="    ")
