"""The batch at which a replica makes as many tokens as are asked for, the rate of a batch, and the most of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.batching import Replica, Requests, at_once
from planner.serving.reading import Reader, Reading, reading_of
from planner.serving.step import PassTime
from planner.serving.waits import NEARLY

Array = NDArray[np.float64]

_HALVINGS = 50
_ROUNDS = 4  # until a rate, and how many prompts a pass reads at it, agree


@record
class Arrivals:
    """How requests come and how their lengths vary.

    Parameters
    ----------
    rate : of all replicas [requests/s].
    variability : coefficient of variation of the time between two: 1 where they are independent, 0 on a clock [1].
    prompt_variability, output_variability : of the lengths [1].
    """

    rate: Array
    variability: Array | float = 1.0
    prompt_variability: float = 0.0
    output_variability: Array | float = 0.0


@record
class Settled:
    """The batch at which a replica makes as many tokens as are asked for, and how it reads prompts.

    Parameters
    ----------
    context : that a sequence holds in the mean [tokens]. full, batch : sequences, at most and in the mean [1].
    met : of the steps that a request's tokens are made in [1].
    tpot : mean time of a token [s]. step : of that many. reading : how prompts are read.
    each_s : by which a prompt delays those that decode, its share of its pass's start included [s].
    """

    context: Array
    full: Array
    batch: Array
    met: Array
    tpot: Array
    step: PassTime
    reading: Reading
    each_s: Array

    @property
    def read_s(self) -> Array:
        """Time of a replica that a prompt takes, whether it delays others or not [s]."""
        taken: Array = self.reading.work_s + self.each_s - self.reading.delay_s
        return taken


def capacity(
    replica: Reader,
    requests: Requests,
    *,
    prompt_variability: float = 0.0,
    output_variability: Array | float = 0.0,
) -> Array:
    """Most requests per second of one replica: a full batch, whose time is shared with the prompts it needs [1/s]."""
    context = held_tokens(requests, output_variability)
    full = np.maximum(at_once(replica, requests, context), 1.0)
    step = replica.decode_step(full, context).total
    rate, _ = _at(replica, requests, reading_of(replica, requests, prompt_variability), full, step)
    return rate


def _at(replica: Reader, requests: Requests, reading: Reading, batch: Array, step_s: Array) -> tuple[Array, Array]:
    """Rate at which a replica runs a batch whose step is known, and by how much each prompt delays it [1/s, s]."""
    decoding = requests.output * step_s / replica.tokens_per_round
    each = reading.delay_s
    rate: Array = batch / (decoding + batch * each)
    for _ in range(_ROUNDS if np.any(reading.stops * reading.start_s) else 0):
        each = reading.each_s(rate, step_s)
        rate = batch / (decoding + batch * each)
    return rate, each


def held_tokens(requests: Requests, output_variability: Array | float) -> Array:
    """Mean tokens that a sequence holds at a time: long outputs stay longer, E[o^2] / 2 E[o] [tokens]."""
    held: Array = requests.cached + requests.prompt + requests.output / 2.0 * (1.0 + np.square(output_variability))
    return held


def beside(batch: Array, arrivals: Arrivals, count: Array, full: Array) -> Array:
    """Sequences of the steps that a request's tokens are made in, its own among them [1].

    Requests meet more of them than there are in the mean: of a number of mean B and variance z B, B + z, one more where
    they come independently. A router that evens numbers out over replicas leaves of that as much less.
    """
    peaked = (1.0 + np.square(np.asarray(arrivals.variability))) / 2.0
    met: Array = np.clip(batch + peaked / count, 1.0, full)
    return met


def at_size(replica: Reader, requests: Requests, arrivals: Arrivals, batch: Array | float) -> tuple[Settled, Array]:
    """Give a replica that runs a batch, at most the full one, and the rate at which it does [1/s]."""
    context = held_tokens(requests, arrivals.output_variability)
    full = np.maximum(at_once(replica, requests, context), 1.0)
    size = np.minimum(np.asarray(batch, dtype=float), full)
    reading = reading_of(replica, requests, arrivals.prompt_variability)
    # As many replicas at least as if each step were one of a single sequence: of more, large batches hardly tell.
    alone = requests.output * replica.decode_step(np.ones_like(full), context).total / replica.tokens_per_round
    count = np.maximum(np.asarray(arrivals.rate) * alone / size, 1.0)
    met = beside(size, arrivals, count, full)
    step = replica.decode_step(met, context)
    rate, each = _at(replica, requests, reading, size, step.total)
    return Settled(context, full, size, met, token_s(replica, step, rate * each), step, reading, each), rate


def at_rate(replica: Reader, requests: Requests, arrivals: Arrivals, rate: Array, count: Array) -> Settled:
    """Give the batch that a rate of one of some replicas leads to, by halving; at most the full one."""
    context = held_tokens(requests, arrivals.output_variability)
    full = np.maximum(at_once(replica, requests, context), 1.0)
    reading = reading_of(replica, requests, arrivals.prompt_variability)
    low, high = np.zeros_like(rate * full), full * np.ones_like(rate)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        step = replica.decode_step(beside(middle, arrivals, count, full), context)
        tpot = token_s(replica, step, rate * reading.each_s(rate, step.total))
        short = middle < rate * requests.output * tpot
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    met = beside(high, arrivals, count, full)
    step = replica.decode_step(met, context)
    each = reading.each_s(rate, step.total)
    return Settled(context, full, high, met, token_s(replica, step, rate * each), step, reading, each)


def token_s(replica: Replica, step: PassTime, read: Array) -> Array:
    """Time of a token where a share of the time is spent on prompts [s]."""
    tpot: Array = step.total / replica.tokens_per_round / (1.0 - np.minimum(read, NEARLY))
    return tpot
