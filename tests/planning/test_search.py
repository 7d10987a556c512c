"""The search over strategies: the same numbers as one plan at a time, and the fastest that fits."""

from __future__ import annotations

import itertools
import random
from dataclasses import fields, replace

import numpy as np
import pytest

from planner.errors import InfeasibleError
from planner.planning.evaluate import Problem, evaluate
from planner.planning.ledger import Ledger
from planner.planning.search import AXES, Choices, choices_of, fastest, grid_of
from planner.scenario.training_run import OffloadChoice, Parallelism, RecomputeChoice, TrainingRun, TrainingWorkload
from planner.training.step import CAUSES
from tests.planning.problems import CATALOG, problem
from tests.training.strategies import strategy

CASES = [
    ("llama-3.1-70b", "dgx-h100", 64, {"length": 4096.0, "global_batch": 128.0}),
    ("llama-3.1-8b", "trn2.48xlarge", 32, {"length": 32768.0, "global_batch": 32.0}),
    ("deepseek-v3", "gb200-nvl72", 256, {"length": 4096.0, "global_batch": 512.0}),
    ("gpt-3-175b", "dgx-a100", 96, {"length": 2048.0, "global_batch": 96.0}),
    ("t5-11b", "p4d.24xlarge", 16, {"length": 512.0, "global_batch": 64.0}),
]


def posed(case: tuple[str, str, int, dict[str, float]]) -> tuple[Problem, int]:
    name, node, accelerators, changes = case
    return problem(name, node, **changes), accelerators


def element(values: np.ndarray, index: tuple[int, ...], shape: tuple[int, ...]) -> float:
    return float(np.broadcast_to(values, shape)[index])


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_one_plan_and_its_element_of_a_search_agree_to_the_last_bit(
    case: tuple[str, str, int, dict[str, float]],
) -> None:
    asked, accelerators = posed(case)
    choices = choices_of(asked, accelerators=accelerators)
    whole = evaluate(asked, grid_of(choices, accelerators=accelerators))
    total, memory, parts = whole.step.total, whole.memory_bytes, whole.step.parts
    shape = tuple(len(getattr(choices, name)) for name in AXES)
    chance = random.Random(7)
    for _ in range(60):
        index = tuple(chance.randrange(size) for size in shape)
        said = {name: float(getattr(choices, name)[place]) for name, place in zip(AXES, index, strict=True)}
        layers = said.pop("recompute")
        alone = evaluate(
            asked,
            strategy(
                accelerators=accelerators,
                sequence_parallel=float(said["tensor"] > 1),
                recompute={"layers": layers},
                **said,
            ),
        )
        assert element(total, index, shape) == float(np.ravel(alone.step.total)[0])
        assert element(memory, index, shape) == float(np.ravel(alone.memory_bytes)[0])
        alone_parts = alone.step.parts
        for name in CAUSES:
            assert element(parts[name], index, shape) == float(np.ravel(alone_parts[name])[0]), name


def run_of(asked: Problem) -> TrainingRun:
    return TrainingRun.model_construct(
        parallelism="auto",
        recompute="none",
        workload=TrainingWorkload.model_construct(global_batch=float(np.max(asked.global_batch))),
    )


def found(asked: Problem, accelerators: int) -> TrainingRun:
    return fastest(run_of(asked), asked, accelerators=accelerators, ledger=Ledger(CATALOG))


def seconds_of(asked: Problem, run: TrainingRun, accelerators: int) -> tuple[float, float]:
    """Give time and memory of the plan that a search chose."""
    assert isinstance(run.parallelism, Parallelism)
    chosen = run.parallelism
    plan = strategy(
        accelerators=accelerators,
        sequence_parallel=float(chosen.tensor > 1),
        sharding={"zero-1": 1.0, "zero-3": 3.0}[chosen.sharding],
        recompute={"layers": float(run.recompute == "full")},
        **{
            name: float(getattr(chosen, name))
            for name in ("tensor", "pipeline", "context", "expert", "micro_batch", "interleave")
        },
    )
    result = evaluate(asked, plan)
    return float(np.ravel(result.step.total)[0]), float(np.ravel(result.memory_bytes)[0])


