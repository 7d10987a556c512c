"""The Pareto front of scenarios: those that no other one beats in time and money at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.metrics import METRICS, Better
from planner.planning.estimate import Estimate
from planner.record import record

# Time, or what stands for it, against money; the first pair that two of the scenarios know.
_PAIRS = (
    ("days", "cost_total_usd"),
    ("tpot_ms", "cost_per_million_output_tokens_usd"),
    ("tpot_ms", "cost_per_million_tokens_usd"),
    ("output_tokens_per_s", "cost_per_hour_usd"),
    ("peak_16bit_flops_per_s", "cost_per_month_usd"),
    ("accelerator_hours", "cost_total_usd"),
    ("days", "energy_kwh"),
)


@record
class Front:
    """Which scenarios are worth a choice between two results.

    Parameters
    ----------
    metrics : the two. on : positions of the scenarios on the front, the best in the first result first.
    beaten : positions of the others, and of one on the front that beats each in both.
    """

    metrics: tuple[str, str]
    on: tuple[int, ...]
    beaten: Mapping[int, int]


def front_of(estimates: Sequence[Estimate]) -> Front | None:
    """Give the front by the middles of the results; None where no pair of results is known of two scenarios."""
    for pair in _PAIRS:
        points = {n: point for n, estimate in enumerate(estimates) if (point := _point(estimate, pair)) is not None}
        if len(points) >= 2:
            return _front(pair, points)
    return None


def _point(estimate: Estimate, pair: tuple[str, str]) -> tuple[float, float] | None:
    """Give a scenario's two results, both the better the smaller."""
    first, second = (estimate.value(metric) for metric in pair)
    if first is None or second is None:
        return None
    return _signed(pair[0], first), _signed(pair[1], second)


def _signed(metric: str, value: float) -> float:
    return -value if METRICS[metric].better is Better.HIGHER else value


def _front(pair: tuple[str, str], points: Mapping[int, tuple[float, float]]) -> Front:
    on: list[int] = []
    beaten: dict[int, int] = {}
    for n in sorted(points, key=lambda n: (points[n], n)):
        # In this order only what is on the front already can beat one, and its last is the cheapest of it.
        if on and points[on[-1]][1] <= points[n][1] and points[on[-1]] != points[n]:
            beaten[n] = on[-1]
        else:
            on.append(n)
    return Front(pair, tuple(on), dict(sorted(beaten.items())))
