"""Places with limits, out of the catalogs: what fits, what it draws, costs, can do and holds."""

from __future__ import annotations

import pytest

from planner.documents.reader import parse_yaml
from planner.errors import InfeasibleError, InputError
from planner.metrics import METRICS
from planner.planning.books import Books
from planner.planning.capacity import estimate_capacity
from planner.planning.estimate import Estimate
from planner.scenario.resolve import close

BOOKS = Books()
HEAD = "schema: planner/scenario/v1\nname: room\n"
SOLD = {"dgx-2", "dgx-a100", "dgx-b200", "dgx-b300", "dgx-h100", "dgx-h200", "gaudi3-8", "gb200-nvl72", "gb300-nvl72"}
SOLD |= {"gh200-1", "gh200-nvl32", "hgx-mi300x-8", "ex235a", "xeon-max-2s"}


def estimate(workload: str, place: str) -> Estimate:
    text = f"{HEAD}workload: {{kind: capacity, {workload}}}\nplace: {{{place}}}\n"
    return estimate_capacity(close(parse_yaml(text)), BOOKS)


def node(found: Estimate, name: str, metric: str) -> float:
    value = found.children[name].value(metric)
    assert value is not None
    return value


def test_without_names_every_system_that_is_sold_is_considered() -> None:
    assert set(estimate("term: owned", "power: 10 MW").children) == SOLD


def test_and_on_a_term_of_rent_every_machine_with_a_price() -> None:
    rented = set(estimate("term: capacity-block", "money: 10 MUSD").children)
    assert rented
    for name in rented:
        assert "capacity-block" in {offer.term for offer in BOOKS.prices.offers(name)}


def test_a_dgx_h100_in_a_megawatt_by_hand() -> None:
    found = estimate("nodes: [dgx-h100]", "power: 1 MW, pue: 1.25")
    assert node(found, "dgx-h100", "nodes_that_fit") == 78  # 1,000 / (10.2 x 1.25) = 78.4
    assert node(found, "dgx-h100", "accelerators") == 78 * 8
    assert node(found, "dgx-h100", "facility_rated_power_kw") == pytest.approx(78 * 10.2 * 1.25)
    assert node(found, "dgx-h100", "peak_16bit_flops_per_s") == pytest.approx(78 * 8 * 989.4e12)
    assert node(found, "dgx-h100", "peak_8bit_flops_per_s") == pytest.approx(78 * 8 * 1978.9e12)
    assert node(found, "dgx-h100", "capital_usd") == 78 * 270_000


def test_parts_of_power_and_money_sum_to_their_wholes() -> None:
    for child in estimate("term: owned", "power: 10 MW").children.values():
        power, cost = child.breakdown("power"), child.breakdown("cost")
        assert power is not None
        assert power.total > 0
        assert {"power", "cost"} >= {each.key for each in child.breakdowns}
        if cost is None:
            assert child.value("cost_per_month_usd") is None
        else:
            assert cost.total == pytest.approx(child.value("cost_per_month_usd"))


def test_a_month_of_owning_is_capital_upkeep_and_electricity_of_its_days() -> None:
    found = estimate(
        "nodes: [dgx-h100], ownership: {price: 262800 USD, life: 5 years, residual: 0, upkeep: 10 %, "
        "electricity: 0.1 USD/kWh}, power_basis: typical",
        "nodes: 1, pue: 1.2",
    )
    child = found.children["dgx-h100"]
    cost = child.breakdown("cost")
    assert cost is not None
    parts = {part.key: part.value for part in cost.parts}
    # A sixtieth of the price, and a twelfth of a tenth of it; 7.5 kW for 730 hours at a PUE of 1.2.
    assert parts == pytest.approx({"capital": 4380.0, "upkeep": 2190.0, "electricity": 7.5 * 730 * 1.2 * 0.1})
    assert child.value("electricity_per_month_usd") == pytest.approx(parts["electricity"])


def test_rent_of_a_month_is_730_hours_of_the_price_and_its_electricity_is_not_paid_apart() -> None:
    found = estimate("nodes: [p5.48xlarge], term: on-demand", "money: 100000 USD")
    child = found.children["p5.48xlarge"]
    price = BOOKS.prices.price("p5.48xlarge", "on-demand").usd_per_hour
    assert node(found, "p5.48xlarge", "nodes_that_fit") == 100_000 // (price * 730)
    assert node(found, "p5.48xlarge", "cost_per_month_usd") == pytest.approx(2 * price * 730)
    assert "electricity_per_month_usd" not in child.results
    assert child.value("capital_usd") is None


@pytest.mark.parametrize(
    ("place", "binds"),
    [
        ("power: 50 kW, money: 100 MUSD", "power"),
        ("power: 50 MW, money: 1 MUSD", "money"),
        ("power: 50 MW, racks: 2, rack_power: 11 kW", "racks"),
        ("power: 50 MW, nodes: 3", "nodes"),
    ],
)
def test_the_limit_that_binds_is_named(place: str, binds: str) -> None:
    found = estimate("nodes: [dgx-h100]", place)
    assert dict(found.children["dgx-h100"].plan)["binds"] == binds


