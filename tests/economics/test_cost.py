"""Rent, ownership, energy and carbon, against sums made by hand and against each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.economics.cost import Owned, owned_usd, rent_usd
from planner.economics.energy import carbon_kg, energy_kwh

amounts = st.floats(1.0, 1e6)
shares = st.floats(0.0, 1.0)


def test_a_day_of_eight_nodes_at_fifty_five_dollars() -> None:
    assert rent_usd(8, 24, 55.04) == pytest.approx(8 * 24 * 55.04)


def test_a_year_of_a_machine_of_five_years_is_a_fifth_of_it() -> None:
    machine = Owned(price_usd=300_000, life_hours=5 * 8760, residual=0, utilisation=1, upkeep_per_year=0.1)
    cost = owned_usd(1, 8760, machine, energy_kwh=70_000, usd_per_kwh=0.1)
    assert (cost.capital_usd, cost.upkeep_usd, cost.electricity_usd) == pytest.approx((60_000, 30_000, 7_000))
    assert cost.total_usd == pytest.approx(97_000)


@given(amounts, amounts, amounts, amounts, shares, st.floats(0.1, 1.0))
def test_the_cost_does_not_depend_on_how_a_stretch_of_time_is_cut(
    price: float, nodes: float, first: float, second: float, residual: float, utilisation: float
) -> None:
    machine = Owned(price, 43_800.0, residual, utilisation, 0.1)

    def cost(hours: float) -> float:
        return owned_usd(nodes, hours, machine, energy_kwh=hours * nodes, usd_per_kwh=0.1).total_usd

    assert cost(first + second) == pytest.approx(cost(first) + cost(second))
    assert rent_usd(nodes, first + second, price) == pytest.approx(
        rent_usd(nodes, first, price) + rent_usd(nodes, second, price)
    )


@given(amounts, shares, st.floats(0.1, 1.0))
def test_over_its_whole_life_a_machine_in_use_costs_what_it_loses(price: float, residual: float, used: float) -> None:
    machine = Owned(price, 43_800.0, residual, used, 0.0)
    cost = owned_usd(1, 43_800.0 * used, machine, energy_kwh=0, usd_per_kwh=0)
    assert cost.capital_usd == pytest.approx(price * (1 - residual))


def test_a_kilowatt_for_a_thousand_hours_at_a_pue_of_1_2() -> None:
    energy = energy_kwh(1000.0, 1000.0, 1.2)
    assert energy == pytest.approx(1200.0)
    assert carbon_kg(energy, 400.0 / 3.6e6) == pytest.approx(480.0)  # 400 g for a kWh


@given(amounts, amounts, st.floats(1.0, 3.0), amounts)
def test_energy_and_carbon_grow_with_each_of_their_causes_alike(
    power: float, hours: float, pue: float, grams: float
) -> None:
    energy = energy_kwh(power, hours, pue)
    assert energy_kwh(2 * power, hours, pue) == pytest.approx(2 * energy)
    assert energy_kwh(power, 2 * hours, pue) == pytest.approx(2 * energy)
    assert energy >= power * hours / 1e3 * (1 - 1e-12)
    assert carbon_kg(2 * energy, grams) == pytest.approx(2 * carbon_kg(energy, grams))
