"""A comparison as JSON, and the schema of that document."""

from __future__ import annotations

from typing import Any

from planner.documents.schema import DIALECT
from planner.metrics import METRICS
from planner.planning.breakeven import BreakEven
from planner.planning.comparison import Candidate, Comparison, Line
from planner.planning.estimate import Result
from planner.report.estimate_schema import estimate_schema
from planner.report.json_report import document, dumps, rounded
from planner.units.interval import Interval

SCHEMA = "planner/comparison/v1"
UNIT_OF = {
    "node-hour price": "USD/h",
    "node price": "USD",
    "utilisation": "1",
    "tokens a month": "tokens",
    "months owned": "month",
}
"""Units of the kinds of break-even."""


def render(comparison: Comparison) -> str:
    """Give a comparison as the text of one JSON document."""
    letters = [candidate.letter for candidate in comparison.candidates]
    front = comparison.front
    return dumps(
        {
            "schema": SCHEMA,
            "candidates": [_candidate(candidate) for candidate in comparison.candidates],
            "metrics": {line.metric: _line(line, letters) for line in comparison.lines},
            "break_evens": [_break_even(found, letters) for found in comparison.break_evens],
            "front": front
            and {
                "metrics": list(front.metrics),
                "on": [letters[n] for n in front.on],
                "beaten": {letters[n]: letters[better] for n, better in front.beaten.items()},
            },
            "shared": list(comparison.shared),
            "notes": list(comparison.notes),
        }
    )


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "letter": candidate.letter,
        "bound_by": candidate.bound_by,
        "estimate": document(candidate.estimate),
    }


def _line(line: Line, letters: list[str]) -> dict[str, Any]:
    return {
        "unit": METRICS[line.metric].unit,
        "better": METRICS[line.metric].better.value,
        "results": {letter: _result(result) for letter, result in zip(letters, line.results, strict=True)},
        "ratios": {letter: _ratio(found) for letter, found in zip(letters, line.ratios, strict=True)},
        "best": None if line.best is None else letters[line.best],
        "winner": None if line.winner is None else letters[line.winner],
        "level": [letters[n] for n in line.level],
    }


def _result(result: Result | None) -> dict[str, float | None] | None:
    if result is None:
        return None
    return {"value": rounded(result.mid), "low": rounded(result.low), "high": rounded(result.high)}


def _ratio(found: Interval | None) -> dict[str, float | None] | None:
    if found is None:
        return None
    return {"value": rounded(found.mid), "low": rounded(found.low), "high": rounded(found.high)}


def _break_even(found: BreakEven, letters: list[str]) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "of": letters[found.of],
        "against": letters[found.against],
        "value": rounded(found.value),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "now": rounded(found.now),
        "unit": UNIT_OF[found.kind],
    }


def comparison_schema() -> dict[str, Any]:
    """Give the JSON Schema of the document that `render` gives."""
    text, unknown = {"type": "string"}, {"type": ["number", "null"]}
    letter = {"type": "string", "pattern": "^[A-Z]+$", "description": "short name of a scenario, as in the table"}
    perhaps = {"type": ["string", "null"]}
    span = {"anyOf": [{"type": "null"}, _closed({"value": unknown, "low": unknown, "high": unknown})]}
    line = {
        "unit": text,
        "better": {"enum": ["lower", "higher", "neither"]},
        "results": {"type": "object", "additionalProperties": span},
        "ratios": {
            "type": "object",
            "additionalProperties": span,
            "description": "to the best one's result, inputs that both share moved together; null high: no bound",
        },
        "best": {**perhaps, "description": "the best middle"},
        "winner": {**perhaps, "description": "ahead of all others over the whole range of every ratio"},
        "level": {"type": "array", "items": letter, "description": "too close to the best one to tell"},
    }
    break_even = {
        "kind": {"enum": list(UNIT_OF)},
        "of": letter,
        "against": letter,
        "value": {**unknown, "description": "null: it never catches up"},
        "low": {**unknown, "description": "of the range that holds 80 % of cases; null where there is no value"},
        "high": {**unknown, "description": "null beside a value: it may never catch up"},
        "now": unknown,
        "unit": text,
    }
    front = {
        "metrics": {"type": "array", "items": text, "minItems": 2, "maxItems": 2},
        "on": {"type": "array", "items": letter},
        "beaten": {"type": "object", "additionalProperties": letter},
    }
    whole = {
        "schema": {"const": SCHEMA},
        "candidates": {
            "type": "array",
            "items": _closed({"letter": letter, "bound_by": text, "estimate": {"$ref": "#/$defs/Estimate"}}),
            "minItems": 2,
        },
        "metrics": {"type": "object", "additionalProperties": _closed(line)},
        "break_evens": {"type": "array", "items": _closed(break_even)},
        "front": {"anyOf": [{"type": "null"}, _closed(front)]},
        "shared": {"type": "array", "items": text, "description": "uncertain inputs that are the same in all"},
        "notes": {"type": "array", "items": text},
    }
    return {
        "$schema": DIALECT,
        "$id": "urn:planner:comparison",
        "title": "Comparison",
        "description": "Scenarios side by side. Ranges hold 80 % of cases; null is unknown and never zero.",
        **_closed(whole),
        "$defs": estimate_schema()["$defs"],
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
