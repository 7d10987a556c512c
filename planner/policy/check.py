"""A check of a project: its scenarios against its rules, its claims and its baseline, as one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from planner.catalog.price import earliest
from planner.errors import EXIT_FINDING, EXIT_INFEASIBLE, EXIT_PASS, Location
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Currency, Verdict
from planner.policy.attribution import Change
from planner.policy.baseline import Baseline, Origin
from planner.policy.budgets import JudgedBudget, judged_budget
from planner.policy.compared import Compared, Turn, compared
from planner.policy.drivers import driver
from planner.policy.finding import Finding, FindingKind, order
from planner.policy.plans import Faults, all_evaluated
from planner.policy.policies import policy_findings
from planner.policy.rulebook import BudgetRule, Rulebook
from planner.policy.stated import rounded
from planner.policy.subjects import Evaluated, Subject
from planner.policy.texts import Documents
from planner.policy.waivers import waived
from planner.policy.ways_back import ways_back
from planner.scenario.resolve import Resolved

_MOST_FINDINGS_TRIED = 5
_SECONDS_PER_DAY = 86_400.0
_LIMITS = frozenset({FindingKind.BUDGET_OVER, FindingKind.POLICY_OVER, FindingKind.POLICY_UNDER})


@dataclass(frozen=True)
class CheckedScenario:
    """A scenario of a check.

    Parameters
    ----------
    evaluated : with its results. is_new : the baseline has none of its name.
    changes : its results that are not what they were, and those of its parts by their names.
    turns : what became of it or of its parts besides.
    """

    evaluated: Evaluated
    is_new: bool = False
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    turns: Mapping[str, Turn] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        """The scenario itself."""
        return self.evaluated.whole


@dataclass(frozen=True)
class Check:
    """What a check comes to.

    Parameters
    ----------
    name : of the project. prices_on : newest date of a price that was used.
    scenarios : all, by name. gone : names of those that only the baseline has.
    budgets : each with what is used of it. policies : how many there are.
    findings : what fails first.
    baseline : where it comes from; None where there is none.
    documents : texts that the results rest on; with them the result is a baseline of later checks.
    rulebook : the rules.
    currency : that people are shown money in. currency_before : that the baseline showed it in.
    """

    name: str
    prices_on: str
    scenarios: tuple[CheckedScenario, ...]
    gone: tuple[str, ...]
    budgets: tuple[JudgedBudget, ...]
    findings: tuple[Finding, ...]
    baseline: Origin | None
    documents: Documents
    rulebook: Rulebook
    currency: Currency = field(default_factory=Currency)
    currency_before: Currency = field(default_factory=Currency)

    @property
    def failing(self) -> tuple[Finding, ...]:
        """Findings that end the check with a failure."""
        return tuple(finding for finding in self.findings if finding.fails)

    @property
    def exit_code(self) -> int:
        """0 if all is kept, 1 if a rule or claim is broken, 3 if only plans fail that cannot be carried out."""
        kinds = {finding.kind for finding in self.failing}
        if kinds - {FindingKind.SCENARIO_INFEASIBLE}:
            return EXIT_FINDING
        return EXIT_INFEASIBLE if kinds else EXIT_PASS


def check(
    book: Rulebook,
    read: Sequence[Resolved],
    books: Books,
    *,
    today: str,
    documents: Callable[[], Documents],
    baseline: Baseline | None = None,
) -> Check:
    """Check scenarios.

    Parameters
    ----------
    book : the rules. read, books : the scenarios, and what they are looked up in.
    today : YYYY-MM-DD, for waivers and the ages of prices.
    documents : gives the texts that were read, once all have been.
    baseline : what changes are measured against.

    Raises
    ------
    InputError : a scenario is wrong, or a rule matches nothing.
    """
    found = all_evaluated(read, books, sorted(book.uses))
    texts = documents()
    with_before = compared(found, books, texts, baseline)
    subjects = [subject for name in sorted(found) for subject in found[name].subjects()]
    judged, findings = _judged(book, subjects, with_before)
    findings += _of_plans(found.values(), book, today)
    if baseline is not None:
        findings += _gone(with_before.gone, book)
    findings = _driven(findings, found, with_before)
    findings = _with_ways_back(findings, book, subjects, found, books, with_before)
    findings = waived(findings, book, today=today)
    scenarios = tuple(
        CheckedScenario(
            found[name], name in with_before.new, with_before.changes.get(name, {}), with_before.turns.get(name, {})
        )
        for name in sorted(found)
    )
    return Check(
        name=book.document.name,
        prices_on=books.prices_on,
        scenarios=scenarios,
        gone=with_before.gone,
        budgets=tuple(judged),
        findings=tuple(sorted(findings, key=order)),
        baseline=baseline.origin if baseline else None,
        documents=texts,
        rulebook=book,
        currency=shown_currency(books),
        currency_before=with_before.currency if baseline else shown_currency(books),
    )


def _judged(book: Rulebook, subjects: Sequence[Subject], before: Compared) -> tuple[list[JudgedBudget], list[Finding]]:
    """Hold all subjects against all rules; the faults of several rules are told at once."""
    faults = Faults([])
    judged: list[JudgedBudget] = []
    findings: list[Finding] = []

    def budget(rule: BudgetRule) -> None:
        outcome, found = judged_budget(rule, subjects, book.tree)
        judged.append(outcome)
        findings.extend(found)

    for rule in book.budgets:
        faults.of(lambda rule=rule: budget(rule))  # type: ignore[misc]
    for policy in book.policies:
        faults.of(
            lambda policy=policy: findings.extend(  # type: ignore[misc]
                policy_findings(policy, subjects, before.subjects, book.tree)
            )
        )
    faults.refuse()
    return judged, findings


def _of_plans(found: Iterable[Evaluated], book: Rulebook, today: str) -> list[Finding]:
    """Give what is wrong with plans themselves: they do not fit, their claims fail, their prices are old."""
    findings: list[Finding] = []
    for scenario in found:
        name, tree = scenario.whole.name, scenario.resolved.tree
        if scenario.fault is not None:
            where = scenario.fault.where or tree.location(())
            kind = FindingKind.SCENARIO_INFEASIBLE
            findings.append(Finding(kind, "deny", subject=name, where=where, detail=scenario.whole.why_not))
        judgement = scenario.judgement
        if judgement is not None and not judgement.holds:
            trail = ("claim",) if ("claim",) in tree.marks else ()
            findings.append(
                Finding(
                    FindingKind.CLAIM_FAILS,
                    "deny",
                    rule=judgement.id,
                    subject=name,
                    where=tree.location(trail, key=True),
                    detail=_failing_verdicts(judgement.verdicts),
                    advice=judgement.says,
                )
            )
    return findings + _old_prices(found, book, today)


def _failing_verdicts(verdicts: Iterable[Verdict]) -> str:
    return "; ".join(_said(verdict) for verdict in verdicts if not verdict.holds)


def _said(verdict: Verdict) -> str:
    of = f" of {verdict.of}" if verdict.of else ""
    if not verdict.metric:
        return f"it fits{of}"
    over = f" over that of {verdict.over}" if verdict.over else ""
    value = "unknown" if verdict.value is None else f"{rounded(verdict.value):.6g}"
    bounds = [f"at least {verdict.low:g}"] if verdict.low is not None else []
    bounds += [f"at most {verdict.high:g}"] if verdict.high is not None else []
    return f"{verdict.metric}{of}{over} is {value}, expected {' and '.join(bounds)}"


def _old_prices(found: Iterable[Evaluated], book: Rulebook, today: str) -> list[Finding]:
    oldest = book.document.prices.oldest
    if oldest is None:
        return []
    from datetime import date

    now = date.fromisoformat(earliest(book.document.prices.on or today))
    findings = []
    for name, dated in sorted({price for scenario in found for price in scenario.prices}):
        age_days = (now - date.fromisoformat(earliest(dated))).days
        if age_days * _SECONDS_PER_DAY > oldest:
            users = [s for s in found if (name, dated) in s.prices]
            where = driver("cost_total_usd", users[0].resolved.tree)
            detail = f"{name} is of {dated}"
            findings.append(
                Finding(
                    FindingKind.PRICE_OLD, "warn", subject=users[0].whole.name, where=where, detail=detail, rule=name
                )
            )
    return findings


def _gone(names: Sequence[str], book: Rulebook) -> list[Finding]:
    where = book.tree.location(("scenarios",) if ("scenarios",) in book.tree.marks else (), key=True)
    return [Finding(FindingKind.SCENARIO_GONE, "warn", subject=name, where=where) for name in names]


def _driven(findings: Iterable[Finding], found: Mapping[str, Evaluated], before: Compared) -> list[Finding]:
    """Give findings with the place that drives each: in the scenario that moved most, or that uses most."""
    return [
        finding if finding.where else replace(finding, where=_place(finding, found, before)) for finding in findings
    ]


def _place(finding: Finding, found: Mapping[str, Evaluated], before: Compared) -> Location | None:
    name = _driving(finding, before)
    scenario = found.get(name.split("/")[0]) if name else None
    if scenario is None:
        return finding.rule_where
    return driver(finding.metric, scenario.resolved.tree, before.trees.get(scenario.resolved.name))


def _driving(finding: Finding, before: Compared) -> str:
    if finding.subject or not finding.shares:
        return finding.subject
    moved = [(before.moved(share.scenario, finding.metric), share.scenario) for share in finding.shares]
    most = max(moved, key=lambda each: each[0])
    return most[1] if most[0] > 0 else finding.shares[0].scenario


def _with_ways_back(
    findings: Sequence[Finding],
    book: Rulebook,
    subjects: Sequence[Subject],
    found: Mapping[str, Evaluated],
    books: Books,
    before: Compared,
) -> list[Finding]:
    """Try ways back for the first findings that deny; trying is as dear as a check of as many scenarios."""
    tried = 0
    given = []
    for finding in sorted(findings, key=order):
        if finding.kind in _LIMITS and finding.fails and tried < _MOST_FINDINGS_TRIED:
            tried += 1
            judge, uses = _judge(finding, book, subjects), tuple(sorted(book.uses))
            largest = finding.shares[0].scenario if finding.shares else finding.subject
            # What moved is looked at first; where that is not enough, what uses most.
            for name in dict.fromkeys((_driving(finding, before), largest)):
                scenario = found.get(name.split("/")[0])
                ways = ways_back(finding, scenario, books, judge, uses) if scenario is not None else ()
                if not finding.ways_back or any(way.keeps for way in ways):
                    finding = replace(finding, ways_back=ways)
                if any(way.keeps for way in ways):
                    break
        given.append(finding)
    return given


def _judge(finding: Finding, book: Rulebook, subjects: Sequence[Subject]) -> Callable[[Evaluated], float | None]:
    """Give what a rule would judge, were one of the scenarios another."""
    budget = next((rule for rule in book.budgets if rule.document.id == finding.rule), None)
    upwards = finding.kind is not FindingKind.POLICY_UNDER

    def judge(tried: Evaluated) -> float | None:
        changed = {subject.name: subject for subject in tried.subjects()}
        if budget is None or finding.subject:
            subject = changed.get(finding.subject)
            if subject is None:
                return None
            if budget is not None:
                return judged_budget(replace(budget, sums=False), [subject], book.tree)[0].taken
            result = subject.results.get(finding.metric)
            return result.at(finding.at, upwards=upwards) if result else None
        return judged_budget(budget, [changed.get(s.name, s) for s in subjects], book.tree)[0].taken

    return judge
