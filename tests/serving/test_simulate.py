"""The engine's loop: against a step-by-step twin, and truths that hold of any queue."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.simulation import PASSES, requests
from planner.errors import InfeasibleError
from planner.serving.passes import Lengths, Passes
from planner.serving.replay import serve, serve_clients


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
    arrival, lengths, work = requests(120, rate, seed=seed)
    seen = serve(PASSES, arrival, lengths, work)
    expected, end = slow_twin(PASSES, arrival, lengths, work)
    np.testing.assert_allclose(seen.ttft_s, expected, rtol=1e-6)
    assert seen.end_s == pytest.approx(end, rel=1e-6)


def test_more_load_is_never_served_sooner_in_the_mean() -> None:
    means = []
    for rate in (1.0, 4.0, 16.0, 64.0):
        arrival, lengths, work = requests(400, rate, seed=7)
        seen = serve(PASSES, arrival, lengths, work)
        means.append((np.mean(seen.ttft_s), np.nanmean(seen.tpot_s)))
    assert means == sorted(means)
    assert means[0][1] < means[-1][1]


def test_a_cache_that_is_too_small_for_all_makes_some_begin_again_and_all_end() -> None:
    arrival, lengths, work = requests(200, 50.0, seed=5)
    tight = replace(PASSES, room_bytes=1e4 * 3000)
    seen = serve(tight, arrival, lengths, work)
    wide = serve(PASSES, arrival, lengths, work)
    assert seen.preemptions > 0
    assert np.all(seen.ttft_s > 0)
    assert np.mean(seen.ttft_s) > np.mean(wide.ttft_s)
    assert seen.end_s > wide.end_s


def test_an_engine_that_keeps_room_for_whole_answers_puts_nobody_out() -> None:
    arrival, lengths, work = requests(200, 50.0, seed=5)
    tokens = 3000
    seen = serve(replace(PASSES, room_bytes=1e4 * tokens, reserving=True), arrival, lengths, work)
    assert seen.preemptions == 0
    begun = arrival + seen.ttft_s
    ended = arrival + seen.latency_s
    whole = lengths.prompt + lengths.output
    for at in begun:
        assert np.sum(whole[(begun <= at) & (ended > at)]) <= tokens + np.count_nonzero(ended > at)


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("tokens", [1200, 1500, 2500])
def test_a_cache_for_hardly_more_than_one_serves_all_in_the_end(tokens: int, *, chunked: bool) -> None:
    """Whoever has just lost its place must not come back before others have made a step."""
    arrival, lengths, work = requests(100, 50.0, seed=6)
    tight = replace(PASSES, room_bytes=1e4 * tokens, chunked=chunked, pass_tokens=512)
    seen = serve(tight, arrival, lengths, work)
    assert np.all(seen.latency_s > 0)
    assert seen.end_s > 100 * 0.01


def test_a_request_longer_than_the_cache_is_refused() -> None:
    arrival, lengths, work = requests(5, 50.0, seed=5)
    with pytest.raises(InfeasibleError, match="request of"):
        serve(replace(PASSES, room_bytes=1e4 * 100), arrival, lengths, work)


def test_two_replicas_serve_sooner_than_one_and_every_request_once() -> None:
    arrival, lengths, work = requests(300, 40.0, seed=9)
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


def test_every_replica_behind_a_router_serves_as_if_its_requests_were_all_there_are() -> None:
    """Where requests come so seldom that replicas are idle, all of them go to the first, and wait for nobody."""
    arrival, lengths, work = requests(50, 0.0001, seed=3)
    one = serve(PASSES, arrival, lengths, work)
    four = serve(PASSES, arrival, lengths, work, replicas=4)
    np.testing.assert_allclose(four.ttft_s, one.ttft_s, rtol=1e-9)
    np.testing.assert_allclose(four.latency_s, one.latency_s, rtol=1e-9)


@pytest.mark.parametrize(("replicas", "count"), [(1, 400), (3, 400), (20, 200)])
def test_the_shortest_queue_is_that_of_the_moment(replicas: int, count: int) -> None:
    """Against a router that looks at every replica's whole past: requests that came before and end after."""
    arrival, lengths, work = requests(count, 12.0 * replicas, seed=8)
    seen = serve(PASSES, arrival, lengths, work, replicas=replicas)
    chosen: list[list[int]] = [[] for _ in range(replicas)]
    for number, at in enumerate(arrival):
        at_work = []
        for mine in chosen:
            if not mine:
                at_work.append(0)
                continue
            each = Lengths(lengths.prompt[mine], lengths.output[mine], np.zeros(len(mine)))
            alone = serve(PASSES, arrival[mine], each, work[mine])
            at_work.append(int(np.sum(arrival[mine] + alone.latency_s > at)))
        chosen[at_work.index(min(at_work))].append(number)
    for mine in chosen:
        each = Lengths(lengths.prompt[mine], lengths.output[mine], np.zeros(len(mine)))
        np.testing.assert_allclose(seen.ttft_s[mine], serve(PASSES, arrival[mine], each, work[mine]).ttft_s, rtol=1e-6)


@pytest.mark.parametrize(("clients", "replicas"), [(1, 1), (16, 1), (48, 3), (120, 1)])
def test_clients_in_a_loop_obey_little_s_law(clients: int, replicas: int) -> None:
    _, lengths, work = requests(4000, 1.0, seed=4)
    seen = serve_clients(PASSES, clients, lengths, work, replicas=replicas)
    assert float(np.mean(seen.latency_s)) * 4000 / seen.end_s == pytest.approx(clients, rel=0.02)


def test_a_client_alone_never_waits_for_others() -> None:
    _, lengths, work = requests(50, 1.0, seed=4)
    seen = serve_clients(PASSES, 1, lengths, work)
    np.testing.assert_allclose(seen.ttft_s, work + 0.004, rtol=1e-9)
