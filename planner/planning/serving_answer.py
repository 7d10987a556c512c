"""What clients of a service see under each kind of load, from the replicas that serve it; arrays throughout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.planning.serving_plan import ServingGround
from planner.planning.serving_requests import generates
from planner.planning.serving_steady import Steady
from planner.record import record
from planner.serving.batching import Served, closed_loop, offline, static_batch
from planner.serving.engine import Engine
from planner.serving.moments import lognormal
from planner.serving.power import accelerator_power_w, rest_w
from planner.serving.queueing import OpenLoop, at_batch, open_loop
from planner.serving.reading import Reader
from planner.serving.settling import Arrivals
from planner.serving.step import PassTime
from planner.serving.waits import waiting

Array = NDArray[np.float64]

PERCENTILES = ("p50", "p90", "p95", "p99")
_ENCODER_BATCH = 64.0  # inputs of one pass where nobody says; our estimate
_NEARLY = 0.999


@record
class Answer:
    """What a service does under its load.

    Parameters
    ----------
    ttft_s, tpot_s : means [s]. ttft_percentiles_s, tpot_percentiles_s : at 50, 90, 95, 99 %, on a first axis; None
        where the load has no spread that a closed form knows.
    latency_s : from a request to its last token [s].
    requests_per_s : of all replicas. capacity : most of them.
    load : rate over capacity; above 1 nothing settles [1].
    sequences : that run at once on a replica [1].
    prefill_share : of a replica's time at work, spent on prompts [1]. active : share of the time in which it works.
    decode, prompt : one step, and one pass over a prompt.
    crowded : sequences on a replica but for a hundredth of the time, over those that it runs at once; 0 where the load
        sets their number, or an encoder has none [1].
    """

    ttft_s: Array
    tpot_s: Array
    ttft_percentiles_s: Array | None
    tpot_percentiles_s: Array | None
    latency_s: Array
    requests_per_s: Array
    capacity: Array
    load: Array
    sequences: Array
    prefill_share: Array
    active: Array
    decode: PassTime
    prompt: PassTime
    crowded: Array | float = 0.0


def answer(ground: ServingGround, replica: Engine, *, replicas: Array | float, rate: Array | float | None) -> Answer:
    """Serve a scenario's load.

    Parameters
    ----------
    ground : the scenario. replica : one of its replicas, or many under arrays of layouts.
    replicas : of them [1]. rate : requests per second of an open loop or of a demand's busiest hour.
    """
    if not generates(ground.architecture):
        return _encoded(ground, replica, replicas, rate)
    if rate is not None:
        return _open(ground, replica, replicas, rate)
    load, requests = ground.load.workload.load, ground.requests
    if load.clients is not None:
        return _looped(ground, replica, closed_loop(replica, requests, clients=load.clients / replicas), replicas)
    if load.offline:
        return _looped(ground, replica, offline(replica, requests), replicas)
    return _batch(ground, replica, float(load.batch or 1), replicas)


def power_w(replica: Engine, found: Answer) -> Array:
    """Mean power of one accelerator, at rest where the service waits for requests [W]."""
    busy = accelerator_power_w(
        replica.machine, replica.efficiency, found.decode, found.prompt, prefill_share=found.prefill_share
    )
    idle = rest_w(replica.machine, replica.efficiency)
    mean: Array = idle + found.active * (busy - idle)
    return mean


def _open(ground: ServingGround, replica: Engine, replicas: Array | float, rate: Array | float) -> Answer:
    steady = Steady(replica)
    found = open_loop(steady, ground.requests, _arrivals(ground, rate), replicas=replicas)
    return _of_open(ground, steady, found)


def answer_at(
    ground: ServingGround, replica: Reader, batch: Array | float, rate: Array | float
) -> tuple[Answer, Array]:
    """Serve a rate by as many replicas as let each run a batch in the mean; gives their number too, not a whole one."""
    found, count = at_batch(replica, ground.requests, _arrivals(ground, rate), batch)
    return _of_open(ground, replica, found), count


def _arrivals(ground: ServingGround, rate: Array | float) -> Arrivals:
    stated = ground.load.workload
    return Arrivals(
        rate=np.asarray(rate, dtype=float),
        variability=stated.load.variability,
        prompt_variability=stated.requests.prompt_variability,
        output_variability=stated.requests.output_variability,
    )


def _of_open(ground: ServingGround, replica: Reader, found: OpenLoop) -> Answer:
    requests = ground.requests
    reading = np.minimum(found.prefill_load, 1.0)
    # A replica works while it reads, and else while any sequence is there: a Poisson number of them comes and goes.
    active = 1.0 - (1.0 - reading) * np.exp(-found.sequences)
    return Answer(
        ttft_s=found.ttft_s,
        tpot_s=found.tpot_s,
        ttft_percentiles_s=found.ttft_percentiles_s,
        tpot_percentiles_s=found.tpot_percentiles_s,
        latency_s=found.ttft_s + (requests.output - 1.0) * found.tpot_s,
        requests_per_s=found.output_tokens_per_s / requests.output,
        capacity=found.capacity,
        load=found.load,
        sequences=found.sequences,
        prefill_share=reading / active,
        active=active,
        decode=found.decode,
        prompt=replica.prompts(requests.prompt, cached=requests.cached),
        crowded=found.crowded,
    )


def _looped(ground: ServingGround, replica: Engine, found: Served, replicas: Array | float) -> Answer:
    requests = ground.requests
    rate = found.output_tokens_per_s / requests.output * replicas
    one = np.ones_like(rate)
    return Answer(
        ttft_s=found.ttft_s,
        tpot_s=found.tpot_s,
        ttft_percentiles_s=None,
        tpot_percentiles_s=None,
        latency_s=found.ttft_s + (requests.output - 1.0) * found.tpot_s,
        requests_per_s=rate,
        capacity=rate,
        load=one,
        sequences=found.sequences,
        prefill_share=found.prefill_share,
        active=one,
        decode=found.decode,
        prompt=replica.prompts(requests.prompt, cached=requests.cached),
    )


def _batch(ground: ServingGround, replica: Engine, batch: float, replicas: Array | float) -> Answer:
    requests = ground.requests
    time = static_batch(replica, requests, batch=batch)
    rate = batch * replicas / time.total_s
    one = np.ones_like(rate)
    return Answer(
        ttft_s=time.ttft_s,
        tpot_s=time.tpot_s,
        ttft_percentiles_s=None,
        tpot_percentiles_s=None,
        latency_s=time.total_s,
        requests_per_s=rate,
        capacity=rate,
        load=one,
        sequences=one * batch,
        prefill_share=np.clip(time.ttft_s / time.total_s, 0.0, 1.0),
        active=one,
        decode=time.decode,
        prompt=time.prompt,
    )


def _encoded(ground: ServingGround, replica: Engine, replicas: Array | float, rate: Array | float | None) -> Answer:
    """Serve a model that answers with one pass: inputs that wait are read together.

    Times are the engine's own, without network and front end, as published results of encoders are.
    """
    load, requests = ground.load.workload.load, ground.requests
    batch = float(load.clients or load.batch or (1 if load.stream else _ENCODER_BATCH))
    together = replica.prompts(requests.prompt, requests=batch)
    capacity = batch / together.total * replicas
    one = np.ones_like(capacity)
    alone = replica.prompts(requests.prompt)
    percentiles: Array | None = None
    if rate is None:
        latency, asked = together.total, capacity
    else:
        asked = np.asarray(rate, dtype=float) * one
        busy = np.minimum(asked / capacity, _NEARLY)
        service = together.total / batch
        mean, spread = waiting(busy, service, np.asarray(replicas, dtype=float), load.variability, 0.0)
        settles = asked < _NEARLY * capacity
        fixed = alone.total
        latency = np.where(settles, fixed + mean, np.inf)
        percentiles = np.where(settles, fixed + lognormal(mean, spread), np.inf)
    return Answer(
        ttft_s=latency,
        tpot_s=0.0 * one,
        ttft_percentiles_s=percentiles,
        tpot_percentiles_s=None,
        latency_s=latency,
        requests_per_s=np.minimum(asked, capacity),
        capacity=capacity,
        load=asked / capacity,
        sequences=one * batch,
        prefill_share=one,
        active=np.minimum(asked / capacity, 1.0),
        decode=together,
        prompt=together,
    )
