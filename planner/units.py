"""Quantities with units: "3.35 TB/s", "80 GiB", "15.6 T tokens" to SI floats and back.

Nothing else in the planner parses or prints a unit. A dimension is a product of powers of base
symbols; every base has one SI unit, in which all floats are kept:

    B byte · FLOP operation · s second · J joule · g_CO2e gram of CO2 equivalent · USD (and every other
    currency, each its own base) · token, sequence, request, accelerator: things counted · L litre

GB is 10^9 bytes and GiB is 2^30. Bits (Gb, Gbit) are known in rates only: a capacity in bits is nearly
always a slip for bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

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
_NUMBER = re.compile(r"[+-]?(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LONGEST_TEXT = 80
_SMALLEST = 1e-30
_LARGEST = 1e40


class UnitError(ValueError):
    """A text is not a quantity of the wanted dimension; carries advice for the person who wrote it."""

    def __init__(self, message: str, *, allowed: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.allowed = allowed
        self.hint = hint


@record
class Dimension:
    """What a quantity measures.

    Parameters
    ----------
    name : in words, for errors ("memory bandwidth" is a `rate of bytes`).
    powers : base symbol to exponent.
    examples : texts that parse, for errors and schemas.
    bare : a number without a unit is accepted (counts and ratios).
    bits : bits are accepted as eighths of bytes.
    display : unit that a value is printed in; SI prefixes are added before it.
    """

    name: str
    powers: Mapping[str, int]
    examples: tuple[str, ...]
    bare: bool = False
    bits: bool = False
    display: str = ""

    def __hash__(self) -> int:
        return hash((self.name, tuple(sorted(self.powers.items()))))


def _dimension(
    name: str, powers: Mapping[str, int], *examples: str, display: str, bare: bool = False, bits: bool = False
) -> Dimension:
    return Dimension(name, MappingProxyType(dict(powers)), examples, bare=bare, bits=bits, display=display)


BYTES = _dimension("an amount of data", {"B": 1}, "80 GiB", "2.3 TB", display="B")
BYTES_PER_SECOND = _dimension("a data rate", {"B": 1, "s": -1}, "3.35 TB/s", "400 Gb/s", display="B/s", bits=True)
FLOPS_PER_SECOND = _dimension("a rate of operations", {"FLOP": 1, "s": -1}, "989.4 TFLOP/s", display="FLOP/s")
FLOPS = _dimension("a count of operations", {"FLOP": 1}, "3.8e25 FLOP", display="FLOP")
SECONDS = _dimension("a time", {"s": 1}, "30 d", "12 h", "26 us", display="s")
WATTS = _dimension("a power", {"J": 1, "s": -1}, "700 W", "10.2 kW", display="W")
JOULES = _dimension("an energy", {"J": 1}, "12 MWh", "3 MJ", display="J")
PER_SECOND = _dimension("a rate", {"s": -1}, "2e-5 /h", "0.1 /s", display="/s")
TOKENS = _dimension("a number of tokens", {"token": 1}, "15.6 T", "4 M tokens", display="tokens", bare=True)
SEQUENCES = _dimension("a number of sequences", {"sequence": 1}, "2048 sequences", display="sequences", bare=True)
REQUESTS_PER_SECOND = _dimension("a request rate", {"request": 1, "s": -1}, "12 requests/s", display="requests/s")
COUNT = _dimension("a number", {}, "16384", "175 B", display="", bare=True)
RATIO = _dimension("a ratio", {}, "0.35", "35 %", display="", bare=True)
GRAMS_CO2E_PER_JOULE = _dimension("a carbon intensity", {"g_CO2e": 1, "J": -1}, "384 gCO2e/kWh", display="gCO2e/J")
GRAMS_CO2E = _dimension("an amount of carbon", {"g_CO2e": 1}, "150 kgCO2e", display="gCO2e")
BYTES_PER_TOKEN = _dimension("data per token", {"B": 1, "token": -1}, "4 B/token", display="B/token")
LITRES_PER_JOULE = _dimension("a water use", {"L": 1, "J": -1}, "0.15 L/kWh", display="L/J")
PER_ACCELERATOR_SECOND = _dimension(
    "a failure rate", {"accelerator": -1, "s": -1}, "2e-5 /accelerator/h", display="/accelerator/s"
)


def money(currency: str = "USD", per: str = "") -> Dimension:
    """Give the dimension of money, whole or per something ("h", "kWh", "GB/month", "M tokens").

    >>> parse("98.32 USD/h", money(per="s"))
    0.02731111111111111
    """
    label = currency + (f"/{per}" if per else "")
    return _dimension(f"an amount of money ({label})", _unit(label).powers, f"12.5 {label}", display=label)


@record
class _Unit:
    """A parsed unit: factor to SI, powers of the bases, and whether bits or a bare rate spelling occur."""

    factor: float
    powers: Mapping[str, int]
    bits: bool = False
    rate_spelling: bool = False


def _base(symbol: str) -> _Unit | None:
    """Give a unit without prefix, or None."""
    if symbol in _TIMES:
        return _Unit(_TIMES[symbol], {"s": 1})
    if symbol in _COUNTED:
        return _Unit(1.0, {_COUNTED[symbol]: 1})
    return _PLAIN.get(symbol)


_PLAIN: dict[str, _Unit] = {
    "%": _Unit(0.01, {}),
    "percent": _Unit(0.01, {}),
    "byte": _Unit(1.0, {"B": 1}),
    "bytes": _Unit(1.0, {"B": 1}),
}
# Units that take an SI prefix.
_PREFIXED: dict[str, _Unit] = {
    "B": _Unit(1.0, {"B": 1}),
    "b": _Unit(0.125, {"B": 1}, bits=True),
    "bit": _Unit(0.125, {"B": 1}, bits=True),
    "bps": _Unit(0.125, {"B": 1, "s": -1}, bits=True),
    "FLOP": _Unit(1.0, {"FLOP": 1}),
    "OP": _Unit(1.0, {"FLOP": 1}),
    "FLOPS": _Unit(1.0, {"FLOP": 1, "s": -1}, rate_spelling=True),
    "OPS": _Unit(1.0, {"FLOP": 1, "s": -1}, rate_spelling=True),
    "W": _Unit(1.0, {"J": 1, "s": -1}),
    "Wh": _Unit(3600.0, {"J": 1}),
    "J": _Unit(1.0, {"J": 1}),
    "gCO2e": _Unit(1.0, {"g_CO2e": 1}),
    "gCO2": _Unit(1.0, {"g_CO2e": 1}),
    "tCO2e": _Unit(1e6, {"g_CO2e": 1}),
    "L": _Unit(1.0, {"L": 1}),
    **{code: _Unit(1.0, {code: 1}) for code in CURRENCIES},
}


@lru_cache(maxsize=512)
def _atom(symbol: str) -> _Unit:
    """Give one unit with its prefix: "TB", "GiB", "kWh", "MUSD", "us"."""
    plain = _base(symbol)
    if plain:
        return plain
    if symbol in _PREFIXED:
        return _PREFIXED[symbol]
    for size in (2, 1):
        prefix, rest = symbol[:size], symbol[size:]
        if size == 2 and prefix in _BINARY and rest == "B":
            return _Unit(_BINARY[prefix], {"B": 1})
        if size == 1 and rest in _PREFIXED and prefix in _SI:
            unit = _PREFIXED[rest]
            return _Unit(_SI[prefix] * unit.factor, unit.powers, unit.bits, unit.rate_spelling)
        if size == 1 and prefix in _SMALL and rest == "s":
            return _Unit(_SMALL[prefix], {"s": 1})
        if size == 1 and prefix in _SMALL and rest in {"W", "J"}:
            return _Unit(_SMALL[prefix], _PREFIXED[rest].powers)
    if symbol in _SI:
        return _Unit(_SI[symbol], {})
    if symbol in _WORDS:
        return _Unit(_WORDS[symbol], {})
    known = [*_TIMES, *_COUNTED, *_PREFIXED, "GB", "GiB", "TB", "TiB", "GB/s", "TFLOP/s", "kW", "kWh", "Gb/s"]
    raise UnitError(f"unknown unit '{brief(symbol)}'", hint=did_you_mean(symbol, known))


@lru_cache(maxsize=512)
def _unit(text: str) -> _Unit:
    """Parse a product of units: "TB/s", "T tokens", "USD/GB/month", "gCO2e/kWh"."""
    factor, powers, bits, rate, bare = 1.0, dict[str, int](), False, False, 0
    over, *under = text.strip().split("/")
    if not all(piece.strip() for piece in under):
        raise UnitError(f"'{brief(text)}' has a stroke with nothing under it")
    for sign, piece in [(1, over), *((-1, piece) for piece in under)]:
        for symbol in piece.split():
            unit = _atom(symbol)
            factor *= unit.factor**sign
            bits, rate, bare = bits or unit.bits, rate or unit.rate_spelling, bare + (not unit.powers)
            for base, power in unit.powers.items():
                powers[base] = powers.get(base, 0) + sign * power
    if bare > 1:
        raise UnitError(f"'{brief(text)}' has more than one multiplier")
    return _Unit(factor, {b: p for b, p in powers.items() if p}, bits, rate)


def parse(text: str | float | int, dimension: Dimension) -> float:
    """Give a quantity as a float in SI units.

    Parameters
    ----------
    text : a number and a unit; a bare number where the dimension is a count or a ratio.
    dimension : what the quantity must measure.

    Returns
    -------
    The value in SI base units (bytes, FLOP, seconds, joules, grams, whole money, things counted).

    Raises
    ------
    UnitError : no number, no unit, an unknown unit, another dimension, or out of range.

    >>> parse("3.35 TB/s", BYTES_PER_SECOND)
    3350000000000.0
    >>> parse("80 GiB", BYTES)
    85899345920.0
    >>> parse("15.6 T", TOKENS)
    15600000000000.0
    """
    if isinstance(text, bool):
        raise UnitError(f"{text} is not {dimension.name}", allowed=_examples(dimension))
    if isinstance(text, (int, float)):
        return _bare(float(text), str(text), dimension)
    stripped = text.strip()
    if len(stripped) > _LONGEST_TEXT:
        message = f"a text of {len(stripped):,} characters is not {dimension.name}"
        raise UnitError(message, allowed=_examples(dimension))
    match = _NUMBER.match(stripped)
    if not match:
        raise UnitError(f"'{brief(stripped)}' is not {dimension.name}", allowed=_examples(dimension))
    number = float(match.group().replace(",", ""))
    if number == 0.0 and re.search("[1-9]", re.split("[eE]", match.group())[0]):
        raise UnitError(f"{stripped} is out of range")
    unit_text = stripped[match.end() :].strip()
    if not unit_text:
        return _bare(number, stripped, dimension)
    if dimension.bare and re.match(r"B(?:\s|$)", unit_text):
        unit_text = "billion" + unit_text[1:]  # "175 B" parameters are not bytes
    unit = _unit(unit_text)
    powers = dict(unit.powers)
    if dimension.bare and not powers:
        powers = dict(dimension.powers)
    if powers != dict(dimension.powers):
        raise _mismatch(stripped, unit_text, unit, dimension)
    if unit.bits and not dimension.bits:
        raise UnitError(
            f"'{brief(unit_text)}' is in bits; this is {dimension.name}",
            allowed=_examples(dimension),
            hint="b is a bit, B a byte: write GB or GiB",
        )
    value = number * unit.factor
    if value == 0.0 and number != 0.0:
        raise UnitError(f"{stripped} is out of range")
    return _in_range(value, stripped)


@record
class Interval:
    """A quantity that is not known exactly: an 80 % range around its middle, in SI units."""

    low: float
    mid: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.mid <= self.high:
            raise ValueError("low, mid and high must not fall")

    @property
    def is_point(self) -> bool:
        """Whether the quantity is taken as exact."""
        return self.low == self.high

    @staticmethod
    def exactly(value: float) -> Interval:
        """Give the interval that holds one value."""
        return Interval(value, value, value)

    def scaled(self, factor: float) -> Interval:
        """Give the interval times a factor that is not negative."""
        return Interval(self.low * factor, self.mid * factor, self.high * factor)


def _bare(number: float, text: str, dimension: Dimension) -> float:
    if not dimension.bare and number != 0:
        raise UnitError(f"{text} has no unit; this is {dimension.name}", allowed=_examples(dimension))
    return _in_range(number, text)


def _in_range(value: float, text: str) -> float:
    if not math.isfinite(value) or abs(value) > _LARGEST or 0 < abs(value) < _SMALLEST:
        raise UnitError(f"{text} is out of range")
    return value + 0.0  # no negative zero


def _mismatch(text: str, unit_text: str, unit: _Unit, dimension: Dimension) -> UnitError:
    hint = ""
    if unit.rate_spelling:
        hint = "FLOPS is read as FLOP/s, a rate; for a count write FLOP"
    elif unit.powers == {"FLOP": 1} and dict(dimension.powers) == {"FLOP": 1, "s": -1}:
        hint = "FLOP is a count; a rate is FLOP/s"
    return UnitError(
        f"'{brief(text)}': {brief(unit_text)} does not measure {dimension.name}",
        allowed=_examples(dimension),
        hint=hint,
    )


def _examples(dimension: Dimension) -> str:
    return f"{dimension.name} such as " + " or ".join(dimension.examples)


_STEPS = ((1e24, "Y"), (1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def scaled(value: float, unit: str = "", *, digits: int = 3) -> str:
    """Give a value with an SI prefix, for people.

    >>> scaled(3.35e12, "B/s")
    '3.35 TB/s'
    >>> scaled(15.6e12, "tokens")
    '15.6 T tokens'
    """
    magnitude = abs(value)
    for step, prefix in _STEPS:
        if magnitude >= step * (1 - 0.5 * 10**-digits):
            space = " " if unit in {"tokens", "sequences", "requests", "accelerators", ""} else ""
            tail = f"{prefix}{space}{unit}".strip()
            return f"{significant(value / step, digits)} {tail}".strip()
    return f"{significant(value, digits)} {unit}".strip()


def counted(value: float, *, digits: int = 4) -> str:
    """Give a number of parameters, in thousands, millions, billions (B) or trillions (T).

    >>> counted(405_853_388_800), counted(1.1e12), counted(110e6)
    ('405.9 B', '1.1 T', '110 M')
    """
    return scaled(value, digits=digits).replace("G", "B")


def gibibytes(value_bytes: float, *, digits: int = 1) -> str:
    """Give an amount of device memory in GiB, as drivers report it.

    >>> gibibytes(85899345920)
    '80.0 GiB'
    """
    return f"{value_bytes / 2**30:,.{digits}f} GiB"


def duration(seconds: float) -> str:
    """Give a time in the unit a person would use.

    >>> duration(0.0034), duration(95), duration(4.7e6)
    ('3.4 ms', '1.58 min', '54.4 d')
    """
    for step, unit in ((172800.0, "d"), (7200.0, "h"), (90.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if abs(seconds) >= step:
            divisor = {"d": 86400.0, "h": 3600.0, "min": 60.0}.get(unit, step)
            return f"{significant(seconds / divisor, 3)} {unit}"
    return f"{significant(seconds * 1e9, 3)} ns" if seconds else "0 s"


def significant(value: float, digits: int) -> str:
    """Give a number with that many significant digits, thousands separated, no exponent.

    >>> significant(12345.678, 3), significant(0.012345, 3)
    ('12,346', '0.0123')
    """
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
