"""A check as SARIF 2.1.0, which code hosts show beside the lines that a finding is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from planner import __version__
from planner.errors import Location
from planner.planning.estimate import Currency
from planner.policy.check import Check
from planner.policy.finding import Finding, FindingKind
from planner.report.check_words import details, message
from planner.report.escape import for_text, for_uri
from planner.report.json_report import dumps

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"deny": "error", "warn": "warning", "note": "note"}
_KINDS: Sequence[FindingKind] = tuple(FindingKind)


def render(check: Check) -> str:
    """Give a check as the text of one SARIF log."""
    driver = {
        "name": "planner",
        "semanticVersion": __version__,
        "rules": [
            {
                "id": kind.id,
                "name": "".join(word.capitalize() for word in kind.id.split("-")),
                "shortDescription": {"text": f"{kind.words[0].upper()}{kind.words[1:]}."},
            }
            for kind in _KINDS
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, check.currency) for finding in check.findings],
    }
    return dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(finding: Finding, currency: Currency) -> dict[str, Any]:
    lines = [message(finding, currency), *details(finding, currency)]
    result: dict[str, Any] = {
        "ruleId": finding.kind.id,
        "ruleIndex": _KINDS.index(finding.kind),
        "level": _LEVELS[finding.level],
        "message": {"text": "\n".join(map(for_text, lines))},
        "partialFingerprints": {"planner/v1": finding.fingerprint},
    }
    if finding.where is not None:
        result["locations"] = [_place(finding.where)]
    if finding.rule_where is not None and finding.rule_where != finding.where:
        result["relatedLocations"] = [{**_place(finding.rule_where), "message": {"text": "the rule"}}]
    if finding.waived_by:
        result["suppressions"] = [{"kind": "external", "justification": for_text(f"waived by {finding.waived_by}")}]
    return result


def _place(where: Location) -> dict[str, Any]:
    region = {"startLine": where.line, "startColumn": where.column}
    return {"physicalLocation": {"artifactLocation": {"uri": for_uri(where.file)}, "region": region}}