def test_what_does_not_fit_says_why_and_what_is_unknown_stays_unknown() -> None:
    found = estimate("nodes: [gb200-nvl72, dgx-h100, dgx-b300]", "power: 100 kW, money: 5 MUSD")
    assert "with cooling" in found.children["gb200-nvl72"].why_not
    assert found.children["gb200-nvl72"].value("nodes_that_fit") == 0
    assert "price is unknown" in found.children["dgx-b300"].why_not
    assert found.children["dgx-b300"].results["nodes_that_fit"].mid is None
    assert found.children["dgx-h100"].why_not == ""


def test_where_nothing_fits_the_nearest_is_named() -> None:
    with pytest.raises(InfeasibleError) as refused:
        estimate("nodes: [gb200-nvl72, dgx-h100]", "power: 5 kW")
    assert "nearest is dgx-h100" in str(refused.value)
    assert refused.value.exit_code == 3


def test_a_place_without_a_limit_is_refused() -> None:
    for place in ("pue: 1.2", "racks: 10", "rack_power: 10 kW", "nodes_per_rack: 4"):
        with pytest.raises(InputError, match="place-unlimited"):
            estimate("term: owned", place)


def test_a_facility_lends_its_limits_and_its_price_of_electricity() -> None:
    place = "facility: korea-university-floor"
    found = estimate("nodes: [dgx-a100]", place)
    assert dict(found.plan)["power"].startswith("100 kW")
    assert {"power_limit of korea-university-floor", "pue of korea-university-floor"} <= {i.name for i in found.inputs}
    # Its usual racks count where racks do.
    assert node(found, "dgx-a100", "nodes_that_fit") == 9
    assert node(estimate("nodes: [dgx-a100]", f"{place}, racks: 5"), "dgx-a100", "nodes_that_fit") == 5


def test_money_in_another_currency_buys_the_same() -> None:
    rate = BOOKS.exchange_rates.rate("KRW")
    dollars = estimate("nodes: [dgx-h100]", "money: 1 MUSD")
    won = estimate("nodes: [dgx-h100]", f"money: {1e6 * rate:.0f} KRW")
    assert node(dollars, "dgx-h100", "nodes_that_fit") == node(won, "dgx-h100", "nodes_that_fit") == 3


class TestHolding:
    GPT_3 = "hold: {model: gpt-3-175b, precision: %s, context: 2048}"

    def test_one_copy_is_on_the_fewest_accelerators_that_hold_it(self) -> None:
        found = estimate("nodes: [dgx-h100], hold: {model: llama-3.1-8b, context: 8192}", "nodes: 2")
        # 16 GB of weights fit one accelerator of 80 GiB: sixteen copies.
        assert node(found, "dgx-h100", "replicas") == 16
        assert dict(found.children["dgx-h100"].plan)["one copy on"] == "1 accelerators"

    def test_fewer_bits_hold_more(self) -> None:
        by_bits = {
            bits: node(estimate(f"nodes: [dgx-h100], {self.GPT_3 % bits}", "nodes: 1"), "dgx-h100", "replicas")
            for bits in ("bf16", "int8", "int4")
        }
        assert by_bits["bf16"] <= by_bits["int8"] <= by_bits["int4"]
        assert by_bits["bf16"] == 1

    def test_what_is_left_holds_the_sequences_that_are_told_and_not_one_more(self) -> None:
        found = estimate(f"nodes: [dgx-2], {self.GPT_3 % 'fp16'}", "nodes: 1")
        one = 96 * 2 * 96 * 128 * 2 * 2048 / 16
        free = node(found, "dgx-2", "memory_headroom_gb") * 1e9
        assert node(found, "dgx-2", "max_batch") == free // one
        longest = node(found, "dgx-2", "max_context_tokens")
        assert longest * one / 2048 <= free < (longest + 1) * one / 2048

    def test_several_nodes_share_a_copy_that_one_cannot_hold(self) -> None:
        found = estimate("nodes: [dgx-a100], hold: {model: llama-3.1-405b, context: 4096}", "nodes: 5")
        assert dict(found.children["dgx-a100"].plan)["one copy on"] == "16 accelerators"
        assert node(found, "dgx-a100", "replicas") == 2

    def test_a_model_too_large_for_all_of_them_says_by_how_much(self) -> None:
        with pytest.raises(InfeasibleError) as refused:
            estimate("nodes: [dgx-a100], hold: {model: llama-3.1-405b}", "nodes: 1")
        assert "of weights" in str(refused.value)


def test_names_of_results_are_those_of_the_list() -> None:
    found = estimate("term: owned, hold: {model: llama-3.1-8b}", "power: 10 MW")
    assert {metric for child in found.children.values() for metric in child.results} <= set(METRICS)
