"""Limits as people write them, in the unit of the metric that they bound."""

from __future__ import annotations

import re

from planner.documents.reader import Trail, Tree
from planner.errors import InputError, did_you_mean
from planner.metrics import METRICS
from planner.planning.books import Books
from planner.policy.stated import rounded
from planner.units.dimensions import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    FLOPS,
    FLOPS_PER_SECOND,
    GRAMS_CO2E,
    JOULES,
    RATIO,
    REQUESTS_PER_SECOND,
    SECONDS,
    TOKENS,
    WATTS,
    Dimension,
    money,
)
from planner.units.reading import parse
from planner.units.symbols import CURRENCIES, UnitError

_HOUR, _DAY, _MONTH = 3600.0, 86_400.0, 2_628_000.0

# What a metric's unit measures, and how many SI units one of it is.
_UNITS: dict[str, tuple[Dimension, float]] = {
    "s": (SECONDS, 1.0),
    "ms": (SECONDS, 1e-3),
    "us": (SECONDS, 1e-6),
    "h": (SECONDS, _HOUR),
    "d": (SECONDS, _DAY),
    "kW": (WATTS, 1e3),
    "W": (WATTS, 1.0),
    "kWh": (JOULES, 3.6e6),
    "J": (JOULES, 1.0),
    "GB": (BYTES, 1e9),
    "B": (BYTES, 1.0),
    "B/s": (BYTES_PER_SECOND, 1.0),
    "FLOP": (FLOPS, 1.0),
    "FLOP/s": (FLOPS_PER_SECOND, 1.0),
    "kgCO2e": (GRAMS_CO2E, 1e3),
    "tokens": (TOKENS, 1.0),
    "requests/s": (REQUESTS_PER_SECOND, 1.0),
    "1": (RATIO, 1.0),
}
_PER = {"USD/h": ("h", _HOUR), "USD/month": ("month", _MONTH)}
_NUMBER = re.compile(r"[+-]?[0-9.,eE+-]+\Z")
_CODE = re.compile(r"[A-Z]{3}(?![A-Za-z0-9])")


def limit(raw: str | float, metric: str, *, tree: Tree, trail: Trail, books: Books) -> float:
    """Give a limit in the unit of its metric.

    Parameters
    ----------
    raw : a number, which is in the metric's unit, or a quantity with a unit; money in any known currency.
    metric : what it bounds.
    tree, trail : where it stands.
    books : for exchange rates.

    Raises
    ------
    InputError : not a number, an unknown unit, or one that measures something else.
    """
    try:
        found = rounded(_value(raw, metric, books))
    except UnitError as error:
        raise InputError(
            tree.fault("quantity", f"{error} ({metric})", trail, allowed=error.allowed, hint=error.hint)
        ) from None
    if found < 0:
        raise InputError(tree.fault("out-of-range", f"a limit below zero ({metric})", trail, allowed="at least 0"))
    return found


def _value(raw: str | float, metric: str, books: Books) -> float:
    unit = METRICS[metric].unit
    if isinstance(raw, (int, float)) or _NUMBER.match(raw.strip()):
        return parse(raw, COUNT)
    if unit.startswith("USD"):
        return _money(raw, unit, books)
    dimension, each = _UNITS.get(unit, (COUNT, 1.0))
    return parse(raw, dimension) / each


def _money(raw: str, unit: str, books: Books) -> float:
    codes = _CODE.findall(raw)
    code = codes[0] if codes else "USD"
    if code not in CURRENCIES:
        hint = did_you_mean(code, CURRENCIES)
        allowed = ", ".join(sorted(CURRENCIES))
        raise UnitError(f"'{code}' is not a currency that is known here", allowed=allowed, hint=hint)
    per, seconds = _PER.get(unit, ("", 1.0))
    return parse(raw, money(code, per=per)) * seconds / books.exchange_rates.rate(code)
