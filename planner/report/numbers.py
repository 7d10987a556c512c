"""Results as people read them: one way to show each metric."""

from __future__ import annotations

from planner.metrics import METRICS
from planner.planning.estimate import Currency
from planner.units.printing import counted, duration, scaled, significant

DOLLARS = Currency()
_SHARES = ("mfu", "hfu", "goodput", "utilisation")
_COUNTED = ("parameters", "active_parameters")


def shown(metric: str, value: float | None, currency: Currency = DOLLARS) -> str:
    """Give a result with its unit; "unknown" where it is not known.

    >>> shown("cost_total_usd", 123456.7)
    '$123,500'
    >>> shown("mfu", 0.4321), shown("parameters", 405.9e9)
    ('43.2 %', '405.9 B')
    """
    if value is None:
        return "unknown"
    unit = METRICS[metric].unit
    if metric in _SHARES:
        return percent(value)
    if metric in _COUNTED:
        return counted(value)
    if metric == "storage_load":  # far below 1 it matters by how much
        return f"{significant(value * 100, 3)} %"
    if unit.startswith("USD"):
        return money(value, currency) + unit.removeprefix("USD")
    if unit == "s":
        return duration(value)
    if unit == "ms":
        return duration(value / 1e3)
    if unit == "d":
        return duration(value * 86400.0)
    if unit == "kW":
        return scaled(value * 1e3, "W")
    if unit == "kWh":
        return scaled(value * 1e3, "Wh")
    if unit == "kgCO2e":
        return f"{significant(value / 1e3, 3)} tCO2e" if value >= 1e3 else f"{significant(value, 3)} kgCO2e"
    if unit == "GB":
        return scaled(value * 1e9, "B")
    if unit == "1":
        return f"{value:,.0f}" if abs(value) >= 100 else significant(value, 3)
    if unit == "requests/s":
        return f"{scaled(value)} /s"
    if unit == "h":
        return f"{scaled(value)} h"
    return scaled(value, unit)


def shown_range(metric: str, low: float | None, high: float | None, currency: Currency = DOLLARS) -> str:
    """Give the ends of a range, the unit once where it is the same; "or more" where nothing bounds it.

    >>> shown_range("step_time_s", 5.0, 7.5), shown_range("days", 10.0, None)
    ('5 – 7.5 s', '10 d or more')
    """
    below = shown(metric, low, currency)
    if high is None:
        return f"{below} or more"
    above = shown(metric, high, currency)
    number, _, unit = below.partition(" ")
    if unit and above.endswith(f" {unit}") and above.count(" ") == below.count(" "):
        return f"{number} – {above}"
    return f"{below} – {above}"


def percent(share: float) -> str:
    """Give a share as a percentage.

    >>> percent(0.4321)
    '43.2 %'
    """
    return f"{share * 100:.1f} %"


def money(usd: float, currency: Currency = DOLLARS) -> str:
    """Give an amount of US dollars in the currency that is shown.

    >>> money(40_130_000.0), money(1500.0, Currency("KRW", 1335.27))
    ('$40.1M', 'KRW 2M')
    """
    value = usd * currency.per_usd
    sign = "$" if currency.code == "USD" else f"{currency.code} "
    if abs(value) >= 999_950:
        return sign + scaled(value, "").replace(" ", "").replace("G", "B")
    if abs(value) >= 1:
        rounded = float(f"{value:.4g}")
        return sign + (f"{rounded:,.0f}" if rounded >= 1000 else f"{rounded:,.2f}")
    return sign + significant(value, 3)
