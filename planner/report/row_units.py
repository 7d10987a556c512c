"""One unit for a row of results, so that its numbers stand under each other and can be read against each other."""

from __future__ import annotations

from collections.abc import Iterable

from planner.metrics import METRICS
from planner.planning.estimate import Currency
from planner.record import record

_MOST_DIGITS = 4
_MOST_DECIMALS = 7
_COUNTED = ("parameters", "active_parameters")
_COUNTS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1.0, ""))
_SHARES = ("mfu", "hfu", "goodput", "utilisation", "storage_load")
_PREFIXES = ((1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_TIMES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
_MONEY = ((1e9, "B"), (1e6, "M"), (1e3, "k"), (1.0, ""))
# Units that take prefixes, with what one of ours is in them.
_BASE: dict[str, tuple[float, str]] = {
    "kW": (1e3, "W"),
    "kWh": (1e3, "Wh"),
    "GB": (1e9, "B"),
    "B": (1.0, "B"),
    "B/s": (1.0, "B/s"),
    "FLOP/s": (1.0, "FLOP/s"),
    "FLOP": (1.0, "FLOP"),
    "tokens/s": (1.0, "tokens/s"),
    "requests/s": (1.0, "requests/s"),
    "J": (1.0, "J"),
    "W": (1.0, "W"),
}


@record
class RowUnit:
    """How the numbers of a row are shown.

    Parameters
    ----------
    unit : after the row's name. per : what a number in the metric's own unit is divided by.
    decimals : after the point.
    """

    unit: str
    per: float
    decimals: int

    def number(self, value: float | None) -> str:
        """Give a number of the row; "unknown" for none."""
        return "unknown" if value is None else f"{value / self.per:,.{self.decimals}f}"

    def range(self, low: float | None, high: float | None) -> str:
        """Give a range; "" where there is none."""
        if low is None or low == high:
            return ""
        return f"{self.number(low)} or more" if high is None else f"{self.number(low)} – {self.number(high)}"


def row_unit(metric: str, values: Iterable[float | None], currency: Currency) -> RowUnit:
    """Give the unit in which the results of a row are shown.

    Parameters
    ----------
    metric : its name. values : its results, in the metric's unit. currency : that money is shown in.

    >>> row_unit("cost_total_usd", [4.03e7, 9.1e6], Currency())
    RowUnit(unit='$M', per=1000000.0, decimals=2)
    >>> row_unit("energy_kwh", [1200.0, 900_000.0], Currency()).unit
    'MWh'
    """
    known = sorted(abs(value) for value in values if value)
    least, most = (known[0], known[-1]) if known else (0.0, 0.0)
    per, unit = _scale(metric, least, most, currency)
    if METRICS[metric].unit == "1" and per == 1.0 and all(value == round(value) for value in known):
        return RowUnit(unit, per, 0)
    return RowUnit(unit, per, _decimals(least / per, most / per))


def _scale(metric: str, least: float, most: float, currency: Currency) -> tuple[float, str]:
    unit = METRICS[metric].unit
    if metric in _SHARES:
        return 0.01, "%"
    if metric in _COUNTED:
        return _step(_COUNTS, least, most)
    if unit.startswith("USD"):
        sign = "$" if currency.code == "USD" else f"{currency.code} "
        step, letter = _step(_MONEY, least * currency.per_usd, most * currency.per_usd)
        return step / currency.per_usd, f"{sign}{letter}".strip() + unit.removeprefix("USD")
    if unit in ("s", "d"):
        own = 86400.0 if unit == "d" else 1.0
        step, name = _step(_TIMES, least * own, most * own)
        return step / own, name
    if unit == "kgCO2e":
        step, name = _step(((1e3, "tCO2e"), (1.0, "kgCO2e"), (1e-3, "gCO2e")), least, most)
        return step, name
    own, name = _BASE.get(unit, (1.0, ""))
    if not name and unit != "h":
        return 1.0, "" if unit == "1" else unit
    step, prefix = _step(_PREFIXES, least * own, most * own)
    apart = " " if not name or name[0].islower() else ""  # M tokens/s, but MB/s
    return step / own, f"{prefix}{apart}{name or unit}".strip()


def _step(steps: tuple[tuple[float, str], ...], least: float, most: float) -> tuple[float, str]:
    """Give the largest step in which the least value is 1 or more; or 0.1, where the most is 10 or more."""
    for size, name in steps:
        if least >= size or (least >= size / 10 and most >= size * 10):
            return size, name
    return steps[-1]


def _decimals(least: float, most: float) -> int:
    """Give decimals that leave the least value three digits, unless the most then has too many."""
    wanted = next((n for n in range(_MOST_DECIMALS) if least * 10**n >= 100), _MOST_DECIMALS) if least else 0
    room = next((n for n in range(_MOST_DECIMALS, -1, -1) if most * 10**n < 10 ** (_MOST_DIGITS + 1)), 0)
    return min(wanted, room)
