"""A check as annotations of GitHub Actions: one command on each line, which the runner shows in the diff."""

from __future__ import annotations

from planner.planning.estimate import Currency
from planner.policy.check import Check
from planner.policy.finding import Finding
from planner.report.check_words import details, message, verdict
from planner.report.escape import for_github, for_github_property

_COMMANDS = {"deny": "error", "warn": "warning", "note": "notice"}


def render(check: Check) -> str:
    """Give a check as lines that a step prints."""
    lines = [_command(finding, check.currency) for finding in check.findings]
    return "".join(f"{line}\n" for line in (*lines, verdict(check)))


def _command(finding: Finding, currency: Currency) -> str:
    command = "notice" if finding.waived_by else _COMMANDS[finding.level]
    properties = {"title": f"{finding.kind.id} {finding.rule}".strip()}
    if finding.where is not None:
        place = finding.where
        properties = {"file": place.file, "line": str(place.line), "col": str(place.column), **properties}
    said = ",".join(f"{key}={for_github_property(value)}" for key, value in properties.items())
    text = for_github("\n".join([message(finding, currency), *details(finding, currency)]))
    return f"::{command} {said}::{text}"
