"""Power of accelerators that serve: inside its limit, and rising with what phases ask of memory and products."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.serving.engine import Engine
from planner.serving.machine import capped
from planner.serving.power import accelerator_power_w, rest_w
from planner.serving.step import PassTime
from tests.serving.replicas import replica

CASES = [
    {"model": "llama-3.1-8b", "accelerator": "h100-sxm"},
    {"model": "llama-3.1-70b", "accelerator": "b200-sxm", "tensor": 2},
    {"model": "deepseek-v3", "accelerator": "h200-sxm", "tensor": 8, "expert": 8, "weights": "fp8"},
    {"model": "llama-3.1-8b", "accelerator": "l4", "weights": "int4"},
    {"model": "llama-3.1-8b", "accelerator": "inferentia2", "engine": "neuron-vllm"},
    {"model": "llama-3.1-8b", "accelerator": "xeon-8480p", "engine": "llama.cpp"},
]
BATCHES = np.array([1.0, 8.0, 64.0, 256.0])


def drawn(engine: Engine, decode: PassTime, share: float = 0.0) -> np.ndarray:
    prompt = engine.prompts(1000.0)
    return np.ravel(accelerator_power_w(engine.machine, engine.efficiency, decode, prompt, prefill_share=share))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['model']}-{case['accelerator']}")
def test_work_draws_more_than_rest_and_no_more_than_the_limit(case: dict[str, object]) -> None:
    engine = replica(**case)  # type: ignore[arg-type]
    rest, limit = float(rest_w(engine.machine, engine.efficiency)), float(engine.machine.power_limit_w)
    for share in (0.0, 0.3, 1.0):
        watts = drawn(engine, engine.decode_step(BATCHES, 1000.0), share)
        assert np.all(watts > rest)
        assert np.all(watts <= limit)


def test_a_device_that_waits_draws_less_than_one_that_works() -> None:
    engine = replica()
    step = engine.decode_step(8.0, 1000.0)
    late = replace(step, total=step.total + 3.0 * step.total, host=step.host + 3.0 * step.total)
    endless = replace(step, total=step.total * 1e6, host=step.total * 1e6)
    waiting = float(engine.machine.power_limit_w * engine.efficiency.power_waiting)
    assert drawn(engine, endless) == pytest.approx(waiting, rel=1e-3)
    assert waiting < drawn(engine, late) < drawn(engine, step)


def test_memory_that_is_fast_for_its_limit_takes_more_of_it() -> None:
    """As published of Llama 3.1 70B, 8 sequences: 0.85 of the limit of B200 and 0.63 of that of H100."""
    fast, slow = (replica("llama-3.1-70b", part, tensor=ranks) for part, ranks in (("b200-sxm", 2), ("h100-sxm", 4)))
    shares = [float(drawn(e, e.decode_step(8.0, 600.0))[0] / e.machine.power_limit_w) for e in (fast, slow)]
    assert shares[0] > shares[1] + 0.05


def test_a_byte_takes_its_energy_whatever_the_limit() -> None:
    engine = replica()
    step = engine.decode_step(4.0, 1000.0)
    idle_memory = replace(step, memory=step.memory * 0.0, cache=step.cache * 0.0)
    higher = replace(engine.machine, power_limit_w=engine.machine.power_limit_w * 1.5)
    costs = []
    for machine in (engine.machine, higher):
        both = [
            accelerator_power_w(machine, engine.efficiency, each, step, prefill_share=0.0)
            for each in (step, idle_memory)
        ]
        costs.append(float(np.ravel(both[0] - both[1])[0]))
    assert costs[0] == pytest.approx(costs[1])
    read = float(engine.machine.machine.memory_bandwidth_bytes_per_s)
    assert 10e-12 * read < costs[0] < 100e-12 * read  # a bit of HBM and its way takes 1 to 10 pJ


def test_a_cache_that_query_heads_do_not_share_draws_more() -> None:
    """As published of 64 sequences on GH200: 0.94 of the limit for Llama 2 7B, 0.79 for Llama 3.1 8B."""
    own, shared = (replica(model, "gh200-96gb", engine="trtllm-0.14") for model in ("llama-2-7b", "llama-3.1-8b"))
    shares = []
    for engine in (own, shared):
        step = engine.decode_step(64.0, 1536.0)
        assert float(np.ravel(step.cache)[0]) < float(np.ravel(step.memory)[0])
        shares.append(float(drawn(engine, step)[0] / engine.machine.power_limit_w))
    # Llama 2's meets the most that a chip draws, which bounds what lies between.
    assert shares[0] > shares[1] + 0.04


def test_a_chip_that_comes_from_rest_draws_less_until_it_is_warm() -> None:
    """As published of Llama 2 7B on A100, as many sequences at a time throughout: 291 W over 23 s, 334 W over 91 s."""
    engine = replica("llama-2-7b", "a100-sxm-40gb", engine="trtllm-0.14")
    step, prompt = engine.decode_step(16.0, 1536.0), engine.prompts(1024.0, requests=16.0)
    lasting = np.array([0.1, 23.0, 91.0, 36_000.0, np.inf])
    watts = accelerator_power_w(engine.machine, engine.efficiency, step, prompt, prefill_share=0.04, lasting_s=lasting)
    assert np.all(np.diff(watts)[:-1] > 0)
    assert 5.0 < watts[2] - watts[1] < 43.0
    assert watts[-1] == pytest.approx(watts[-2], rel=1e-3)
    assert watts[-1] == pytest.approx(drawn(engine, step, 0.04)[0], rel=0.01)


def test_accelerators_set_to_less_draw_and_compute_less_and_read_as_fast() -> None:
    engine = replica("llama-3.1-70b", "h200-sxm", tensor=8)
    limit = float(engine.machine.power_limit_w)
    less = capped(engine.machine, 0.5 * limit)
    slow = replace(engine, machine=less, setting=replace(engine.setting, machine=less))
    assert float(slow.machine.machine.memory_bandwidth_bytes_per_s) == float(
        engine.machine.machine.memory_bandwidth_bytes_per_s
    )
    assert slow.prefill_s(8000.0) > engine.prefill_s(8000.0)
    # Half of the power leaves more than half of the clock, and less than all of it.
    at = np.asarray(16.0)
    assert 0.5 < float(slow.machine.flops_per_s(at) / engine.machine.flops_per_s(at)) < 1.0
    assert np.all(drawn(slow, slow.decode_step(BATCHES, 1000.0), 0.5) <= 0.5 * limit)
    same = capped(engine.machine, 2.0 * limit)
    assert float(same.flops_per_s(at)) == float(engine.machine.flops_per_s(at))
