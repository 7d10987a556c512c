"""Figures that pages of one estimate and of several have: parts of a whole, memory, what moves a result, ranges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from planner.planning.estimate import Breakdown, Currency, Estimate, Part, StageMemory
from planner.report.labels import label_of
from planner.report.numbers import money, percent, shown, shown_range
from planner.report.page.parts import Cell, Column, Figure, Table, aligned, number
from planner.report.row_units import row_unit
from planner.units.printing import duration, gibibytes, scaled

_NEGLIGIBLE = 5e-4
_MOST_PARTS = 7
_MOST_EFFECTS = 10
_LEAST_EFFECT = 0.01
_GIB = 2.0**30
UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "min": "minutes", "h": "hours", "d": "days"}
_SHARED = ("s", "USD", "W")  # units whose parts are of interest as shares of a whole
_UNIT_METRIC = {"s": "step_time_s", "USD": "cost_total_usd"}
Row = Mapping[str, Any]


def amount(value: float, unit: str, currency: Currency) -> str:
    """Give a part of a whole with its unit."""
    if unit == "s":
        return duration(value)
    return money(value, currency) if unit == "USD" else scaled(value, unit)


def parts_figure(key: str, title: str, says: str, breakdown: Breakdown, currency: Currency) -> Figure:
    """Give the parts of one whole as bars with their shares."""
    total = breakdown.total
    parts = [part for part in breakdown.parts if total and part.value / total >= _NEGLIGIBLE]
    per, unit = _axis(breakdown, [part.value for part in parts], currency)
    rows = tuple(
        {
            "label": part.label,
            "value": part.value / per,
            "share": percent(part.value / total) if breakdown.unit in _SHARED else f"{part.value:,.3g}",
            "text": amount(part.value, breakdown.unit, currency),
        }
        for part in parts
    )
    table = _parts_table(title, breakdown, parts, currency)
    return Figure(key, title, says, "bars", rows, table, x=unit)


def _axis(breakdown: Breakdown, values: Sequence[float], currency: Currency) -> tuple[float, str]:
    """Give what values are divided by on an axis, and the unit they are then in."""
    metric = _UNIT_METRIC.get(breakdown.unit)
    if metric is None:
        return 1.0, breakdown.unit
    unit = row_unit(metric, [max(values, default=0.0)], currency)
    return unit.per, UNIT_WORDS.get(unit.unit, unit.unit)


def _parts_table(title: str, breakdown: Breakdown, parts: Sequence[Part], currency: Currency) -> Table:
    if breakdown.unit not in _SHARED:
        counted = tuple((Cell(part.label), Cell(f"{part.value:,.3g}", part.value)) for part in parts)
        return Table(title, (Column("part"), number(breakdown.unit)), counted)
    shares = aligned([percent(part.value / breakdown.total) for part in parts])
    rows = tuple(
        (Cell(part.label), Cell(amount(part.value, breakdown.unit, currency), part.value), Cell(share, part.value))
        for part, share in zip(parts, shares, strict=True)
    )
    return Table(title, (Column("part"), number("amount"), number("share")), rows)


def memory_figure(estimate: Estimate) -> Figure | None:
    """Give the memory of every stage by cause, against what an accelerator has."""
    if not estimate.memory:
        return None
    capacity = estimate.memory_capacity_bytes
    parts = _causes(estimate.memory)
    stages = _stages(estimate.memory)
    rows = tuple(row for label, stage in stages for row in _stage_rows(label, stage, parts))
    fullest = max(stage.total_bytes for stage in estimate.memory)
    says = f"The fullest stage holds {gibibytes(fullest)} of {gibibytes(capacity)}: {percent(fullest / capacity)}."
    limits = ({"value": capacity / _GIB, "text": f"capacity {gibibytes(capacity)}"},)
    table = _memory_table(stages, parts)
    return Figure(
        "memory",
        "Memory of an accelerator, by pipeline stage",
        says + " The dashed line is the capacity.",
        "stacked",
        rows,
        table,
        x="GiB",
        more={"parts": parts, "limits": limits},
    )


def _causes(memory: Sequence[StageMemory]) -> tuple[str, ...]:
    """Give the causes that matter in any stage, in their order."""
    most = max(stage.total_bytes for stage in memory)
    labels = (part.label for stage in memory for part in stage.parts if part.value / most >= _NEGLIGIBLE)
    return tuple(dict.fromkeys(labels))


def _stages(memory: Sequence[StageMemory]) -> list[tuple[str, StageMemory]]:
    if len(memory) == 1:
        return [("every accelerator", memory[0])]
    return [(f"stage {stage.stage}", stage) for stage in memory]


def _stage_rows(label: str, stage: StageMemory, parts: Sequence[str]) -> Iterable[Row]:
    values = {part.label: part.value for part in stage.parts}
    for order, name in enumerate(parts):
        value = values.get(name, 0.0)
        yield {"label": label, "part": name, "value": value / _GIB, "order": order, "text": gibibytes(value)}


def _memory_table(stages: Sequence[tuple[str, StageMemory]], parts: Sequence[str]) -> Table:
    rows = []
    for label, stage in stages:
        values = {part.label: part.value for part in stage.parts}
        numbers = [stage.total_bytes, *(values.get(name, 0.0) for name in parts)]
        rows.append((Cell(label), *(Cell(f"{value / _GIB:,.1f}", value) for value in numbers)))
    columns = (Column("stage"), number("GiB in all"), *(number(name) for name in parts))
    return Table("Memory by stage and cause", columns, tuple(rows))


def effects_figure(estimate: Estimate, metric: str, *, key: str = "", of: str = "") -> Figure | None:
    """Give what each uncertain input does to a result by itself, the largest first.

    Parameters
    ----------
    estimate, metric : whose result. key : of the figure, where the result's own name does not do.
    of : whose it is, where the page is of several.
    """
    effects = estimate.contributions.get(metric, {})
    middle = estimate.value(metric)
    finite = {
        name: ends
        for name, ends in effects.items()
        if all(0 < end < math.inf for end in ends) and _size(ends) >= _LEAST_EFFECT
    }
    if not finite or middle is None:
        return None
    order = sorted(finite, key=lambda name: (-_size(finite[name]), name))[:_MOST_EFFECTS]
    rows = tuple(
        {
            "label": name,
            "low": finite[name][0] - 1.0,
            "high": finite[name][1] - 1.0,
            "text": shown_range(metric, middle * min(finite[name]), middle * max(finite[name]), estimate.currency),
        }
        for name in order
    )
    label = f"{label_of(metric)} of {of}" if of else label_of(metric)
    largest = order[0]
    says = (
        f"Each bar moves one uncertain input from the low end of its range (light) to the high end (dark) and leaves "
        f"the others alone. {largest.capitalize() if largest[0].islower() else largest} matters most."
    )
    table = Table(
        f"What moves the {label}",
        (Column("input"), number("at its low end"), number("at its high end")),
        tuple((Cell(name), *(Cell(_change(end), end) for end in finite[name])) for name in order),
    )
    return Figure(
        key or f"effects-{metric}",
        f"What moves the {label}",
        says,
        "tornado",
        rows,
        table,
        x=f"change of the {label}",
        owner=of,
    )


def _size(ends: tuple[float, float]) -> float:
    return max(abs(math.log(end)) for end in ends)


def _change(ratio: float) -> str:
    return f"{(ratio - 1.0) * 100:+.1f} %".replace("-", "−")


def spread_figure(estimate: Estimate, metrics: Sequence[str]) -> Figure | None:
    """Give how wide the range of each result is against its middle."""
    found = [estimate.results[m] for m in metrics if m in estimate.results]
    known = [r for r in found if r.mid and r.low is not None and r.high is not None and r.low != r.high]
    if len(known) < 2:
        return None
    currency = estimate.currency
    rows = tuple(
        {
            "label": label_of(result.metric),
            "low": result.low / result.mid - 1.0,
            "value": 0.0,
            "high": result.high / result.mid - 1.0,
            "text": shown(result.metric, result.mid, currency),
            "span": shown_range(result.metric, result.low, result.high, currency),
        }
        for result in known
        if result.mid and result.low is not None and result.high is not None
    )
    table = Table(
        "Predicted ranges",
        (Column("result"), number("middle"), number("80 % range")),
        tuple((Cell(str(row["label"])), Cell(str(row["text"])), Cell(str(row["span"]))) for row in rows),
    )
    return Figure(
        "ranges",
        "How sure each number is",
        "The bar holds 80 % of cases, the dot is the middle; all are shown against their own middle.",
        "ranges",
        rows,
        table,
        x="away from the middle",
        more={"format": "+.0%", "zero": True},
    )


def grouped(breakdowns: Mapping[str, Breakdown]) -> tuple[str, ...]:
    """Give the labels of the parts that are largest over all wholes, at most seven; the others are one more."""
    sums: dict[str, float] = {}
    for breakdown in breakdowns.values():
        for part in breakdown.parts:
            sums[part.label] = sums.get(part.label, 0.0) + (part.value / breakdown.total if breakdown.total else 0.0)
    kept = sorted(sums, key=lambda label: -sums[label])[:_MOST_PARTS]
    return tuple(label for label in sums if label in kept and sums[label] > _NEGLIGIBLE)
