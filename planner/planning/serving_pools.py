"""A service whose prompts are read by replicas of their own, and answered by others: what clients see.

The pools are `planner.serving.disaggregation`'s; requests at a rate meet two queues one after the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.planning.serving_answer import Answer
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_steady import Steady
from planner.record import record
from planner.scenario.serving_load import Disaggregated
from planner.serving.batching import at_once
from planner.serving.crowding import NUDGE, deviation_of_batch, rise
from planner.serving.disaggregation import Pools, closed_loop
from planner.serving.engine import Engine
from planner.serving.moments import lognormal
from planner.serving.step import PassTime
from planner.serving.waits import waiting

Array = NDArray[np.float64]

_NEARLY = 0.999
_SETTLING = 30
_IDLE = 1e-9


@record
class Workers:
    """Replicas that read prompts, and replicas that decode, in every row [1]."""

    prefill: Array
    decode: Array


def pools_of(replica: Engine, workers: Workers) -> Pools:
    """Give pools of replicas of one layout, or many under arrays of layouts and counts."""
    machine, layout = replica.machine.machine, replica.layout
    ranks = layout.accelerators
    # Caches cross the network where the pools stand on several nodes, the link between accelerators where on one.
    inside = ranks * (workers.prefill + workers.decode) <= machine.node_accelerators
    fabric, link = machine.fabric_bandwidth_bytes_per_s, machine.domain_bandwidth_bytes_per_s
    rate = np.where(inside | np.isnan(fabric), link, fabric)
    return Pools(
        prefill=replica,
        decode=replica,
        prefill_workers=workers.prefill,
        decode_workers=workers.decode,
        transfer_bytes=replica.room.token_bytes * layout.tensor * layout.pipeline,
        transfer_bytes_per_s=rate * ranks * replica.efficiency.link_bandwidth,
    )


def workers_of(stated: Disaggregated) -> Workers:
    """Give the counts that a scenario states."""
    if stated.prefill is None or stated.decode is None:
        raise AssertionError("pools are counted by now")
    return Workers(np.asarray(float(stated.prefill)), np.asarray(float(stated.decode)))


def pooled(ground: ServingGround, replica: Engine, workers: Workers, rate: Array | float | None) -> Answer:
    """Serve a scenario's load by pools."""
    if rate is not None:
        pair = Pair(ground, replica)
        return pair.answer(workers, np.asarray(rate, dtype=float), pair.settled(np.asarray(rate) / workers.decode))
    pools, requests = pools_of(replica, workers), ground.requests
    clients = float(ground.load.workload.load.clients or 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # rows without a known link have no times
        seen = closed_loop(pools, requests, clients=clients)
    made = seen.output_tokens_per_s / requests.output
    means = Seen(seen.ttft_s, seen.tpot_s, None, None)
    return Pair(ground, replica).of(workers, means, made, seen.sequences, seen.decode)


@record
class Decoding:
    """A decode replica at work: its mean batch, the time of a token, and one step."""

    batch: Array
    token_s: Array
    step: PassTime


@record
class Seen:
    """Means and percentiles of times to the first token and of later tokens [s]."""

    ttft_s: Array
    tpot_s: Array
    ttft_percentiles_s: Array | None
    tpot_percentiles_s: Array | None


class Pair:
    """Replicas of one layout, or of many in rows, that read prompts or decode: what does not depend on their numbers.

    Attributes
    ----------
    most_read, most_made : requests per second of one replica that reads prompts, and of one that decodes.
    full : sequences that one of the latter runs at once.
    """

    def __init__(self, ground: ServingGround, replica: Engine) -> None:
        self._ground, self._requests, self._replica = ground, ground.requests, replica
        self._steady = Steady(replica)
        steady, requests = self._steady, self._requests
        lengths = ground.load.workload.requests
        self._prompt_s, self._varied = steady.prompt_work(
            requests.prompt, requests.cached, lengths.prompt_variability
        )  # fmt: skip
        # What prompts of varied lengths take in the mean, beyond what one of the mean length does.
        self._more_s = self._prompt_s - steady.marginal_prefill_s(requests.prompt, requests.cached)
        self._prompt = steady.prompts(requests.prompt, cached=requests.cached)
        self.full = np.maximum(at_once(steady, requests), 1.0)
        self.most_read = 1.0 / self._prompt_s
        self.most_made = self.made(self.at_batch(self.full))

    def at_batch(self, batch: Array) -> Decoding:
        """Give a decode replica that runs a batch in the mean."""
        step = self._steady.decode_step(np.maximum(batch, 1.0), self._requests.context)
        return Decoding(batch, step.total / self._steady.tokens_per_round, step)

    def made(self, decoding: Decoding) -> Array:
        """Give the requests per second of a decode replica at its batch, by Little's law."""
        rate: Array = decoding.batch / (self._requests.output * decoding.token_s)
        return rate

    def settled(self, rate: Array) -> Decoding:
        """Give a decode replica at a rate of its own: the batch of Little's law, B = x o d(B), by repetition."""
        batch = np.ones_like(self.full * rate)
        for _ in range(_SETTLING):
            token = self.at_batch(batch).token_s
            batch = np.minimum(rate * self._requests.output * token, self.full)
        return self.at_batch(batch)

    def token_percentiles(self, decoding: Decoding) -> Array:
        """Give percentiles of a token's time: of the batches that requests meet, as no prompt stops them [s]."""
        size = np.maximum(decoding.batch, 1.0)
        nudged = self.at_batch(size * NUDGE).token_s
        return lognormal(
            decoding.token_s, np.square(deviation_of_batch(decoding.token_s, rise(decoding.token_s, nudged), size))
        )

    def capacity(self, workers: Workers) -> Array:
        """Most requests per second of both pools: the slower one's."""
        least: Array = np.minimum(workers.prefill * self.most_read, workers.decode * self.most_made)
        return least

    def answer(self, workers: Workers, rate: Array, decoding: Decoding, percentiles: Array | None = None) -> Answer:
        """Give what clients see at a rate: a queue before the prompts, a transfer, and a place in a decode batch.

        Parameters
        ----------
        workers : of both pools. rate : of all requests [1/s]. decoding : a decode replica at its share of the rate.
        percentiles : of a token's time where they are known [s].
        """
        requests, stated = self._requests, self._ground.load.workload
        varied, arriving = stated.requests, stated.load.variability
        busy = np.minimum(rate / self.most_read / workers.prefill, _NEARLY)
        places = np.minimum(decoding.batch / self.full, _NEARLY)
        queue, spread = waiting(busy, self._prompt_s, workers.prefill, arriving, np.sqrt(self._varied))
        turn = requests.output * decoding.token_s / self.full
        place, more = waiting(places, turn, self.full * workers.decode, arriving, varied.output_variability)
        sent = pools_of(self._replica, workers).transfer_s(requests)
        own = self._prompt.total + self._more_s
        fixed = self._replica.efficiency.request_s + own + sent + decoding.step.total
        settles = rate < _NEARLY * self.capacity(workers)
        variance = spread + more + self._varied * np.square(self._prompt_s)
        first = fixed - self._prompt_s + lognormal(queue + place + self._prompt_s, variance)
        later = self.token_percentiles(decoding) if percentiles is None else percentiles
        token = decoding.token_s * np.ones_like(settles)
        seen = Seen(
            np.where(settles, fixed + queue + place, np.inf), token, np.where(settles, first, np.inf), later
        )  # fmt: skip
        return self.of(workers, seen, rate * np.ones_like(token), decoding.batch, decoding.step)

    def of(self, workers: Workers, seen: Seen, rate: Array, sequences: Array, step: PassTime) -> Answer:
        """Give the answer of pools from the times that clients see."""
        most = self.capacity(workers)
        reading = np.minimum(rate / self.most_read / workers.prefill, 1.0) * workers.prefill
        decoding = (1.0 - np.exp(-sequences)) * workers.decode
        return Answer(
            ttft_s=seen.ttft_s,
            tpot_s=seen.tpot_s,
            ttft_percentiles_s=seen.ttft_percentiles_s,
            tpot_percentiles_s=seen.tpot_percentiles_s,
            latency_s=seen.ttft_s + (self._requests.output - 1.0) * seen.tpot_s,
            requests_per_s=np.minimum(rate, most),
            capacity=most,
            load=rate / most,
            sequences=sequences,
            prefill_share=reading / np.maximum(reading + decoding, _IDLE),
            active=(reading + decoding) / (workers.prefill + workers.decode),
            decode=step,
            prompt=self._prompt,
        )
