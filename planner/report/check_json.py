"""A check as JSON: for programs, and as the baseline of later checks; money as decimal strings, stable bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from planner import __version__
from planner.errors import Location
from planner.metrics import METRICS
from planner.policy.attribution import Change
from planner.policy.budgets import JudgedBudget
from planner.policy.check import Check, CheckedScenario
from planner.policy.finding import Finding, Share, WayBack
from planner.policy.stated import Stated, exact, is_money
from planner.policy.stored import SCHEMA, with_digest
from planner.policy.subjects import Subject
from planner.report.json_report import dumps

Number = str | float | None


def render(check: Check) -> str:
    """Give a check as the text of one JSON document."""
    return dumps(with_digest(document(check)))


def document(check: Check) -> dict[str, Any]:
    """Give a check as plain values, without the digest."""
    origin = check.baseline
    return {
        "schema": SCHEMA,
        "planner": __version__,
        "project": check.name,
        "prices_on": check.prices_on,
        "exit_code": check.exit_code,
        "baseline": {"kind": origin.kind, "name": origin.name, "commit": origin.commit, "planner": origin.planner}
        if origin
        else None,
        "findings": [_finding(finding) for finding in check.findings],
        "budgets": [_budget(budget) for budget in check.budgets],
        "scenarios": {scenario.subject.name: _scenario(scenario) for scenario in check.scenarios},
        "gone": list(check.gone),
        "documents": {"project": dict(check.documents.project), "catalogs": dict(check.documents.catalogs or {})},
    }


def number(value: float | Decimal | None, metric: str) -> Number:
    """Give a number as JSON holds it: money as a decimal text, what is unknown or unbounded as null.

    >>> number(98.32, "cost_per_hour_usd"), number(98.32, "days"), number(float("inf"), "days")
    ('98.32', 98.32, None)
    """
    if value is None or (isinstance(value, float) and math.isinf(value)):
        return None
    if metric in METRICS and is_money(metric):
        return plain(value if isinstance(value, Decimal) else exact(value))
    return float(value)


def plain(value: Decimal) -> str:
    """Give a decimal without an exponent or zeros that say nothing.

    >>> plain(Decimal("10.0")), plain(Decimal("1E+6"))
    ('10', '1000000')
    """
    return format(value.normalize(), "f")


def _scenario(scenario: CheckedScenario) -> dict[str, Any]:
    subject = scenario.subject
    inner = {part.name: part for part in scenario.evaluated.parts}
    return {
        "title": subject.title,
        "kind": subject.kind,
        "tags": dict(subject.tags),
        "facility": subject.facility,
        "is_claim": subject.is_claim,
        "is_new": scenario.is_new,
        "turns": {name: turn.value for name, turn in scenario.turns.items()},
        **_results(subject, scenario.changes),
        "parts": {name: _results(part, scenario.changes) for name, part in inner.items()},
    }


def _results(subject: Subject, changes: Mapping[str, tuple[Change, ...]]) -> dict[str, Any]:
    return {
        "results": {name: _stated(result, name) for name, result in subject.results.items()},
        "changes": {change.metric: _change(change) for change in changes.get(subject.name, ())},
        "why_not": subject.why_not,
    }


def _stated(result: Stated, metric: str) -> dict[str, Number]:
    """Give a result; ends that are its value are left out."""
    ends = {name: value for name, value in result._asdict().items() if value != result.mid}
    return {"value": number(result.mid, metric), **{name: number(value, metric) for name, value in ends.items()}}


def _change(change: Change) -> dict[str, Any]:
    return {
        "before": number(change.before, change.metric),
        "after": number(change.after, change.metric),
        "change": None if change.amount is None else plain(change.amount),
        "parts": {cause.id: plain(part) for cause, part in change.parts.items()},
    }


def _budget(budget: JudgedBudget) -> dict[str, Any]:
    rule = budget.rule.document
    return {
        "id": rule.id,
        "metric": rule.metric,
        "per": rule.per,
        "judged_at": rule.judged_at,
        "result": _stated(budget.result, rule.metric),
        "value": number(budget.taken, rule.metric),
        "deny": number(budget.rule.deny, rule.metric),
        "warn": number(budget.rule.warn, rule.metric),
        "level": budget.level,
        "scenario": budget.subject,
        "scenarios": budget.members,
        "owner": rule.owner,
        "where": _place(budget.rule.where),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    metric = finding.metric
    return {
        "id": finding.kind.id,
        "fingerprint": finding.fingerprint,
        "level": finding.level,
        "fails": finding.fails,
        "rule": finding.rule,
        "scenario": finding.subject,
        "where": _place(finding.where),
        "rule_where": _place(finding.rule_where),
        "metric": metric,
        "per": finding.per,
        "judged_at": finding.at,
        "value": number(finding.value, metric),
        "limit": number(finding.limit, metric),
        "before": number(finding.before, metric),
        "detail": finding.detail,
        "owner": finding.owner,
        "message": finding.advice,
        "waived_by": finding.waived_by,
        "scenarios": finding.members,
        "shares": [_share(share, metric) for share in finding.shares],
        "ways_back": [_way(way, metric) for way in finding.ways_back],
    }


def _share(share: Share, metric: str) -> dict[str, Any]:
    return {"scenario": share.scenario, "value": number(share.value, metric)}


def _way(way: WayBack, metric: str) -> dict[str, Any]:
    return {
        "scenario": way.scenario,
        "path": way.path,
        "value": way.value,
        "result": number(way.result, metric),
        "days": way.days,
        "keeps": way.keeps,
    }


def _place(where: Location | None) -> dict[str, Any] | None:
    return {"file": where.file, "line": where.line, "column": where.column} if where else None
