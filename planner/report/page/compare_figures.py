"""Figures of a comparison: ranges of one result, the front, and the parts of time, money and memory of each."""

from __future__ import annotations

from planner.planning.comparison import Comparison, Line
from planner.planning.estimate import Breakdown, Estimate
from planner.report import compare_words as words
from planner.report.labels import label_of
from planner.report.numbers import percent, shown, shown_range
from planner.report.page.figures import UNIT_WORDS, amount, grouped
from planner.report.page.parts import Cell, Column, Figure, Table, number
from planner.report.row_units import row_unit
from planner.units.printing import gibibytes, significant

RANGED = (
    *("days", "ttft_ms", "tpot_ms", "output_tokens_per_s", "nodes_that_fit"),
    *("cost_total_usd", "cost_per_month_usd", "cost_per_million_tokens_usd", "cost_per_million_output_tokens_usd"),
    *("energy_kwh", "carbon_kg", "facility_power_kw"),
)
_GIB = 2.0**30
_OTHER = "everything else"
_UNIT_METRIC = {"s": "step_time_s", "USD": "cost_total_usd", "W": "node_power_kw"}
_WATTS_PER_KW = 1e3
# A range from one to a hundred times as much is read on a scale of powers.
_LOG_FROM = 20.0


def labels(comparison: Comparison) -> list[str]:
    """Give each candidate's name in charts: its letter and short name."""
    short = words.short_names(comparison)
    return [f"{c.letter}  {name}" for c, name in zip(comparison.candidates, short, strict=True)]


