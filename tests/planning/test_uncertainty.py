"""Ranges against sampling, and what must be true of any range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.planning.uncertainty import joined, ranged, ranged_together
from planner.units.interval import Interval

# The ends of an 80 % range are 1.2816 standard deviations from the middle of a normal distribution.
DEVIATIONS = 1.2815515655446004

factors = st.floats(1.01, 3.0)
values = st.floats(1e-3, 1e6)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    mid = draw(values)
    return Interval(mid / draw(factors), mid, mid * draw(factors))


def sampled(evaluate: object, inputs: Mapping[str, Interval], name: str) -> tuple[float, float]:
    """Give the tenth and ninetieth percentile of a result whose inputs are drawn log-normally, seeded."""
    draws = {}
    for number, (key, interval) in enumerate(inputs.items()):
        spread = math.log(interval.high / interval.low) / 2.0 / DEVIATIONS
        generator = np.random.Generator(np.random.PCG64([7, number]))
        draws[key] = interval.mid * np.exp(spread * generator.standard_normal(200_000))
    results = evaluate(draws)[name]  # type: ignore[operator]
    low, high = np.quantile(results, [0.1, 0.9])
    return float(low), float(high)


def symmetric(mid: float, factor: float) -> Interval:
    return Interval(mid / factor, mid, mid * factor)


@pytest.mark.parametrize("factors_of", [(1.3, 1.3), (2.0, 1.1), (1.5, 1.5, 1.5, 1.5)])
def test_of_products_the_range_is_that_of_sampling(factors_of: tuple[float, ...]) -> None:
    inputs = {f"x{n}": symmetric(n + 1.0, factor) for n, factor in enumerate(factors_of)}

    def product(x: Mapping[str, float]) -> dict[str, float | None]:
        return {
            "y": math.prod(x.values()) if not isinstance(x["x0"], np.ndarray) else np.prod(list(x.values()), axis=0)
        }

    found = ranged(product, inputs).results["y"]
    assert found is not None
    low, high = sampled(product, inputs, "y")
    assert found.low == pytest.approx(low, rel=0.01)
    assert found.high == pytest.approx(high, rel=0.01)


def test_of_a_sum_of_unequal_parts_it_is_near_that_of_sampling() -> None:
    inputs = {"large": symmetric(10.0, 1.4), "small": symmetric(3.0, 1.6), "rate": symmetric(2.0, 1.2)}

    def money(x: Mapping[str, float]) -> dict[str, float | None]:
        return {"y": (x["large"] + x["small"]) * x["rate"]}

    found = ranged(money, inputs).results["y"]
    assert found is not None
    low, high = sampled(money, inputs, "y")
    assert found.low == pytest.approx(low, rel=0.03)
    assert found.high == pytest.approx(high, rel=0.03)


@given(intervals(), intervals())
def test_a_range_holds_its_middle_and_is_no_wider_than_its_corners(a: Interval, b: Interval) -> None:
    found = ranged(lambda x: {"y": x["a"] * x["b"]}, {"a": a, "b": b}).results["y"]
    assert found is not None
    assert found.low <= found.mid <= found.high
    assert found.low >= a.low * b.low * (1 - 1e-9)
    assert found.high <= a.high * b.high * (1 + 1e-9)


@given(intervals())
def test_of_one_input_the_range_is_its_own_and_of_its_inverse_turned_round(a: Interval) -> None:
    found = ranged(lambda x: {"same": x["a"], "inverse": 1.0 / x["a"]}, {"a": a}).results
    same, inverse = found["same"], found["inverse"]
    assert same is not None
    assert inverse is not None
    assert (same.low, same.high) == pytest.approx((a.low, a.high))
    assert (inverse.low, inverse.high) == pytest.approx((1 / a.high, 1 / a.low))


@given(intervals(), values)
def test_a_point_widens_nothing(a: Interval, point: float) -> None:
    alone = ranged(lambda x: {"y": x["a"]}, {"a": a})
    with_point = ranged(lambda x: {"y": x["a"] * x["p"] / point}, {"a": a, "p": Interval.exactly(point)})
    wide, same = alone.results["y"], with_point.results["y"]
    assert wide is not None
    assert same is not None
    assert (wide.low, wide.high) == pytest.approx((same.low, same.high))
    assert set(with_point.contributions["y"]) <= {"a"}


def test_an_unknown_result_has_no_range_and_a_known_one_beside_it_has() -> None:
    found = ranged(lambda x: {"cost": None, "time": x["a"]}, {"a": Interval(1, 2, 3)})
    assert found.results["cost"] is None
    assert found.results["time"] == Interval(1, 2, 3)


def test_what_an_input_can_make_endless_has_no_upper_end_and_what_it_can_stop_reaches_zero() -> None:
    def run(x: Mapping[str, float]) -> dict[str, float | None]:
        useful = max(0.0, 1.0 - x["failures"])
        return {"time": 1.0 / useful if useful else math.inf, "share": useful}

    found = ranged(run, {"failures": Interval(0.2, 0.5, 1.5)}).results
    assert found["time"] is not None
    assert found["share"] is not None
    assert found["time"].high == math.inf
    assert found["share"].low == 0.0
    assert found["time"].low == pytest.approx(1.25)


def test_effects_of_the_same_direction_add_by_their_squares() -> None:
    both = joined(1.0, {"a": (1 / 2.0, 2.0), "b": (1 / 2.0, 2.0)})
    assert both is not None
    assert both.high == pytest.approx(2.0 ** math.sqrt(2.0))
    assert both.low == pytest.approx(2.0 ** -math.sqrt(2.0))


@given(a=intervals(), b=intervals())
def test_inputs_moved_at_once_in_arrays_give_what_they_give_one_after_another(a: Interval, b: Interval) -> None:
    def outcome(x: Mapping[str, Any]) -> dict[str, Any]:
        rest = np.maximum(x["b"] - x["a"], 0.0)
        return {"product": x["a"] * x["b"], "zero": rest, "over": x["a"] / rest, "fixed": 3.0, "unknown": None}

    inputs = {"a": a, "b": b, "point": Interval(1.0, 1.0, 1.0)}
    with np.errstate(all="ignore"):
        apart = ranged(lambda x: {k: None if v is None else float(v) for k, v in outcome(x).items()}, inputs)
    together = ranged_together(outcome, inputs)
    assert together.contributions == apart.contributions
    assert repr(together.results) == repr(apart.results)  # what is no number equals nothing, itself neither
