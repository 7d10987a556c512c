"""A search as JSON: one document, stable bytes; and the schema of that document."""

from __future__ import annotations

from typing import Any

from planner.documents.schema import DIALECT
from planner.metrics import METRICS
from planner.planning.search_result import OBJECTIVES, Candidate, Change, MachineVerdict, SearchResult
from planner.report.estimate_schema import estimate_schema
from planner.report.json_report import document as estimate_document
from planner.report.json_report import dumps, rounded
from planner.training.step import CAUSES

SCHEMA = "planner/search/v1"

_TEXT: dict[str, Any] = {"type": "string"}
_UNKNOWN: dict[str, Any] = {"type": ["number", "null"]}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
RESULTS = (
    "step_time_s",
    "mfu",
    "days",
    "accelerator_hours",
    "peak_memory_gb",
    "cost_total_usd",
    "energy_kwh",
    "carbon_kg",
    "facility_power_kw",
)
"""Results of each strategy that programs are given."""


def render(found: SearchResult) -> str:
    """Give a search as the text of one JSON document."""
    return dumps(
        {
            "schema": SCHEMA,
            "name": found.name,
            "title": found.title,
            "minimise": found.minimise,
            "limits": {
                name: rounded(getattr(found.limits, name)) for name in ("days", "cost_total_usd", "facility_power_kw")
            },
            "axes": {name: list(values) for name, values in found.axes.items()},
            "counts": {name: getattr(found, name) for name in ("points", "valid", "fit", "within")},
            "winner": _candidate(found.winner),
            "top": [_candidate(each) for each in found.top],
            "front": [_candidate(each) for each in found.front],
            "machines": [_machine(each) for each in found.machines],
            "changes": [_change(each) for each in found.changes],
            "estimate": estimate_document(found.estimate),
        }
    )


def _candidate(found: Candidate) -> dict[str, Any]:
    return {
        "node": found.node,
        "accelerator": found.accelerator,
        "framework": found.framework,
        "accelerators": found.accelerators,
        "nodes": found.nodes,
        "parallelism": found.parallelism.model_dump(mode="json", exclude_none=True),
        "recompute": found.recompute if isinstance(found.recompute, str) else found.recompute.model_dump(mode="json"),
        "offload": found.offload.model_dump(mode="json"),
        "results": {name: rounded(value) for name, value in found.results.items()},
        "shares": {name: rounded(value) for name, value in found.shares.items()},
        "bound": found.bound,
    }


def _machine(found: MachineVerdict) -> dict[str, Any]:
    return {
        "node": found.node,
        "accelerators": list(found.accelerators),
        "best": _candidate(found.best) if found.best else None,
        "inside_limits": found.inside,
        "counts": {name: getattr(found, name) for name in ("valid", "fit", "within")},
        "reason": found.reason,
    }


def _change(found: Change) -> dict[str, Any]:
    return {
        "axis": found.axis,
        "before": found.before,
        "after": found.after,
        "results": {name: rounded(value) for name, value in found.results.items()},
        "why_not": found.why_not,
    }


def search_schema() -> dict[str, Any]:
    """Give the schema of the document that `render` gives."""
    estimate = estimate_schema()
    candidate: dict[str, Any] = {"$ref": "#/$defs/Candidate"}
    candidates: dict[str, Any] = {"type": "array", "items": candidate}
    return {
        "$schema": DIALECT,
        "$id": "urn:planner:search",
        "title": "Search",
        "description": "The best strategy for a training run, and what came of the others; null is unknown.",
        **_closed(
            {
                "schema": {"const": SCHEMA},
                "name": _TEXT,
                "title": _TEXT,
                "minimise": {"enum": list(OBJECTIVES)},
                "limits": _closed(dict.fromkeys(("days", "cost_total_usd", "facility_power_kw"), _UNKNOWN)),
                "axes": _map({"type": "array", "items": _TEXT}, "values that were tried, by axis"),
                "counts": _counts("points", "valid", "fit", "within"),
                "winner": candidate,
                "top": candidates,
                "front": candidates,
                "machines": {"type": "array", "items": {"$ref": "#/$defs/Machine"}},
                "changes": {"type": "array", "items": {"$ref": "#/$defs/Change"}},
                "estimate": {"$ref": "#/$defs/Estimate"},
            }
        ),
        "$defs": {
            **estimate["$defs"],
            "Candidate": _candidate_schema(),
            "Machine": _machine_schema(),
            "Change": _closed(
                {**dict.fromkeys(("axis", "before", "after", "why_not"), _TEXT), "results": _results_schema()}
            ),
        },
    }


def _candidate_schema() -> dict[str, Any]:
    parallelism = {"type": "object", "description": "as in a training scenario"}
    return _closed(
        {
            **dict.fromkeys(("node", "accelerator", "framework", "bound"), _TEXT),
            **dict.fromkeys(("accelerators", "nodes"), _COUNT),
            "parallelism": parallelism,
            "recompute": {"type": ["string", "object"], "description": "as in a training scenario"},
            "offload": {"type": "object", "description": "as in a training scenario"},
            "results": _results_schema(),
            "shares": _closed({cause: {"type": "number"} for cause in CAUSES}),
        }
    )


def _machine_schema() -> dict[str, Any]:
    return _closed(
        {
            "node": _TEXT,
            "accelerators": {"type": "array", "items": _COUNT},
            "best": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Candidate"}]},
            "inside_limits": {"type": "boolean"},
            "counts": _counts("valid", "fit", "within"),
            "reason": _TEXT,
        }
    )


def _results_schema() -> dict[str, Any]:
    properties = {
        name: {**_UNKNOWN, "description": f"{METRICS[name].meaning} [{METRICS[name].unit}]"} for name in RESULTS
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _counts(*names: str) -> dict[str, Any]:
    return _closed(dict.fromkeys(names, _COUNT))


def _map(values: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values, "description": description}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
