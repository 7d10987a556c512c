"""The engine's loop: against a step-by-step twin, and truths that hold of any queue."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from planner.errors import InfeasibleError
from planner.serving.passes import Lengths, Passes
from planner.serving.replay import serve

PASSES = Passes(
    step_s=tuple(0.010 + 0.0002 * n for n in range(65)),
    token_s=(0.0, *(2e-7 for _ in range(64))),
    floor_s=tuple(0.004 for _ in range(40)),
    floor_tokens=64,
    interference=1.0,
    chunked=True,
    pass_tokens=2048,
    sequences=64,
    scored=1.0,
    gained=1.0,
    room_bytes=1e9,
    token_bytes=1e4,
    sequence_bytes=0.0,
    request_s=0.0,
    late_steps=0.0,
)


def requests(count: int, seed: int, rate: float) -> tuple[np.ndarray, Lengths, np.ndarray]:
    random = np.random.default_rng(seed)
    arrival = np.cumsum(random.exponential(1.0 / rate, count))
    prompt = random.integers(20, 900, count).astype(float)
    output = random.integers(1, 200, count).astype(float)
    return arrival, Lengths(prompt, output, np.zeros(count)), prompt * 5e-5


def slow_twin(passes: Passes, arrival: np.ndarray, lengths: Lengths, work: np.ndarray) -> tuple[list[float], float]:
    """Serve one step at a time, as plainly as it can be said; the cache is large enough for all."""
    now, waiting, running = 0.0, list(range(len(arrival))), {}
    unread = dict(enumerate(lengths.prompt.tolist()))
    first: dict[int, float] = {}
    while waiting or running:
        ready = [r for r in waiting if arrival[r] <= now]
        if not ready and not running:
            now = min(arrival[r] for r in waiting)
            continue
        budget, busy, read, done = passes.pass_tokens - len(running), 0.0, 0.0, []
        for r in ready:
            if budget <= 0 or len(running) + len(done) >= passes.sequences:
                break
            take = min(unread[r], budget)
            unread[r] -= take
            budget -= take
            read += take
            busy += take * work[r] / lengths.prompt[r]
            if unread[r] <= 0:
                done.append(r)
        n = len(running)
        held = sum(lengths.prompt[r] + made for r, made in running.items())
        step = passes.step_s[n] + passes.token_s[n] * held if n else 0.0
        now += step + busy + (passes.floor_s[0] if read and not n else 0.0)
        for r in list(running):
            running[r] += 1
            if running[r] >= lengths.output[r] - 1:
                del running[r]
        for r in done:
            waiting.remove(r)
            first[r] = now
            if lengths.output[r] > 1:
                running[r] = 0
    return [first[r] - arrival[r] for r in range(len(arrival))], now


@pytest.mark.parametrize(("seed", "rate"), [(1, 2.0), (2, 8.0), (3, 30.0)])
def test_strides_take_as_long_as_steps_one_by_one(seed: int, rate: float) -> None:
    arrival, lengths, work = requests(120, seed, rate)
    seen = serve(PASSES, arrival, lengths, work)
    expected, end = slow_twin(PASSES, arrival, lengths, work)
    np.testing.assert_allclose(seen.ttft_s, expected, rtol=1e-6)
    assert seen.end_s == pytest.approx(end, rel=1e-6)


def test_more_load_is_never_served_sooner_in_the_mean() -> None:
    means = []
    for rate in (1.0, 4.0, 16.0, 64.0):
        arrival, lengths, work = requests(400, 7, rate)
        seen = serve(PASSES, arrival, lengths, work)
        means.append((np.mean(seen.ttft_s), np.nanmean(seen.tpot_s)))
    assert means == sorted(means)
    assert means[0][1] < means[-1][1]


def test_a_cache_that_is_too_small_for_all_makes_some_begin_again_and_all_end() -> None:
    arrival, lengths, work = requests(200, 5, 50.0)
    tight = replace(PASSES, room_bytes=1e4 * 3000)
    seen = serve(tight, arrival, lengths, work)
    wide = serve(PASSES, arrival, lengths, work)
    assert seen.preemptions > 0
    assert np.all(seen.ttft_s > 0)
    assert np.mean(seen.ttft_s) > np.mean(wide.ttft_s)
    assert seen.end_s > wide.end_s


def test_a_request_longer_than_the_cache_is_refused() -> None:
    arrival, lengths, work = requests(5, 5, 50.0)
    with pytest.raises(InfeasibleError, match="request of"):
        serve(replace(PASSES, room_bytes=1e4 * 100), arrival, lengths, work)


def test_two_replicas_serve_sooner_than_one_and_every_request_once() -> None:
    arrival, lengths, work = requests(300, 9, 40.0)
    one = serve(PASSES, arrival, lengths, work)
    two = serve(PASSES, arrival, lengths, work, replicas=2)
    assert len(two.ttft_s) == 300
    assert not np.any(np.isnan(two.ttft_s))
    assert np.mean(two.ttft_s) < np.mean(one.ttft_s)


def test_a_request_alone_waits_for_its_prompt_and_then_for_every_step() -> None:
    lengths = Lengths(np.array([100.0]), np.array([11.0]), np.array([0.0]))
    seen = serve(PASSES, np.array([3.0]), lengths, np.array([0.02]))
    assert seen.ttft_s[0] == pytest.approx(0.024)
    # Ten steps of one sequence that holds 100 to 109 tokens.
    steps = sum(0.0102 + 2e-7 * (100 + made) for made in range(10))
    assert seen.tpot_s[0] == pytest.approx(steps / 10)
    assert math.isclose(seen.latency_s[0], 0.024 + steps)
