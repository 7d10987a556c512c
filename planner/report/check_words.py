"""What a check found, in words that all its formats share; plain text, made safe by each format for its own place."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from planner.metrics import METRICS
from planner.planning.estimate import Currency
from planner.policy.attribution import Change
from planner.policy.budgets import JudgedBudget
from planner.policy.check import Check, CheckedScenario
from planner.policy.compared import Turn
from planner.policy.finding import Finding, FindingKind, WayBack
from planner.policy.stated import exact, is_money
from planner.report.labels import label_of
from planner.report.numbers import shown

HEADLINES = (
    *("cost_total_usd", "cost_per_month_usd", "cost_per_million_tokens_usd", "days"),
    *("ttft_ms", "tpot_ms", "facility_power_kw", "carbon_kg", "nodes_that_fit"),
)
"""Results whose changes people are shown, the first ones first; JSON holds all."""
_AT = {"p50": "", "p90": ", at the bad end of its 80 % range", "max": ", with every input at its bad end"}
_UNKNOWN = frozenset({FindingKind.BUDGET_UNKNOWN, FindingKind.POLICY_UNKNOWN, FindingKind.CHANGE_UNKNOWN})
_CHANGES = frozenset({FindingKind.INCREASE_OVER, FindingKind.DECREASE_OVER})


def verdict(check: Check) -> str:
    """Give the outcome of a check in one line."""
    failing, warned = len(check.failing), sum(f.level == "warn" and not f.fails for f in check.findings)
    leave = sum(bool(finding.waived_by) for finding in check.findings)
    said = [f"{failing} failing"] if failing else []
    said += [f"{warned} to look at"] if warned else []
    said += [f"{leave} waived"] if leave else []
    scenarios = counted(len(check.scenarios), "scenario")
    return f"{'FAILED' if failing else 'passed'}: {', '.join(said) or 'nothing to report'}, of {scenarios}"


def counted(count: int, what: str) -> str:
    """Give a count with its noun.

    >>> counted(1, "scenario"), counted(1200, "scenario")
    ('1 scenario', '1,200 scenarios')
    """
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def level_of(finding: Finding) -> str:
    """Give what a finding comes to, in one word."""
    return "waived" if finding.waived_by else {"deny": "FAIL", "warn": "warn", "note": "note"}[finding.level]


def message(finding: Finding, currency: Currency) -> str:
    """Give a finding in one sentence without its rule's own words."""
    kind = finding.kind
    if not finding.metric:
        return ": ".join(filter(None, (finding.subject, kind.words, finding.detail)))
    subject = finding.subject or counted(finding.members, "scenario")
    what = label_of(finding.metric) + ("" if finding.per == "run" else f" per {finding.per}")
    if kind in _UNKNOWN:
        return f"{subject}: {what} is unknown ({finding.detail or kind.words})"
    value, limit = apart(finding.metric, finding.value, finding.limit, currency)
    bound = "at least" if kind in (FindingKind.POLICY_UNDER, FindingKind.DECREASE_OVER) else "at most"
    told = f"{subject}: {what} {value}, allowed {bound} {limit}{_AT[finding.at]}"
    if kind in _CHANGES and finding.before is not None:
        before, _ = apart(finding.metric, finding.before, finding.value, currency)
        told += f"; the baseline has {before}"
    return told


def apart(metric: str, first: float | None, second: float | None, currency: Currency) -> tuple[str, str]:
    """Give two values so that two that differ look different."""
    texts = shown(metric, first, currency), shown(metric, second, currency)
    if texts[0] != texts[1] or first == second:
        return texts
    return _exactly(metric, first, currency), _exactly(metric, second, currency)


def _exactly(metric: str, value: float | None, currency: Currency) -> str:
    if value is None:
        return "unknown"
    unit = METRICS[metric].unit
    if is_money(metric):
        amount = exact(value) * Decimal(repr(currency.per_usd))
        return f"{currency.code} {amount:,.9g}" + unit.removeprefix("USD")
    return f"{value:,.9g}" + ("" if unit == "1" else f" {unit}")


def details(finding: Finding, currency: Currency) -> list[str]:
    """Give what else is known of a finding: who uses most, what the rule says, who is asked, ways back."""
    lines = []
    if len(finding.shares) > 1:
        told = [f"{share.scenario} {shown(finding.metric, share.value, currency)}" for share in finding.shares]
        rest = finding.members - len(finding.shares)
        lines.append("largest: " + ", ".join(told) + (f", and {rest:,} more" if rest > 0 else ""))
    if finding.advice:
        lines.append(finding.advice)
    if finding.waived_by:
        lines.append(f"waived by {finding.waived_by}")
    lines += [way_back(way, finding, currency) for way in finding.ways_back]
    return lines


