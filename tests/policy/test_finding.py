"""Findings: each kind is told in docs/checks.md, and keeps its fingerprint while its numbers move."""

from __future__ import annotations

import json
import re

from planner.policy.finding import Finding, FindingKind
from planner.scenario.checked_project import CheckedProject
from tests.conftest import ROOT

PAGE = (ROOT / "docs/checks.md").read_text("utf-8")


def test_the_page_lists_every_kind_with_its_meaning() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", PAGE, re.MULTILINE)
    assert [(kind.id, kind.words) for kind in FindingKind] == [(name, meaning.strip()) for name, meaning in listed]


def test_the_rules_on_the_page_are_rules() -> None:
    from planner.documents.reader import parse_yaml
    from planner.documents.typed import typed

    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    document = typed(parse_yaml(f"schema: planner/project/v1\n{block}"), CheckedProject)
    assert (len(document.budgets), len(document.policies), len(document.waivers)) == (1, 3, 1)


def test_a_fingerprint_is_of_the_rule_and_the_scenario_and_of_no_number() -> None:
    first = Finding(FindingKind.BUDGET_OVER, "deny", rule="r", subject="s", value=1.0)
    same = Finding(FindingKind.BUDGET_OVER, "warn", rule="r", subject="s", value=2.0)
    assert first.fingerprint == same.fingerprint
    others = [
        Finding(FindingKind.BUDGET_OVER, "deny", rule="r", subject="t"),
        Finding(FindingKind.POLICY_OVER, "deny", rule="r", subject="s"),
        Finding(FindingKind.BUDGET_OVER, "deny", rule="rs", subject=""),
    ]
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_the_repository_s_own_baseline_is_a_small_one() -> None:
    """`planner check --no-baseline --today 2026-11-21 --output baseline=.ci/baseline.json` writes it anew."""
    text = (ROOT / ".ci/baseline.json").read_text("utf-8")
    assert json.loads(text)["schema"] == "planner/baseline/v1"
    assert len(text) < 400_000
