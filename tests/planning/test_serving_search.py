"""A search over machines, formats and layouts finds what a loop over single estimates finds."""

from __future__ import annotations

import json
from functools import cache

import pytest

from planner.errors import InfeasibleError
from planner.planning.books import Books
from planner.planning.serving import estimate_serving
from planner.planning.serving_search import Choice, ServiceSearch, search_services
from planner.scenario.resolve import read_scenario
from tests.conftest import ROOT, Planner

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


def test_every_row_is_what_a_single_estimate_of_it_says() -> None:
    for choice in searched().top[::23]:
        found = alone(choice, layout=degrees(choice))
        assert found["replicas"] == choice.replicas
        assert found["nodes"] == choice.nodes
        for metric in ("cost_per_hour_usd", "ttft_ms", "tpot_ms", "energy_per_million_tokens_kwh"):
            assert found[metric] == pytest.approx(choice.results[metric], rel=1e-6), metric


def test_the_best_of_a_machine_costs_what_its_own_estimate_finds() -> None:
    for node in NODES:
        best = min((c for c in searched().top if c.node == node), key=lambda c: c.results["cost_per_hour_usd"] or 0.0)
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
    assert planner("search", str(CHAT), "--set", "workload.load={offline: true}").returncode == 2
    tight = planner("search", str(CHAT), "--nodes", "g5.xlarge", "--set", "workload.objectives.tpot_p90=1 ms")
    assert tight.returncode == 3
    assert "nothing serves the demand" in tight.stderr
