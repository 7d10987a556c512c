"""How far a serving time, rate or power may be off: the 80 % range of rows left out, by what it rests on."""

from __future__ import annotations

from planner.catalog.profile import Profile
from planner.units.interval import Interval

KINDS = {
    "ttft_ms": "ttft",
    "tpot_ms": "tpot",
    "itl_ms": "tpot",
    "output_tokens_per_s": "rate",
    "total_tokens_per_s": "rate",
    "requests_per_s": "rate",
    "e2e_latency_ms": "latency",
    "latency_us": "latency",
    "accelerator_power_w": "power",
    "system_power_w": "system",
    "joules_per_token": "energy",
    "peak_memory_gb": "memory",
}
"""Kinds of numbers whose errors are alike, by metric."""

_UNKNOWN_CHIP = 1.3  # exponent of a range for a chip that has neither rows nor a relative with rows; our estimate
_STANDS_FOR = {"measured": "measured", "relative": "relative", "family": "relative"}


def spread_of(profile: Profile, *, basis: str, family: str, kind: str, looseness: float = 1.0) -> Interval:
    """Give the range of a measured number over its prediction.

    Parameters
    ----------
    profile : has ranges under `BASIS-FAMILY-KIND`, `BASIS-KIND` and `BASIS`; the first of them counts.
    basis : "measured" (the chip has rows), "relative" (another one stands in) or "family".
    family : of loads whose errors are alike, such as "closed-loop"; "" for none.
    kind : from `KINDS`, such as "tpot".
    looseness : exponent of the range, above 1 where the run is known loosely [1].
    """
    stated = _STANDS_FOR.get(basis, "relative")
    names = (f"{stated}-{family}-{kind}", f"{stated}-{kind}", stated)
    spread = next(profile.ranges[name] for name in names if name in profile.ranges)
    power = looseness * (_UNKNOWN_CHIP if basis == "family" else 1.0)
    return Interval(min(spread.low, 1.0) ** power, 1.0, max(spread.high, 1.0) ** power)
