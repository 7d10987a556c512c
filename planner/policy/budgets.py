"""Whether scenarios keep a budget, together or one by one."""

from __future__ import annotations

from collections.abc import Sequence

from planner.documents.reader import Tree
from planner.errors import InputError, listing
from planner.planning.sums import Uncertain, summed
from planner.policy.finding import Finding, FindingKind, Share
from planner.policy.rulebook import BudgetRule
from planner.policy.scope import is_pattern, members
from planner.policy.stated import Stated, rounded, stated
from planner.policy.subjects import Subject
from planner.record import record
from planner.scenario.rules import Level

_MOST_SHARES = 5


@record
class JudgedBudget:
    """A budget with what became of it.

    Parameters
    ----------
    rule : the budget.
    result : what is used of it: of all scenarios together, or of the one that uses most.
    taken : the value that is judged; None where it is unknown.
    subject : that one scenario; "" for several together.
    members : how many scenarios it holds.
    level : what it comes to, before any waiver; None where it is kept or does not hold yet.
    """

    rule: BudgetRule
    result: Stated
    taken: float | None
    subject: str
    members: int
    level: Level | None


def judged_budget(rule: BudgetRule, subjects: Sequence[Subject], tree: Tree) -> tuple[JudgedBudget, list[Finding]]:
    """Judge a budget.

    Returns
    -------
    What became of it, and its findings, which do not yet know what drives them.

    Raises
    ------
    InputError : it matches nothing, or a scenario that it names has no such result.
    """
    using = _using(rule, subjects, tree)
    if rule.sums:
        whole = stated(summed((1.0, use) for _, use in using))
        groups = [("", whole, _shares(using), len(using))]
    else:
        groups = [(subject.name, stated(use), (), 1) for subject, use in using]
    judged: list[tuple[JudgedBudget, Finding | None]] = []
    for name, result, shares, count in groups:
        finding = _finding(rule, name, result, shares, count) if rule.holds else None
        taken = result.at(rule.document.judged_at, upwards=True)
        level = finding.level if finding else None
        judged.append((JudgedBudget(rule, result, taken, name, len(using), level), finding))
    worst = max(judged, key=lambda each: (each[0].taken is None, each[0].taken or 0.0), default=None)
    if worst is None:  # nothing of it can be carried out
        return JudgedBudget(rule, stated(Uncertain(None)), None, "", 0, None), []
    return worst[0], [finding for _, finding in judged if finding is not None]


def _using(rule: BudgetRule, subjects: Sequence[Subject], tree: Tree) -> list[tuple[Subject, Uncertain]]:
    """Give the scenarios of a budget with what they use; those that do not fit are found elsewhere."""
    meant = members(rule.document.scope, subjects, tree=tree, trail=rule.trail)
    fitting = [subject for subject in meant if not subject.why_not]
    using = [(subject, use) for subject in fitting if (use := subject.uses.get(rule.use)) is not None]
    named = {name for name in rule.document.scope.scenarios if not is_pattern(name)}
    lacking = [subject.name for subject in fitting if rule.use not in subject.uses]
    wrong = [name for name in lacking if name in named] if using else lacking
    if wrong:
        metric, per = rule.use
        what = metric if per == "run" else f"{metric} per {per}"
        message = f"no {what} in {listing(wrong, most=3)}"
        hint = "name its parts: NAME/PART" if any(s.name.startswith(f"{wrong[0]}/") for s in subjects) else ""
        raise InputError(tree.fault("no-result", message, (*rule.trail, "metric"), hint=hint))
    return using


def _shares(using: Sequence[tuple[Subject, Uncertain]]) -> tuple[Share, ...]:
    """Give what is unknown, and then the largest shares."""
    each = [Share(subject.name, None if use.mid is None else rounded(use.mid)) for subject, use in using]
    each.sort(key=lambda share: (share.value is not None, -(share.value or 0.0), share.scenario))
    return tuple(each[:_MOST_SHARES])


def _finding(rule: BudgetRule, name: str, result: Stated, shares: tuple[Share, ...], count: int) -> Finding | None:
    document = rule.document
    value = result.at(document.judged_at, upwards=True)
    kind = FindingKind.BUDGET_OVER
    level: Level
    if value is None:
        kind, level = FindingKind.BUDGET_UNKNOWN, document.on_unknown
        limit = rule.deny if rule.deny is not None else rule.warn
    elif rule.deny is not None and value > rule.deny:
        level, limit = "deny", rule.deny
    elif rule.warn is not None and value > rule.warn:
        level, limit = "warn", rule.warn
    else:
        return None
    return Finding(
        kind,
        level,
        rule=document.id,
        subject=name,
        rule_where=rule.where,
        metric=document.metric,
        per=document.per,
        at=document.judged_at,
        value=value,
        limit=limit,
        owner=document.owner,
        advice=document.message,
        shares=shares,
        members=count,
    )
