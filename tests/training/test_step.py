"""A step's time against pipelines carried out task by task, and what its parts must be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.catalog.shape import ArchitectureSpec
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.planning.evaluate import Problem, evaluate, setting_of
from planner.planning.training_plan import layers_of
from planner.training.layer_time import layer_time
from planner.training.strategy import Strategy
from planner.workload.architecture import Architecture
from planner.workload.build import architecture
from tests.planning.problems import changed, machine, problem
from tests.training.schedules import Task, carry_out, interleaved, one_forward_one_backward, zero_bubble_1
from tests.training.strategies import one, strategy


def stack(layers: int, *, head: bool = False) -> Architecture:
    """Give a decoder whose layers are alike; without a head its stages are all but alike too."""
    text = f"""
hidden: 2048
vocabulary: {32_000 if head else 8}
layers: {layers}
attention: {{heads: 16}}
feed_forward: {{width: 8192, gated: true}}
{"" if head else "head: []"}
"""
    return architecture(typed(parse_yaml(text), ArchitectureSpec), "test")


def asked(layers: int, micro_batches: int, *, head: bool = False) -> Problem:
    return problem(stack(layers, head=head), global_batch=float(micro_batches))


def running_s(given: Problem, plan: Strategy) -> float:
    """Give the time of a step without sends, gradients, optimizer and what is fixed: what a schedule takes."""
    parts = evaluate(given, plan).step.parts
    outside = ("pipeline", "data", "optimizer", "fixed", "jitter", "offload", "sharded")
    return sum(float(np.ravel(value)[0]) for name, value in parts.items() if name not in outside)


def lookup_s(given: Problem, plan: Strategy) -> float:
    """Give the time of the first stage's token lookup in a step [s]."""
    return float(np.ravel(evaluate(given, plan).step.parts["head"])[0])


def tasks_of_layer(given: Problem, plan: Strategy) -> dict[str, float]:
    """Give the seconds of one layer's forward pass, input gradient and weight gradient."""
    layers = layers_of(
        given.architecture, sequences=plan.micro_batch, length=given.length, source_length=None, trained=True
    )
    time = layer_time(layers.uses[0], setting_of(given, plan))
    forward, backward, weight = (float(np.ravel(value)[0]) for value in (time.forward, time.backward, time.weight))
    return {"F": forward, "B": backward - weight, "W": weight}


def plan_of(stages: int, **said: float) -> Strategy:
    return strategy(accelerators=stages, pipeline=stages, **said)


@pytest.mark.parametrize(("stages", "micro_batches"), [(1, 4), (2, 3), (4, 4), (4, 32), (8, 24)])
def test_even_stages_take_what_one_forward_one_backward_takes(stages: int, micro_batches: int) -> None:
    given, plan = asked(16, micro_batches), plan_of(stages)
    seconds = tasks_of_layer(given, plan)
    each = {"F": seconds["F"] * 16 / stages, "B": (seconds["B"] + seconds["W"]) * 16 / stages}
    outcome = carry_out(one_forward_one_backward(stages, micro_batches), lambda stage, kind: each[kind])
    assert running_s(given, plan) - lookup_s(given, plan) == pytest.approx(outcome.seconds, rel=1e-9)


@pytest.mark.parametrize(("stages", "micro_batches", "chunks"), [(2, 4, 2), (4, 8, 2), (4, 8, 4)])
def test_even_stages_take_what_the_interleaved_schedule_takes(stages: int, micro_batches: int, chunks: int) -> None:
    given, plan = asked(16, micro_batches), plan_of(stages, interleave=chunks)
    seconds = tasks_of_layer(given, plan)
    share = 16 / (stages * chunks)
    each = {"F": seconds["F"] * share, "B": (seconds["B"] + seconds["W"]) * share}
    orders = interleaved(stages, micro_batches, chunks)
    outcome = carry_out(orders, lambda stage, kind: each[kind], chunks=chunks)
    assert running_s(given, plan) - lookup_s(given, plan) == pytest.approx(outcome.seconds, rel=1e-9)


@pytest.mark.parametrize(("stages", "micro_batches"), [(2, 8), (4, 1), (4, 2), (4, 12), (8, 5), (8, 24)])
def test_even_stages_take_what_zb_h1_takes(stages: int, micro_batches: int) -> None:
    given, plan = asked(16, micro_batches), plan_of(stages, schedule=1)
    seconds = tasks_of_layer(given, plan)
    each = {kind: value * 16 / stages for kind, value in seconds.items()}
    orders = zero_bubble_1(stages, micro_batches)
    outcome = carry_out(orders, lambda stage, kind: each[kind], weight_apart=True)
    assert running_s(given, plan) - lookup_s(given, plan) == pytest.approx(outcome.seconds, rel=1e-9)
    assert running_s(given, plan) < running_s(given, plan_of(stages))


