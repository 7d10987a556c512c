"""Scenarios side by side: who is ahead and when nobody is, against sampling and against estimates made anew."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from planner.metrics import METRICS, Better
from planner.planning.alike import alike, scenarios_of
from planner.planning.books import Books
from planner.planning.breakeven import BreakEven
from planner.planning.comparison import Comparison, compare, parts_of
from planner.planning.dispatch import estimate
from planner.planning.estimate import Estimate, Result
from planner.planning.front import front_of
from planner.planning.ratios import ratio
from planner.scenario.resolve import read_scenario

RUN = """\
schema: planner/scenario/v1
name: run
workload: {kind: training, model: llama-3.1-8b, tokens: 100 B, sequence_length: 8192, global_batch: 512 sequences}
hardware: {node: dgx-h100, accelerators: 64, facility: aws-us-east-1, term: owned}
parallelism: {sharding: zero-3}
variants:
  rented: {hardware.node: p5.48xlarge, hardware.term: on-demand}
  fewer: {hardware.accelerators: 32}
  older: {hardware.node: dgx-a100}
  longer: {workload.tokens: 200 B}
"""
Z80 = 1.2815515655446004  # a normal variable lies within this many deviations in 80 % of cases
BOOKS = Books()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenarios") / "run.yaml"
    path.write_text(RUN)
    return path


def made(file: Path, variant: str | None = None, **changes: str) -> Estimate:
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    return estimate(read_scenario(file, variant=variant, changes=dotted), BOOKS)


@pytest.fixture(scope="module")
def compared(file: Path) -> Comparison:
    own = BOOKS.defaults.utilisation.mid
    return compare([made(file), made(file, "rented"), made(file, "fewer"), made(file, "older")], [own, None, own, own])


def test_the_best_middle_is_best_and_a_winner_is_ahead_over_all_of_each_ratio(compared: Comparison) -> None:
    claimed = 0
    for line in compared.lines:
        if line.best is None:
            continue
        values = {n: result.mid for n, result in enumerate(line.results) if result and result.mid is not None}
        lower = METRICS[line.metric].better is Better.LOWER
        assert values[line.best] == (min if lower else max)(values.values())
        if line.winner is not None:
            claimed += 1
            for n, found in enumerate(line.ratios):
                if n != line.winner and found is not None:
                    assert found.low > 1 if lower else found.high < 1
    assert claimed >= 3


def test_shared_inputs_cancel_and_own_inputs_do_not(file: Path) -> None:
    """The same run on half the machines: its ranges overlap widely, its power is half for certain."""
    whole, half = made(file), made(file, "fewer")
    about = (scenarios_of(whole), scenarios_of(half))
    power = ratio(half, whole, "power_kw", about=about)
    high, low = half.results["power_kw"].high, whole.results["power_kw"].low
    assert power is not None
    assert high is not None
    assert low is not None
    assert high / low > 0.8
    assert (power.low, power.high) == pytest.approx((power.mid, power.mid), rel=0.05)
    apart = ratio(half, whole, "power_kw", about=(scenarios_of(half), scenarios_of(made(file, "older"))))
    assert apart is not None
    assert apart.high / apart.low > 1.5


@pytest.mark.parametrize("variant", ["fewer", "rented", "older"])
def test_the_range_of_a_ratio_is_that_of_drawing_shared_inputs_once(variant: str, file: Path) -> None:
    one, other = made(file), made(file, variant)
    about = (scenarios_of(one), scenarios_of(other))
    generator = np.random.Generator(np.random.PCG64(3))
    size = 200_000

    def drawn(effects: dict[str, tuple[float, float]], draws: dict[str, np.ndarray]) -> np.ndarray:
        logs = np.zeros(size)
        for name, (low, high) in effects.items():
            z = draws[name]
            logs += np.where(z > 0, np.log(high) * z, -np.log(low) * z)
        return np.exp(logs)

    for metric in ("days", "energy_kwh"):
        ours, theirs = dict(one.contributions[metric]), dict(other.contributions[metric])
        first = {name: generator.standard_normal(size) / Z80 for name in ours}
        second = {
            name: first[name] if name in first and alike(name, *about) else generator.standard_normal(size) / Z80
            for name in theirs
        }
        above, below = one.value(metric), other.value(metric)
        assert above is not None
        assert below is not None
        sampled = above / below * drawn(ours, first) / drawn(theirs, second)
        found = ratio(one, other, metric, about=about)
        assert found is not None
        low, high = np.quantile(sampled, [0.1, 0.9])
        assert found.low == pytest.approx(float(low), rel=0.05)
        assert found.high == pytest.approx(float(high), rel=0.05)


def test_a_ratio_turned_round_is_its_inverse(file: Path) -> None:
    one, other = made(file), made(file, "older")
    about = (scenarios_of(one), scenarios_of(other))
    there = ratio(one, other, "cost_total_usd", about=about)
    back = ratio(other, one, "cost_total_usd", about=(about[1], about[0]))
    assert there is not None
    assert back is not None
    assert (back.low, back.mid, back.high) == pytest.approx((1 / there.high, 1 / there.mid, 1 / there.low))


def test_a_scenario_is_level_with_itself(file: Path) -> None:
    same = compare([made(file), replace(made(file), name="again")])
    for line in same.lines:
        assert line.winner is None
        assert all(found is None or (found.low, found.high) == pytest.approx((1, 1)) for found in line.ratios)


def test_the_order_of_the_scenarios_changes_no_verdict(compared: Comparison) -> None:
    turned = compare([candidate.estimate for candidate in reversed(compared.candidates)])
    names = [candidate.name for candidate in compared.candidates]
    for line in compared.lines:
        other = turned.line(line.metric)
        assert other is not None
        here = names[line.winner] if line.winner is not None else None
        there = turned.candidates[other.winner].name if other.winner is not None else None
        assert here == there


def test_one_unknown_leaves_no_winner(file: Path) -> None:
    unknown = made(
        file, hardware__node="p5.48xlarge", hardware__term="reserved-3y", hardware__facility="gcp-us-central1"
    )
    unpriced = replace(
        unknown, results={**unknown.results, "cost_total_usd": Result("cost_total_usd", None, None, None)}
    )
    line = compare([made(file), made(file, "rented"), unpriced]).line("cost_total_usd")
    assert line is not None
    assert line.unknown == (2,)
    assert line.best is not None
    assert line.winner is None


def test_nobody_is_ahead_in_totals_where_the_work_differs(file: Path) -> None:
    found = compare([made(file), made(file, "longer")])
    cost, power = found.line("cost_total_usd"), found.line("cost_per_million_tokens_usd")
    assert cost is not None
    assert power is not None
    assert (cost.best, found.break_evens, found.front) == (None, (), None)
    assert power.best is not None
    assert "different work" in found.notes[0]


def test_inputs_are_alike_only_where_what_decides_them_is(file: Path) -> None:
    base, older, rented = (scenarios_of(made(file, variant)) for variant in (None, "older", "rented"))
    assert alike("grid carbon", base, older)
    assert not alike("node price", base, older)
    assert not alike("step time", base, older)
    assert alike("step time", base, rented)  # other nodes, the same accelerator, software and model
    assert not alike("an input nobody listed", base, rented)
    elsewhere = scenarios_of(made(file, hardware__facility="aws-eu-west-1"))
    assert not alike("grid carbon", base, elsewhere)
    assert alike("restart", base, elsewhere)


def break_even(found: Comparison, kind: str, of: int, against: int) -> BreakEven:
    (one,) = [b for b in found.break_evens if (b.kind, b.of, b.against) == (kind, of, against)]
    return one


def total(found: Estimate) -> float:
    value = found.value("cost_total_usd")
    assert value is not None
    return value


def test_at_the_break_even_price_a_new_estimate_costs_the_same(compared: Comparison, file: Path) -> None:
    rent = break_even(compared, "node-hour price", 1, 0)
    assert rent.value is not None
    anew = made(file, "rented", hardware__price=f"{rent.value:.9f} USD/h")
    assert total(anew) == pytest.approx(total(made(file)), rel=1e-6)
    assert rent.now == pytest.approx(55.04)
    dearer, cheaper = sorted((0, 3), key=lambda n: -total(compared.candidates[n].estimate))
    price = break_even(compared, "node price", dearer, cheaper)
    assert price.value is not None
    variant = "older" if dearer == 3 else None
    anew = made(file, variant, hardware__ownership=f"{{price: {price.value:.6f} USD}}")
    assert total(anew) == pytest.approx(total(compared.candidates[cheaper].estimate), rel=1e-6)


def test_at_the_break_even_utilisation_owning_costs_what_renting_does(compared: Comparison, file: Path) -> None:
    found = break_even(compared, "utilisation", 0, 1)
    assert found.value is not None
    assert 0 < found.value < 1
    anew = made(file, hardware__ownership=f"{{utilisation: {found.value:.9f}}}")
    assert total(anew) == pytest.approx(total(made(file, "rented")), rel=1e-6)
    tokens = break_even(compared, "tokens a month", 0, 1)
    assert tokens.value is not None
    # That many tokens at a full month's rate are that share of a month.
    days = anew.value("days")
    assert days is not None
    assert tokens.value / 100e9 * days / (730 / 24) == pytest.approx(found.value, rel=1e-6)


def test_after_the_months_owned_the_purchase_is_paid_back(compared: Comparison, file: Path) -> None:
    """Money out by the calendar: the purchase, upkeep and electricity on one side, rent on the other."""
    found = break_even(compared, "months owned", 0, 1)
    own, rented = made(file), made(file, "rented")
    cost, days, capital = own.breakdown("cost"), own.value("days"), own.value("capital_usd")
    assert found.value is not None
    assert cost is not None
    assert days is not None
    assert capital is not None
    parts = {part.key: part.value for part in cost.parts}
    share = BOOKS.defaults.utilisation.mid
    runs = found.value * 730 / 24 * share / days
    upkeep_per_month = capital * BOOKS.defaults.upkeep.mid / 12
    spent = capital + upkeep_per_month * found.value + parts["electricity"] * runs
    assert spent == pytest.approx(total(rented) * runs, rel=1e-6)


FIXED = {"residual": "0.1", "utilisation": "0.8", "upkeep": "0.1", "electricity": "0.08 USD/kWh", "price": "300000 USD"}


def bought(file: Path, **changed: str) -> Estimate:
    """The run on machines of which nothing is uncertain but what is changed, as for power: no energy is drawn."""
    said = ", ".join(f"{key}: {value}" for key, value in {**FIXED, **changed}.items())
    return made(file, hardware__ownership=f"{{{said}}}")


@pytest.mark.parametrize("kind", ["utilisation", "tokens a month", "months owned", "node price"])
@pytest.mark.parametrize(
    ("name", "low", "mid", "high"),
    [
        ("residual", "0.0", "0.1", "0.3"),
        ("upkeep", "0.05", "0.1", "0.2"),
        ("price", "250000 USD", "300000 USD", "400000 USD"),
        ("utilisation", "0.6", "0.8", "0.9"),
    ],
)
def test_a_break_even_ranges_over_what_estimates_made_anew_at_the_ends_give(
    file: Path, kind: str, name: str, low: str, mid: str, high: str
) -> None:
    rent = "8 USD/h" if kind == "node price" else "55.04 USD/h"
    rented = made(file, "rented", hardware__price=rent)

    def found(own: Estimate, share: str) -> BreakEven:
        return break_even(compare([own, rented], [float(share), None]), kind, 0, 1)

    fixed = found(bought(file), FIXED["utilisation"])
    wide = found(bought(file, **{name: f"{{low: {low}, mid: {mid}, high: {high}}}"}), FIXED["utilisation"])
    ends = [found(bought(file, **{name: end}), end if name == "utilisation" else "0.8").value for end in (low, high)]
    values = [fixed.value, fixed.low, fixed.high, wide.value, wide.low, wide.high, *ends]
    assert all(value is not None for value in values)
    middle, near, far, same, least, most, *anew = [value or 0.0 for value in values]
    assert same == pytest.approx(middle)
    # Other inputs widen both alike: what this one adds are the squares of what it does alone.
    down, up = (sorted(math.log(value / middle) for value in anew)[n] for n in (0, -1))
    assert math.log(least / middle) ** 2 - math.log(near / middle) ** 2 == pytest.approx(min(down, 0.0) ** 2, abs=1e-6)
    assert math.log(most / middle) ** 2 - math.log(far / middle) ** 2 == pytest.approx(max(up, 0.0) ** 2, abs=1e-6)


def test_a_break_even_between_runs_that_share_all_but_a_known_price_is_sure(file: Path) -> None:
    one, other = (made(file, "rented", hardware__price=price) for price in ("50 USD/h", "60 USD/h"))
    found = break_even(compare([one, other]), "node-hour price", 1, 0)
    assert (found.value, found.low, found.high) == (pytest.approx(50.0), pytest.approx(50.0), pytest.approx(50.0))


def test_a_break_even_that_may_never_come_has_no_upper_end(file: Path) -> None:
    own = bought(file, price="{low: 100000 USD, mid: 400000 USD, high: 4000000 USD}", upkeep="0.5")
    found = break_even(compare([own, made(file, "rented")], [0.8, None]), "months owned", 0, 1)
    assert found.value is not None
    assert found.high == math.inf


def test_a_run_that_renting_always_beats_never_breaks_even(file: Path) -> None:
    cheap = made(file, "rented", hardware__price="0.0001 USD/h")
    own = BOOKS.defaults.utilisation.mid
    found = compare([made(file), cheap], [own, None])
    assert {b.kind: b.value for b in found.break_evens if b.of == 0} == {
        "node price": None,
        "utilisation": None,
        "tokens a month": None,
        "months owned": None,
    }


def test_the_front_holds_those_and_only_those_that_nobody_beats(compared: Comparison) -> None:
    front = compared.front
    assert front is not None
    points = [[c.estimate.value(metric) or 0.0 for metric in front.metrics] for c in compared.candidates]
    for n, point in enumerate(points):
        beaten = [
            m
            for m, other in enumerate(points)
            if all(a <= b for a, b in zip(other, point, strict=True)) and other != point
        ]
        assert (n in front.on) == (not beaten)
        if beaten:
            assert front.beaten[n] in beaten
    assert front_of([compared.candidates[0].estimate]) is None


def test_the_nodes_of_a_place_share_the_place_and_no_price(tmp_path: Path) -> None:
    path = tmp_path / "place.yaml"
    nodes = "workload: {kind: capacity, term: owned, nodes: [dgx-h100, dgx-h200]}\nplace: {nodes: 2}\n"
    path.write_text("schema: planner/scenario/v1\nname: place\n" + nodes)
    one, other = map(scenarios_of, parts_of(estimate(read_scenario(path), BOOKS)).values())
    assert alike("PUE", one, one)
    assert alike("residual", one, other)
    assert not alike("node price", one, other)
    assert not alike("rated power", one, other)
