"""How the time of a run falls with more accelerators, against the ideal, as a figure."""

from __future__ import annotations

from collections.abc import Sequence

from planner.planning.estimate import Estimate
from planner.planning.scaling import Scaled
from planner.report.numbers import percent, shown
from planner.report.page.parts import Cell, Figure, Table, number
from planner.report.row_units import row_unit


def scaling_figure(scaled: Sequence[Scaled], estimate: Estimate) -> Figure | None:
    """Give the duration over the number of accelerators; None where there is one number alone."""
    own, days = estimate.value("accelerators"), estimate.value("days")
    runs = [each for each in scaled if each.estimate.value("days")]
    if not own or not days or len(runs) < 2:
        return None
    unit = row_unit("days", [each.estimate.value("days") for each in runs], estimate.currency)
    # What nothing bounds is drawn as far as the widest range that is bounded.
    widest = max(each.estimate.results["days"].high or each.estimate.value("days") or 0.0 for each in runs)
    rows = tuple(_row(each, own=own, days=days, per=unit.per, widest=widest) for each in runs)
    last = runs[-1]
    efficiency = days * own / ((last.estimate.value("days") or days) * last.accelerators)
    says = (
        f"The same batch on more and fewer accelerators; dashed is the ideal, the orange point this scenario. "
        f"{last.accelerators:,} of them work at {percent(efficiency)} of the speed of each one here."
    )
    return Figure(
        "scaling",
        "Duration by number of accelerators",
        says,
        "curve",
        rows,
        _table(runs),
        x="accelerators",
        y=f"duration [{unit.unit}]",
        more={"ticks": [each.accelerators for each in runs]},
    )


def _row(each: Scaled, *, own: float, days: float, per: float, widest: float) -> dict[str, object]:
    result = each.estimate.results["days"]
    middle = result.mid or 0.0
    ideal = days * own / each.accelerators
    return {
        "label": f"{each.accelerators:,} accelerators",
        "x": each.accelerators,
        "y": middle / per,
        "low": (middle if result.low is None else result.low) / per,
        "high": (widest if result.high is None else result.high) / per,
        "ideal": ideal / per,
        "text": shown("days", middle),
        "other": shown("days", ideal),
        "here": each.accelerators == own,
    }


def _table(runs: Sequence[Scaled]) -> Table:
    metrics = ("days", "step_time_s", "mfu", "cost_total_usd", "energy_kwh")
    rows = tuple(
        (
            Cell(f"{each.accelerators:,}", each.accelerators),
            *(
                Cell(
                    shown(metric, each.estimate.value(metric), each.estimate.currency),
                    each.estimate.value(metric) or "",
                )
                for metric in metrics
            ),
        )
        for each in runs
    )
    headers = ("duration", "time of a step", "model FLOPs utilisation", "cost", "energy")
    columns = (number("accelerators"), *(number(header) for header in headers))
    return Table("The same run on more and fewer accelerators", columns, rows)
