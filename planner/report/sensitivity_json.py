"""What moves an answer as JSON: one document, stable bytes; and the schema of that document."""

from __future__ import annotations

from typing import Any

from planner.documents.schema import DIALECT
from planner.metrics import METRICS
from planner.planning.sensitivity import Sensitivity
from planner.report.json_report import dumps, rounded

SCHEMA = "planner/sensitivity/v1"
_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_UNKNOWN: dict[str, Any] = {"type": ["number", "null"]}


def render(found: Sensitivity) -> str:
    """Give what moves a result as the text of one JSON document; null is unknown, or without bounds."""
    return dumps(
        {
            "schema": SCHEMA,
            "name": found.name,
            "title": found.title,
            "metric": found.metric,
            "unit": METRICS[found.metric].unit,
            "value": rounded(found.value),
            "low": rounded(found.low),
            "high": rounded(found.high),
            "inputs": [
                {"name": each.name, "at_low": rounded(each.at_low), "at_high": rounded(each.at_high)}
                for each in found.inputs
            ],
            "choices": [
                {
                    "name": each.name,
                    "before": each.before,
                    "after": each.after,
                    "value": rounded(each.value),
                    "why_not": each.why_not,
                }
                for each in found.choices
            ],
        }
    )


def sensitivity_schema() -> dict[str, Any]:
    """Give the schema of the document that `render` gives."""
    effect = _closed({"name": _TEXT, "at_low": _UNKNOWN, "at_high": _UNKNOWN})
    choice = _closed({"name": _TEXT, "before": _TEXT, "after": _TEXT, "value": _UNKNOWN, "why_not": _TEXT})
    return {
        "$schema": DIALECT,
        "$id": "urn:planner:sensitivity",
        "title": "Sensitivity",
        "description": "What moves one result of a scenario: inputs over their 80 % ranges, and changed choices.",
        **_closed(
            {
                "schema": {"const": SCHEMA},
                **dict.fromkeys(("name", "title", "unit"), _TEXT),
                "metric": {"enum": list(METRICS)},
                "value": _NUMBER,
                "low": _UNKNOWN,
                "high": _UNKNOWN,
                "inputs": {"type": "array", "items": effect},
                "choices": {"type": "array", "items": choice},
            }
        ),
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
