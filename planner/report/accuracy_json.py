"""The answer of `planner accuracy` as JSON: planner/accuracy/v1."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from planner.accuracy.row import Row
from planner.accuracy.score import Score, by, score

SCHEMA = "planner/accuracy/v1"
FIELDS = (
    "id", "source", "accelerator", "kind", "group", "metric", "measured", "predicted", "low", "high", "status",
    "reason", "quality",
)  # fmt: skip


def as_json(rows: Sequence[Row], *, leave_out: str | None) -> str:
    """Give rows and their summary as one JSON document."""
    document = {
        "schema": SCHEMA,
        "leave_out": leave_out,
        "rows": [{name: _plain(getattr(row, name)) for name in FIELDS} for row in rows],
        "summary": summary(rows),
    }
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def summary(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Give the scores of every kind and metric, beside those of the baselines."""
    found = []
    for (kind, metric), members in _tables(rows).items():
        names = sorted({name for row in members for name in row.baselines})
        entry: dict[str, Any] = {"kind": kind, "metric": metric, "score": _score(score(members))}
        entry["refused"] = sum(row.predicted is None for row in members)
        entry["baselines"] = {name: _score(score(members, baseline=name)) for name in names}
        entry["groups"] = {name: _score(score(group)) for name, group in by(members, lambda row: row.group).items()}
        found.append(entry)
    return found


def _tables(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.kind, row.metric), []).append(row)
    return found


def _score(found: Score | None) -> dict[str, Any] | None:
    return None if found is None else {name: _plain(value) for name, value in asdict(found).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def accuracy_schema() -> dict[str, Any]:
    """Give the JSON Schema of the document."""
    number, text = {"type": ["number", "null"]}, {"type": "string"}
    values = dict.fromkeys(("rows", "refused", "median", "p90", "macro", "macro_p90", "bias", "inside"), number)
    scored = {"type": ["object", "null"], "properties": values, "additionalProperties": False}
    scores = {"type": "object", "additionalProperties": scored}
    row = {name: number if name in ("measured", "predicted", "low", "high") else text for name in FIELDS}
    row["status"] = {"enum": ["ok", "refused"]}
    row["kind"] = {"enum": ["training", "inference", "serving", "trace", "kernel"]}
    entry = {"kind": text, "metric": text, "score": scored, "refused": number, "baselines": scores, "groups": scores}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:planner:accuracy",
        "title": SCHEMA,
        "description": "Measured results beside the planner's predictions, one row per observation.",
        "type": "object",
        "required": ["schema", "rows", "summary"],
        "properties": {
            "schema": {"const": SCHEMA},
            "leave_out": {"enum": ["source", "accelerator", "model", None]},
            "rows": {"type": "array", "items": _closed(row)},
            "summary": {"type": "array", "items": _closed(entry)},
        },
        "additionalProperties": False,
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }
