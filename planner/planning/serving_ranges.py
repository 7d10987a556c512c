"""How far a serving time, rate or power may be off: the 80 % range of rows left out, by what it rests on."""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalog.accelerator import Accelerator
from planner.catalog.profile import Profile, Spread
from planner.record import record
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

# Exponents of a range, by what is not known: our estimates, beside which stands what rows left out show. With an
# accelerator left out ranges of 1.01 hold as many numbers as those of 1 do with a model left out, with a family of
# chips 1.03, with an engine 1.08. Rows without a prompt are 1.36 times as far off as others of their kind of load,
# those without an answer more than twice. Of a release that is not named rows show nothing, as those that leave it out
# are of a few releases.
_CHIPS = {"measured": 1.0, "relative": 1.03, "family": 1.1}
_PROMPT_UNSTATED = 1.25
_ANSWER_UNSTATED = 1.6
_RELEASE_UNSTATED = 1.1
_LIMIT_UNSTATED = 1.5
_ELDER = ("measured",)  # of every kind in profiles of one's own that were calibrated before ranges had loads and lines
_OF_POWER = ("power", "system", "energy")
# Clients that wait for one another: rows of 256 and more are five times as far off in their first token as rows of 32.
_FEW_CLIENTS, _CROWDING = 32.0, 0.25


@record
class Footing:
    """What a prediction rests on.

    Parameters
    ----------
    chip : "measured" (the chip has rows), "relative" (another one stands in) or "family".
    line : of chips whose errors are alike, from `line_of`. load : kind of load, such as "closed-loop".
    release, prompt, answer, limit : the engine's release, lengths of prompts and answers, and the power limit are
        stated.
    clients : in a loop with one replica; 0 where there is none.
    """

    chip: str
    line: str
    load: str
    release: bool = True
    prompt: bool = True
    answer: bool = True
    limit: bool = True
    clients: float = 0.0

    def looseness(self, kind: str) -> float:
        """Give the exponent of a range of a kind of number, above 1 where less is known [1]."""
        power = _CHIPS.get(self.chip, _CHIPS["family"])
        power *= 1.0 if self.prompt else _PROMPT_UNSTATED
        power *= 1.0 if self.answer else _ANSWER_UNSTATED
        power *= 1.0 if self.release else _RELEASE_UNSTATED
        power *= _LIMIT_UNSTATED if not self.limit and kind in _OF_POWER else 1.0
        if kind == "ttft" and self.clients > _FEW_CLIENTS:
            power *= (self.clients / _FEW_CLIENTS) ** _CROWDING
        return power


def line_of(accelerator: Accelerator) -> str:
    """Give the line of chips whose software, and so whose errors, are alike."""
    if accelerator.kind in ("neuron", "tpu", "gaudi"):
        return accelerator.kind
    if accelerator.family == "cdna":
        return accelerator.family
    if accelerator.kind == "cpu" or accelerator.vendor == "apple":
        return "host"
    return "nvidia" if accelerator.kind == "gpu" and accelerator.vendor == "nvidia" else "other"


def spread_of(profile: Profile, footing: Footing, kind: str) -> Interval:
    """Give the range of a measured number over its prediction.

    Parameters
    ----------
    profile : has ranges under `LOAD-LINE-KIND`, `LOAD-KIND`, `LINE-KIND`, `KIND` and `any`; the first of them counts.
    footing : what the prediction rests on. kind : from `KINDS`, such as "tpot".
    """
    return spread_in(profile.ranges, footing, kind)


def spread_in(ranges: Mapping[str, Spread], footing: Footing, kind: str) -> Interval:
    """Give the range of a kind of number from ranges by name; see `spread_of`."""
    names = (f"{footing.load}-{footing.line}-{kind}", f"{footing.load}-{kind}", f"{footing.line}-{kind}", kind, "any")
    spread = next(ranges[name] for name in (*names, *_ELDER) if name in ranges)
    power = footing.looseness(kind)
    return Interval(min(spread.low, 1.0) ** power, 1.0, max(spread.high, 1.0) ** power)
