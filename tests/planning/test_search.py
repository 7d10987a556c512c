"""The search over strategies: the numbers of single estimates, the best of an exhaustive loop, what must not matter."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from planner.errors import InfeasibleError, InputError
from planner.planning import search_block, search_run
from planner.planning.estimate import Estimate
from planner.planning.ledger import Ledger
from planner.planning.search import Request, search
from planner.planning.search_fastest import fastest
from planner.planning.search_result import Candidate, SearchResult
from planner.planning.search_scenario import scenario_of
from planner.planning.training import estimate_training
from planner.planning.training_inputs import ground_of, wanted_of
from planner.scenario.hardware import HardwareChoice
from planner.scenario.training_run import OffloadChoice, Parallelism, RecomputeChoice, TrainingRun
from tests.planning.searches import BOOKS, DENSE, EXPERTS, LARGE, one_by_one, scenario, searched

pytestmark = pytest.mark.unmeasured

EXACT = (
    "step_time_s",
    "mfu",
    "days",
    "cost_total_usd",
    "energy_kwh",
    "carbon_kg",
    "facility_power_kw",
    "peak_memory_gb",
)


FEW = ("offload", "context", "embedding_and_head_are_layers")  # left alone where every choice would only take time


def alone(text: str, found: Candidate) -> Estimate:
    """Give the ordinary estimate of a strategy that a search found."""
    machines = HardwareChoice(node=found.node, accelerators=found.accelerators)
    return estimate_training(scenario_of(scenario(text), machines, found), BOOKS)


@pytest.mark.parametrize("text", [DENSE, EXPERTS, LARGE], ids=["dense", "experts", "large"])
def test_one_estimate_and_its_row_of_a_search_agree_to_the_last_bit(text: str) -> None:
    accelerators = (96,) if text is LARGE else (16,)
    found = searched(text, Request(nodes=("p5.48xlarge", "trn1.32xlarge"), accelerators=accelerators, top=100))
    chosen = [*found.front, *found.top[::20], *(m.best for m in found.machines if m.best), found.winner]
    assert len(chosen) > 5
    for each in chosen:
        estimate = alone(text, each)
        assert {name: each.results[name] for name in EXACT} == {name: estimate.value(name) for name in EXACT}
    assert found.estimate.value("cost_total_usd") == found.winner.results["cost_total_usd"]


def test_rows_of_every_part_of_a_search_agree_with_estimates() -> None:
    kinds = {
        "offload": Request(kept=("sharding", "recompute"), minimise="energy"),
        "schedules": Request(kept=("tensor", "offload"), minimise="time"),
        "experts": Request(kept=("tensor", "pipeline"), minimise="carbon"),
    }
    for name, request in kinds.items():
        found = searched(EXPERTS, replace(request, top=1000, nodes=("p5.48xlarge",), accelerators=(16,)))
        assert found.winner == found.top[0]
        for each in found.top[:: max(1, len(found.top) // 3)]:
            estimate = alone(EXPERTS, each)
            assert {key: each.results[key] for key in EXACT} == {key: estimate.value(key) for key in EXACT}, name


@pytest.mark.parametrize("minimise", ["time", "cost", "energy"])
@pytest.mark.parametrize(
    ("text", "kept", "degrees"),
    [
        (
            DENSE,
            ("context", "embedding_and_head_are_layers", "schedule"),
            {
                "tensor": ["1", "2"],
                "pipeline": ["1", "2"],
                "micro_batch": ["1", "2"],
                "interleave": ["1", "16"],
            },
        ),
        (
            EXPERTS,
            ("context", "pipeline", "schedule", "interleave"),
            {"tensor": ["1", "4"], "expert": ["1", "8"], "expert_tensor": ["1", "4"], "micro_batch": ["1", "4"]},
        ),
    ],
    ids=["dense", "experts"],
)
def test_the_best_is_that_of_trying_every_strategy_by_itself(
    text: str, kept: tuple[str, ...], degrees: dict[str, list[str]], minimise: str, every: dict[str, list[object]]
) -> None:
    name = "dense" if text is DENSE else "experts"
    if name not in every:
        degrees = {**degrees, "sharding": ["zero-1", "zero-3"]}
        tried = one_by_one(text, degrees, ["none", "full"], ["{}"], [16])
        every[name] = [estimate for _, estimate in tried if estimate is not None]
    metric = {"time": "days", "cost": "cost_total_usd", "energy": "energy_kwh"}[minimise]
    request = Request(minimise=minimise, nodes=("p5.48xlarge",), accelerators=(16,), kept=kept)
    found = searched(text, request)
    best = min(estimate.value(metric) for estimate in every[name])
    # The search tries all that the loop does and more.
    assert found.winner.results[metric] <= best
    beaten = found.winner.results[metric] < best
    said = found.winner.parallelism
    inside_loop = (
        all(str(getattr(said, key)) in values for key, values in degrees.items())
        and said.sharding in ("zero-1", "zero-3")
        and said.sharding_group is None
        and found.winner.recompute in ("none", "full")
        and found.winner.offload == OffloadChoice()
    )
    assert beaten != inside_loop


@pytest.fixture(scope="module")
def every() -> dict[str, list[object]]:
    """Estimates of every strategy of the loops above, made once."""
    return {}


def test_the_front_is_that_of_comparing_every_strategy_with_every_other() -> None:
    kept = ("context", "tensor", "micro_batch", "interleave", "schedule", "embedding_and_head_are_layers", "recompute")
    found = searched(DENSE, Request(nodes=("p5.48xlarge",), accelerators=(8,), kept=kept, top=100_000))
    assert found.fit == len(found.top) > 10
    rows = [(c.results["days"], c.results["cost_total_usd"], c.results["energy_kwh"]) for c in found.top]
    unbeaten = {
        row
        for row in rows
        if not any(other != row and all(a <= b for a, b in zip(other, row, strict=True)) for other in rows)
    }
    assert {(c.results["days"], c.results["cost_total_usd"], c.results["energy_kwh"]) for c in found.front} == unbeaten
    assert rows == sorted(rows, key=lambda row: row[1])


def told(found: SearchResult) -> object:
    """Give all that a search says, but the estimate."""
    return replace(found, estimate=None)


@pytest.mark.parametrize(("terms", "whole"), [(1 << 12, 1 << 12), (1 << 20, 1 << 20)])
def test_how_a_search_is_cut_into_blocks_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, terms: int, whole: int
) -> None:
    request = Request(nodes=("p5.48xlarge", "trn1.32xlarge"), accelerators=(16,), top=50)
    before = searched(DENSE, request)
    monkeypatch.setattr(search_run, "_TERMS_AT_ONCE", terms)
    monkeypatch.setattr(search_block, "WHOLE_AT_ONCE", whole)
    assert told(searched(DENSE, request)) == told(before)


def value(found: SearchResult) -> float:
    result = found.winner.value(found.minimise)
    assert result is not None
    return result


@pytest.mark.parametrize("minimise", ["time", "cost"])
def test_one_more_machine_never_makes_the_best_worse(minimise: str) -> None:
    names = ("p4d.24xlarge", "trn1.32xlarge", "p5.48xlarge", "p6-b200.48xlarge")
    best = float("inf")
    for count in range(1, len(names) + 1):
        now = value(searched(DENSE, Request(minimise=minimise, nodes=names[:count], accelerators=(16,), kept=FEW)))
        assert now <= best
        best = now


def test_more_to_choose_from_never_makes_the_best_worse() -> None:
    eight = Request(nodes=("p4d.24xlarge",), accelerators=(8,))
    few = value(searched(DENSE, replace(eight, kept=("recompute", "offload", "schedule"))))
    usual = value(searched(DENSE, eight))
    wide = value(searched(DENSE, replace(eight, wide=True)))
    assert wide <= usual <= few


@pytest.mark.parametrize("minimise", ["time", "cost"])
def test_looser_limits_never_make_the_best_worse_and_every_strategy_keeps_them(minimise: str) -> None:
    nodes, sizes = ("p4d.24xlarge", "p5.48xlarge"), (8,)
    free = searched(DENSE, Request(minimise=minimise, nodes=nodes, accelerators=sizes))
    cost, days = free.winner.results["cost_total_usd"], free.winner.results["days"]
    assert cost is not None
    assert days is not None
    best, within = float("inf"), 0
    for factor in (0.4, 1.0, 1.5):
        limits = {"budget_usd": cost * 1.3 * factor, "deadline_days": days * factor}
        request = Request(minimise=minimise, nodes=nodes, accelerators=sizes, **limits)
        try:
            found = searched(DENSE, request)
        except InfeasibleError:
            assert best == float("inf")
            continue
        assert value(found) <= best
        assert found.within >= within
        best, within = value(found), found.within
        for each in (*found.front, *found.top):
            assert each.results["cost_total_usd"] <= request.budget_usd
            assert each.results["days"] <= request.deadline_days
    assert best == value(free)
    assert within <= free.within


def test_power_is_a_limit_too() -> None:
    free = searched(DENSE, Request(minimise="time", nodes=("p5.48xlarge",), accelerators=(8, 16, 32)))
    limit = free.winner.results["facility_power_kw"] * 0.6
    tight = searched(DENSE, Request(minimise="time", nodes=("p5.48xlarge",), accelerators=(8, 16, 32), power_kw=limit))
    assert tight.winner.results["facility_power_kw"] <= limit
    assert tight.winner.results["days"] > free.winner.results["days"]


def ground(text: str, **changes: str) -> tuple[TrainingRun, object]:
    resolved = scenario(text, **changes)
    run, ledger = resolved.document, Ledger(BOOKS.catalog)
    assert isinstance(run, TrainingRun)
    return run, ground_of(run, wanted_of(run, resolved.tree, BOOKS, ledger), resolved.tree, BOOKS, ledger)


@pytest.mark.parametrize("text", [DENSE, EXPERTS, LARGE], ids=["dense", "experts", "large"])
def test_more_device_memory_is_never_less_feasible_nor_slower(text: str) -> None:
    _, here = ground(text)
    before = float("inf")
    for gibibytes in (24, 80, 288):
        machine = replace(here.problem.machine, memory_bytes=np.array([gibibytes * 2.0**30]))
        roomy = replace(here, problem=replace(here.problem, machine=machine))
        try:
            run = fastest(roomy, Ledger(BOOKS.catalog))
        except InfeasibleError:
            assert before == float("inf")
            continue
        seconds = seconds_of(text, run)
        assert seconds <= before
        before = seconds
    assert before < float("inf")


def seconds_of(text: str, run: TrainingRun) -> float:
    """Give the time of a step of a run on a machine with all the memory it wants."""
    resolved = replace(scenario(text), document=run)
    roomy = ground(text)[1]
    from planner.planning.evaluate import evaluate
    from planner.planning.training_plan import strategy_of

    assert isinstance(run.parallelism, Parallelism)
    strategy = strategy_of(run, run.parallelism, accelerators=roomy.accelerators)
    assert resolved.document is run
    return float(np.ravel(evaluate(roomy.problem, strategy).step.total)[0])


def test_auto_finds_what_a_search_for_the_shortest_step_finds() -> None:
    run, here = ground(LARGE)
    chosen = fastest(here, Ledger(BOOKS.catalog))
    request = Request(minimise="time", nodes=("p4de.24xlarge",), accelerators=(96,), kept=("offload",))
    found = searched(LARGE, request)
    assert seconds_of(LARGE, chosen) <= found.winner.results["step_time_s"]
    assert isinstance(run.parallelism, Parallelism)


def test_what_fits_nowhere_says_how_much_the_smallest_plan_needs() -> None:
    _, here = ground(LARGE, hardware__accelerators="8", workload__global_batch="8 sequences")
    with pytest.raises(InfeasibleError) as raised:
        fastest(here, Ledger(BOOKS.catalog))
    fault = raised.value.faults[0]
    assert fault.id == "does-not-fit"
    needed = float(fault.message.rpartition("needs ")[2].split(" GiB")[0].replace(",", ""))
    assert needed * 2.0**30 > float(here.problem.machine.memory_bytes[0])


def test_a_batch_that_no_accelerators_divide_is_refused() -> None:
    _, here = ground(DENSE, hardware__accelerators="104", workload__global_batch="7 sequences")
    with pytest.raises(InfeasibleError) as raised:
        fastest(here, Ledger(BOOKS.catalog))
    assert raised.value.faults[0].id == "no-strategy"


def test_auto_keeps_to_what_the_run_offloads() -> None:
    # Weights and gradients of 13 G parameters alone are more than four accelerators' memory leaves room for.
    four = {
        "workload__model": "llama-2-13b",
        "workload__sequence_length": "2048",
        "workload__global_batch": "16 sequences",
        "hardware__node": "a2-highgpu-4g",
        "hardware__accelerators": "4",
    }
    with pytest.raises(InfeasibleError):
        fastest(ground(DENSE, **four)[1], Ledger(BOOKS.catalog))
    away = "{optimizer: host, gradients: host}"
    run = fastest(ground(DENSE, **four, offload=away)[1], Ledger(BOOKS.catalog))
    assert run.offload == OffloadChoice(optimizer="host", gradients="host")
    assert isinstance(run.parallelism, Parallelism)


@pytest.mark.parametrize(
    ("said", "kept"), [("full", "full"), ("{modules: [norms]}", RecomputeChoice(modules=("norms",))), ("none", "none")]
)
def test_auto_keeps_to_what_the_run_recomputes(said: str, kept: object) -> None:
    assert fastest(ground(DENSE, recompute=said)[1], Ledger(BOOKS.catalog)).recompute == kept


@pytest.mark.parametrize(
    ("kept", "parallelism"),
    [
        (("tensor", "sharding"), "{tensor: 4, sharding: zero-3}"),
        (("pipeline", "interleave", "schedule"), "{pipeline: 4, schedule: zb-h1}"),
        (("micro_batch", "sharding"), "{micro_batch: 2, sharding: zero-3, sharding_group: 4}"),
    ],
)
def test_what_is_kept_is_as_the_scenario_has_it(kept: tuple[str, ...], parallelism: str) -> None:
    found = searched(DENSE, Request(nodes=("p5.48xlarge",), kept=kept), parallelism=parallelism)
    said = scenario(DENSE, parallelism=parallelism).document.parallelism
    for each in (found.winner, *found.top, *found.front):
        for name in kept:
            assert getattr(each.parallelism, name) == getattr(said, name)


def test_every_change_to_the_winner_is_one_change_and_is_what_an_estimate_says() -> None:
    found = searched(EXPERTS, Request(nodes=("p5.48xlarge",)))
    axes = {change.axis for change in found.changes}
    assert {"accelerators", "tensor", "micro-batch", "sharding", "recompute", "offload"} <= axes
    checked = 0
    for change in found.changes:
        assert bool(change.results) != bool(change.why_not)
        if change.axis in ("tensor", "micro-batch", "expert") and change.results:
            key = change.axis.replace("-", "_")
            parallelism = found.winner.parallelism.model_copy(update={key: int(change.after)})
            if found.winner.parallelism.expert_tensor > 1:
                continue
            estimate = alone(EXPERTS, replace(found.winner, parallelism=parallelism))
            assert estimate.value("days") == change.results["days"]
            assert estimate.value("cost_total_usd") == change.results["cost_total_usd"]
            checked += 1
    assert checked
    assert all(change.results["cost_total_usd"] >= value(found) for change in found.changes if change.results)


def test_losers_say_why() -> None:
    nodes = ("p5.48xlarge", "p4d.24xlarge", "g5.xlarge", "p3dn.24xlarge", "trn2.48xlarge", "p5.4xlarge")
    found = searched(LARGE, Request(nodes=nodes, accelerators=(96,), deadline_days=200.0))
    reasons = {machine.node: machine.reason for machine in found.machines}
    assert reasons.pop(found.winner.node) == ""
    assert reasons["trn2.48xlarge"].startswith("no price is known")
    assert "has no matrix products in bf16" in reasons["p3dn.24xlarge"]
    assert all(reasons.values())
    assert any("too slow by" in reason for reason in reasons.values())


def test_what_does_not_fit_says_by_how_much() -> None:
    request = Request(nodes=("p5.48xlarge", "g6.12xlarge"), accelerators=(96,), kept=("offload",), minimise="time")
    found = searched(LARGE, request, workload__precision="{compute: bf16, optimizer: fp32}")
    (small,) = [machine for machine in found.machines if machine.node == "g6.12xlarge"]
    assert small.reason.startswith("does not fit by")
    assert small.best is None
    assert small.valid > 0 == small.fit


def test_nothing_inside_the_limits_says_what_comes_nearest() -> None:
    with pytest.raises(InfeasibleError) as raised:
        searched(DENSE, Request(nodes=("p5.48xlarge",), deadline_days=0.01))
    assert "too slow by" in raised.value.faults[0].message


def test_only_training_runs_are_searched() -> None:
    text = "schema: planner/scenario/v1\nname: a\nworkload: {kind: capacity}\nplace: {nodes: 1}\n"
    with pytest.raises(InputError) as raised:
        search(scenario(text), BOOKS, Request())
    assert raised.value.faults[0].id == "search-kind"


def test_machines_of_another_kind_run_another_framework_in_their_own_place() -> None:
    found = searched(
        DENSE, Request(nodes=("p5.48xlarge", "trn1.32xlarge", "nd96isr_h100_v5"), accelerators=(16,), minimise="time")
    )
    frameworks = {machine.node: machine.best.framework for machine in found.machines if machine.best}
    assert frameworks["trn1.32xlarge"] == "neuron"
    assert frameworks["nd96isr_h100_v5"] == frameworks["p5.48xlarge"] == "megatron-core"


def test_every_pair_of_machines_is_ranked_as_alone() -> None:
    names = ("p4d.24xlarge", "p5.48xlarge", "trn1.32xlarge")
    together = searched(DENSE, Request(nodes=names, accelerators=(16,), kept=FEW))
    both = {m.node: m.best.results["cost_total_usd"] for m in together.machines if m.best}
    by_itself = {name: value(searched(DENSE, Request(nodes=(name,), accelerators=(16,), kept=FEW))) for name in names}
    assert both == by_itself
    assert [m.node for m in together.machines] == sorted(names, key=lambda name: by_itself[name])
    assert list(itertools.pairwise(sorted(by_itself.values())))
