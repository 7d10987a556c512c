"""Which findings somebody gave leave for, and which waivers have run out or waive nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planner.catalog.price import latest
from planner.errors import did_you_mean
from planner.policy.finding import Finding, FindingKind
from planner.policy.rulebook import Rulebook, WaiverRule
from planner.policy.scope import names_match

_UPWARDS = frozenset({FindingKind.BUDGET_OVER, FindingKind.POLICY_OVER, FindingKind.INCREASE_OVER})
_DOWNWARDS = frozenset({FindingKind.POLICY_UNDER, FindingKind.DECREASE_OVER})


def waived(findings: Iterable[Finding], book: Rulebook, *, today: str) -> list[Finding]:
    """Give findings with leave where there is some, and after them what is wrong with the waivers.

    A waiver never makes a finding worse, and what is wrong with one is only warned of, so that no waiver turns
    a check that passes into one that fails.

    Parameters
    ----------
    findings, book : what was found by which rules.
    today : YYYY-MM-DD.
    """
    found = list(findings)
    holding = [waiver for waiver in book.waivers if today <= latest(waiver.document.until)]
    used: set[int] = set()
    given: list[Finding] = []
    for finding in found:
        first = next((waiver for waiver in holding if _covers(waiver, finding)), None)
        if first is not None:
            used.add(id(first))
        given.append(finding.waived(first.document.by) if first is not None else finding)
    for waiver in book.waivers:
        if waiver not in holding:
            given.append(_wrong(waiver, FindingKind.WAIVER_EXPIRED, f"it ended on {waiver.document.until}"))
        elif id(waiver) not in used:
            given.append(_wrong(waiver, FindingKind.WAIVER_UNUSED, _why_unused(waiver, found, book)))
    return given


def _means(waiver: WaiverRule, finding: Finding) -> bool:
    document = waiver.document
    meant = not document.scenarios or any(names_match(name, finding.subject) for name in document.scenarios)
    return finding.rule == document.of and finding.kind in _UPWARDS | _DOWNWARDS and meant


def _covers(waiver: WaiverRule, finding: Finding) -> bool:
    if not _means(waiver, finding) or waiver.ceiling is None or finding.value is None:
        return False
    if finding.kind in _UPWARDS:
        return finding.value <= waiver.ceiling
    return finding.value >= waiver.ceiling


def _why_unused(waiver: WaiverRule, findings: Sequence[Finding], book: Rulebook) -> str:
    rules = [*(budget.id for budget in book.document.budgets), *(policy.id for policy in book.document.policies)]
    name = waiver.document.of
    if name not in rules:
        return " ".join(filter(None, (f"there is no budget or policy '{name}'", did_you_mean(name, rules))))
    if any(_means(waiver, finding) for finding in findings):
        return "what it would waive lies beyond its ceiling"
    if any(finding.rule == name for finding in findings):
        return "no scenario that it means breaks the rule"
    return "the rule is kept without it"


def _wrong(waiver: WaiverRule, kind: FindingKind, detail: str) -> Finding:
    document = waiver.document
    return Finding(
        kind,
        "warn",
        rule=document.of,
        subject=", ".join(document.scenarios),
        where=waiver.where,
        rule_where=waiver.where,
        detail=detail,
        owner=document.by,
        advice=document.reason,
    )
