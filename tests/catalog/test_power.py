"""Power of nodes: the rule is the best fit of its rows, its errors are those it states, and its parts behave."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares

from planner.catalog.accelerator import Accelerator
from planner.catalog.entry import Standing
from planner.catalog.node import Node
from planner.catalog.power import FittedRow, NodePowerEstimate, NodePowerRule, node_power
from planner.catalog.store import Catalog
from planner.errors import InputError

CATALOG = Catalog()
RULE = CATALOG.sheet("node-power", NodePowerRule)


def estimate(name: str) -> NodePowerEstimate:
    node = CATALOG.node(name)
    return node_power(node, CATALOG.accelerator(node.accelerator), RULE)


# Watts of accelerators and hosts of the systems that the rule was fitted on, from their data sheets:
# accelerators x limit, and hosts of eight (a tray of an NVL72 has four, half a host).
SYSTEMS = {
    "dgx-2": (16 * 350, 1.0, "air"),
    "dgx-a100": (8 * 400, 1.0, "air"),
    "dgx-h100": (8 * 700, 1.0, "air"),
    "dgx-h200": (8 * 700, 1.0, "air"),
    "dgx-b200": (8 * 1000, 1.0, "air"),
    "dgx-b300": (8 * 1100, 1.0, "air"),
    "gb200-nvl72": (72 * 1200, 9.0, "liquid"),
    "gb300-nvl72": (72 * 1400, 9.0, "liquid"),
}


def predicted(parameters: Sequence[float], row: FittedRow) -> float:
    host, air, liquid, margin = parameters
    accelerators, hosts, cooling = SYSTEMS[row.node]
    loaded = (accelerators + hosts * host) / (1 - (liquid if cooling == "liquid" else air))
    return loaded * margin if row.kind == "rated" else loaded


def fitted(rows: Sequence[FittedRow]) -> Sequence[float]:
    def residuals(parameters: Sequence[float]) -> list[float]:
        return [math.sqrt(row.weight) * math.log(predicted(parameters, row) / row.power) for row in rows]

    start = [1200, 0.2, 0.13, 1.2]
    found = least_squares(residuals, start, x_scale=[1000, 0.1, 0.1, 1], xtol=1e-12, ftol=1e-12, gtol=1e-12)
    return [float(value) for value in found.x]


def test_the_rule_is_the_least_squares_fit_of_its_rows() -> None:
    rule = RULE.rule
    stated = [rule.host, rule.overhead_air, rule.overhead_liquid, rule.margin]
    assert stated == pytest.approx(fitted(RULE.fitted_on), rel=2e-3)


@pytest.mark.parametrize("row", RULE.fitted_on, ids=lambda row: f"{row.node}-{row.kind}")
def test_the_stated_error_of_a_row_is_the_error_when_it_is_left_out(row: FittedRow) -> None:
    others = [other for other in RULE.fitted_on if other is not row]
    error = predicted(fitted(others), row) / row.power - 1
    assert row.error_left_out == pytest.approx(error, abs=2e-3)
    assert abs(row.error_left_out) <= RULE.spread.alike


def test_the_rule_as_applied_is_the_rule_as_fitted() -> None:
    """Without its published power, every system gets what the fit says of it, within the spread."""
    parameters = [RULE.rule.host, RULE.rule.overhead_air, RULE.rule.overhead_liquid, RULE.rule.margin]
    for row in RULE.fitted_on:
        node = CATALOG.node(row.node).model_copy(update={"power": None})
        got = node_power(node, CATALOG.accelerator(node.accelerator), RULE)
        power = got.rated if row.kind == "rated" else got.full
        assert power.mid == pytest.approx(predicted(parameters, row), rel=1e-6)
        assert power.low <= row.power <= power.high or abs(power.mid / row.power - 1) < RULE.spread.alike
        assert not got.rated_is_published


@pytest.mark.parametrize("row", RULE.metered, ids=lambda row: f"{row.node}-{row.power:.0f}")
def test_metered_jobs_draw_less_than_the_rule_s_full_load_and_more_than_its_idle(row: object) -> None:
    """Mean draw over whole jobs: MLPerf power logs of 8 H100 (5.1 to 7.0 kW) and 8 B200 (9.6 kW)."""
    power = estimate(row.node)  # type: ignore[attr-defined]
    assert power.idle.mid < row.power < power.full.mid < power.rated.mid  # type: ignore[attr-defined]


def test_eight_h100_at_their_limit_draw_what_was_metered_at_most() -> None:
    assert estimate("dgx-h100").full.low <= 8400 <= estimate("dgx-h100").full.high


def test_a_published_limit_is_kept_and_a_derived_one_says_so() -> None:
    published, derived = estimate("dgx-h100"), estimate("p5.48xlarge")
    assert published.rated.mid == 10_200
    assert published.rated_is_published
    assert not derived.rated_is_published
    assert derived.rated.low < 10_200 < derived.rated.high
    assert any(p.standing is Standing.ESTIMATED for p in derived.provenance)


@pytest.mark.parametrize("name", CATALOG.ids("node"))
def test_every_node_has_a_power_by_parts(name: str) -> None:
    power = estimate(name)
    parts = (power.accelerators, power.host, power.network_and_fans)
    assert power.idle.low > 0
    assert power.idle.mid < power.full.mid <= power.rated.mid * (1 + 1e-9)
    assert power.full.mid == pytest.approx(sum(part.full.mid for part in parts))
    assert power.idle.mid == pytest.approx(sum(part.idle.mid for part in parts))


def test_a_chip_without_a_published_power_makes_a_wide_range() -> None:
    """16 Trainium: 2.1 to 4.5 kW of chips, so that nothing narrower can be said of the machine."""
    known, unknown = estimate("trn2.48xlarge"), estimate("trn1.32xlarge")
    assert unknown.rated.high / unknown.rated.low > 1.5 * known.rated.high / known.rated.low


def test_a_share_of_a_machine_has_a_share_of_its_power() -> None:
    whole, eighth = estimate("g5.48xlarge"), estimate("g5.xlarge")
    assert eighth.full.mid == pytest.approx(whole.full.mid / 8, rel=1e-6)
    assert eighth.rated.high / eighth.rated.mid > whole.rated.high / whole.rated.mid


def test_processors_are_not_counted_twice() -> None:
    """The sockets of a CPU node, and the Grace of a superchip, are in the accelerators' power already."""
    cpu, server = estimate("m7i.48xlarge"), estimate("p5.48xlarge")
    assert cpu.host.full.mid < 0.2 * server.host.full.mid
    assert estimate("gh200-nvl32").host.full.mid < 0.1 * estimate("gh200-nvl32").accelerators.full.mid


