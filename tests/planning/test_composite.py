"""Sums and alternatives of scenarios, by real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner.errors import InfeasibleError, InputError
from planner.metrics import METRICS
from planner.planning.books import Books
from planner.planning.dispatch import estimate
from planner.planning.estimate import Estimate
from planner.scenario.resolve import read_scenario

HEAD = "schema: planner/scenario/v1\nname: x\n"
RUN = """\
workload: {kind: training, model: llama-3.1-8b, tokens: %s, sequence_length: 8192, global_batch: 512 sequences}
hardware: {node: p5.48xlarge, accelerators: %d, facility: aws-us-east-1, term: on-demand}
parallelism: {sharding: zero-3}
variants: {spot: {hardware.term: spot}, unpriced: {hardware.node: dgx-h100}, owned: {hardware.term: owned}}
"""
ADDS = {name for name, metric in METRICS.items() if metric.adds}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(HEAD + RUN % ("100 B", 64))
    (tmp_path / "large.yaml").write_text(HEAD + RUN % ("300 B", 128))
    (tmp_path / "huge.yaml").write_text((HEAD + RUN % ("1 B", 8)).replace("llama-3.1-8b", "llama-3.1-405b"))
    (tmp_path / "place.yaml").write_text(HEAD + "workload: {kind: capacity, nodes: [dgx-h100]}\nplace: {nodes: 2}\n")
    return tmp_path


def composite(folder: Path, combine: str, parts: str, name: str = "whole.yaml") -> Estimate:
    text = f"{HEAD}workload: {{kind: composite, combine: {combine}, parts: {{{parts}}}}}\n"
    (folder / name).write_text(text)
    return estimate(read_scenario(folder / name), Books())


def alone(folder: Path, name: str, variant: str | None = None) -> Estimate:
    return estimate(read_scenario(folder / name, variant=variant), Books())


def test_a_sum_adds_what_adds_times_as_often_as_each_part_is_done_and_nothing_else(folder: Path) -> None:
    found = composite(folder, "sum", "a: {scenario: small.yaml, times: 3}, b: {scenario: large.yaml}")
    a, b = alone(folder, "small.yaml"), alone(folder, "large.yaml")
    assert set(found.results) == ADDS
    assert "mfu" in a.results
    for metric in ADDS:
        ours, left, right = found.value(metric), a.value(metric), b.value(metric)
        assert ours is not None
        assert left is not None
        assert right is not None
        assert ours == pytest.approx(3 * left + right)


def test_the_parts_of_the_money_sum_to_it(folder: Path) -> None:
    found = composite(folder, "sum", "a: {scenario: small.yaml, times: 3}, b: {scenario: large.yaml}")
    cost = found.breakdown("cost")
    assert cost is not None
    assert [part.key for part in cost.parts] == ["a", "b"]
    assert cost.total == pytest.approx(found.value("cost_total_usd"))


def test_a_sum_of_one_part_is_that_part_with_its_range(folder: Path) -> None:
    found, part = composite(folder, "sum", "a: {scenario: small.yaml}"), alone(folder, "small.yaml")
    for metric in ADDS:
        ours, theirs = found.results[metric], part.results[metric]
        assert (ours.low, ours.mid, ours.high) == pytest.approx((theirs.low, theirs.mid, theirs.high))


def test_doing_a_part_twice_is_two_parts_alike(folder: Path) -> None:
    twice = composite(folder, "sum", "a: {scenario: small.yaml, times: 2}")
    both = composite(folder, "sum", "a: {scenario: small.yaml}, b: {scenario: small.yaml}")
    for metric in ADDS:
        one, two = twice.results[metric], both.results[metric]
        assert (one.low, one.mid, one.high) == pytest.approx((two.low, two.mid, two.high))


def test_the_range_of_a_sum_is_that_of_drawing_shared_inputs_once(folder: Path) -> None:
    found = composite(folder, "sum", "a: {scenario: small.yaml, times: 2}, b: {scenario: large.yaml}")
    parts = [(2.0, alone(folder, "small.yaml")), (1.0, alone(folder, "large.yaml"))]
    generator = np.random.Generator(np.random.PCG64(11))
    causes = sorted({cause for _, part in parts for cause in part.contributions["energy_kwh"]})
    total = np.zeros(100_000)
    draws = {cause: generator.standard_normal(total.size) / 1.2815515655446004 for cause in causes}
    for times, part in parts:
        logs = np.zeros_like(total)
        for cause, (low, high) in part.contributions["energy_kwh"].items():
            # The end that a draw leans to, as far as it leans: an input between its ends.
            logs += np.where(draws[cause] > 0, np.log(high) * draws[cause], -np.log(low) * draws[cause])
        middle = part.value("energy_kwh")
        assert middle is not None
        total += times * middle * np.exp(logs)
    low, high = np.quantile(total, [0.1, 0.9])
    assert found.results["energy_kwh"].low == pytest.approx(float(low), rel=0.04)
    assert found.results["energy_kwh"].high == pytest.approx(float(high), rel=0.04)


def test_one_unknown_price_makes_the_sum_of_money_unknown_and_nothing_else(folder: Path) -> None:
    # Nobody rents a DGX by the hour.
    found = composite(folder, "sum", "a: {scenario: small.yaml}, b: {scenario: small.yaml, variant: unpriced}")
    cost = found.results["cost_total_usd"]
    assert (cost.low, cost.mid, cost.high) == (None, None, None)
    assert found.breakdown("cost") is None
    assert found.value("energy_kwh") is not None


def test_what_one_part_has_not_at_all_is_not_summed_and_told(folder: Path) -> None:
    found = composite(folder, "sum", "run: {scenario: small.yaml}, room: {scenario: place.yaml}")
    assert found.results == {}
    assert any("cost_total_usd is not summed: room has none" in warning for warning in found.warnings)


def test_a_part_of_a_sum_that_does_not_fit_is_named(folder: Path) -> None:
    with pytest.raises(InfeasibleError) as refused:
        composite(folder, "sum", "a: {scenario: small.yaml}, b: {scenario: huge.yaml}")
    assert "part 'b' does not fit" in str(refused.value)
    assert "huge.yaml" in str(refused.value)


def test_an_alternative_that_does_not_fit_stands_beside_those_that_do(folder: Path) -> None:
    found = composite(folder, "alternatives", "a: {scenario: small.yaml}, b: {scenario: huge.yaml}")
    assert found.results == {}
    assert found.children["a"].why_not == ""
    assert "does not fit" in found.children["b"].why_not
    assert found.children["b"].results == {}


def test_where_no_alternative_fits_all_are_told(folder: Path) -> None:
    with pytest.raises(InfeasibleError) as refused:
        composite(folder, "alternatives", "a: {scenario: huge.yaml}, b: {scenario: huge.yaml, variant: spot}")
    assert str(refused.value).count("[does-not-fit]") == 2


def test_composites_hold_composites_and_never_themselves(folder: Path) -> None:
    composite(folder, "sum", "a: {scenario: small.yaml}", "inner.yaml")
    outer = composite(folder, "sum", "inner: {scenario: inner.yaml, times: 2}, b: {scenario: large.yaml}")
    inner, large = outer.children["inner"].value("energy_kwh"), outer.children["b"].value("energy_kwh")
    assert inner is not None
    assert large is not None
    assert outer.value("energy_kwh") == pytest.approx(2 * inner + large)
    with pytest.raises(InputError) as refused:
        composite(folder, "sum", "a: {scenario: whole.yaml}")
    assert "[parts-cycle]" in str(refused.value)
    assert "whole.yaml -> " in str(refused.value)


def test_a_chain_of_composites_is_bounded(folder: Path) -> None:
    inner = "small.yaml"
    for number in range(4):
        composite(folder, "sum", f"a: {{scenario: {inner}}}", f"level-{number}.yaml")
        inner = f"level-{number}.yaml"
    with pytest.raises(InputError, match="parts-deep"):
        composite(folder, "sum", f"a: {{scenario: {inner}}}", "level-4.yaml")


@pytest.mark.parametrize("path", ["../small.yaml", "/etc/passwd", "~/x.yaml", "link.yaml", "missing.yaml", "x" * 300])
def test_parts_lie_inside_the_project(path: str, folder: Path) -> None:
    (folder.parent / "small.yaml").write_text(HEAD)
    (folder / "link.yaml").symlink_to("/etc/passwd")
    with pytest.raises(InputError) as refused:
        composite(folder, "sum", f'a: {{scenario: "{path}"}}')
    assert "whole.yaml:3:" in str(refused.value)
    assert "root:" not in str(refused.value)
