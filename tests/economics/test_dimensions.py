"""Money is money and energy is energy: economics' functions given quantities with units."""

from __future__ import annotations

import pint
import pytest

from planner.economics.cost import Owned, owned_usd, rent_usd
from planner.economics.energy import carbon_kg, energy_kwh

REGISTRY = pint.get_application_registry()  # one for all tests: it takes a second to read
REGISTRY.define("usd = [money]")


def test_rent_is_money() -> None:
    found = rent_usd(8, REGISTRY("24 hour"), REGISTRY("55.04 usd/hour"))
    assert found.check("[money]")
    assert found.to("usd").magnitude == pytest.approx(8 * 24 * 55.04)
    in_days = rent_usd(8, REGISTRY("1 day"), REGISTRY("55.04 usd/hour"))
    assert in_days.to("usd").magnitude == pytest.approx(8 * 24 * 55.04)


def test_what_owned_machines_cost_is_money() -> None:
    owned = Owned(
        price_usd=REGISTRY("300000 usd"),
        life_hours=REGISTRY("43800 hour"),
        residual=0.1,
        utilisation=0.8,
        upkeep_per_year=0.05,
    )
    found = owned_usd(
        4, REGISTRY("100 hour"), owned, energy_kwh=REGISTRY("5000 kWh"), usd_per_kwh=REGISTRY("0.08 usd/kWh")
    )
    assert found.capital_usd.check("[money]")
    assert found.electricity_usd.check("[money]")
    # Ninety per cent of the price over five years, an hour of work carrying a quarter hour of standing.
    assert found.capital_usd.to("usd").magnitude == pytest.approx(4 * 270_000 / 43_800 * 100 / 0.8)
    assert found.electricity_usd.to("usd").magnitude == pytest.approx(400.0)


def test_energy_is_power_over_time() -> None:
    found = energy_kwh(REGISTRY("10000 watt"), REGISTRY("24 hour"), 1.25)
    assert found.check("[energy]")
    # The function's result is in kilowatt-hours: a thousandth of the watt-hours that went in.
    assert found.to("watt*hour").magnitude * 1e3 == pytest.approx(REGISTRY("300 kWh").to("watt*hour").magnitude)


def test_carbon_is_mass() -> None:
    found = carbon_kg(REGISTRY("1000 joule"), REGISTRY("1.0667e-4 gram/joule"))
    assert found.check("[mass]")
    assert carbon_kg(1000.0, 384.0 / 3.6e6) == pytest.approx(
        (REGISTRY("1000 kWh") * REGISTRY("384 gram/kWh")).to("kg").magnitude
    )
