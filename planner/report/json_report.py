"""An estimate as JSON: one document, stable bytes, dates and not ages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from planner.metrics import METRICS
from planner.planning.estimate import Breakdown, Estimate, Judgement, Result, StageMemory, Verdict
from planner.planning.ledger import Input

SCHEMA = "planner/estimate/v1"
_DIGITS = 9


def render(estimate: Estimate) -> str:
    """Give an estimate as the text of one JSON document."""
    return dumps({"schema": SCHEMA, **document(estimate)})


def dumps(value: Mapping[str, Any]) -> str:
    """Give JSON text with sorted keys; not-a-number and infinity are refused."""
    return json.dumps(value, allow_nan=False, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def rounded(value: float | None) -> float | None:
    """Give a number at 9 significant digits, in which the last bits of a library's logarithm do not show.

    What nothing bounds is None, as what is unknown.

    >>> rounded(0.1 + 0.2)
    0.3
    """
    return None if value is None or math.isinf(value) else float(f"{value:.{_DIGITS}g}")


def document(estimate: Estimate) -> dict[str, Any]:
    """Give an estimate as plain values."""
    return {
        "name": estimate.name,
        "title": estimate.title,
        "kind": estimate.kind,
        "tags": dict(estimate.tags),
        "plan": {what.replace(" ", "_"): value for what, value in estimate.plan},
        "results": {name: _result(result) for name, result in estimate.results.items()},
        "breakdowns": {b.key: _breakdown(b) for b in estimate.breakdowns},
        "memory": {
            "capacity_bytes": rounded(estimate.memory_capacity_bytes),
            "stages": [_stage(stage) for stage in estimate.memory],
        },
        "basis": estimate.basis,
        "contributions": {
            metric: {name: [rounded(low), rounded(high)] for name, (low, high) in effects.items()}
            for metric, effects in estimate.contributions.items()
        },
        "inputs": [_input(item) for item in estimate.inputs],
        "warnings": list(estimate.warnings),
        "scenario": plain(estimate.scenario),
        "children": {name: document(child) for name, child in estimate.children.items()},
        "why_not": estimate.why_not,
        "currency": {
            "code": estimate.currency.code,
            "per_usd": rounded(estimate.currency.per_usd),
            "date": estimate.currency.date,
        },
        "claim": _claim(estimate.judgement) if estimate.judgement else None,
    }


def _claim(judgement: Judgement) -> dict[str, Any]:
    return {
        "id": judgement.id,
        "says": judgement.says,
        "source": judgement.source,
        "note": judgement.note,
        "holds": judgement.holds,
        "expectations": [_verdict(verdict) for verdict in judgement.verdicts],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "metric": verdict.metric,
        "of": verdict.of,
        "over": verdict.over,
        "min": rounded(verdict.low),
        "max": rounded(verdict.high),
        "value": rounded(verdict.value),
        "holds": verdict.holds,
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "value": rounded(result.mid),
        "low": rounded(result.low),
        "high": rounded(result.high),
        "unit": METRICS[result.metric].unit,
    }


def _breakdown(breakdown: Breakdown) -> dict[str, Any]:
    return {"unit": breakdown.unit, "parts": {p.key: rounded(p.value) for p in breakdown.parts}}


def _stage(stage: StageMemory) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "total_bytes": rounded(stage.total_bytes),
        "parts": {p.key: rounded(p.value) for p in stage.parts},
    }


def _input(item: Input) -> dict[str, Any]:
    return {
        "name": item.name,
        "value": item.value,
        "source": item.source,
        "standing": item.standing.value,
        "date": item.date,
    }


def plain(value: Any) -> Any:
    """Give a document's values as JSON knows them; numbers of a document remember their spelling."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return value
