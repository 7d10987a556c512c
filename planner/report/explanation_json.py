"""An explanation as JSON, and the schema of that document."""

from __future__ import annotations

from typing import Any

from planner.documents.schema import DIALECT
from planner.planning.explain import Branch, Explanation, SourcedInput
from planner.report.json_report import dumps, rounded

SCHEMA = "planner/explanation/v1"


def render(found: Explanation) -> str:
    """Give an explanation as the text of one JSON document."""
    return dumps({"schema": SCHEMA, **_document(found)})


def explanation_schema() -> dict[str, Any]:
    """Give the JSON Schema of the document that `render` gives."""
    text, unknown = {"type": "string"}, {"type": ["number", "null"]}
    effect = _closed({"input": text, "low": unknown, "high": unknown})
    whole = {
        "name": text,
        "title": text,
        "results": {"type": "array", "items": {"$ref": "#/$defs/Branch"}},
        "effects": {"type": "object", "additionalProperties": {"type": "array", "items": effect}},
        "inputs": {"type": "array", "items": {"$ref": "#/$defs/Input"}},
        "basis": text,
        "warnings": {"type": "array", "items": text},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Explanation"}},
        "why_not": text,
    }
    branch = {
        **dict.fromkeys(("label", "metric", "unit"), text),
        **dict.fromkeys(("value", "low", "high", "share"), unknown),
        "how": {"enum": ["sum", "product", ""]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Branch"}},
    }
    inputs = ("name", "value", "standing", "source", "title", "url", "date", "access")
    return {
        "$schema": DIALECT,
        "$id": "urn:planner:explanation",
        "title": "Explanation",
        "description": "What the results of an estimate are made of, what moves them, and what they rest on.",
        **_closed({"schema": {"const": SCHEMA}, **whole}),
        "$defs": {
            "Explanation": _closed(whole),
            "Branch": _closed(branch),
            "Input": _closed(dict.fromkeys(inputs, text)),
        },
    }


def _document(found: Explanation) -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.title,
        "results": [_branch(tree) for tree in found.trees],
        "effects": {
            name: [{"input": e.input, "low": rounded(e.low), "high": rounded(e.high)} for e in effects]
            for name, effects in found.effects.items()
        },
        "inputs": [_input(item) for item in found.inputs],
        "basis": found.basis,
        "warnings": list(found.warnings),
        "parts": [_document(part) for part in found.parts],
        "why_not": found.why_not,
    }


def _branch(tree: Branch) -> dict[str, Any]:
    return {
        "label": tree.label,
        "metric": tree.metric,
        "unit": tree.unit,
        "value": rounded(tree.value),
        "low": rounded(tree.low),
        "high": rounded(tree.high),
        "share": rounded(tree.share),
        "how": tree.how,
        "parts": [_branch(branch) for branch in tree.branches],
    }


def _input(item: SourcedInput) -> dict[str, Any]:
    known = item.input
    return {
        "name": known.name,
        "value": known.value,
        "standing": known.standing.value,
        "source": known.source,
        "title": item.title,
        "url": item.url,
        "date": item.date,
        "access": item.access,
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
