"""The closed form of a load, beside the simulation of the same load and truths that hold of any queue."""

from __future__ import annotations

import numpy as np
import pytest

from planner.serving.batching import Requests, closed_loop
from planner.serving.queueing import open_loop
from planner.serving.replay import replay, replay_clients
from planner.serving.settling import Arrivals, capacity
from tests.serving.replicas import drawn_lengths, replica

SERVED = (
    ("llama-3.1-8b", "h100-sxm", 1, 1000.0, 200.0, 0.0),
    ("llama-3.1-8b", "h100-sxm", 1, 1000.0, 200.0, 1.0),
    ("llama-3.1-70b", "h100-sxm", 4, 2000.0, 300.0, 0.5),
    ("llama-3.1-8b", "l40s", 1, 3000.0, 500.0, 0.5),
)


_APART = 0.1  # variation of lengths at which clients in a loop lose step


@pytest.mark.parametrize(("model", "accelerator", "tensor", "prompt", "output", "variability"), SERVED)
@pytest.mark.parametrize("load", [0.2, 0.5, 0.7])
def test_closed_form_and_simulation_agree(
    model: str, accelerator: str, tensor: int, prompt: float, output: float, variability: float, load: float
) -> None:
    engine = replica(model, accelerator, tensor=tensor)
    requests = Requests(np.asarray(prompt), np.asarray(output))
    rate = load * float(capacity(engine, requests, prompt_variability=variability, output_variability=variability))
    count = 4000
    random = np.random.default_rng(11)
    arrival = np.cumsum(random.exponential(1.0 / rate, count))
    lengths = drawn_lengths(count, prompt=prompt, output=output, variability=variability, seed=12)
    seen = replay(engine, arrival, lengths)
    told = open_loop(engine, requests, Arrivals(np.asarray(rate), 1.0, variability, variability))
    settled = slice(count // 5, None)
    ttft, tpot = seen.ttft_s[settled], seen.tpot_s[settled]
    assert float(told.ttft_s) == pytest.approx(np.mean(ttft), rel=0.12)
    assert float(told.tpot_s) == pytest.approx(np.nanmean(tpot), rel=0.10)
    for place, percentile, near in ((0, 50, 0.15), (1, 90, 0.2), (3, 99, 0.3)):
        assert float(told.ttft_percentiles_s[place]) == pytest.approx(np.percentile(ttft, percentile), rel=near)
        assert float(told.tpot_percentiles_s[place]) == pytest.approx(np.nanpercentile(tpot, percentile), rel=near)


@pytest.mark.parametrize(("model", "accelerator", "tensor", "prompt", "output", "variability"), SERVED[1:])
@pytest.mark.parametrize("replicas", [2, 4])
@pytest.mark.parametrize("load", [0.4, 0.8])
def test_closed_form_and_simulation_agree_on_replicas_behind_a_router(
    model: str,
    accelerator: str,
    tensor: int,
    prompt: float,
    output: float,
    variability: float,
    load: float,
    replicas: int,
) -> None:
    engine = replica(model, accelerator, tensor=tensor)
    requests = Requests(np.asarray(prompt), np.asarray(output))
    rate = (
        load
        * replicas
        * float(capacity(engine, requests, prompt_variability=variability, output_variability=variability))
    )
    count = 16_000  # at 0.8 of capacity, medians of 8,000 vary by 2 % with the seed
    arrival = np.cumsum(np.random.default_rng(11).exponential(1.0 / rate, count))
    lengths = drawn_lengths(count, prompt=prompt, output=output, variability=variability, seed=12)
    seen = replay(engine, arrival, lengths, replicas=replicas)
    told = open_loop(
        engine, requests, Arrivals(np.asarray(rate), 1.0, variability, variability), replicas=float(replicas)
    )
    settled = slice(count // 5, None)
    assert float(told.ttft_s) == pytest.approx(np.mean(seen.ttft_s[settled]), rel=0.12)
    assert float(told.tpot_s) == pytest.approx(np.nanmean(seen.tpot_s[settled]), rel=0.10)
    for place, percentile, near in ((0, 50, 0.13), (1, 90, 0.15), (3, 99, 0.3)):
        ttft, tpot = (np.nanpercentile(each[settled], percentile) for each in (seen.ttft_s, seen.tpot_s))
        assert float(told.ttft_percentiles_s[place]) == pytest.approx(ttft, rel=near)
        assert float(told.tpot_percentiles_s[place]) == pytest.approx(tpot, rel=near)


@pytest.mark.parametrize(("model", "accelerator", "tensor", "prompt", "output", "variability"), SERVED)
@pytest.mark.parametrize("clients", [1, 8, 64])
def test_clients_in_a_loop_get_as_many_tokens_as_the_simulation_says(
    model: str, accelerator: str, tensor: int, prompt: float, output: float, variability: float, clients: int
) -> None:
    engine = replica(model, accelerator, tensor=tensor)
    requests = Requests(np.asarray(prompt), np.asarray(output))
    count = max(1000, 20 * clients)
    # Answers of one length in the token would keep all clients in step from the first wave to the last.
    lengths = drawn_lengths(count, prompt=prompt, output=output, variability=max(variability, _APART), seed=12)
    seen = replay_clients(engine, clients, lengths)
    told = closed_loop(engine, requests, clients=float(clients), sent=float(count))
    assert float(told.tpot_s) == pytest.approx(np.nanmean(seen.tpot_s), rel=0.1)
    assert float(told.output_tokens_per_s) == pytest.approx(np.sum(lengths.output) / seen.end_s, rel=0.12)


@pytest.mark.parametrize("clients", [8, 32, 64])
def test_alike_answers_end_together_under_an_engine_that_reads_prompts_first_and_others_ever_less(clients: int) -> None:
    engine = replica(engine="sglang")

    def told(varied: float, waves: float = 10.0) -> float:
        requests = Requests(np.asarray(4000.0), np.asarray(500.0), varied=varied)
        return float(closed_loop(engine, requests, clients=float(clients), sent=waves * clients).ttft_s)

    times = [told(varied) for varied in (0.0, 0.05, 0.2, 0.8)]
    assert times == sorted(times, reverse=True)
    assert told(0.2, 1000.0) < told(0.2, 10.0)
    # Each waits for half of the others' prompts where all are alike, and for few where none are.
    others = (clients - 1) * float(engine.marginal_prefill_s(4000.0))
    assert times[0] - times[-1] > 0.3 * others


def test_an_engine_that_keeps_room_for_whole_answers_runs_fewer_at_once() -> None:
    """A 48 GB card, and answers ten times as long as their prompts."""
    engine = replica("llama-3.1-8b", "l40s", engine="trtllm")
    requests = Requests(np.asarray(200.0), np.asarray(2000.0))
    clients, count = 128, 1280
    lengths = drawn_lengths(count, prompt=200.0, output=2000.0, variability=0.0, seed=12)
    told = closed_loop(engine, requests, clients=float(clients), sent=float(count))
    seen = replay_clients(engine, clients, lengths)
    assert seen.preemptions == 0
    assert float(told.sequences) == pytest.approx(float(engine.cache_tokens) / 2200.0, abs=2.0)
    assert float(told.ttft_s) == pytest.approx(np.mean(seen.ttft_s), rel=0.15)


@pytest.mark.parametrize(
    ("model", "tensor", "prompt", "output"), [("llama-3.1-8b", 1, 1000.0, 200.0), ("llama-3.1-70b", 4, 2000.0, 300.0)]
)
@pytest.mark.parametrize("load", [0.3, 0.8])
def test_like_requests_come_back_to_a_router_in_bursts(
    model: str, tensor: int, prompt: float, output: float, load: float
) -> None:
    engine, replicas = replica(model, tensor=tensor), 4
    requests = Requests(np.asarray(prompt), np.asarray(output))
    rate = load * replicas * float(capacity(engine, requests))
    count = 6000
    arrival = np.cumsum(np.random.default_rng(11).exponential(1.0 / rate, count))
    lengths = drawn_lengths(count, prompt=prompt, output=output, variability=0.0, seed=12)
    seen = replay(engine, arrival, lengths, replicas=replicas).ttft_s[count // 5 :]
    told = open_loop(engine, requests, Arrivals(np.asarray(rate)), replicas=float(replicas))
    assert float(told.ttft_s) == pytest.approx(np.mean(seen), rel=0.18)
    assert float(told.ttft_percentiles_s[3]) == pytest.approx(np.percentile(seen, 99), rel=0.3)


def test_times_rise_with_load_and_variability_and_never_go_negative() -> None:
    engine = replica()
    requests = Requests(np.asarray(1000.0), np.asarray(200.0))
    rates = np.linspace(0.05, 0.95, 19) * float(capacity(engine, requests))
    told = open_loop(engine, requests, Arrivals(rates))
    for times in (told.ttft_s, told.tpot_s, *told.ttft_percentiles_s, *told.tpot_percentiles_s):
        assert np.all(times > 0)
        assert np.all(np.diff(times) >= -1e-12)
    assert np.all(np.diff(told.ttft_percentiles_s, axis=0) > 0)
    bursty = open_loop(engine, requests, Arrivals(rates, variability=3.0))
    assert np.all(bursty.ttft_s > told.ttft_s)


def test_above_capacity_nothing_settles_and_the_load_says_by_how_much() -> None:
    engine = replica()
    requests = Requests(np.asarray(1000.0), np.asarray(200.0))
    most = float(capacity(engine, requests))
    told = open_loop(engine, requests, Arrivals(np.asarray(1.5 * most)))
    assert float(told.load) == pytest.approx(1.5)
    assert np.isinf(told.ttft_s)
    assert float(told.output_tokens_per_s) == pytest.approx(most * 200.0)


def test_replicas_behind_one_router_wait_less_than_each_with_its_own_clients() -> None:
    engine = replica()
    requests = Requests(np.asarray(1000.0), np.asarray(200.0))
    rate = 0.8 * float(capacity(engine, requests, output_variability=0.5))
    own = open_loop(engine, requests, Arrivals(np.asarray(rate), output_variability=0.5))
    shared = open_loop(engine, requests, Arrivals(np.asarray(4.0 * rate), output_variability=0.5), replicas=4.0)
    assert float(shared.load) == pytest.approx(float(own.load))
    assert float(shared.ttft_s) < float(own.ttft_s)
    assert float(shared.output_tokens_per_s) == pytest.approx(4.0 * float(own.output_tokens_per_s))


@pytest.mark.parametrize("load", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("stages", [2, 4])
def test_a_prompt_passes_all_stages_whatever_the_others_do(stages: int, load: float) -> None:
    engine = replica("llama-3.1-70b", "h100-sxm", tensor=2, pipeline=stages)
    requests = Requests(np.asarray(3000.0), np.asarray(300.0))
    rate = load * float(capacity(engine, requests))
    told = open_loop(engine, requests, Arrivals(np.asarray(rate)))
    alone = float(engine.prefill_s(3000.0))
    assert float(told.ttft_s) > alone
    count = 3000
    arrival = np.cumsum(np.random.default_rng(5).exponential(1.0 / rate, count))
    seen = replay(engine, arrival, drawn_lengths(count, prompt=3000.0, output=300.0, variability=0.0, seed=6))
    assert np.min(seen.ttft_s) > 0.999 * alone
    assert float(told.ttft_s) == pytest.approx(np.mean(seen.ttft_s), rel=0.12)
    assert float(told.tpot_s) == pytest.approx(np.mean(seen.tpot_s), rel=0.08)


@pytest.mark.parametrize("variability", [0.5, 1.0])
def test_prompts_of_varied_lengths_take_what_they_take_one_by_one(variability: float) -> None:
    engine = replica("llama-3.1-8b", "h100-sxm")
    mean, varied = engine.prompt_work(8000.0, 0.0, variability)
    drawn = drawn_lengths(200_000, prompt=8000.0, output=2.0, variability=variability, seed=7).prompt
    one_by_one = np.ravel(engine.marginal_prefill_s(drawn))
    assert float(mean) == pytest.approx(np.mean(one_by_one), rel=0.02)
    assert float(varied) == pytest.approx(np.var(one_by_one) / np.mean(one_by_one) ** 2, rel=0.1)
    assert float(mean) > 1.03 * float(engine.marginal_prefill_s(8000.0))
