"""How many nodes a place has room for, against counting them in one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.planning.rooms import Limits, least, rooms
from planner.units.interval import Interval

watts = st.integers(100, 20_000)


def limits(**given: object) -> Limits:
    plain: dict[str, object] = {
        **dict.fromkeys(("power_w", "racks", "rack_w", "nodes_per_rack", "nodes", "money_usd")),
        "pue": Interval.exactly(1.0),
    }
    return Limits(**{**plain, **given})  # type: ignore[arg-type]


def fitting(place: Limits, node_w: float, price: float | None = None) -> float | None:
    exact = Interval.exactly(price) if price is not None else None
    found = least(rooms(place, node_w=Interval.exactly(node_w), price_usd=exact))
    return found.mid if found is not None else None


@given(power=st.integers(1, 10**6), node=watts, quarters=st.integers(4, 8))
def test_power_holds_as_many_as_can_be_switched_on_one_by_one(power: int, node: int, quarters: int) -> None:
    # In quarters of a watt everything is a whole number, and counting is exact.
    counted, drawn = 0, node * quarters
    while drawn * (counted + 1) <= power * 4:
        counted += 1
    place = limits(power_w=Interval.exactly(power), pue=Interval.exactly(quarters / 4))
    assert fitting(place, node) == counted


@given(racks=st.integers(1, 50), rack=watts, node=watts, each=st.integers(1, 8))
def test_racks_are_filled_one_by_one(racks: int, rack: int, node: int, each: int) -> None:
    counted = 0
    for _ in range(racks):
        drawn = 0
        for _ in range(each):
            if drawn + node <= rack:
                drawn, counted = drawn + node, counted + 1
    place = limits(racks=racks, rack_w=Interval.exactly(rack), nodes_per_rack=each)
    assert fitting(place, node) == counted


@given(money=st.integers(1, 10**7), price=st.integers(1, 10**6))
def test_money_buys_whole_nodes(money: int, price: int) -> None:
    assert fitting(limits(money_usd=Interval.exactly(money)), 1.0, float(price)) == money // price


@given(power=watts, more=st.integers(0, 10**5), node=watts, nodes=st.integers(1, 100))
def test_more_of_a_limit_never_holds_less_and_a_further_limit_never_more(
    power: int, more: int, node: int, nodes: int
) -> None:
    few = fitting(limits(power_w=Interval.exactly(power)), node)
    many = fitting(limits(power_w=Interval.exactly(power + more)), node)
    both = fitting(limits(power_w=Interval.exactly(power), nodes=nodes), node)
    assert few is not None
    assert many is not None
    assert both is not None
    assert few <= many
    assert both == min(few, nodes)


def test_a_node_of_unknown_price_leaves_the_answer_unknown_where_money_is_limited() -> None:
    assert fitting(limits(nodes=3, money_usd=Interval.exactly(1e9)), 1.0, None) is None
    assert fitting(limits(nodes=3), 1.0, None) == 3


def test_a_range_of_power_gives_a_range_of_whole_nodes() -> None:
    place = limits(power_w=Interval(80e3, 100e3, 125e3))
    (room,) = rooms(place, node_w=Interval.exactly(10e3), price_usd=None)
    assert room.nodes == Interval(8, 10, 12)
    assert room.shortage == pytest.approx(0.1)