def test_liquid_cooling_saves_fans() -> None:
    node = CATALOG.node("p6-b300.48xlarge")
    part = CATALOG.accelerator(node.accelerator)
    cooled = node_power(node.model_copy(update={"cooling": "liquid"}), part, RULE)
    assert cooled.full.mid < node_power(node, part, RULE).full.mid


@given(st.integers(1, 16), st.integers(1, 16))
def test_more_accelerators_never_draw_less(few: int, more: int) -> None:
    few, more = sorted((few, more))
    base = CATALOG.node("p5.48xlarge")
    part = CATALOG.accelerator("h100-sxm")
    small, large = (node_power(base.model_copy(update={"accelerators": n}), part, RULE) for n in (few, more))
    assert small.full.mid <= large.full.mid
    assert small.rated.mid <= large.rated.mid


def test_an_unknown_power_is_refused() -> None:
    node: Node = CATALOG.node("p5.48xlarge")
    part: Accelerator = CATALOG.accelerator("h100-sxm").model_copy(update={"power": None})
    with pytest.raises(InputError) as caught:
        node_power(node, part, RULE)
    assert caught.value.faults[0].id == "unknown-power"


def sixteen_bit(part: Accelerator) -> float:
    return max(part.peak[name] for name in ("bf16", "fp16") if name in part.peak)


@pytest.mark.parametrize("kind", RULE.chips.classes, ids=lambda kind: kind.process)
def test_energies_of_a_process_are_the_ends_of_the_chips_listed(kind: object) -> None:
    joules = []
    for name in kind.accelerators:  # type: ignore[attr-defined]
        part = CATALOG.accelerator(name)
        assert part.power is not None
        assert name not in kind.applied_to  # type: ignore[attr-defined]
        joules.append((part.power.tdp.mid - RULE.chips.memory * part.memory.bandwidth) / sixteen_bit(part))
    low, high = min(joules), max(joules)
    stated = (kind.low, kind.mid, kind.high)  # type: ignore[attr-defined]
    assert stated == pytest.approx((low, math.sqrt(low * high), high), abs=0.006e-12)


@pytest.mark.parametrize("kind", RULE.chips.classes, ids=lambda kind: kind.process)
def test_chips_without_a_published_power_have_the_range_of_their_process(kind: object) -> None:
    for name in kind.applied_to:  # type: ignore[attr-defined]
        part = CATALOG.accelerator(name)
        assert part.power is not None
        memory = RULE.chips.memory * part.memory.bandwidth
        tdp = part.power.tdp
        stated = np.array([tdp.low, tdp.mid, tdp.high])
        energies = np.array([kind.low, kind.mid, kind.high])  # type: ignore[attr-defined]
        assert stated == pytest.approx(memory + sixteen_bit(part) * energies, abs=0.51)
