"""A project's rules as read: limits as numbers, each rule at its place, every fault of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.catalog.price import earliest
from planner.documents.reader import Trail, Tree
from planner.errors import Fault, InputError, Location
from planner.metrics import METRICS
from planner.planning.books import Books
from planner.policy.amounts import can_be_summed, periods
from planner.policy.limits import limit
from planner.policy.subjects import Use
from planner.record import record
from planner.scenario.checked_project import CheckedProject
from planner.scenario.rules import Budget, Limit, Policy, Waiver


@record
class BudgetRule:
    """A budget.

    Parameters
    ----------
    document, trail, where : as written, and where.
    deny, warn : the limits that hold now, in the metric's unit.
    sums : whether its scenarios are added up.
    holds : whether one of its limits holds yet.
    """

    document: Budget
    trail: Trail
    where: Location
    deny: float | None
    warn: float | None
    sums: bool
    holds: bool

    @property
    def use(self) -> Use:
        """What its scenarios use."""
        return self.document.metric, self.document.per


@record
class PolicyRule:
    """A policy, its bounds in the metric's unit."""

    document: Policy
    trail: Trail
    where: Location
    low: float | None
    high: float | None
    and_over: float


@record
class WaiverRule:
    """A waiver; its ceiling in the metric of what it waives, None where there is no such rule."""

    document: Waiver
    where: Location
    ceiling: float | None


@record
class Rulebook:
    """All rules of a project.

    Parameters
    ----------
    least_change : smaller changes of money are not listed in a comment [USD].
    """

    document: CheckedProject
    tree: Tree
    budgets: tuple[BudgetRule, ...]
    policies: tuple[PolicyRule, ...]
    waivers: tuple[WaiverRule, ...]
    least_change: float = 0.0

    @property
    def uses(self) -> frozenset[Use]:
        """What must be known of every scenario."""
        return frozenset(rule.use for rule in self.budgets)

    @property
    def compares(self) -> bool:
        """Whether a rule needs a baseline."""
        return any(rule.document.compares for rule in self.policies)

    def patterns(self) -> Iterator[str]:
        """Give every name and pattern of scenarios that a rule says."""
        for budget in self.budgets:
            yield from budget.document.scope.scenarios
        for policy in self.policies:
            yield from policy.document.scope.scenarios


def rulebook(document: CheckedProject, tree: Tree, books: Books) -> Rulebook:
    """Read the rules of a project.

    Raises
    ------
    InputError : every fault of them.
    """
    faults: list[Fault] = list(_twins(document, tree))
    budgets, policies, waivers = [], [], []
    for number, budget in enumerate(document.budgets):
        try:
            budgets.append(_budget(budget, ("budgets", number), document, tree, books))
        except InputError as error:
            faults += error.faults
    for number, policy in enumerate(document.policies):
        try:
            policies.append(_policy(policy, ("policies", number), tree, books))
        except InputError as error:
            faults += error.faults
    metrics = {budget.id: budget.metric for budget in document.budgets}
    metrics |= {policy.id: policy.metric for policy in document.policies}
    for number, waiver in enumerate(document.waivers):
        try:
            waivers.append(_waiver(waiver, ("waivers", number), metrics.get(waiver.of), tree, books))
        except InputError as error:
            faults += error.faults
    least = 0.0
    try:
        least = _read(document.comment.least_change, "cost_total_usd", ("comment", "least_change"), tree, books) or 0.0
    except InputError as error:
        faults += error.faults
    if faults:
        raise InputError(*faults)
    return Rulebook(document, tree, tuple(budgets), tuple(policies), tuple(waivers), least)


def _twins(document: CheckedProject, tree: Tree) -> Iterator[Fault]:
    seen: set[str] = set()
    rules: Sequence[tuple[str, int, str]] = [
        *(("budgets", number, rule.id) for number, rule in enumerate(document.budgets)),
        *(("policies", number, rule.id) for number, rule in enumerate(document.policies)),
    ]
    for section, number, name in rules:
        if name in seen:
            yield tree.fault("rule-twice", f"two rules are called '{name}'", (section, number, "id"), hint="rename one")
        seen.add(name)


