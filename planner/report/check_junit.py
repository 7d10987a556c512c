"""A check as JUnit XML, which every CI server reads: one case for each budget, policy, claim, waiver and scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # written, never parsed

from planner.policy.check import Check
from planner.policy.finding import Finding, FindingKind
from planner.record import record
from planner.report.check_words import details, level_of, message
from planner.report.escape import for_log, for_xml

_OF_SCENARIOS = frozenset({FindingKind.SCENARIO_INFEASIBLE, FindingKind.SCENARIO_GONE, FindingKind.PRICE_OLD})
_OF_WAIVERS = frozenset({FindingKind.WAIVER_EXPIRED, FindingKind.WAIVER_UNUSED})
_NO_TIME = "0"


@record
class _Case:
    name: str
    findings: tuple[Finding, ...]


def render(check: Check) -> str:
    """Give a check as one XML document."""
    root = Element("testsuites", name=for_xml(check.name or "planner check"))
    for name, cases in _suites(check):
        if cases:
            _suite(root, name, cases, check)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suites(check: Check) -> Iterator[tuple[str, list[_Case]]]:
    document = check.rulebook.document
    rules = [finding for finding in check.findings if finding.metric]
    yield "budgets", _cases((budget.id for budget in document.budgets), rules, lambda f: f.rule)
    yield "policies", _cases((policy.id for policy in document.policies), rules, lambda f: f.rule)
    judged = [s for s in check.scenarios if s.evaluated.judgement is not None]
    claims = [finding for finding in check.findings if finding.kind is FindingKind.CLAIM_FAILS]
    yield "claims", _cases((scenario.subject.name for scenario in judged), claims, lambda f: f.subject)
    plans = [finding for finding in check.findings if finding.kind in _OF_SCENARIOS]
    names = [*(scenario.subject.name for scenario in check.scenarios), *check.gone]
    yield "scenarios", _cases(names, plans, lambda f: f.subject)
    waivers = [finding for finding in check.findings if finding.kind in _OF_WAIVERS]
    yield "waivers", _cases(dict.fromkeys(waiver.of for waiver in document.waivers), waivers, lambda f: f.rule)


def _cases(names: Iterable[str], findings: Sequence[Finding], key: Callable[[Finding], str]) -> list[_Case]:
    return [_Case(name, tuple(f for f in findings if key(f) == name)) for name in names]


def _suite(root: Element, name: str, cases: Sequence[_Case], check: Check) -> None:
    failing = sum(any(finding.fails for finding in case.findings) for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(failing), "errors": "0", "skipped": "0", "time": _NO_TIME}
    suite = SubElement(root, "testsuite", {"name": name, **counts})
    for case in cases:
        element = SubElement(suite, "testcase", name=for_xml(case.name), classname=f"planner.{name}", time=_NO_TIME)
        told = []
        for finding in case.findings:
            text = message(finding, check.currency)
            where = [f"at {finding.where}"] if finding.where else []
            lines = [text, *where, *details(finding, check.currency)]
            if finding.fails:
                failure = SubElement(element, "failure", message=for_xml(text), type=finding.kind.id)
                failure.text = "\n".join(for_log(for_xml(line)) for line in lines)
            else:
                told.append(
                    "\n".join(for_log(for_xml(line)) for line in (f"{level_of(finding)}: {lines[0]}", *lines[1:]))
                )
        if told:
            SubElement(element, "system-out").text = "\n".join(told)
