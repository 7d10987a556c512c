"""What the documents of scenarios take and refuse, at the place where it stands."""

from __future__ import annotations

import pytest

from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.errors import InputError
from planner.scenario.amount import Amount, amount
from planner.scenario.capacity import Capacity
from planner.scenario.claim import Claim
from planner.scenario.composite import Composite
from planner.units.interval import Interval

CLAIM = "id: x\nsays: a\nsource: b\nnote: c\n"


def fault(text: str, document: type[Claim] | type[Composite] | type[Capacity]) -> str:
    with pytest.raises(InputError) as refused:
        typed(parse_yaml(text, name="f"), document)
    return str(refused.value)


class TestExpectations:
    @pytest.mark.parametrize(
        ("expect", "says"),
        [
            ("[]", "expects nothing"),
            ("[{metric: days}]", "a metric without a bound"),
            ("[{of: a}]", "neither a metric"),
            ("[{metric: dayz, min: 1}]", "did you mean 'days'?"),
            ("[{metric: days, min: 2, max: 1}]", "min is above max"),
            ("[{infeasible: true, metric: days, of: a}]", "what does not fit has no results"),
            ("[{metric: days, min: soon}]", "[quantity]"),
        ],
    )
    def test_one_that_says_nothing_is_refused(self, expect: str, says: str) -> None:
        told = fault(f"{CLAIM}expect: {expect}\n", Claim)
        assert says in told
        assert told.startswith("f:")

    def test_a_claim_without_any_is_refused_unless_nothing_fits(self) -> None:
        assert "expects nothing" in fault(CLAIM, Claim)
        assert typed(parse_yaml(CLAIM + "infeasible: true\n"), Claim).infeasible

    def test_bounds_are_numbers_with_multipliers(self) -> None:
        claim = typed(parse_yaml(CLAIM + "expect: [{metric: accelerator_hours, min: 1.5 M, max: 2e6}]\n"), Claim)
        assert (claim.expect[0].min, claim.expect[0].max) == (1.5e6, 2e6)


def test_a_composite_needs_parts_and_positive_times() -> None:
    head = "schema: planner/scenario/v1\nname: x\n"
    assert "[no-parts]" in fault(head + "workload: {kind: composite, combine: sum, parts: {}}\n", Composite)
    part = "workload: {kind: composite, combine: sum, parts: {a: {scenario: a.yaml, times: %s}}}\n"
    assert "[out-of-range]" in fault(head + part % 0, Composite)
    assert "did you mean 'sum'" in fault(head + (part % 1).replace("sum", "summ"), Composite)


class TestAmounts:
    def test_any_known_currency_is_read_exactly_or_as_a_range(self) -> None:
        assert amount().read("15 M KRW") == Amount(Interval.exactly(15e6), "KRW")
        assert amount(per="h").read("36 EUR/h").interval.mid == pytest.approx(0.01)
        assert amount(per="kWh").read("3.6 CHF/kWh").interval.mid == pytest.approx(1e-6)
        stated = {"low": "1 kUSD", "mid": "2 kUSD", "high": "3 kUSD"}
        assert amount().read(stated) == Amount(Interval(1e3, 2e3, 3e3), "USD")

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            ("5 XAU", "not a currency"),
            ("5", "has no unit"),
            ("5 USD/h", "does not measure"),
            ("-1 USD", "out of range"),
            ({"low": "1 USD", "mid": "2 EUR", "high": "3 USD"}, "in one currency"),
            ({"low": "3 USD", "mid": "2 USD", "high": "4 USD"}, "must not fall"),
            ({"low": "3 USD"}, "low, mid and high"),
            (True, "is not"),
            ([1], "is not"),
        ],
    )
    def test_everything_else_is_refused(self, value: object, says: str) -> None:
        text = "schema: planner/scenario/v1\nname: x\nworkload: {kind: capacity}\nplace: {money: 1 USD}\n"
        tree = parse_yaml(text)
        tree.value["place"]["money"] = value
        with pytest.raises(InputError) as refused:
            typed(tree, Capacity)
        assert says in str(refused.value)