def _read(raw: Limit | None, metric: str, trail: Trail, tree: Tree, books: Books) -> float | None:
    return None if raw is None else limit(raw, metric, tree=tree, trail=trail, books=books)


def _budget(budget: Budget, trail: Trail, document: CheckedProject, tree: Tree, books: Books) -> BudgetRule:
    known = periods(budget.metric)
    if budget.per not in known:
        message = f"{budget.metric} is not used per {budget.per}"
        hint = (
            "" if "month" in known else "only what adds up is used per time: money, energy, carbon, accelerator-hours"
        )
        raise InputError(tree.fault("budget-period", message, (*trail, "per"), allowed=", ".join(known), hint=hint))
    addable = can_be_summed(budget.metric, budget.per)
    if budget.combine == "sum" and not addable:
        message = f"{budget.metric} per {budget.per} of several scenarios does not add up"
        raise InputError(tree.fault("budget-sum", message, (*trail, "combine"), allowed="combine: each"))
    # Rates are added up only where a budget says so: what draws power may not run at the same time.
    sums = budget.combine == "sum" or (budget.combine is None and addable and METRICS[budget.metric].adds)
    deny, warn, at = budget.deny, budget.warn, trail
    holds = True
    if budget.limits:
        step = _step(budget, trail, document, tree)
        holds = step is not None
        if step is not None:
            at = (*trail, "limits", step)
            deny, warn = budget.limits[step].deny, budget.limits[step].warn
    # Limits of other steps are read too: a mistake in one is told before its day comes.
    for number, each in enumerate(budget.limits):
        _limits(each.deny, each.warn, budget.metric, (*trail, "limits", number), tree, books)
    most, much = _limits(deny, warn, budget.metric, at, tree, books)
    key = (*at, "deny") if deny is not None else (*at, "warn")
    where = tree.location(key if key in tree.marks else trail)
    return BudgetRule(budget, trail, where, most, much, sums, holds)


def _limits(
    deny: Limit | None, warn: Limit | None, metric: str, at: Trail, tree: Tree, books: Books
) -> tuple[float | None, float | None]:
    most = _read(deny, metric, (*at, "deny"), tree, books)
    much = _read(warn, metric, (*at, "warn"), tree, books)
    if most is not None and much is not None and much > most:
        raise InputError(
            tree.fault("budget-limits", "warns only beyond what it denies", (*at, "warn"), allowed="warn <= deny")
        )
    return most, much


def _step(budget: Budget, trail: Trail, document: CheckedProject, tree: Tree) -> int | None:
    """Give the number of the step that holds on the day of the prices; None before the first one."""
    on = document.prices.on
    if on is None:
        hint = "say prices.on: YYYY-MM-DD; the same plan is then judged the same until somebody moves it"
        raise InputError(
            tree.fault("limits-undated", "limits that change with time need a day", (*trail, "limits"), hint=hint)
        )
    past = [number for number, step in enumerate(budget.limits) if earliest(step.from_) <= earliest(on)]
    return past[-1] if past else None


def _policy(policy: Policy, trail: Trail, tree: Tree, books: Books) -> PolicyRule:
    low = _read(policy.min, policy.metric, (*trail, "min"), tree, books)
    high = _read(policy.max, policy.metric, (*trail, "max"), tree, books)
    if low is not None and high is not None and low > high:
        raise InputError(tree.fault("policy-bounds", "min is above max", (*trail, "min"), allowed="min <= max"))
    over = _read(policy.and_over, policy.metric, (*trail, "and_over"), tree, books)
    bound = next(key for key in ("max", "min", "max_increase", "max_decrease") if (*trail, key) in tree.marks)
    return PolicyRule(policy, trail, tree.location((*trail, bound)), low, high, over or 0.0)


def _waiver(waiver: Waiver, trail: Trail, metric: str | None, tree: Tree, books: Books) -> WaiverRule:
    ceiling = None if metric is None else _read(waiver.ceiling, metric, (*trail, "ceiling"), tree, books)
    return WaiverRule(waiver, tree.location(trail), ceiling)
