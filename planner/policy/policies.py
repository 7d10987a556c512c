"""Whether each scenario keeps a policy: bounds of a value, and of its change against the baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from planner.documents.reader import Tree
from planner.errors import InputError, listing
from planner.policy.finding import Finding, FindingKind
from planner.policy.rulebook import PolicyRule
from planner.policy.scope import is_pattern, members
from planner.policy.stated import Stated, exact
from planner.policy.subjects import Subject


def policy_findings(
    rule: PolicyRule, subjects: Sequence[Subject], before: Mapping[str, Subject], tree: Tree
) -> list[Finding]:
    """Give where a policy is broken.

    Parameters
    ----------
    rule, subjects : the policy, and what it is held against.
    before : scenarios of the baseline by name; one that is new is compared with nothing.
    tree : the project's, for errors.

    Raises
    ------
    InputError : it matches nothing, or a scenario that it names has no such result.
    """
    found: list[Finding] = []
    for subject in _bounded(rule, subjects, tree):
        result = subject.results[rule.document.metric]
        found += _bounds(rule, subject.name, result)
        old = before.get(subject.name)
        if rule.document.compares and old is not None and not old.why_not:
            found += _changes(rule, subject.name, old.results.get(rule.document.metric), result)
    return found


def _bounded(rule: PolicyRule, subjects: Sequence[Subject], tree: Tree) -> list[Subject]:
    meant = members(rule.document.scope, subjects, tree=tree, trail=rule.trail)
    fitting = [subject for subject in meant if not subject.why_not]
    metric = rule.document.metric
    having = [subject for subject in fitting if metric in subject.results]
    named = {name for name in rule.document.scope.scenarios if not is_pattern(name)}
    lacking = [subject.name for subject in fitting if metric not in subject.results]
    wrong = [name for name in lacking if name in named] if having else lacking
    if wrong:
        message = f"no {metric} in {listing(wrong, most=3)}"
        raise InputError(tree.fault("no-result", message, (*rule.trail, "metric")))
    return having


def _finding(rule: PolicyRule, kind: FindingKind, name: str, value: float | None) -> Finding:
    document = rule.document
    unknown = kind in (FindingKind.POLICY_UNKNOWN, FindingKind.CHANGE_UNKNOWN)
    return Finding(
        kind,
        (document.on_unknown or document.level) if unknown else document.level,
        rule=document.id,
        subject=name,
        rule_where=rule.where,
        metric=document.metric,
        at=document.judged_at,
        value=value,
        owner=document.owner,
        advice=document.message,
    )


def _bounds(rule: PolicyRule, name: str, result: Stated) -> Iterator[Finding]:
    at = rule.document.judged_at
    if rule.low is None and rule.high is None:
        return
    if result.mid is None:
        limit = rule.high if rule.high is not None else rule.low
        yield replace(_finding(rule, FindingKind.POLICY_UNKNOWN, name, None), limit=limit)
        return
    high, low = result.at(at, upwards=True), result.at(at, upwards=False)
    if rule.high is not None and high is not None and high > rule.high:
        yield replace(_finding(rule, FindingKind.POLICY_OVER, name, high), limit=rule.high)
    if rule.low is not None and low is not None and low < rule.low:
        yield replace(_finding(rule, FindingKind.POLICY_UNDER, name, low), limit=rule.low)


def _why_unknown(old: Stated | None) -> str:
    """Say what the baseline lacks; "" where the value itself is unknown."""
    if old is None:
        return "the baseline has no such result"
    if old.mid is not None and old.low is None:
        return "the baseline holds its middle alone; write it anew: planner check --output baseline=FILE"
    return ""


def _changes(rule: PolicyRule, name: str, old: Stated | None, new: Stated) -> Iterator[Finding]:
    """Compare in decimals: exactly 10 % more is not more than 10 %."""
    document = rule.document
    for share, upwards in ((document.max_increase, True), (document.max_decrease, False)):
        if share is None:
            continue
        now = new.at(document.judged_at, upwards=upwards)
        was = old.at(document.judged_at, upwards=upwards) if old else None
        if was is None or now is None:
            yield replace(_finding(rule, FindingKind.CHANGE_UNKNOWN, name, now), before=was, detail=_why_unknown(old))
            return
        if math.isinf(was):
            continue
        moved = exact(now) - exact(was) if upwards else exact(was) - exact(now)
        allowed = max(exact(was) * exact(share), exact(rule.and_over))
        if moved > allowed:
            kind = FindingKind.INCREASE_OVER if upwards else FindingKind.DECREASE_OVER
            limit = exact(was) + allowed if upwards else exact(was) - allowed
            yield replace(_finding(rule, kind, name, now), limit=float(limit), before=was)