@pytest.mark.parametrize("stages", [4, 8, 16])
def test_from_both_ends_less_is_waited_than_with_weight_gradients_put_off_once(stages: int) -> None:
    """DeepSeek-V3's report, table 2: (p/2 - 1)(F&B + B - 3 W), where F&B takes no less than F and B apart."""
    given = asked(2 * stages, 4 * stages)
    seconds = tasks_of_layer(given, plan_of(stages))
    forward, backward, weight = (2.0 * seconds[task] for task in ("F", "B", "W"))  # of a stage of two layers
    stated = (stages / 2 - 1) * ((forward + backward + weight) + (backward + weight) - 3.0 * weight)
    parts = evaluate(given, plan_of(stages, schedule=3)).step.parts
    assert float(np.ravel(parts["bubble"])[0]) == pytest.approx(stated, rel=0.02)
    assert running_s(given, plan_of(stages, schedule=3)) < running_s(given, plan_of(stages, schedule=1))


@pytest.mark.parametrize(("layers", "stages", "micro_batches"), [(18, 4, 8), (13, 3, 6), (21, 5, 40), (31, 8, 16)])
def test_uneven_stages_take_little_more_than_the_schedule_and_never_less(
    layers: int, stages: int, micro_batches: int
) -> None:
    given, plan = asked(layers, micro_batches), plan_of(stages)
    seconds = tasks_of_layer(given, plan)
    held = [(number + 1) * layers // stages - number * layers // stages for number in range(stages)]
    whole = {"F": seconds["F"], "B": seconds["B"] + seconds["W"]}
    orders = one_forward_one_backward(stages, micro_batches)
    outcome = carry_out(orders, lambda stage, kind: held[stage] * whole[kind])
    assert outcome.seconds <= running_s(given, plan) * (1 + 1e-9)
    assert running_s(given, plan) <= outcome.seconds * 1.05


def test_a_heavy_head_makes_its_stage_the_one_that_all_wait_for() -> None:
    with_head, without = asked(16, 32, head=True), asked(16, 32)
    alone = running_s(replace(with_head, global_batch=1.0), plan_of(1)) - running_s(
        replace(without, global_batch=1.0), plan_of(1)
    )
    slower = running_s(with_head, plan_of(4)) - running_s(without, plan_of(4))
    assert slower == pytest.approx(32 * alone, rel=0.01)


def test_interleaving_passes_each_micro_batch_as_often_as_there_are_chunks() -> None:
    given = asked(16, 8)
    parts = [evaluate(given, plan_of(4, interleave=chunks)).step.parts["pipeline"] for chunks in (1, 2, 4)]
    assert parts[1] == pytest.approx(2 * parts[0])
    assert parts[2] == pytest.approx(4 * parts[0])


def test_sharding_parameters_moves_them_three_times_a_micro_batch() -> None:
    # FSDP: gathered forward and backward, gradients scattered: 3 (n - 1)/n of the 16-bit weights.
    layers = 8
    given = asked(layers, 4 * 16, head=True)
    nothing_hidden = changed(given.efficiency, overlap_sharded=0.0, domain_latency_s=0.0, large_start_s=0.0)
    given = replace(given, efficiency=nothing_hidden)
    plan = strategy(accelerators=8, sharding=3)
    found = evaluate(replace(given, global_batch=8.0 * 5), plan).step
    bandwidth = float(machine("dgx-h100").domain_bandwidth_bytes_per_s[0]) * float(nothing_hidden.domain_bandwidth[0])
    once = 3.0 * 7.0 / 8.0 * 2.0 * given.architecture.parameters / bandwidth
    assert float(found.micro_batches[0]) == 5.0
    assert float(found.parts["sharded"][0]) == pytest.approx(5.0 * once, rel=1e-3)
    assert float(np.ravel(found.parts["data"])[0]) == 0.0


@pytest.mark.parametrize(("zero", "passes"), [(0, 2.0 * 4.0), (1, 4.0 + 2.0), (2, 4.0 * 3 + 2.0)])
def test_data_ranks_move_gradients_and_weights_once_a_step_or_once_a_micro_batch(zero: int, passes: float) -> None:
    # All-reduce of 32-bit gradients; scatter of gradients and gather of 16-bit weights; scatter after each micro-batch.
    given = asked(8, 8 * 3, head=True)
    shown = changed(given.efficiency, overlap_data=0.0, domain_latency_s=0.0, large_start_s=0.0)
    found = evaluate(replace(given, efficiency=shown), strategy(accelerators=8, sharding=zero)).step
    bandwidth = float(machine("dgx-h100").domain_bandwidth_bytes_per_s[0]) * float(shown.domain_bandwidth[0])
    exact = 7.0 / 8.0 * passes * given.architecture.parameters / bandwidth
    assert float(np.ravel(found.parts["data"])[0]) == pytest.approx(exact, rel=1e-6)


def test_groups_that_hold_a_copy_each_add_their_shards_up() -> None:
    given = asked(8, 64, head=True)
    shown = changed(given.efficiency, overlap_data=0.0, domain_latency_s=0.0, large_start_s=0.0, fabric_latency_s=0.0)
    given = replace(given, efficiency=shown)
    hybrid = evaluate(given, strategy(accelerators=64, sharding=3, sharding_group=8)).step
    whole = evaluate(given, strategy(accelerators=64, sharding=3)).step
    assert float(np.ravel(whole.parts["data"])[0]) == 0.0
    fabric = float(given.machine.fabric_bandwidth_bytes_per_s[0]) * float(shown.fabric_bandwidth[0])
    latency = 2.0 * 3.0 * float(given.machine.fabric_latency_s[0])  # three doublings, there and back
    exact = 2.0 * 7.0 / 8.0 * 2.0 * given.architecture.parameters / 8.0 / fabric + latency
    found = float(np.ravel(hybrid.parts["data"])[0])
    assert found == pytest.approx(exact, rel=1e-6)


def test_frozen_weights_have_no_weight_gradients_and_adapters_little_else() -> None:
    given = asked(8, 8, head=True)
    whole, frozen = (evaluate(replace(given, trained=trained), strategy()).step for trained in (True, False))
    matrix = [float(np.ravel(step.parts["matrix"])[0]) for step in (whole, frozen)]
    assert matrix[1] == pytest.approx(matrix[0] * 2.0 / 3.0, rel=0.05)


def test_activations_kept_on_the_host_cross_its_link_twice() -> None:
    given = asked(8, 3)
    away = evaluate(given, strategy(offload={"activations": 1.0})).step
    here = evaluate(given, strategy())
    kept = float(np.ravel(here.stages[0].activations)[0]) - 8.0 * given.length  # token numbers stay
    link = float(given.machine.host_link_bytes_per_s[0])
    assert float(np.ravel(away.parts["offload"])[0]) == pytest.approx(2.0 * 3.0 * kept / link, rel=1e-9)


def order_of(tasks: list[Task]) -> list[str]:
    return [kind for kind, _, _ in tasks]


def test_schedules_of_these_tests_are_those_of_the_papers() -> None:
    # Narayanan et al. 2021, figure 4: with four stages the last one alternates from its first micro-batch.
    first, *_, last = one_forward_one_backward(4, 8)
    assert order_of(first)[:5] == ["F", "F", "F", "F", "B"]
    assert order_of(last)[:4] == ["F", "B", "F", "B"]
    # Qi et al. 2023, figure 3: the last stage puts its first weight gradient off by three micro-batches.
    assert order_of(zero_bubble_1(4, 8)[3])[:9] == ["F", "B", "F", "B", "F", "B", "F", "B", "W"]
    assert one(1.0).shape == (1,)


def test_activations_in_32_bits_take_twice_the_memory_traffic_and_messages_twice_the_bytes() -> None:
    usual = asked(8, 8, head=True)
    quiet = changed(usual.efficiency, domain_latency_s=0.0, large_start_s=0.0, fabric_latency_s=0.0)
    usual = replace(usual, efficiency=quiet, machine=changed(usual.machine, fabric_latency_s=0.0))
    rules = replace(usual.rules, implementation=replace(usual.rules.implementation, element_bytes=4.0))
    wide = replace(usual, rules=rules)
    plan = strategy(accelerators=8, tensor=4, pipeline=2, sequence_parallel=1)
    narrow_parts, wide_parts = (evaluate(given, plan).step.parts for given in (usual, wide))
    for name in ("streaming", "tensor", "pipeline"):
        assert float(np.ravel(wide_parts[name])[0]) == pytest.approx(2.0 * float(np.ravel(narrow_parts[name])[0]))
