"""Scenarios written out, so that a page can be made again from what it shows."""

from __future__ import annotations

import json

from planner.planning.estimate import Estimate
from planner.report.json_report import plain


def scenario_text(estimate: Estimate) -> str:
    """Give the closed scenario of an estimate as a document that the planner reads: JSON, which is YAML too."""
    return json.dumps(plain(estimate.scenario), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
