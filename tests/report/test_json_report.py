"""Estimates as JSON: numbers that mean what they say."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.planning.estimate import Breakdown, Estimate, Part, Result
from planner.report.json_report import SCHEMA, render, rounded
from planner.units.interval import Interval


def estimate(value: float, high: float | None) -> Estimate:
    results = {"days": Result("days", value, value, high)}
    return Estimate(
        "a", "a", "training", {}, results, breakdowns=(Breakdown("run", "x", "s", (Part("p", "p", value),)),)
    )


def test_one_document_with_its_schema_and_an_end_of_line() -> None:
    text = render(estimate(1.5, 2.5))
    assert text.endswith("}\n")
    assert json.loads(text)["schema"] == SCHEMA
    assert json.loads(text)["results"]["days"] == {"value": 1.5, "low": 1.5, "high": 2.5, "unit": "d"}


def test_keys_are_in_order_whatever_the_order_of_their_making() -> None:
    def keys(value: object) -> None:
        if isinstance(value, dict):
            assert list(value) == sorted(value)
            for inner in value.values():
                keys(inner)

    keys(json.loads(render(estimate(1.0, 2.0))))


def test_what_nothing_bounds_and_what_is_unknown_is_null() -> None:
    days = Result.of("days", Interval(1.0, 2.0, math.inf))
    assert (days.low, days.mid, days.high) == (1.0, 2.0, None)
    unknown = Result.of("days", None)
    assert (unknown.low, unknown.mid, unknown.high) == (None, None, None)
    assert json.loads(render(estimate(1.0, None)))["results"]["days"]["high"] is None


def test_what_is_not_a_number_is_a_bug_and_never_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        render(estimate(math.nan, None))


@given(st.floats(1e-30, 1e30))
def test_numbers_keep_nine_digits_and_the_last_bits_of_a_library_do_not_show(value: float) -> None:
    kept = rounded(value)
    assert kept == pytest.approx(value, rel=1e-8)
    assert rounded(kept) == kept
