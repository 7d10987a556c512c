"""Texts to SI floats, their dimension checked."""

from __future__ import annotations

import math
import re

from planner.errors import brief
from planner.units.dimensions import Dimension
from planner.units.symbols import Unit, UnitError, unit

_NUMBER = re.compile(r"[+-]?(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LONGEST_TEXT = 80
_SMALLEST = 1e-30
_LARGEST = 1e40


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

    >>> from planner.units.dimensions import BYTES, BYTES_PER_SECOND, TOKENS
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
    written = unit(unit_text)
    powers = dict(written.powers)
    if dimension.bare and not powers:
        powers = dict(dimension.powers)
    if powers != dict(dimension.powers):
        raise _mismatch(stripped, unit_text, written, dimension)
    if written.bits and not dimension.bits:
        raise UnitError(
            f"'{brief(unit_text)}' is in bits; this is {dimension.name}",
            allowed=_examples(dimension),
            hint="b is a bit, B a byte: write GB or GiB",
        )
    value = number * written.factor
    if value == 0.0 and number != 0.0:
        raise UnitError(f"{stripped} is out of range")
    return _in_range(value, stripped)


def _bare(number: float, text: str, dimension: Dimension) -> float:
    if not dimension.bare and number != 0:
        raise UnitError(f"{text} has no unit; this is {dimension.name}", allowed=_examples(dimension))
    return _in_range(number, text)


def _in_range(value: float, text: str) -> float:
    if not math.isfinite(value) or abs(value) > _LARGEST or 0 < abs(value) < _SMALLEST:
        raise UnitError(f"{text} is out of range")
    return value + 0.0  # no negative zero


def _mismatch(text: str, unit_text: str, written: Unit, dimension: Dimension) -> UnitError:
    hint = ""
    if written.rate_spelling:
        hint = "FLOPS is read as FLOP/s, a rate; for a count write FLOP"
    elif written.powers == {"FLOP": 1} and dict(dimension.powers) == {"FLOP": 1, "s": -1}:
        hint = "FLOP is a count; a rate is FLOP/s"
    return UnitError(
        f"'{brief(text)}': {brief(unit_text)} does not measure {dimension.name}",
        allowed=_examples(dimension),
        hint=hint,
    )


def _examples(dimension: Dimension) -> str:
    return f"{dimension.name} such as " + " or ".join(dimension.examples)
