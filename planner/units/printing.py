"""SI floats to texts for people."""

from __future__ import annotations

import math

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
