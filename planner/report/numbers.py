"""Results as people read them: one way to show each metric."""

from __future__ import annotations

from planner.metrics import METRICS
from planner.units import duration, scaled, significant

_MONEY_DIGITS = 4


def shown(metric: str, value: float | None) -> str:
    """Give a result with its unit; "unknown" where it is not known.

    >>> shown("cost_total_usd", 123456.7)
    '$123,500'
    >>> shown("mfu", 0.4321)
    '43.2 %'
    """
    if value is None:
        return "unknown"
    unit = METRICS[metric].unit
    if metric in ("mfu", "hfu", "goodput", "utilisation"):
        return f"{value * 100:.1f} %"
    if unit.startswith("USD"):
        return "$" + _money(value) + unit.removeprefix("USD")
    if unit == "s":
        return duration(value)
    if unit == "d":
        return duration(value * 86400.0)
    if unit == "kW":
        return scaled(value * 1e3, "W")
    if unit == "kWh":
        return scaled(value * 1e3, "Wh")
    if unit == "kgCO2e":
        return f"{significant(value / 1e3, 3)} tCO2e" if value >= 1e3 else f"{significant(value, 3)} kgCO2e"
    if unit == "GB":
        return f"{value:,.1f} GB"
    if unit == "1":
        return f"{value:,.0f}" if abs(value) >= 100 else significant(value, 3)
    if unit == "h":
        return f"{scaled(value)} h"
    return scaled(value, unit)


def shown_range(metric: str, low: float | None, high: float | None) -> str:
    """Give the ends of a range.

    >>> shown_range("step_time_s", 5.0, 7.5)
    '5 s – 7.5 s'
    """
    return f"{shown(metric, low)} – {shown(metric, high)}"


def _money(value: float) -> str:
    if abs(value) >= 1e6:
        return scaled(value, "").replace(" ", "").replace("G", "B")
    if abs(value) >= 1:
        rounded = float(f"{value:.{_MONEY_DIGITS}g}")
        return f"{rounded:,.0f}" if rounded >= 1000 else f"{rounded:,.2f}"
    return significant(value, 3)
