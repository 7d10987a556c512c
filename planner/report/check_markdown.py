"""A check as a comment under a pull request: whole rows within a size, and a marker by which it is found again.

Text of users is inert in it. The owners of rules that fail are the only ones who are mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from planner.policy.check import Check
from planner.policy.finding import Finding
from planner.record import record
from planner.report.check_words import (
    arrivals,
    budget_line,
    causes,
    change_amount,
    counted,
    details,
    level_of,
    message,
    other_money,
    untold,
    verdict,
    worth_telling,
)
from planner.report.escape import for_markdown
from planner.report.labels import label_of
from planner.report.numbers import shown

MARKER = "<!-- planner-check -->"
"""First line of every comment, by which a later run finds the one to replace."""

_MENTION = re.compile(r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:/[A-Za-z0-9._-]{1,100})?\Z")
_LONGEST_CELL = 500


@record
class _Section:
    """A table: its lines down to the header, rows, and what a row is called."""

    head: tuple[str, ...]
    rows: tuple[str, ...]
    what: str


def render(check: Check, *, most: int = 0) -> str:
    """Give a check as a comment.

    Parameters
    ----------
    check : the check.
    most : bytes of UTF-8 that it may take; as the project says where 0. Whole rows are left out beyond it,
        and their number is told.
    """
    room = most or check.rulebook.document.comment.most_bytes
    sign = "❌" if check.failing else "✅"
    head = f"{MARKER}\n### {sign} planner check\n\n{for_markdown(verdict(check))}\n"
    foot = f"\n<sub>{_foot(check)}</sub>\n"
    room -= _size(head) + _size(foot)
    body = ""
    for section in _sections(check):
        text = _fitted(section, room)
        room -= _size(text)
        body += text
    return head + body + foot


def _fitted(section: _Section, room: int) -> str:
    """Give as much of a table as fits: its header and whole rows, and how many more there are."""
    if not section.rows:
        return ""
    whole_room = room
    start = "\n" + "\n".join(section.head) + "\n"
    left_out = f"\n{counted(len(section.rows), section.what)} in all; the others did not fit here.\n"
    room -= _size(start) + _size(left_out)
    kept: list[str] = []
    for row in section.rows:
        room -= _size(row) + 1
        if room < 0:
            break
        kept.append(row)
    if not kept:
        note = f"\n{counted(len(section.rows), section.what)} did not fit here.\n"
        return note if _size(note) <= whole_room else ""
    return start + "\n".join(kept) + "\n" + (left_out if len(kept) < len(section.rows) else "")


def _sections(check: Check) -> Iterator[_Section]:
    head = ("| | finding | where |", "|---|---|---|")
    yield _Section(head, tuple(_finding_row(each, check) for each in check.findings), "finding")
    budgets = ("| budget | used | limit | |", "|---|---:|---:|---|")
    yield _Section(budgets, tuple(_budget_rows(check)), "budget")
    if check.baseline is not None:
        title = f"Changes against {_cell(check.baseline.label)}"
        table = (title, "", "| scenario | result | before | now | change | by |", "|---|---|---:|---:|---:|---|")
        rows = tuple(_change_rows(check))
        yield _Section(table, rows, "change")
        if other_money(check):
            yield _Section((), (f"{_cell(other_money(check))}.",), "line")
        if untold(check):
            yield _Section((), (f"{untold(check)}.",), "line")
        elif not rows:
            yield _Section((), (f"No change against {_cell(check.baseline.label)}.",), "line")


def _finding_row(finding: Finding, check: Check) -> str:
    text = message(finding, check.currency) + (f" ({finding.rule})" if finding.rule else "")
    lines = [_cell(f"{text} [{finding.kind.id}]"), *map(_cell, details(finding, check.currency))]
    if finding.owner:
        lines.append(f"owner: {_owner(finding)}")
    where = _cell(str(finding.where)) if finding.where else ""
    return f"| {level_of(finding)} | {'<br>'.join(lines)} | {where} |"


def _owner(finding: Finding) -> str:
    """Give a rule's owner, who is called where the rule fails and the name is one that can be."""
    words = finding.owner.split()
    return " ".join(word if finding.fails and _MENTION.match(word) else _cell(word) for word in words)


def _budget_rows(check: Check) -> Iterator[str]:
    for budget in check.budgets:
        yield "| " + " | ".join(_cell(text) for text in budget_line(budget, check.currency)) + " |"


def _change_rows(check: Check) -> Iterator[str]:
    for scenario, changes in worth_telling(check, check.scenarios):
        for change in changes:
            cells = (
                scenario.subject.name,
                label_of(change.metric),
                shown(change.metric, change.before, check.currency),
                shown(change.metric, change.after, check.currency),
                change_amount(change, check.currency),
                causes(change, check.currency),
            )
            yield _row(cells)
    for word, names in arrivals(check):
        for name in names:
            yield _row((name, word, "", "", "", ""))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    cut = text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
    return for_markdown(cut)


def _foot(check: Check) -> str:
    prices = f"prices of {check.prices_on} or before" if check.prices_on else "newest prices"
    return f"{_cell(check.name or 'planner')}: {prices}; ranges hold 80 % of cases"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
