"""A service whose prompts are read by replicas of their own, and answered by others: what clients see, and what serves.

The pools are `planner.serving.disaggregation`'s; requests at a rate meet two queues one after the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.errors import InputError
from planner.planning.serving_answer import Answer
from planner.planning.serving_plan import ServingGround
from planner.serving.disaggregation import Pools, capacity, closed_loop
from planner.serving.engine import Engine
from planner.serving.queueing import lognormal, waiting
from planner.serving.step import PassTime

Array = NDArray[np.float64]

_NEARLY = 0.999
_SETTLING = 30
_KINDS = ("clients", "rate")


def require_pools(ground: ServingGround, tree: Tree) -> None:
    """Refuse pools of which nobody says how many replicas they have, or a load that they do not take.

    Raises
    ------
    InputError : the counts are missing, contradict `replicas`, or the load is neither clients nor a rate.
    """
    stated, load = ground.load.disaggregation, ground.load.workload.load
    if stated is None:
        return
    at = ("disaggregation",)
    if stated.prefill is None or stated.decode is None:
        hint = "the split decides what waits: without both counts nothing can be told"
        raise InputError(tree.fault("pools-missing", "prefill and decode replicas are both needed", at, hint=hint))
    if not any(getattr(load, kind) for kind in _KINDS):
        hint = "load: {clients: 64}, or load: {rate: 5 requests/s}"
        raise InputError(tree.fault("pools-load", "pools of their own need clients or a rate", at, hint=hint))
    bounds = ground.load.workload.objectives.model_dump()
    told = ("tpot_p",) if load.rate is not None else ("tpot_p", "ttft_p")
    unknown = [name for name, limit in bounds.items() if limit is not None and name.startswith(told)]
    if unknown:
        place = ("workload", "objectives", unknown[0])
        message = f"{unknown[0]} of pools of their own is not known: they have means alone"
        raise InputError(tree.fault("percentile-unknown", message, place, hint="bound the mean"))
    both = stated.prefill + stated.decode
    if ground.load.replicas not in ("auto", both):
        message = f"{stated.prefill} and {stated.decode} replicas are {both}, not {ground.load.replicas}"
        raise InputError(tree.fault("contradiction", message, ("replicas",), hint="leave replicas out"))


def pools_of(ground: ServingGround, replica: Engine) -> Pools:
    """Give the pools of a scenario, replicas of one layout in both."""
    stated = ground.load.disaggregation
    if stated is None or stated.prefill is None or stated.decode is None:
        raise AssertionError("pools are counted by now")
    machine = ground.fleet.machine
    ranks = replica.layout.accelerators
    # Caches cross the network where the pools stand on several nodes, the link between accelerators where on one.
    inside = ranks * (stated.prefill + stated.decode) <= ground.fleet.node.accelerators
    fabric, link = machine.fabric_bandwidth_bytes_per_s, machine.domain_bandwidth_bytes_per_s
    rate = np.where(inside | np.isnan(fabric), link, fabric)
    return Pools(
        prefill=replica,
        decode=replica,
        prefill_workers=np.asarray(float(stated.prefill)),
        decode_workers=np.asarray(float(stated.decode)),
        transfer_bytes=replica.room.token_bytes * replica.layout.tensor * replica.layout.pipeline,
        transfer_bytes_per_s=rate * ranks * replica.efficiency.link_bandwidth,
    )


def pooled(ground: ServingGround, replica: Engine, rate: Array | float | None) -> Answer:
    """Serve a scenario's load by its pools."""
    pools, requests = pools_of(ground, replica), ground.requests
    if rate is not None:
        return _at_a_rate(ground, pools, np.asarray(rate, dtype=float))
    clients = float(ground.load.workload.load.clients or 1)
    seen = closed_loop(pools, requests, clients=clients)
    made = seen.output_tokens_per_s / requests.output
    return _answer(pools, ground, seen.ttft_s, seen.tpot_s, None, made, seen.sequences, seen.decode)


def _at_a_rate(ground: ServingGround, pools: Pools, rate: Array) -> Answer:
    """Give what clients see at a rate: a queue before the prompts, a transfer, and a place in a decode batch.

    The batch is that of Little's law, B = x o d(B) / n, found by repetition.
    """
    requests, stated = ground.requests, ground.load.workload
    e = pools.prefill.efficiency
    prompt = pools.prefill.marginal_prefill_s(requests.prompt, requests.cached)
    alone = pools.prefill.prompts(requests.prompt, cached=requests.cached).total
    full = np.maximum(pools.decode.sequences_that_fit(requests.context), 1.0)
    batch = np.ones_like(full * rate)
    for _ in range(_SETTLING):
        step = pools.decode.decode_step(np.maximum(batch, 1.0), requests.context)
        token = step.total / pools.decode.tokens_per_round
        batch = np.minimum(rate * requests.output * token / pools.decode_workers, full)
    busy = np.minimum(rate * prompt / pools.prefill_workers, _NEARLY)
    places = np.minimum(batch / full, _NEARLY)
    varied = stated.requests
    queue, spread = waiting(busy, prompt, pools.prefill_workers, stated.load.variability, varied.prompt_variability)
    turn = requests.output * token / full
    place, more = waiting(
        places, turn, full * pools.decode_workers, stated.load.variability, varied.output_variability
    )  # fmt: skip
    fixed = e.request_s + alone + pools.transfer_s(requests) + step.total
    settles = rate < _NEARLY * capacity(pools, requests)
    variance = spread + more + np.square(varied.prompt_variability * prompt)
    mean = np.where(settles, fixed + queue + place, np.inf)
    percentiles = np.where(settles, fixed - prompt + lognormal(queue + place + prompt, variance), np.inf)
    return _answer(pools, ground, mean, token, percentiles, rate * np.ones_like(token), batch, step)


def _answer(
    pools: Pools,
    ground: ServingGround,
    ttft: Array,
    tpot: Array,
    percentiles: Array | None,
    rate: Array,
    sequences: Array,
    step: PassTime,
) -> Answer:
    requests = ground.requests
    most = capacity(pools, requests)
    prompt = pools.prefill.marginal_prefill_s(requests.prompt, requests.cached)
    reading = np.minimum(rate * prompt / pools.prefill_workers, 1.0) * pools.prefill_workers
    decoding = (1.0 - np.exp(-sequences)) * pools.decode_workers
    both = pools.prefill_workers + pools.decode_workers
    return Answer(
        ttft_s=ttft,
        tpot_s=tpot,
        ttft_percentiles_s=percentiles,
        tpot_percentiles_s=None,
        latency_s=ttft + (requests.output - 1.0) * tpot,
        requests_per_s=np.minimum(rate, most),
        capacity=most,
        load=rate / most,
        sequences=sequences,
        prefill_share=reading / np.maximum(reading + decoding, 1e-12),
        active=(reading + decoding) / both,
        decode=step,
        prompt=pools.prefill.prompts(requests.prompt, cached=requests.cached),
    )
