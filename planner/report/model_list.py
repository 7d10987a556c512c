"""Models as a list: one line each, or plain values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from planner.catalog.model import Model
from planner.record import record
from planner.report.escape import for_terminal
from planner.units.printing import scaled
from planner.workload.build import architecture

_ID, _FAMILY = 34, 26


@record
class ModelRow:
    """One model of the list; counts are computed from the shape, or as published where that is not known."""

    id: str
    family: str
    parameters: int | None
    active_parameters: int | None
    computed: bool
    released: str


def row_of(model: Model) -> ModelRow:
    """Give the line of one model."""
    built = architecture(model.architecture, model.id) if model.architecture else None
    return ModelRow(
        id=model.id,
        family=model.family,
        parameters=built.parameters if built else _whole(model.parameters),
        active_parameters=built.active_parameters if built else _whole(model.active_parameters),
        computed=built is not None,
        released=model.released or "",
    )


def as_text(rows: Sequence[ModelRow]) -> str:
    """Give the list for a terminal of 80 columns; a count that was not computed stands in brackets."""
    lines = [f"{'id':<{_ID}}{'family':<{_FAMILY}}{'parameters':>11}{'active':>9}"]
    for row in rows:
        total, active = _count(row.parameters), _count(row.active_parameters)
        if not row.computed and row.parameters is not None:
            total = f"({total})"
        if row.active_parameters == row.parameters:
            active = ""
        name = for_terminal(row.id)
        lines.append(f"{name:<{_ID - 1}} {for_terminal(row.family):<{_FAMILY}}{total:>11}{active:>9}".rstrip())
    return "\n".join(lines) + "\n"


def as_document(rows: Sequence[ModelRow]) -> dict[str, object]:
    """Give the list as plain values."""
    return {"schema": "planner/model-list/v1", "models": [asdict(row) for row in rows]}


def _count(value: int | None) -> str:
    return "unknown" if value is None else count_text(value)


def count_text(value: float, *, digits: int = 3) -> str:
    """Give a number of parameters as people say it, in billions.

    >>> count_text(405853388800)
    '406 B'
    """
    return scaled(value, digits=digits).replace(" G", " B")


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
