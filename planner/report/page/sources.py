"""Scenarios written out, so that a page can be made again from what it shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from planner.report.json_report import plain


def scenario_text(scenario: Mapping[str, Any]) -> str:
    """Give a closed scenario as a document that the planner reads: JSON, which is YAML too."""
    return json.dumps(plain(scenario), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
