"""Experts in a step, what their host costs and DualPipe hides of their exchange; adapters beside frozen weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.planning.evaluate import Problem, evaluate
from planner.training.strategy import Strategy
from tests.planning.problems import changed, problem
from tests.training.strategies import strategy

_DUAL_PIPE = 3.0


def part(given: Problem, plan: Strategy, name: str) -> float:
    return float(np.ravel(evaluate(given, plan).step.parts[name])[0])


def test_a_host_launches_each_expert_that_a_device_holds() -> None:
    given = problem("qwen3-30b-a3b", global_batch=8.0)
    slow = replace(given, efficiency=changed(given.efficiency, host_layer_s=1.0))  # nothing but the host counts
    eight, two = (strategy(accelerators=8, expert=ranks) for ranks in (8, 2))
    each = float(given.efficiency.host_each_expert[0])
    # 128 experts: 16 on a device of 8, 64 on one of 2. A layer's host time, forward and backward.
    both = 1.0 + float(given.efficiency.host_backward[0])
    more = part(slow, two, "host") - part(slow, eight, "host")
    assert more == pytest.approx(given.architecture.layers * 48.0 * each * both, rel=1e-2)


def test_dual_pipe_hides_the_exchange_of_experts_behind_the_other_micro_batch() -> None:
    given = problem("deepseek-v3", global_batch=1024.0)
    degrees = {"accelerators": 256, "pipeline": 16, "expert": 16, "embedding_slots": 1, "head_slots": 1}
    usual, paired = (strategy(**degrees, schedule=schedule) for schedule in (0.0, _DUAL_PIPE))
    shown, hidden = part(given, usual, "expert"), part(given, paired, "expert")
    assert 0.0 < hidden < 0.5 * shown
    # On a network so slow that no computation is long enough to hide it, no schedule helps by more than that.
    slow = replace(given, machine=changed(given.machine, fabric_bandwidth_bytes_per_s=1e8))
    behind = part(slow, usual, "expert") - part(slow, paired, "expert")
    working = sum(part(slow, paired, name) for name in ("matrix", "attention", "streaming", "host", "context"))
    assert behind <= working * (1 + 1e-9)


def test_adapters_beside_attention_alone_move_less_than_beside_every_projection() -> None:
    given = problem("llama-2-70b", trained=False)
    everywhere, attention = (
        part(replace(given, adapted=where), strategy(accelerators=8, tensor=8), "streaming")
        for where in ("all", "attention")
    )
    trained = part(replace(given, trained=True), strategy(accelerators=8, tensor=8), "streaming")
    assert trained < attention < everywhere