def way_back(way: WayBack, finding: Finding, currency: Currency) -> str:
    """Give a way back in words."""
    result, _ = apart(finding.metric, way.result, finding.limit, currency)
    days = f", {shown('days', way.days)}" if way.days is not None else ""
    word = "way back" if way.keeps else "not enough"
    return f"{word}: {way.scenario} with {way.path}={way.value} gives {result}{days}"


def budget_line(budget: JudgedBudget, currency: Currency) -> tuple[str, str, str, str]:
    """Give a budget's name, what is used, its limit, and what it comes to."""
    rule = budget.rule
    limit = rule.deny if rule.deny is not None else rule.warn
    per = "" if rule.document.per == "run" else f"/{rule.document.per}"
    if not rule.holds:
        return rule.document.id, shown(rule.document.metric, budget.taken, currency) + per, "", "not yet"
    value, most = apart(rule.document.metric, budget.taken, limit, currency)
    level = {"deny": "FAIL", "warn": "warn", "note": "note", None: "ok"}[budget.level]
    return rule.document.id, value + per, most + per, level


def headline_changes(scenario: CheckedScenario, currency: Currency) -> list[Change]:
    """Give the changes of a scenario that people are shown: none whose two sides would print alike."""
    found = {change.metric: change for change in scenario.changes.get(scenario.subject.name, ())}
    told = [found[metric] for metric in HEADLINES if metric in found]
    return [
        change for change in told if len({shown(change.metric, v, currency) for v in (change.before, change.after)}) > 1
    ]


def change_amount(change: Change, currency: Currency) -> str:
    """Give the change of a result with its sign, and as a share of what it was.

    >>> change_amount(Change("cost_total_usd", 100.0, 150.0), Currency())
    '+$50.00 (+50.0 %)'
    """
    if change.amount is None or change.before is None:
        return ""
    share = f" ({float(change.amount) / change.before * 100:+.1f} %)" if change.before else ""
    return signed(change.metric, change.amount, currency) + share


def signed(metric: str, amount: Decimal, currency: Currency) -> str:
    """Give an amount with its sign."""
    return ("-" if amount < 0 else "+") + shown(metric, float(abs(amount)), currency)


def causes(change: Change, currency: Currency) -> str:
    """Give what each cause did to a result.

    >>> from planner.policy.attribution import Cause
    >>> causes(Change("days", 1.0, 3.0, {Cause.SCENARIO: Decimal(2)}), Currency())
    'scenario +2 d'
    """
    return ", ".join(f"{cause.words} {signed(change.metric, part, currency)}" for cause, part in change.parts.items())


def worth_telling(check: Check, scenarios: Iterable[CheckedScenario]) -> list[tuple[CheckedScenario, list[Change]]]:
    """Give the scenarios whose changes are told: all but those that move money by less than the project cares for."""
    least = Decimal(repr(check.rulebook.least_change))
    told = []
    for scenario in scenarios:
        changes = headline_changes(scenario, check.currency)
        moved = [abs(change.amount) for change in changes if is_money(change.metric) and change.amount is not None]
        if changes and (not moved or max(moved) >= least):
            told.append((scenario, changes))
    return told


def arrivals(check: Check) -> list[tuple[str, list[str]]]:
    """Give what is new, gone, or fits as it did not before, by what became of it."""
    told = [("new", [each.subject.name for each in check.scenarios if each.is_new]), ("gone", list(check.gone))]
    for turn in Turn:
        told.append((turn.value, [name for s in check.scenarios for name, found in s.turns.items() if found is turn]))
    return [(word, names) for word, names in told if names]


def other_money(check: Check) -> str:
    """Say that amounts are shown otherwise than in the baseline; "" where they are not."""
    now, before = check.currency, check.currency_before
    if check.baseline is None or (now.code, now.per_usd) == (before.code, before.per_usd):
        return ""
    one, other = (f"{each.per_usd:.6g} {each.code}" for each in (now, before))
    return f"money is shown at {one} for 1 USD, and was at {other}: shown amounts differ by that"


def untold(check: Check) -> str:
    """Say how many scenarios changed by less than is told; "" where none did, so that silence means no change."""
    told = len(worth_telling(check, check.scenarios))
    left = sum(bool(scenario.changes) for scenario in check.scenarios) - told
    return f"{counted(left, 'scenario')} changed by less than is shown; JSON has all" if left else ""
