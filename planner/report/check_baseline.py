"""A check as a small baseline of later checks: what they compare, and the texts that say why it moved.

The whole JSON of a check is a baseline too, several times as large.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from planner import __version__
from planner.documents.schema import DIALECT
from planner.metrics import METRICS
from planner.policy.check import Check
from planner.policy.rulebook import Rulebook
from planner.policy.stated import Stated
from planner.policy.stored import SMALL_SCHEMA, packed, with_digest
from planner.policy.subjects import Subject
from planner.report.check_json import number
from planner.report.check_words import HEADLINES

Json = dict[str, Any]


def render(check: Check) -> str:
    """Give a check as the text of one JSON document, with a scenario on each line."""
    found = with_digest(document(check))
    return "{\n" + ",\n".join(f"{_compact(key)}: {_lines(value)}" for key, value in sorted(found.items())) + "\n}\n"


def document(check: Check) -> Json:
    """Give a check as plain values, without the digest.

    Held are the metrics whose changes people are shown, and those that a rule names; their middles, and all five
    numbers where a rule judges changes elsewhere in the range.
    """
    ranged = _ranged(check.rulebook)
    held = sorted({*HEADLINES, *_ruled(check.rulebook)})
    subjects = [subject for scenario in check.scenarios for subject in scenario.evaluated.subjects()]
    return {
        "schema": SMALL_SCHEMA,
        "planner": __version__,
        "project": check.name,
        "prices_on": check.prices_on,
        "metrics": held,
        "scenarios": {subject.name: _subject(subject, held, ranged) for subject in subjects},
        "documents": packed(check.documents),
    }


def _ruled(book: Rulebook) -> Iterator[str]:
    yield from (rule.document.metric for rule in book.budgets)
    yield from (rule.document.metric for rule in book.policies)


def _ranged(book: Rulebook) -> frozenset[str]:
    compared = (rule.document for rule in book.policies if rule.document.compares)
    return frozenset(policy.metric for policy in compared if policy.judged_at != "p50")


def _subject(subject: Subject, held: list[str], ranged: frozenset[str]) -> Json:
    results = {
        metric: _stated(subject.results[metric], metric, is_ranged=metric in ranged)
        for metric in held
        if metric in subject.results
    }
    return {"results": results, **({"why_not": subject.why_not} if subject.why_not else {})}


def _stated(result: Stated, metric: str, *, is_ranged: bool) -> Any:
    if is_ranged:
        return [number(value, metric) for value in result]
    return number(result.mid, metric)


def _lines(value: Any) -> str:
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{_compact(key)}: {_compact(value[key])}" for key in sorted(value)) + "\n}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(_compact(each) for each in value) + "\n]"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def baseline_schema() -> Json:
    """Give the schema of the document that `render` writes."""
    decimal = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
    value: Json = {"anyOf": [{"type": ["number", "null"]}, decimal]}
    five = {"type": "array", "items": value, "minItems": 5, "maxItems": 5}
    names = {"enum": sorted(METRICS)}
    scenario = {
        "type": "object",
        "properties": {
            "results": {
                "type": "object",
                "propertyNames": names,
                "additionalProperties": {"anyOf": [value, five]},
                "description": "a middle; or the middle, low, high, least and most where a rule judges changes there",
            },
            "why_not": {"type": "string", "description": "why it cannot be carried out"},
        },
        "required": ["results"],
        "additionalProperties": False,
    }
    properties: Json = {
        "schema": {"const": SMALL_SCHEMA},
        "planner": {"type": "string", "description": "version that made this"},
        "project": {"type": "string"},
        "prices_on": {"type": "string", "description": "newest date of a price; empty for any"},
        "metrics": {"type": "array", "items": names, "description": "results that it holds, where there are such"},
        "scenarios": {"type": "object", "additionalProperties": scenario, "description": "and parts, by name"},
        "documents": {
            "type": "array",
            "items": {"type": "string", "pattern": "^[A-Za-z0-9+/=]+$"},
            "description": "base64 of the zlib stream of the JSON of the texts that the results rest on",
        },
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "of all else"},
    }
    return {
        "$schema": DIALECT,
        "$id": "urn:planner:baseline",
        "title": "Baseline",
        "description": "What later checks compare with. Money is a decimal text in US dollars; null is unknown.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