def by_hand(asked: Problem, choices: Choices, accelerators: int) -> float:
    """Give the time of the fastest plan that fits, trying one after the other."""
    layers, batch = asked.architecture.layers, int(np.max(asked.global_batch))
    best = float("inf")
    for t, p, c, e, b, v, z, r in itertools.product(*(getattr(choices, name) for name in AXES)):
        if accelerators % (t * p * c) or p > layers:
            continue
        data = accelerators // (t * p * c)
        if (data * c * t) % e or batch % (data * b):
            continue
        if v > 1 and (p == 1 or layers % (p * v) or (batch // (data * b)) % p):
            continue
        if z == 3 and p > 1:
            continue
        plan = strategy(
            accelerators=accelerators,
            tensor=t,
            pipeline=p,
            context=c,
            expert=e,
            micro_batch=b,
            interleave=v,
            sharding=z,
            sequence_parallel=float(t > 1),
            recompute={"layers": r},
        )
        result = evaluate(asked, plan)
        if float(np.ravel(result.memory_bytes)[0]) <= float(asked.machine.memory_bytes[0]):
            best = min(best, float(np.ravel(result.step.total)[0]))
    return best


@pytest.mark.parametrize(
    ("name", "node", "accelerators"), [("llama-3.1-8b", "dgx-h100", 8), ("mixtral-8x7b", "dgx-h100", 16)]
)
def test_the_fastest_is_what_trying_every_plan_finds(name: str, node: str, accelerators: int) -> None:
    asked = problem(name, node, length=4096.0, global_batch=32.0)
    seconds, memory = seconds_of(asked, found(asked, accelerators), accelerators)
    assert memory <= float(asked.machine.memory_bytes[0])
    assert seconds == by_hand(asked, choices_of(asked, accelerators=accelerators), accelerators)


@pytest.mark.parametrize("name", ["llama-3.1-70b", "mixtral-8x7b", "gpt-3-175b"])
def test_more_device_memory_is_never_less_feasible_nor_slower(name: str) -> None:
    asked = problem(name, "dgx-h100", length=2048.0, global_batch=64.0)
    before = float("inf")
    for gibibytes in (16, 24, 40, 80, 141, 288):
        roomy = replace(asked, machine=replace(asked.machine, memory_bytes=np.array([gibibytes * 2.0**30])))
        try:
            seconds, memory = seconds_of(roomy, found(roomy, 64), 64)
        except InfeasibleError:
            assert before == float("inf")
            continue
        assert memory <= gibibytes * 2.0**30
        assert seconds <= before
        before = seconds
    assert before < float("inf")


def test_what_fits_nowhere_says_how_much_the_smallest_plan_needs() -> None:
    asked = problem("gpt-3-175b", "dgx-h100", length=2048.0, global_batch=8.0)
    with pytest.raises(InfeasibleError) as raised:
        found(asked, 8)
    fault = raised.value.faults[0]
    assert fault.id == "does-not-fit"
    choices = choices_of(asked, accelerators=8)
    assert choices.recompute == (0.0, 1.0)
    said = float(fault.message.rpartition("needs ")[2].split(" GiB")[0])
    assert said * 2.0**30 > float(asked.machine.memory_bytes[0])


def test_a_batch_that_no_accelerators_divide_is_refused() -> None:
    asked = problem("llama-3.1-8b", "dgx-h100", global_batch=7.0)
    with pytest.raises(InfeasibleError) as raised:
        found(replace(asked, architecture=replace(asked.architecture)), 13 * 64)
    assert raised.value.faults[0].id == "no-strategy"


def test_every_axis_of_a_search_is_a_field_of_its_choices() -> None:
    assert tuple(f.name for f in fields(Choices)) == AXES


def test_a_search_keeps_to_what_the_run_offloads() -> None:
    # Weights and gradients of 13 G parameters alone are more than four accelerators' 160 GB of states leave room for.
    asked = problem("llama-2-13b", "a2-highgpu-4g", length=2048.0, global_batch=16.0)
    with pytest.raises(InfeasibleError):
        found(asked, 4)
    away = OffloadChoice(optimizer="host", gradients="host")
    run = fastest(run_of(asked).model_copy(update={"offload": away}), asked, accelerators=4, ledger=Ledger(CATALOG))
    assert run.offload == away
    assert isinstance(run.parallelism, Parallelism)


@pytest.mark.parametrize("again", ["full", RecomputeChoice(modules=("norms",))])
def test_a_search_keeps_to_what_the_run_recomputes(again: object) -> None:
    asked = problem("llama-3.1-8b", "dgx-h100", length=4096.0, global_batch=32.0)
    told = run_of(asked).model_copy(update={"recompute": again})
    assert fastest(told, asked, accelerators=8, ledger=Ledger(CATALOG)).recompute == again
