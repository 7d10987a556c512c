"""How much of something a scenario uses in a month, a year, an hour, for a token: from its totals and its length."""

from __future__ import annotations

import math

from planner.metrics import METRICS
from planner.planning.estimate import Estimate
from planner.planning.sums import Uncertain
from planner.planning.uncertainty import Effects
from planner.policy.stated import uncertain
from planner.scenario.rules import Period

_DAY_HOURS = 24.0
HOURS: dict[Period, float] = {"hour": 1.0, "month": 730.0, "quarter": 2190.0, "year": 8760.0}
"""A month is a twelfth of 8,760 hours, as in cloud bills [h]."""

# What runs without end states rates; they are of an hour.
_RATES = {
    "cost_total_usd": "cost_per_hour_usd",
    "energy_kwh": "facility_power_kw",
    "accelerator_hours": "accelerators",
}
_PER_MILLION_TOKENS = {
    "cost_total_usd": "cost_per_million_tokens_usd",
    "energy_kwh": "energy_per_million_tokens_kwh",
    "carbon_kg": "carbon_per_million_tokens_kg",
}
# Rates and counts that add up over scenarios that run together, which a rule may ask for.
_TOGETHER = frozenset(
    {
        *("accelerators", "nodes", "power_kw", "facility_power_kw", "facility_rated_power_kw"),
        *("cost_per_hour_usd", "cost_per_month_usd", "electricity_per_month_usd", "capital_usd"),
        *("tokens_per_s", "output_tokens_per_s", "total_tokens_per_s", "requests_per_s", "goodput_requests_per_s"),
        *("data_rate_bytes_per_s", "replicas"),
    }
)


def periods(metric: str) -> tuple[Period, ...]:
    """Give the periods that a metric can be used per."""
    known: tuple[Period, ...] = ("run", *HOURS) if METRICS[metric].adds else ("run",)
    return (*known, "token") if metric in _PER_MILLION_TOKENS else known


def can_be_summed(metric: str, per: Period) -> bool:
    """Whether a sum over scenarios means something."""
    return (METRICS[metric].adds and per != "token") or metric in _TOGETHER


def amount(found: Estimate, metric: str, per: Period) -> Uncertain | None:
    """Give how much a scenario uses in any one period.

    Parameters
    ----------
    found : the scenario's estimate.
    metric, per : what, in which period.

    Returns
    -------
    In the metric's unit; None where the scenario has no such result.

    Notes
    -----
    A run that is shorter than the period falls into it whole; a longer one uses its mean rate times the
    period. What runs without end uses its rate.
    """
    if per == "run":
        return uncertain(found, metric) if metric in found.results else None
    if per == "token":
        return _per_token(found, metric)
    rate = _rate(found, metric)
    if rate is None:
        return None
    in_period = _scaled(rate, HOURS[per])
    if metric not in found.results or "days" not in found.results:
        return in_period
    whole = uncertain(found, metric)
    if whole.mid is None or in_period.mid is None:
        return Uncertain(None)
    return whole if whole.mid <= in_period.mid else in_period


def _per_token(found: Estimate, metric: str) -> Uncertain | None:
    per_million = _PER_MILLION_TOKENS[metric]
    return _scaled(uncertain(found, per_million), 1e-6) if per_million in found.results else None


def _rate(found: Estimate, metric: str) -> Uncertain | None:
    """Give a total over the hours of the run: what moves both moves their quotient by the quotient of its effects."""
    if metric in found.results and "days" in found.results:
        whole, days = uncertain(found, metric), uncertain(found, "days")
        if whole.mid is None or not days.mid:
            return Uncertain(None)
        causes = dict.fromkeys((*whole.effects, *days.effects))
        effects = {cause: _quotient(whole.effects, days.effects, cause) for cause in causes}
        return Uncertain(whole.mid / (days.mid * _DAY_HOURS), effects)
    known = _RATES.get(metric)
    return uncertain(found, known) if known is not None and known in found.results else None


def _quotient(above: Effects, below: Effects, cause: str) -> tuple[float, float]:
    low, high = (_ratio(above.get(cause, (1.0, 1.0))[end], below.get(cause, (1.0, 1.0))[end]) for end in (0, 1))
    return low, high


def _ratio(above: float, below: float) -> float:
    """Give a quotient of effects; where both grow without bound, their rate is taken to stay."""
    if math.isinf(below):
        return 1.0 if math.isinf(above) else 0.0
    return above / below if below > 0 else math.inf


def _scaled(result: Uncertain, factor: float) -> Uncertain:
    return Uncertain(None if result.mid is None else result.mid * factor, result.effects)
