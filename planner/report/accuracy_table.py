"""What `planner accuracy` prints: a table of scores, per kind of measurement and metric."""

from __future__ import annotations

from collections.abc import Sequence

from planner.accuracy.row import Row
from planner.accuracy.score import by, of_serving, score
from planner.report.accuracy_json import summary
from planner.report.listing import Cell, Column, Listing, as_table


def as_text(rows: Sequence[Row], *, leave_out: str | None, width: int) -> str:
    """Give the scores of rows as text of a width [columns]."""
    fitted = f"each row predicted by a fit that left out its {leave_out}" if leave_out else "as the profiles stand"
    columns = (
        Column("what", "", elastic=True),
        Column("rows", "rows"),
        Column("refused", "refused"),
        Column("median", "median", _percent),
        Column("p90", "p90", _percent),
        Column("macro", "macro", _percent),
        Column("bias", "bias", _percent),
        Column("inside", "in range", _percent),
    )
    lines: list[list[Cell]] = []
    for entry in summary(rows):
        told = {f"{entry['kind']}: {entry['metric']}": entry["score"]} | {
            f"  {name}": value for name, value in entry["baselines"].items()
        }
        for number, (name, found) in enumerate(told.items()):
            refused = entry["refused"] if number == 0 else None
            values = found or dict.fromkeys(("rows", "median", "p90", "macro", "bias", "inside"))
            kept = [values[field] for field in ("median", "p90", "macro", "bias", "inside")]
            lines.append([name, values["rows"], refused, *kept])
    table = as_table(Listing("scores", columns, lines), width=width)
    return f"Errors as |ln(predicted/measured)|, {fitted}\n\n{table}\n{_LEGEND}{_by_load(rows, width)}"


_LEGEND = """
macro: mean over (source, accelerator) of the medians. bias: above 0 is too slow. in range: measured values inside
the 80 % ranges. Below each: what simple rules say of the same rows (constant: 40 % MFU; median: the median MFU of
the accelerator and precision; bubble: half of the peak and the pipeline's bubble; half: half of the peak and of the
memory's bandwidth, and nothing else).
"""


def _by_load(rows: Sequence[Row], width: int) -> str:
    """Give the scores of serving by kind of load and metric, as a second table; nothing where there is none."""
    columns = (
        Column("load", "", elastic=True),
        Column("rows", "rows"),
        Column("median", "median", _percent),
        Column("p90", "p90", _percent),
        Column("macro", "macro", _percent),
        Column("macro_p90", "macro p90", _percent),
        Column("half", "half", _percent),
        Column("inside", "in range", _percent),
    )
    lines: list[list[Cell]] = []
    for load, members in by(of_serving(rows), lambda row: row.slices["class"]).items():
        lines.append([load, *[" "] * (len(columns) - 1)])
        for metric, mine in by(members, lambda row: row.metric).items():
            ours, rule = score(mine), score(mine, baseline="half")
            if ours:
                told = [ours.median, ours.p90, ours.macro, ours.macro_p90, rule.median if rule else None, ours.inside]
                lines.append([f"  {metric}", ours.rows, *told])
    if not lines:
        return ""
    table = as_table(Listing("loads", columns, lines), width=width)
    return f"\n{_LOADS}\n\n{table}"


_LOADS = "Serving by kind of load, of quality A and B; half: the median of that rule"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"
