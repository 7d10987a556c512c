"""The plain scalars of YAML: text to null, true, false or a number as YAML 1.2 reads them, else text.

`on`, `no`, `12:30:45`, `2026-01-01` and `0x10` are text. What other readers take for different numbers
(`010`, `1_000`) or what no plan can be made with (`.inf`, 5,000 digits) is refused, not read.
"""

from __future__ import annotations

import re

from planner.errors import brief

MAX_INTEGER_DIGITS = 19
MAX_FLOAT_CHARACTERS = 60

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)\Z")
_UNDERSCORED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?\Z")
_CONSTANTS = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMERIC_START = frozenset("+-.0123456789")

Scalar = str | int | float | bool | None


class ScalarError(ValueError):
    """A scalar is neither text nor a number that can be planned with."""

    def __init__(self, id: str, message: str, *, hint: str = "") -> None:  # noqa: A002 - the fault's own name
        super().__init__(message)
        self.id = id
        self.hint = hint


class PlainFloat(float):
    """A number that remembers its spelling: a version `3.10` stays "3.10" where a text is wanted."""

    __slots__ = ("text",)
    text: str


class SpelledInt(int):
    """A whole number whose spelling is not the usual one: `+5`, `-0`."""

    text: str


def scalar(text: str) -> Scalar:
    """Give the value of a plain scalar.

    Raises
    ------
    ScalarError : a number that is ambiguous, not finite, out of range or too long.

    >>> scalar("1e12"), scalar("on"), scalar("12:30:45"), scalar("True")
    (1000000000000.0, 'on', '12:30:45', True)
    """
    if text[:1] not in _NUMERIC_START:
        return _CONSTANTS.get(text, text)
    if _INTEGER.match(text):
        return _integer(text)
    if _FLOAT.match(text):
        return _float(text)
    if _NOT_FINITE.match(text):
        raise ScalarError("yaml-not-finite", f"{text} is not a number that can be planned with")
    if _UNDERSCORED.match(text):
        raise ScalarError("yaml-number", f"{brief(text)}: write {brief(text.replace('_', ''))}")
    return text


def spelled(value: int | float) -> str:
    """Give a number as it was written in its document.

    >>> spelled(scalar("3.10")), spelled(scalar("42"))
    ('3.10', '42')
    """
    return value.text if isinstance(value, (PlainFloat, SpelledInt)) else str(value)


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ScalarError("yaml-number", f"a whole number of {len(digits):,} digits", hint="quote it if it is text")
    if len(digits) > 1 and digits[0] == "0":
        plain = digits.lstrip("0") or "0"
        raise ScalarError("yaml-number", f"{text} has a leading zero", hint=f"write {plain}, or quote it: '{text}'")
    number = int(text)
    if str(number) == text:
        return number
    unusual = SpelledInt(number)
    unusual.text = text
    return unusual


def _float(text: str) -> PlainFloat:
    if len(text) > MAX_FLOAT_CHARACTERS:
        raise ScalarError("yaml-number", f"a number of {len(text):,} characters", hint="quote it if it is text")
    number = PlainFloat(text)
    underflowed = number == 0.0 and any(digit in "123456789" for digit in re.split("[eE]", text)[0])
    if underflowed or number in (float("inf"), float("-inf")):
        raise ScalarError("yaml-number", f"{text} is out of range")
    number.text = text
    return number
