"""A search over machines, formats and layouts finds what a loop over single estimates finds."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from planner.errors import InfeasibleError
from planner.planning.books import Books
from planner.planning.serving import estimate_serving
from planner.planning.serving_search import Choice, ServiceSearch, search_services
from planner.scenario.resolve import read_scenario
from tests.conftest import ROOT, Planner

pytestmark = pytest.mark.unmeasured

CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"
NODES = ("g6e.xlarge", "g5.12xlarge", "inf2.24xlarge")
BOOKS = Books()


@cache
def searched(minimise: str = "cost") -> ServiceSearch:
    return search_services(read_scenario(CHAT), BOOKS, minimise=minimise, nodes=NODES, top=500)


def alone(choice: Choice, **changes: str) -> dict[str, float | None]:
    told = {"hardware.node": choice.node, **changes}
    if choice.weights not in ("bf16", "fp16"):
        told["workload.precision.weights"] = choice.weights
    found = estimate_serving(read_scenario(CHAT, changes=told), BOOKS)
    return {name: result.mid for name, result in found.results.items()}


def degrees(choice: Choice) -> str:
    layout = choice.layout
    return f"{{tensor: {layout.tensor}, pipeline: {layout.pipeline}}}"


def test_every_row_is_what_a_single_estimate_of_it_says_to_the_last_bit() -> None:
    both = searched().top
    rows = [row for pooled in (True, False) for row in [one for one in both if bool(one.prefill) is pooled][::31]]
    assert {bool(choice.prefill) for choice in rows} == {True, False}
    for choice in rows:
        found = alone(choice, layout=degrees(choice), **pools(choice))
        assert found["replicas"] == choice.replicas
        assert found["nodes"] == choice.nodes
        assert {name for name in choice.results if "cost" in name or "million" in name} >= {
            "cost_per_hour_usd",
            *(f"cost_per_million_{kind}tokens_usd" for kind in ("", "input_", "output_")),
        }
        for metric in choice.results:
            if metric not in ("energy_kwh", "carbon_kg"):  # of an hour there, of the scenario's time here
                assert found[metric] == pytest.approx(choice.results[metric], rel=1e-12), metric
        for metric in ("ttft_ms", "tpot_ms", "ttft_p90_ms", "tpot_p90_ms"):
            assert found[metric] == choice.results[metric], metric


def test_of_choices_that_cost_the_same_and_keep_as_many_accelerators_busy_requests_end_soonest_in_the_first() -> None:
    alike: dict[tuple[float | None, int, int, str], list[float]] = {}
    for choice in searched().top:
        if not choice.prefill:
            took = (choice.results["ttft_ms"] or 0.0) + 199 * (choice.results["tpot_ms"] or 0.0)
            key = (
                choice.results["cost_per_hour_usd"],
                choice.accelerators,
                choice.replicas,
                choice.node + choice.weights,
            )
            alike.setdefault(key, []).append(took)
    ties = [times for times in alike.values() if len(times) > 1]
    assert ties
    for times in ties:
        assert times == sorted(times)


def pools(choice: Choice) -> dict[str, str]:
    if not choice.prefill:
        return {}
    return {"disaggregation": f"{{prefill: {choice.prefill}, decode: {choice.decode}}}"}


def test_no_pair_of_pools_with_one_replica_less_keeps_the_objectives() -> None:
    apart = next(choice for choice in searched().top if choice.prefill and choice.replicas > 4)
    for prefill, decode in ((apart.prefill - 1, apart.decode), (apart.prefill, apart.decode - 1)):
        if not prefill or not decode:
            continue
        fewer = f"{{prefill: {prefill}, decode: {decode}}}"
        try:
            e = alone(apart, layout=degrees(apart), disaggregation=fewer)
        except InfeasibleError:
            continue
        assert max((e["ttft_p99_ms"] or 0.0) / 2000.0, (e["tpot_p90_ms"] or 0.0) / 60.0) > 1.0


def test_the_best_of_a_machine_costs_what_its_own_estimate_finds() -> None:
    for node in NODES:
        own = [c for c in searched().top if c.node == node and not c.prefill]
        best = min(own, key=lambda c: c.results["cost_per_hour_usd"] or 0.0)
        costs = []
        for weights in ("bf16", "fp8", "int8", "int4"):
            changes = {} if weights == "bf16" else {"workload.precision.weights": weights}
            try:
                e = estimate_serving(read_scenario(CHAT, changes={"hardware.node": node, **changes}), BOOKS)
            except InfeasibleError:
                continue
            cost = e.value("cost_per_hour_usd")
            assert cost is not None
            costs.append(cost)
        assert best.results["cost_per_hour_usd"] == pytest.approx(min(costs))


def test_no_engine_is_offered_a_format_that_it_does_not_keep() -> None:
    formats = {node: {choice.weights for choice in searched().top if choice.node == node} for node in NODES}
    assert formats["inf2.24xlarge"] == {"bf16", "fp8", "int8"}
    assert "int4" in formats["g5.12xlarge"]


@pytest.mark.parametrize("load", ["{clients: 100}", "{offline: true}", "{batch: 8}", "{stream: true}"])
def test_loads_that_are_no_rate_are_searched_by_what_a_token_costs(load: str) -> None:
    told = {"workload.load": load, "workload.objectives": "{}"}
    found = search_services(read_scenario(CHAT, changes=told), BOOKS, nodes=NODES[:2], top=500)
    costs = [choice.results["cost_per_million_tokens_usd"] or 0.0 for choice in found.top]
    assert costs == sorted(costs)
    for choice in found.top[:: len(found.top) // 3]:
        again = alone(choice, layout=degrees(choice), replicas=str(choice.replicas), **told)
        assert again["ttft_ms"] == choice.results["ttft_ms"]
        assert again["cost_per_million_tokens_usd"] == pytest.approx(costs[found.top.index(choice)], rel=1e-12)
    best = next(choice for choice in found.top if choice.weights == "fp8")
    own = alone(best, **told)
    assert own["cost_per_million_tokens_usd"] == pytest.approx(best.results["cost_per_million_tokens_usd"])


def test_the_best_choice_is_a_scenario_that_says_the_same(planner: Planner, tmp_path: Path) -> None:
    file = tmp_path / "best.yaml"
    done = planner("search", str(CHAT), "--nodes", "g6e.xlarge,g5.12xlarge", "--output", f"scenario={file}")
    assert done.returncode == 0, done.stderr
    e = estimate_serving(read_scenario(file), BOOKS)
    best = search_services(read_scenario(CHAT), BOOKS, nodes=NODES[:2], top=1).top[0]
    assert e.value("cost_per_hour_usd") == pytest.approx(best.results["cost_per_hour_usd"])
    assert e.value("ttft_ms") == best.results["ttft_ms"]


def test_what_is_minimised_comes_first_and_its_opposite_is_never_better() -> None:
    for minimise, metric in (("cost", "cost_per_hour_usd"), ("energy", "energy_kwh"), ("carbon", "carbon_kg")):
        values = [choice.results[metric] or 0.0 for choice in searched(minimise).top]
        assert values == sorted(values)


def test_fewer_machines_to_choose_from_never_cost_less() -> None:
    few = search_services(read_scenario(CHAT), BOOKS, nodes=NODES[1:], top=1)
    assert (few.top[0].results["cost_per_hour_usd"] or 0.0) >= (searched().top[0].results["cost_per_hour_usd"] or 0.0)


def test_the_command(planner: Planner) -> None:
    done = planner("search", str(CHAT), "--nodes", ",".join(NODES), "--output", "json=-")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {each["node"] for each in found["machines"]} == set(NODES)
    table = planner("search", str(CHAT), "--nodes", "g6e.xlarge")
    assert all(len(line) <= 80 for line in table.stdout.splitlines())
    assert planner("search", str(CHAT), "--deadline", "30d").returncode == 2
    assert planner("search", str(CHAT), "--minimise", "time").returncode == 2
    rows = planner("search", str(CHAT), "--nodes", "g6e.xlarge,g5.xlarge", "--output", "csv=-").stdout.splitlines()
    assert len({line.count(",") for line in rows}) == 1
    tight = planner("search", str(CHAT), "--nodes", "g5.xlarge", "--set", "workload.objectives.tpot_p90=1 ms")
    assert tight.returncode == 3
    assert "tpot_p90 of 1 ms is below what is possible" in tight.stderr
    assert "times as long" in tight.stderr, "by how much is told"
