"""The symbols that units are written in, each a factor to SI and powers of bases.

GB is 10^9 bytes and GiB is 2^30. Bits (Gb, Gbit) are known in rates only: a capacity in bits is nearly
always a slip for bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from planner.errors import brief, did_you_mean
from planner.record import record

_SI = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18, "Z": 1e21, "Y": 1e24}
_SMALL = {"n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3}
_BINARY = {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50}
_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}

CURRENCIES = frozenset({"USD", "EUR", "GBP", "JPY", "KRW", "CNY", "INR", "CHF"})
_COUNTED = {
    "token": "token",
    "tokens": "token",
    "sequence": "sequence",
    "sequences": "sequence",
    "seq": "sequence",
    "request": "request",
    "requests": "request",
    "accelerator": "accelerator",
    "accelerators": "accelerator",
    "node": "node",
    "nodes": "node",
    "rack": "rack",
    "racks": "rack",
    "step": "step",
    "steps": "step",
}
_TIMES = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
    "week": 604800.0,
    "weeks": 604800.0,
    # A month is a twelfth of 8,760 hours: the 730 hours that cloud bills use.
    "month": 2628000.0,
    "months": 2628000.0,
    "y": 31536000.0,
    "yr": 31536000.0,
    "year": 31536000.0,
    "years": 31536000.0,
}


class UnitError(ValueError):
    """A text is not a quantity of the wanted dimension; carries advice for the person who wrote it."""

    def __init__(self, message: str, *, allowed: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.allowed = allowed
        self.hint = hint


@record
class Unit:
    """A parsed unit: factor to SI, powers of the bases, and whether bits or a bare rate spelling occur."""

    factor: float
    powers: Mapping[str, int]
    bits: bool = False
    rate_spelling: bool = False


def _base(symbol: str) -> Unit | None:
    """Give a unit without prefix, or None."""
    if symbol in _TIMES:
        return Unit(_TIMES[symbol], {"s": 1})
    if symbol in _COUNTED:
        return Unit(1.0, {_COUNTED[symbol]: 1})
    return _PLAIN.get(symbol)


_PLAIN: dict[str, Unit] = {
    "%": Unit(0.01, {}),
    "percent": Unit(0.01, {}),
    "byte": Unit(1.0, {"B": 1}),
    "bytes": Unit(1.0, {"B": 1}),
}
# Units that take an SI prefix.
_PREFIXED: dict[str, Unit] = {
    "B": Unit(1.0, {"B": 1}),
    "b": Unit(0.125, {"B": 1}, bits=True),
    "bit": Unit(0.125, {"B": 1}, bits=True),
    "bps": Unit(0.125, {"B": 1, "s": -1}, bits=True),
    "FLOP": Unit(1.0, {"FLOP": 1}),
    "OP": Unit(1.0, {"FLOP": 1}),
    "FLOPS": Unit(1.0, {"FLOP": 1, "s": -1}, rate_spelling=True),
    "OPS": Unit(1.0, {"FLOP": 1, "s": -1}, rate_spelling=True),
    "W": Unit(1.0, {"J": 1, "s": -1}),
    "Wh": Unit(3600.0, {"J": 1}),
    "J": Unit(1.0, {"J": 1}),
    "gCO2e": Unit(1.0, {"g_CO2e": 1}),
    "gCO2": Unit(1.0, {"g_CO2e": 1}),
    "tCO2e": Unit(1e6, {"g_CO2e": 1}),
    "L": Unit(1.0, {"L": 1}),
    **{code: Unit(1.0, {code: 1}) for code in CURRENCIES},
}


@lru_cache(maxsize=512)
def _atom(symbol: str) -> Unit:
    """Give one unit with its prefix: "TB", "GiB", "kWh", "MUSD", "us"."""
    plain = _base(symbol)
    if plain:
        return plain
    if symbol in _PREFIXED:
        return _PREFIXED[symbol]
    for size in (2, 1):
        prefix, rest = symbol[:size], symbol[size:]
        if size == 2 and prefix in _BINARY and rest == "B":
            return Unit(_BINARY[prefix], {"B": 1})
        if size == 1 and rest in _PREFIXED and prefix in _SI:
            unit = _PREFIXED[rest]
            return Unit(_SI[prefix] * unit.factor, unit.powers, unit.bits, unit.rate_spelling)
        if size == 1 and prefix in _SMALL and rest == "s":
            return Unit(_SMALL[prefix], {"s": 1})
        if size == 1 and prefix in _SMALL and rest in {"W", "J"}:
            return Unit(_SMALL[prefix], _PREFIXED[rest].powers)
    if symbol in _SI:
        return Unit(_SI[symbol], {})
    if symbol in _WORDS:
        return Unit(_WORDS[symbol], {})
    known = [*_TIMES, *_COUNTED, *_PREFIXED, "GB", "GiB", "TB", "TiB", "GB/s", "TFLOP/s", "kW", "kWh", "Gb/s"]
    raise UnitError(f"unknown unit '{brief(symbol)}'", hint=did_you_mean(symbol, known))


@lru_cache(maxsize=512)
def unit(text: str) -> Unit:
    """Give a product of units: "TB/s", "T tokens", "USD/GB/month", "gCO2e/kWh".

    Raises
    ------
    UnitError : an unknown symbol, a stroke with nothing under it, or two multipliers.

    >>> unit("TB/s").factor, dict(unit("gCO2e/kWh").powers)
    (1000000000000.0, {'g_CO2e': 1, 'J': -1})
    """
    factor, powers, bits, rate, bare = 1.0, dict[str, int](), False, False, 0
    over, *under = text.strip().split("/")
    if not all(piece.strip() for piece in under):
        raise UnitError(f"'{brief(text)}' has a stroke with nothing under it")
    for sign, piece in [(1, over), *((-1, piece) for piece in under)]:
        for symbol in piece.split():
            part = _atom(symbol)
            factor *= part.factor**sign
            bits, rate, bare = bits or part.bits, rate or part.rate_spelling, bare + (not part.powers)
            for base, power in part.powers.items():
                powers[base] = powers.get(base, 0) + sign * power
    if bare > 1:
        raise UnitError(f"'{brief(text)}' has more than one multiplier")
    return Unit(factor, {b: p for b, p in powers.items() if p}, bits, rate)
