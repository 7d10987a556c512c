"""Money of a run: by term, currency and discount; what is unknown stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from planner.documents.files import ReadBudget
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.dispatch import estimate
from planner.planning.estimate import Estimate
from planner.scenario.project import Project, ReadProject
from planner.scenario.resolve import close
from tests.conftest import ROOT

TEXT = """\
schema: planner/scenario/v1
name: x
workload: {kind: training, model: llama-3.1-8b, tokens: 100 B, sequence_length: 8192, global_batch: 512 sequences}
hardware: {node: p5.48xlarge, accelerators: 64, facility: aws-us-east-1, term: on-demand%s}
parallelism: {sharding: zero-3}
"""


def books(project: str = "") -> Books:
    tree = parse_yaml("schema: planner/project/v1\n" + project)
    return Books.of(ReadProject(typed(tree, Project), tree, ROOT, ()), ReadBudget())


def run(hardware: str = "", project: str = "", term: str = "on-demand") -> Estimate:
    text = TEXT.replace("on-demand", term) % (f", {hardware}" if hardware else "")
    return estimate(close(parse_yaml(text)), books(project))


def cost(found: Estimate) -> float:
    value = found.value("cost_total_usd")
    assert value is not None
    return value


def hours(found: Estimate) -> float:
    value = found.value("accelerator_hours")
    assert value is not None
    return value


def test_rent_is_nodes_times_hours_times_price() -> None:
    found = run("price: 100 USD/h")
    assert cost(found) == pytest.approx(hours(found) / 8 * 100)


def test_halving_the_price_halves_the_cost_and_nothing_else() -> None:
    whole, half = run("price: 100 USD/h"), run("price: 50 USD/h")
    assert cost(half) == pytest.approx(cost(whole) / 2)
    money = {"cost_total_usd", "cost_per_hour_usd", "cost_per_month_usd", "cost_per_million_tokens_usd"}
    for name, result in whole.results.items():
        if name not in money:
            assert half.results[name] == result


def test_owning_without_life_upkeep_and_current_is_renting_at_the_price_spread_over_its_life() -> None:
    owned = run(
        "ownership: {price: 87600 USD, life: 1 year, residual: 0, utilisation: 1, upkeep: 0, electricity: 0 USD/kWh}",
        term="owned",
    )
    rented = run("price: 10 USD/h")  # 87,600 over 8,760 hours
    assert cost(owned) == pytest.approx(cost(rented))


def test_a_machine_that_idles_half_of_its_life_costs_an_hour_of_work_twice() -> None:
    given = "ownership: {price: 300 kUSD, residual: 0, upkeep: 0, electricity: 0 USD/kWh, utilisation: %s}"
    assert cost(run(given % 0.5, term="owned")) == pytest.approx(2 * cost(run(given % 1.0, term="owned")))


def test_electricity_of_owned_machines_is_the_energy_drawn_at_its_price() -> None:
    found = run("ownership: {price: 1 USD, residual: 1, upkeep: 0, electricity: 0.2 USD/kWh}", term="owned")
    energy = found.value("energy_kwh")
    assert energy is not None
    assert cost(found) == pytest.approx(energy * 0.2)


def test_spot_machines_cost_less_and_take_longer() -> None:
    spot, steady = run(term="spot"), run()
    assert cost(spot) < cost(steady)
    assert hours(spot) > hours(steady)


def test_amounts_in_any_currency_at_the_pinned_rate() -> None:
    pinned = "exchange_rates: {date: 2026-01-01, source: bank, per_usd: {KRW: 1000}}\n"
    assert cost(run("price: 100000 KRW/h", pinned)) == pytest.approx(cost(run("price: 100 USD/h")))
    (rate,) = [item for item in run("price: 100000 KRW/h", pinned).inputs if "exchange" in item.name]
    assert (rate.source, rate.date) == ("planner.yaml", "2026-01-01")


def test_the_catalog_s_rate_is_the_european_central_bank_s() -> None:
    # 1,491.76 KRW and 1.1172 USD for a euro on 2026-10-30.
    assert cost(run("price: 149176 KRW/h")) == pytest.approx(cost(run("price: 111.72 USD/h")), rel=1e-4)


def test_a_discount_is_taken_off_the_prices_that_it_names() -> None:
    head = "prices: {on: 2026-11-01}\n"
    agreed = head + "discounts: [{provider: aws, term: on-demand, nodes: [p5.48xlarge], share: 25 %, until: 2027}]\n"
    assert cost(run("", agreed)) == pytest.approx(0.75 * cost(run("", head)))
    other = agreed.replace("p5.48xlarge", "p4d.24xlarge")
    assert cost(run("", other)) == pytest.approx(cost(run("", head)))
    azure = agreed.replace("provider: aws", "provider: azure")
    assert cost(run("", azure)) == pytest.approx(cost(run("", head)))
    # What the user agreed on with somebody is not taken off a price of the user's own.
    assert cost(run("price: 100 USD/h", agreed)) == pytest.approx(cost(run("price: 100 USD/h", head)))


def test_a_price_older_than_the_project_allows_is_told() -> None:
    assert run("", "prices: {on: 2026-11-01, oldest: 10 years}\n").warnings == ()
    (told,) = run("", "prices: {on: 2028-11-01, oldest: 1 year}\n").warnings
    assert "p5.48xlarge" in told


def test_prices_on_a_day_in_the_past_are_those_of_that_day() -> None:
    # us-east-1 listed 98.32 USD in 2023 and 55.04 in 2026.
    now, then = run("", "prices: {on: 2026-11-01}\n"), run("", "prices: {on: 2023-12-31}\n")
    assert cost(then) / cost(now) == pytest.approx(98.32 / 55.04, rel=1e-3)


def test_a_price_of_nothing_must_be_meant() -> None:
    for hardware, term in (("price: 0 USD/h", "on-demand"), ("ownership: {price: 0 USD}", "owned")):
        with pytest.raises(InputError, match="price-zero"):
            run(hardware, term=term)
        free = run(f"{hardware}, free: true", term=term)
        assert free.value("cost_total_usd") is not None
    assert cost(run("price: 0 USD/h, free: true")) == 0.0


def test_a_default_of_the_project_counts_as_said_and_not_as_our_estimate() -> None:
    def given(found: Estimate) -> dict[str, Any]:
        return {item.name: item.standing.is_weak for item in found.inputs}

    price = "ownership: {price: 300 kUSD}"
    plain = run(price, term="owned")
    found = run(price, "defaults: {utilisation: 1.0}\n", term="owned")
    assert given(plain)["utilisation of planner"] is True
    assert given(found)["utilisation of planner"] is False
    assert cost(found) < cost(plain)


class TestStorage:
    def test_what_is_provisioned_is_paid_for_by_the_month(self) -> None:
        with_storage = run("price: 100 USD/h, storage: fsx-lustre-125, storage_size: 100 TB")
        days = with_storage.value("days")
        assert days is not None
        rent = 0.145 * 100_000 * days * 24 / 730  # USD per GB and month, of 730 hours
        breakdown = with_storage.breakdown("cost")
        assert breakdown is not None
        assert {part.key: part.value for part in breakdown.parts}["storage"] == pytest.approx(rent)
        assert breakdown.total == pytest.approx(cost(with_storage))

    def test_a_rate_that_depends_on_a_size_needs_the_size(self) -> None:
        with pytest.raises(InputError, match="storage-rate"):
            run("storage: fsx-lustre-125")
        found = run("storage: fsx-lustre-125, storage_size: 10 TiB")
        assert found.value("storage_read_bytes_per_s") == pytest.approx(10 * 125e6)

    def test_storage_without_any_rate_and_a_size_without_storage_are_refused(self) -> None:
        with pytest.raises(InputError, match="storage-rate"):
            run("storage: s3-deep-archive, storage_size: 1 TB")
        with pytest.raises(InputError, match="missing-key"):
            run("storage_size: 1 TB")
