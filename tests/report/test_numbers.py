"""Numbers as people read them."""

from __future__ import annotations

import pytest

from planner.metrics import METRICS
from planner.planning.estimate import Currency
from planner.report.numbers import money, shown, shown_range


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("parameters", 405_853_388_800, "405.9 B"),
        ("parameters", 1.571e12, "1.571 T"),
        ("active_parameters", 110e6, "110 M"),
        ("mfu", 0.4321, "43.2 %"),
        ("days", 71.83, "71.8 d"),
        ("step_time_s", 0.0034, "3.4 ms"),
        ("accelerator_hours", 28.2e6, "28.2 M h"),
        ("cost_total_usd", 40.13e6, "$40.1M"),
        ("cost_total_usd", 1.5e9, "$1.5B"),
        ("cost_total_usd", 999_999.0, "$1M"),
        ("cost_per_hour_usd", 23_523.0, "$23,520/h"),
        ("cost_per_million_tokens_usd", 0.0596, "$0.0596"),
        ("energy_kwh", 27.5e6, "27.5 GWh"),
        ("node_power_kw", 6.83, "6.83 kW"),
        ("facility_power_kw", 15_900, "15.9 MW"),
        ("carbon_kg", 11_422_000, "11,422 tCO2e"),
        ("carbon_kg", 14.9, "14.9 kgCO2e"),
        ("peak_memory_gb", 83.7, "83.7 GB"),
        ("accelerators", 16384, "16,384"),
        ("peak_16bit_flops_per_s", 47.5e15, "47.5 PFLOP/s"),
        ("storage_load", 0.000148, "0.0148 %"),
        ("cost_total_usd", None, "unknown"),
    ],
)
def test_a_result_with_its_unit(metric: str, value: float | None, text: str) -> None:
    assert shown(metric, value) == text


def test_every_metric_can_be_shown_small_large_zero_and_unknown() -> None:
    for name in METRICS:
        for value in (0.0, 1e-9, 1.0, 1e25):
            assert shown(name, value).strip() == shown(name, value) != ""
        assert shown(name, None) == "unknown"


def test_the_unit_of_a_range_is_told_once_where_it_is_the_same() -> None:
    assert shown_range("days", 49.9, 114) == "49.9 – 114 d"
    assert shown_range("step_time_s", 52.0, 130.0) == "52 s – 2.17 min"
    assert shown_range("cost_total_usd", 24.7e6, 78.2e6) == "$24.7M – $78.2M"
    assert shown_range("days", 49.9, None) == "49.9 d or more"


def test_money_in_another_currency_at_its_rate() -> None:
    won = Currency("KRW", 1335.27, "2026-10-30")
    assert money(2.88e6, won) == "KRW 3.85B"
    assert shown("cost_per_hour_usd", 10.0, won) == "KRW 13,350/h"
    assert shown("days", 2.5, won) == "2.5 d"