def choices_of(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Give what the filter of a page offers: each candidate's letter, and its name in charts."""
    return tuple((c.letter, label) for c, label in zip(comparison.candidates, labels(comparison), strict=True))


def ranged_figures(comparison: Comparison) -> tuple[Figure, ...]:
    """Give the ranges of the main results."""
    found = [ranges(line, comparison) for metric in RANGED if (line := comparison.line(metric)) is not None]
    return tuple(figure for figure in found if figure is not None)


def ranges(line: Line, comparison: Comparison) -> Figure | None:
    """Give the ranges of one result under each other; None where nothing has a range or nobody differs."""
    known = [(n, r) for n, r in enumerate(line.results) if r is not None and r.mid is not None]
    if len(known) < 2 or not line.differs or all(r.low == r.high for _, r in known):
        return None
    names, currency = labels(comparison), comparison.currency
    unit = row_unit(line.metric, [r.mid for _, r in known], currency)
    widest = max(r.high or r.mid or 0.0 for _, r in known)
    rows = tuple(
        {
            "label": names[n],
            "choice": comparison.candidates[n].letter,
            "low": (r.mid if r.low is None else r.low) / unit.per,
            "value": r.mid / unit.per,
            "high": (widest if r.high is None else r.high) / unit.per,
            "text": shown(line.metric, r.mid, currency),
            "span": shown_range(line.metric, r.low, r.high, currency),
        }
        for n, r in known
        if r.mid is not None
    )
    least = min((row["low"] for row in rows if isinstance(row["low"], float) and row["low"] > 0), default=0.0)
    log = bool(least) and widest / unit.per / least > _LOG_FROM
    label = label_of(line.metric)
    says = words.verdict_words(line, comparison)
    return Figure(
        f"range-{line.metric}",
        label[0].upper() + label[1:],
        says[0].upper() + says[1:] + ".",
        "ranges",
        rows,
        _ranges_table(line, comparison, names),
        x=f"{label} [{unit.unit}]" if unit.unit else label,
        more={"log": log, "zero": not log},
        choices=tuple(str(row["choice"]) for row in rows),
    )


def _ranges_table(line: Line, comparison: Comparison, names: list[str]) -> Table:
    unit = row_unit(line.metric, (r.mid for r in line.results if r), comparison.currency)
    rows, choices = [], []
    for n, result in enumerate(line.results):
        if result is None:
            continue
        found = line.ratios[n]
        ends = "" if found is None else f"{significant(found.low, 3)} – {significant(found.high, 3)}"
        middle = "" if found is None else significant(found.mid, 3)
        rows.append(
            (
                Cell(names[n]),
                Cell(unit.number(result.mid), "" if result.mid is None else result.mid),
                Cell(unit.range(result.low, result.high)),
                Cell(middle, "" if found is None else found.mid),
                Cell(ends),
            )
        )
        choices.append(comparison.candidates[n].letter)
    columns = (Column("scenario"), number("middle"), number("80 % range"), number("to the best"), number("its range"))
    return Table(f"{label_of(line.metric)} [{unit.unit}]", columns, tuple(rows), choices=tuple(choices))


def front(comparison: Comparison) -> Figure | None:
    """Give the two results of the Pareto front against each other."""
    found = comparison.front
    if found is None:
        return None
    first, second = (comparison.line(metric) for metric in found.metrics)
    if first is None or second is None:
        return None
    names, currency = labels(comparison), comparison.currency
    units = [row_unit(line.metric, (r.mid for r in line.results if r), currency) for line in (first, second)]
    rows = []
    for n, candidate in enumerate(comparison.candidates):
        x, y = first.results[n], second.results[n]
        if x is None or y is None or x.mid is None or y.mid is None:
            continue
        ends = [
            (value.mid if end is None else end) / unit.per
            for value, unit in zip((x, y), units, strict=True)
            for end in (value.low, value.high)
            if value.mid is not None
        ]
        rows.append(
            {
                "label": names[n],
                "short": candidate.letter,
                "choice": candidate.letter,
                "x": x.mid / units[0].per,
                "y": y.mid / units[1].per,
                **dict(zip(("x_low", "x_high", "y_low", "y_high"), ends, strict=True)),
                "standing": "on the front" if n in found.on else "beaten in both",
                "x_text": shown(x.metric, x.mid, currency),
                "y_text": shown(y.metric, y.mid, currency),
            }
        )
    titles = [f"{label_of(line.metric)} [{unit.unit}]" for line, unit in zip((first, second), units, strict=True)]
    return Figure(
        "front",
        f"{label_of(found.metrics[0]).capitalize()} against {label_of(found.metrics[1])}",
        "Nobody beats those on the dashed line in both; the crosses are 80 % ranges.",
        "points",
        tuple(rows),
        Table(
            "The front",
            (Column("scenario"), number(titles[0]), number(titles[1]), Column("standing")),
            tuple(
                (
                    Cell(str(row["label"])),
                    Cell(str(row["x_text"]), _float(row["x"])),
                    Cell(str(row["y_text"]), _float(row["y"])),
                    Cell(str(row["standing"])),
                )
                for row in rows
            ),
            choices=tuple(str(row["choice"]) for row in rows),
        ),
        x=titles[0],
        y=titles[1],
        choices=tuple(str(row["choice"]) for row in rows),
    )


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def parts(comparison: Comparison, name: str, key: str, title: str) -> Figure | None:
    """Give the parts of one whole of each candidate, stacked; small parts are one."""
    wholes = {
        n: b for n, c in enumerate(comparison.candidates) if (b := c.estimate.breakdown(name)) is not None and b.total
    }
    if not wholes:
        return None
    names, currency = labels(comparison), comparison.currency
    kept = grouped({names[n]: whole for n, whole in wholes.items()})
    unit = next(iter(wholes.values())).unit
    axis = row_unit(
        _UNIT_METRIC.get(unit, "step_time_s"), [_in_metric(b.total, unit) for b in wholes.values()], currency
    )
    rows, table, choices = [], [], []
    has_other = False
    for n, whole in wholes.items():
        values = _grouped_values(whole, kept)
        has_other = has_other or values[_OTHER] > 0
        for order, (label, value) in enumerate(values.items()):
            if label == _OTHER and not value:
                continue
            rows.append(
                {
                    "label": names[n],
                    "choice": comparison.candidates[n].letter,
                    "part": label,
                    "order": order,
                    "value": _in_metric(value, unit) / axis.per,
                    "text": f"{amount(value, unit, currency)}, {percent(value / whole.total)}",
                }
            )
        table.append(
            (
                Cell(names[n]),
                Cell(amount(whole.total, unit, currency), whole.total),
                *(Cell(amount(value, unit, currency), value) for value in values.values()),
            )
        )
        choices.append(comparison.candidates[n].letter)
    shown_parts = (*kept, _OTHER) if has_other else kept
    columns = (Column("scenario"), number("in all"), *(number(label) for label in (*kept, _OTHER)))
    return Figure(
        key,
        title,
        "",
        "stacked",
        tuple(rows),
        Table(title, columns, tuple(table), choices=tuple(choices)),
        x=UNIT_WORDS.get(axis.unit, axis.unit),
        more={"parts": shown_parts},
        choices=tuple(choices),
    )


def _in_metric(value: float, unit: str) -> float:
    return value / _WATTS_PER_KW if unit == "W" else value


def _grouped_values(whole: Breakdown, kept: tuple[str, ...]) -> dict[str, float]:
    values = dict.fromkeys((*kept, _OTHER), 0.0)
    for part in whole.parts:
        values[part.label if part.label in kept else _OTHER] += part.value
    return values


def memory(comparison: Comparison) -> Figure | None:
    """Give the fullest stage of each candidate by cause, against what its accelerators have."""
    held = {n: c.estimate for n, c in enumerate(comparison.candidates) if c.estimate.memory}
    if not held:
        return None
    names = labels(comparison)
    rows, table, choices = [], [], []
    causes: dict[str, None] = {}
    for n, estimate in held.items():
        stage = max(estimate.memory, key=lambda each: each.total_bytes)
        choices.append(comparison.candidates[n].letter)
        for order, part in enumerate(stage.parts):
            if part.value / stage.total_bytes >= 0.002:
                causes[part.label] = None
                rows.append(
                    {
                        "label": names[n],
                        "choice": choices[-1],
                        "part": part.label,
                        "order": order,
                        "value": part.value / _GIB,
                        "text": gibibytes(part.value),
                        "limit": estimate.memory_capacity_bytes / _GIB,
                        "limit_text": gibibytes(estimate.memory_capacity_bytes),
                    }
                )
        table.append(_memory_row(names[n], estimate, stage.total_bytes))
    columns = (Column("scenario"), number("used"), number("capacity"), number("share"))
    return Figure(
        "memory",
        "Memory of the fullest accelerator",
        "The orange mark is what the accelerator has.",
        "stacked",
        tuple(rows),
        Table("Memory of the fullest accelerator", columns, tuple(table), choices=tuple(choices)),
        x="GiB",
        more={"parts": tuple(causes)},
        choices=tuple(choices),
    )


def _memory_row(name: str, estimate: Estimate, used: float) -> tuple[Cell, ...]:
    capacity = estimate.memory_capacity_bytes
    return (
        Cell(name),
        Cell(gibibytes(used), used),
        Cell(gibibytes(capacity), capacity),
        Cell(percent(used / capacity), used / capacity),
    )
