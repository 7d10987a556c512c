"""A check as a code quality report of GitLab, which a merge request shows as new and as fixed findings."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from planner.policy.check import Check
from planner.policy.finding import Finding
from planner.report.check_words import message
from planner.report.escape import for_text

_SEVERITIES = {"deny": "critical", "warn": "minor", "note": "info"}


def render(check: Check) -> str:
    """Give a check as the text of one JSON list."""
    seen: dict[str, int] = {}
    issues = []
    for finding in check.findings:
        twins = seen[finding.fingerprint] = seen.get(finding.fingerprint, 0) + 1
        issues.append(_issue(finding, twins, check))
    return json.dumps(issues, allow_nan=False, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _issue(finding: Finding, twins: int, check: Check) -> dict[str, Any]:
    place = finding.where or check.rulebook.tree.location(())
    # No two issues may share a fingerprint.
    unique = finding.fingerprint if twins == 1 else hashlib.sha256(f"{finding.fingerprint}{twins}".encode()).hexdigest()
    return {
        "description": for_text(message(finding, check.currency)),
        "check_name": finding.kind.id,
        "fingerprint": unique,
        "severity": "info" if finding.waived_by else _SEVERITIES[finding.level],
        "location": {"path": for_text(place.file), "lines": {"begin": place.line}},
    }
