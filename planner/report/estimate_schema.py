"""The JSON Schema of an estimate as JSON: what a program that reads `--output json` may rely on."""

from __future__ import annotations

from typing import Any

from planner.catalog.entry import Standing
from planner.documents.schema import DIALECT
from planner.metrics import METRICS
from planner.report.json_report import SCHEMA

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_UNKNOWN: Schema = {"type": ["number", "null"]}


def estimate_schema() -> Schema:
    """Give the schema of the document that `planner.report.json_report` renders."""
    estimate = _closed(_estimate())
    whole = _closed({"schema": {"const": SCHEMA}, **_estimate()})
    return {
        "$schema": DIALECT,
        "$id": "urn:planner:estimate",
        "title": "Estimate",
        "description": "The answer to one scenario. Ranges hold 80 % of cases; null is unknown and never zero.",
        **whole,
        "$defs": {"Estimate": estimate, "Result": _result(), "Input": _input(), "Stage": _stage()},
    }


def _estimate() -> Schema:
    return {
        "name": _TEXT,
        "title": _TEXT,
        "kind": _described(_TEXT, "kind of the scenario"),
        "tags": _map(_TEXT, "the scenario's own"),
        "plan": _map(_TEXT, "choices made or given, in words"),
        "results": {
            "type": "object",
            "description": "results by their names",
            "properties": {name: _metric(name) for name in METRICS},
            "additionalProperties": False,
        },
        "breakdowns": _map(
            _closed({"unit": _TEXT, "parts": _map(_NUMBER, "parts of the whole")}),
            "where time, power and money go; parts sum to the whole",
        ),
        "memory": _closed(
            {
                "capacity_bytes": _described(_NUMBER, "of one accelerator"),
                "stages": {"type": "array", "items": {"$ref": "#/$defs/Stage"}},
            }
        ),
        "basis": _described(_TEXT, "what the efficiencies rest on"),
        "contributions": _map(
            _map(
                {"type": "array", "items": _UNKNOWN, "minItems": 2, "maxItems": 2},
                "ratio of the result with the input at its low end, and at its high end, to its middle",
            ),
            "what each uncertain input does to a result by itself",
        ),
        "inputs": {"type": "array", "items": {"$ref": "#/$defs/Input"}},
        "warnings": {"type": "array", "items": _TEXT},
        "scenario": _described({"type": "object"}, "the closed scenario, to reproduce the estimate"),
        "children": _map({"$ref": "#/$defs/Estimate"}, "parts of a composite, or nodes of a place"),
        "why_not": _described(_TEXT, "why it does not fit; empty where it does"),
        "currency": _described(
            _closed({"code": _TEXT, "per_usd": _NUMBER, "date": _TEXT}),
            "that people are shown money in; all numbers here are in US dollars",
        ),
        "claim": {"anyOf": [{"type": "null"}, _claim()]},
    }


def _claim() -> Schema:
    verdict = {
        "metric": _described(_TEXT, "result that is bounded; empty where something must not fit"),
        "of": _described(_TEXT, "part that is meant; empty for the whole"),
        "over": _described(_TEXT, "part that it is set against; the value then is a ratio"),
        "min": _UNKNOWN,
        "max": _UNKNOWN,
        "value": _UNKNOWN,
        "holds": {"type": "boolean"},
    }
    texts = dict.fromkeys(("id", "says", "source", "note"), _TEXT)
    expectations = {"type": "array", "items": _closed(verdict)}
    return _closed({**texts, "holds": {"type": "boolean"}, "expectations": expectations})


def _metric(name: str) -> Schema:
    metric = METRICS[name]
    return {"$ref": "#/$defs/Result", "description": f"{metric.meaning} [{metric.unit}]"}


def _result() -> Schema:
    return _closed({"value": _UNKNOWN, "low": _UNKNOWN, "high": _UNKNOWN, "unit": _TEXT})


def _stage() -> Schema:
    return _closed(
        {
            "stage": {"type": "integer", "minimum": 0},
            "total_bytes": _NUMBER,
            "parts": _map(_NUMBER, "bytes by cause"),
        }
    )


def _input() -> Schema:
    standing = {"enum": [standing.value for standing in Standing]}
    return _closed({"name": _TEXT, "value": _TEXT, "source": _TEXT, "standing": standing, "date": _TEXT})


def _closed(properties: Schema) -> Schema:
    """Give an object that has these properties, all of them, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _map(values: Schema, description: str) -> Schema:
    return {"type": "object", "additionalProperties": values, "description": description}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}
