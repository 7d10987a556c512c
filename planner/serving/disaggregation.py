"""Prefill and decode on machines of their own: prompts are read by one pool, their caches sent to the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.batching import Replica, Requests, Served, at_once
from planner.serving.step import PassTime

Array = NDArray[np.float64]

_WAVES = 10.0  # requests over clients, as in planner.serving.batching
_HALVINGS = 40
_SETTLING = 12
_MOST_LOAD = 0.98  # of the prefill pool: a closed loop asks for less than all of it


@record
class Pools:
    """Two pools of replicas.

    Parameters
    ----------
    prefill, decode : one replica of each.
    prefill_workers, decode_workers : replicas of each [1].
    transfer_bytes : keys and values of one token that cross, all ranks together [B].
    transfer_bytes_per_s : from one prefill replica to the decode pool, all its ranks together [B/s].
    """

    prefill: Replica
    decode: Replica
    prefill_workers: Array
    decode_workers: Array
    transfer_bytes: Array
    transfer_bytes_per_s: Array

    def transfer_s(self, requests: Requests) -> Array:
        """Time until a prompt's keys and values have crossed [s]."""
        sent: Array = requests.prompt * self.transfer_bytes / self.transfer_bytes_per_s
        return sent


def capacity(pools: Pools, requests: Requests) -> Array:
    """Most requests per second of both pools: the slower one's [requests/s].

    min(n_p r_p, n_d r_d), r_p one over the marginal prefill and r_d a full decode batch over its time [1]_.

    References
    ----------
    .. [1] Zhong et al., DistServe, OSDI 2024, section 4.
    """
    prompts = pools.prefill_workers / pools.prefill.marginal_prefill_s(requests.prompt, requests.cached)
    full = np.maximum(at_once(pools.decode, requests), 1.0)
    step = pools.decode.decode_step(full, requests.context).total / pools.decode.tokens_per_round
    answers = pools.decode_workers * full / (requests.output * step)
    least: Array = np.minimum(prompts, answers)
    return least


def closed_loop(
    pools: Pools, requests: Requests, *, clients: Array | float, sent: Array | float | None = None
) -> Served:
    """Serve clients that each send their next request when they have the answer.

    Parameters
    ----------
    pools, requests : what serves, and what is asked.
    clients : of all replicas together [1].
    sent : requests in all, which decides what the first wave weighs; ten for each client where unsaid [1].

    Returns
    -------
    Means; rates are of both pools, `sequences` of one decode replica, `prefill_share` the load of the prefill pool.

    Notes
    -----
    At a rate X the prefill pool has the load rho = X p / n_p, and each decode replica the batch B with
    B = X o d(B) / n_d. A request takes W(X) = TTFT + (o - 1) d(B), and Little's law, X W(X) = clients, has one
    solution as W rises with X; it is found by halving. What does not fit into the decode pool waits before it.
    """
    e = pools.prefill.efficiency
    wanted = np.asarray(clients, dtype=float)
    prompt = pools.prefill.marginal_prefill_s(requests.prompt, requests.cached)
    alone = pools.prefill.prompts(requests.prompt, cached=requests.cached).total
    waves = _WAVES if sent is None else np.maximum(np.asarray(sent) / wanted, 1.0)
    first = (wanted - 1.0) / (2.0 * waves) * prompt / pools.prefill_workers
    fixed = e.request_s + alone + pools.transfer_s(requests) + first
    most = capacity(pools, requests)
    full = np.maximum(at_once(pools.decode, requests), 1.0)

    def seen(rate: Array) -> tuple[Array, Array, Array, PassTime]:
        load = np.minimum(rate * prompt / pools.prefill_workers, _MOST_LOAD)
        wait = e.queue * load / (1.0 - load) * prompt / pools.prefill_workers
        batch, step = _batch(pools, requests, rate, full)
        tpot = step.total / pools.decode.tokens_per_round
        return fixed + wait + e.wait_steps * step.total, tpot, batch, step

    low, high = np.zeros_like(most * wanted), most * np.ones_like(wanted)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        ttft, tpot, _, _ = seen(middle)
        inside = middle * (ttft + (requests.output - 1.0) * tpot)
        low, high = np.where(inside < wanted, middle, low), np.where(inside < wanted, high, middle)
    ttft, tpot, batch, step = seen(low)
    # What the pools cannot take waits before them: by Little's law again.
    waiting = wanted / low - (requests.output - 1.0) * tpot
    return Served(
        np.maximum(ttft, waiting), tpot, low * requests.output, batch, low * prompt / pools.prefill_workers, step
    )


def _batch(pools: Pools, requests: Requests, rate: Array, full: Array) -> tuple[Array, PassTime]:
    """Give the sequences of one decode replica at a rate, and their step: the fixed point of B = X o d(B) / n_d."""
    batch = np.ones_like(rate * full)
    step = pools.decode.decode_step(batch, requests.context)
    for _ in range(_SETTLING):
        needed = rate * requests.output * step.total / pools.decode.tokens_per_round / pools.decode_workers
        batch = np.clip(needed, 1.0, full)
        step = pools.decode.decode_step(batch, requests.context)
    return batch, step
