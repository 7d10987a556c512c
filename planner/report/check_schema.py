"""The JSON Schema of a check as JSON: what a program that reads `--output json` may rely on."""

from __future__ import annotations

from typing import Any, get_args

from planner.documents.schema import DIALECT
from planner.metrics import METRICS
from planner.policy.attribution import Cause
from planner.policy.compared import Turn
from planner.policy.finding import FindingKind
from planner.policy.stored import SCHEMA
from planner.scenario.rules import JudgedAt, Level, Period

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_DECIMAL: Schema = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
_NUMBER: Schema = {"anyOf": [{"type": ["number", "null"]}, _DECIMAL]}
_LEVEL: Schema = {"enum": list(get_args(Level))}


def check_schema() -> Schema:
    """Give the schema of the document that `planner.report.check_json` renders."""
    return {
        "$schema": DIALECT,
        "$id": "urn:planner:check",
        "title": "Check",
        "description": "What a check of a project comes to. Money is a decimal text in US dollars; null is unknown, "
        "or for an end of a range whose value is known, unbounded.",
        **_closed(_check()),
        "$defs": {"Stated": _stated(), "Change": _change(), "Place": _place(), "Results": _results()},
    }


def _check() -> Schema:
    origin = {"kind": {"enum": ["commit", "file"]}, **dict.fromkeys(("name", "commit", "planner"), _TEXT)}
    return {
        "schema": {"const": SCHEMA},
        "planner": _described(_TEXT, "version that made this"),
        "project": _TEXT,
        "prices_on": _described(_TEXT, "newest date of a price; empty for any"),
        "exit_code": {"enum": [0, 1, 3]},
        "baseline": {"anyOf": [{"type": "null"}, _closed(origin)]},
        "findings": _list(_finding()),
        "budgets": _list(_budget()),
        "scenarios": _map(_scenario(), "by name"),
        "gone": _described(_list(_TEXT), "scenarios that only the baseline has"),
        "documents": _described(
            _closed({"project": _map(_TEXT, "by path"), "catalogs": _map(_TEXT, "of the planner's own, by path")}),
            "texts that the results rest on: with them this is a baseline of later checks",
        ),
        "digest": _described({"type": "string", "pattern": "^[0-9a-f]{64}$"}, "of all else, to see changes by hand"),
    }


def _finding() -> Schema:
    return _closed(
        {
            "id": {"enum": [kind.id for kind in FindingKind]},
            "fingerprint": _described(_TEXT, "stays while the same rule is broken by the same scenario"),
            "level": _LEVEL,
            "fails": _described(_FLAG, "whether it ends the check with a failure"),
            "rule": _TEXT,
            "scenario": _TEXT,
            "where": _described(_place_or_none(), "line that drives it"),
            "rule_where": _place_or_none(),
            "metric": {"enum": ["", *sorted(METRICS)]},
            "per": {"enum": list(get_args(Period))},
            "judged_at": {"enum": list(get_args(JudgedAt))},
            "value": _NUMBER,
            "limit": _NUMBER,
            "before": _NUMBER,
            **dict.fromkeys(("detail", "owner", "message", "waived_by"), _TEXT),
            "scenarios": {"type": "integer", "minimum": 0},
            "shares": _list(_closed({"scenario": _TEXT, "value": _NUMBER})),
            "ways_back": _list(
                _closed(
                    {
                        **dict.fromkeys(("scenario", "path", "value"), _TEXT),
                        "result": _NUMBER,
                        "days": {"type": ["number", "null"]},
                        "keeps": _FLAG,
                    }
                )
            ),
        }
    )


def _budget() -> Schema:
    return _closed(
        {
            "id": _TEXT,
            "metric": {"enum": sorted(METRICS)},
            "per": {"enum": list(get_args(Period))},
            "judged_at": {"enum": list(get_args(JudgedAt))},
            "result": {"$ref": "#/$defs/Stated"},
            "value": _NUMBER,
            "deny": _NUMBER,
            "warn": _NUMBER,
            "level": {"anyOf": [{"type": "null"}, _LEVEL]},
            "scenario": _described(_TEXT, "the one that uses most; empty where all are added up"),
            "scenarios": {"type": "integer", "minimum": 0},
            "owner": _TEXT,
            "where": _place_or_none(),
        }
    )


def _scenario() -> Schema:
    whole = _results()["properties"]
    return _closed(
        {
            **dict.fromkeys(("title", "kind", "facility"), _TEXT),
            "tags": _map(_TEXT, "the scenario's own"),
            "is_claim": _FLAG,
            "is_new": _described(_FLAG, "the baseline has none of its name"),
            "turns": _map({"enum": [turn.value for turn in Turn]}, "what became of it or of its parts, by name"),
            **whole,
            "parts": _map({"$ref": "#/$defs/Results"}, "by name: scenario/part"),
        }
    )


def _results() -> Schema:
    return _closed(
        {
            "results": _by_metric({"$ref": "#/$defs/Stated"}),
            "changes": _by_metric({"$ref": "#/$defs/Change"}),
            "why_not": _described(_TEXT, "why it cannot be carried out; empty where it can"),
        }
    )


def _by_metric(values: Schema) -> Schema:
    return {"type": "object", "propertyNames": {"enum": sorted(METRICS)}, "additionalProperties": values}


def _stated() -> Schema:
    ends = {
        "low": _described(_NUMBER, "of the range that holds 80 % of cases"),
        "high": _NUMBER,
        "least": _described(_NUMBER, "with every uncertain input at its end"),
        "most": _NUMBER,
    }
    return {
        "type": "object",
        "description": "an end that is left out is the value",
        "properties": {"value": _NUMBER, **ends},
        "required": ["value"],
        "additionalProperties": False,
    }


def _change() -> Schema:
    parts = {cause.id: _DECIMAL for cause in Cause}
    return _closed(
        {
            "before": _NUMBER,
            "after": _NUMBER,
            "change": {"anyOf": [{"type": "null"}, _DECIMAL]},
            "parts": {
                "type": "object",
                "properties": parts,
                "additionalProperties": False,
                "description": "by cause; they sum to the change exactly",
            },
        }
    )


def _place() -> Schema:
    count = {"type": "integer", "minimum": 1}
    return _closed({"file": _TEXT, "line": count, "column": count})


def _place_or_none() -> Schema:
    return {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Place"}]}


def _closed(properties: Schema) -> Schema:
    """Give an object that has these properties, all of them, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema, description: str) -> Schema:
    return {"type": "object", "additionalProperties": values, "description": description}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}
