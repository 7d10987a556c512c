"""What must hold of every plan: any registered model, on any registered machine, spread in any way."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from planner.hardware.machine import Machine
from planner.planning.evaluate import Evaluation, Problem, evaluate, memory_by_stage
from planner.training.step import CAUSES
from planner.training.strategy import Strategy
from planner.workload.architecture import Architecture
from planner.workload.flops import Masking, training_flops
from tests.planning.problems import CLUSTERS, MODELS, changed, machine, model, problem
from tests.training.strategies import one, strategy

pytestmark = pytest.mark.unmeasured

SLACK = 1 + 1e-9  # sums of some hundred terms
MODULES = ("attention", "norms", "activation", "feed_forward", "latent")


class Plan:
    """A problem and a strategy that fits it."""

    def __init__(self, problem: Problem, strategy: Strategy) -> None:
        self.problem, self.strategy = problem, strategy

    def __repr__(self) -> str:
        degrees = {f.name: getattr(self.strategy, f.name) for f in fields(self.strategy)}
        said = {name: float(value[0]) for name, value in degrees.items() if isinstance(value, np.ndarray)}
        again = {f.name: float(getattr(self.strategy.recompute, f.name)[0]) for f in fields(self.strategy.recompute)}
        posed, bandwidth = self.problem, self.problem.machine.domain_bandwidth_bytes_per_s
        return f"{posed.architecture.name}, {posed.length} x {posed.global_batch}, {bandwidth}, {said}, {again}"

    def evaluated(self, **changes: object) -> Evaluation:
        return evaluate(replace(self.problem, **changes), self.strategy)

    def seconds(self, **changes: object) -> float:
        return float(np.ravel(self.evaluated(**changes).step.total)[0])


def heads_of(built: Architecture) -> int:
    heads = [core.heads for stack in built.stacks for kind in stack.kinds for core in kind.cores]
    heads += [kind.scan.heads for stack in built.stacks for kind in stack.kinds if kind.scan]
    return int(np.gcd.reduce(heads)) if heads else 1


def experts_of(built: Architecture) -> int:
    counts = [kind.experts.count for stack in built.stacks for kind in stack.kinds if kind.experts]
    return int(np.gcd.reduce(counts)) if counts else 1


@st.composite
def plans(draw: st.DrawFn, models: tuple[str, ...] = tuple(MODELS), **fixed: float) -> Plan:
    built = model(draw(st.sampled_from(models)))
    divides = [t for t in (1, 2, 4, 8, 16) if heads_of(built) % t == 0]
    tensor = draw(st.sampled_from(divides))
    pipeline = draw(st.integers(1, min(built.layers, 12)))
    context = draw(st.sampled_from([1, 2, 4]))
    data = draw(st.sampled_from([1, 2, 3, 8, 64]))
    ranks = data * context * tensor
    expert = draw(st.sampled_from([e for e in (1, 2, 4, 8, 32) if experts_of(built) % e == 0 and ranks % e == 0]))
    chunks = [v for v in (1, 2, 4) if pipeline > 1 and pipeline * v <= built.layers]
    interleave = draw(st.sampled_from(chunks or [1]))
    rounds = draw(st.integers(1, 6)) * (pipeline if interleave > 1 else 1)
    micro_batch = draw(st.sampled_from([1, 2, 5]))
    said = {
        "accelerators": ranks * pipeline,
        "tensor": tensor,
        "pipeline": pipeline,
        "context": context,
        "expert": expert,
        "interleave": interleave,
        "micro_batch": micro_batch,
        "sequence_parallel": float(tensor > 1),
        "sharding": draw(st.integers(0, 3)),
        "schedule": draw(st.sampled_from([0, 1, 2])) if interleave == 1 else 0,
    }
    recompute = draw(st.dictionaries(st.sampled_from([*MODULES, "layers"]), st.just(1.0)))
    spread = strategy(recompute=recompute, **(said | fixed))
    posed = problem(
        built,
        draw(st.sampled_from(CLUSTERS)),
        length=float(draw(st.sampled_from([128, 1024, 4096]))),
        global_batch=float(data * micro_batch * rounds),
    )
    return Plan(posed, spread)


many = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@many
@given(plan=plans())
def test_times_are_finite_and_their_parts_sum_to_the_total(plan: Plan) -> None:
    step = plan.evaluated().step
    parts = [float(np.ravel(step.parts[name])[0]) for name in CAUSES]
    assert all(np.isfinite(part) and part >= 0.0 for part in parts)
    assert 0.0 < step.total < np.inf
    assert sum(parts) == pytest.approx(float(step.total[0]), rel=1e-9)


@many
@given(plan=plans())
def test_the_peak_is_that_of_the_fullest_stage(plan: Plan) -> None:
    stages = memory_by_stage(plan.problem, plan.strategy)
    fullest = max(float(np.ravel(memory.total)[0]) for memory in stages)
    assert 0.0 < fullest < np.inf
    assert float(np.ravel(plan.evaluated().memory_bytes)[0]) == pytest.approx(fullest, rel=1e-9)


def better(given_machine: Machine, name: str, factor: float) -> Machine:
    return replace(given_machine, **{name: getattr(given_machine, name) * factor})


@many
@given(
    plan=plans(),
    name=st.sampled_from(
        ["memory_bandwidth_bytes_per_s", "domain_bandwidth_bytes_per_s", "fabric_bandwidth_bytes_per_s"]
    ),
    factor=st.floats(1.0, 30.0),
)
def test_more_bandwidth_is_never_slower(plan: Plan, name: str, factor: float) -> None:
    assert plan.seconds(machine=better(plan.problem.machine, name, factor)) <= plan.seconds() * SLACK


@many
@given(plan=plans(), factor=st.floats(1.0, 30.0))
def test_a_higher_peak_is_never_slower(plan: Plan, factor: float) -> None:
    faster = better(better(plan.problem.machine, "matrix_flops_per_s", factor), "matrix_16bit_flops_per_s", factor)
    assert plan.seconds(machine=faster) <= plan.seconds() * SLACK


@many
@given(
    plan=plans(),
    name=st.sampled_from(["tensor", "context", "expert", "data", "sharded", "pipeline"]),
    share=st.floats(0.0, 1.0),
)
def test_more_overlap_never_slows_a_plan(plan: Plan, name: str, share: float) -> None:
    key = f"overlap_{name}"
    now = float(getattr(plan.problem.efficiency, key)[0])
    more = now + share * (1.0 - now)
    assert plan.seconds(efficiency=changed(plan.problem.efficiency, **{key: more})) <= plan.seconds() * SLACK


@many
@given(plan=plans(), factor=st.floats(1.0, 16.0))
def test_a_longer_sequence_is_never_cheaper(plan: Plan, factor: float) -> None:
    assert plan.seconds() <= plan.seconds(length=plan.problem.length * factor) * SLACK


@many
@given(plan=plans())
def test_no_step_is_faster_than_its_operations_at_peak(plan: Plan) -> None:
    flops = training_flops(
        plan.problem.architecture,
        sequences=int(plan.problem.global_batch),
        length=int(plan.problem.length),
        masking=Masking.VISIBLE,
    )
    given_machine = plan.problem.machine
    peak = max(float(given_machine.matrix_flops_per_s[0]), float(given_machine.matrix_16bit_flops_per_s[0]))
    assert plan.seconds() >= flops.model / (float(plan.strategy.accelerators[0]) * peak)


@many
@given(plan=plans(), module=st.sampled_from([*MODULES, "layers"]))
def test_computing_again_never_saves_time_and_never_takes_memory(plan: Plan, module: str) -> None:
    without, again = (
        replace(plan.strategy, recompute=replace(plan.strategy.recompute, **{module: one(share)}))
        for share in (0.0, 1.0)
    )
    before, after = evaluate(plan.problem, without), evaluate(plan.problem, again)
    assert float(np.ravel(before.step.total)[0]) <= float(np.ravel(after.step.total)[0]) * SLACK
    assert float(np.ravel(after.memory_bytes)[0]) <= float(np.ravel(before.memory_bytes)[0]) * SLACK


@many
@given(plan=plans(), rounds=st.integers(2, 9))
def test_more_micro_batches_of_one_size_cost_the_same_per_token_and_overheads_once_per_step(
    plan: Plan, rounds: int
) -> None:
    once, often = plan.evaluated().step, plan.evaluated(global_batch=plan.problem.global_batch * rounds).step
    for name in ("matrix", "attention", "streaming", "recompute", "host", "tensor", "context", "expert", "pipeline"):
        assert float(np.ravel(often.parts[name])[0]) == pytest.approx(
            rounds * float(np.ravel(once.parts[name])[0]), rel=1e-9
        )
    zero_bubble = float(plan.strategy.schedule[0]) > 0.0  # fills the better the more micro-batches there are
    for name in ("optimizer", "fixed") if zero_bubble else ("bubble", "optimizer", "fixed"):
        assert float(np.ravel(often.parts[name])[0]) == pytest.approx(float(np.ravel(once.parts[name])[0]), rel=1e-9)
    # Never more per token, and never less than the work that grows with the tokens.
    assert float(often.total[0]) <= rounds * float(once.total[0]) * SLACK


@many
@given(plan=plans(), zero=st.integers(0, 2))
def test_dividing_more_states_never_takes_more_memory(plan: Plan, zero: int) -> None:
    less, more = (replace(plan.strategy, sharding=one(stage)) for stage in (zero, zero + 1))
    assume(zero < 2 or float(plan.strategy.pipeline[0]) == 1.0)  # a pipeline gathers its whole stage
    before, after = (memory_by_stage(plan.problem, spread) for spread in (less, more))
    for one_stage, same_stage in zip(before, after, strict=True):
        states = ("weights", "gradients", "optimizer")
        assert sum(float(np.ravel(getattr(same_stage, n))[0]) for n in states) <= SLACK * sum(
            float(np.ravel(getattr(one_stage, n))[0]) for n in states
        )


@pytest.mark.parametrize("node", CLUSTERS)
def test_every_machine_trains_a_small_model(node: str) -> None:
    count = int(machine(node).domain[0]) * 2
    found = evaluate(problem("bert-large", node, length=512.0, global_batch=float(count)), strategy(accelerators=count))
    assert np.all(np.isfinite(found.step.total))
    assert np.all(found.step.total > 0)
