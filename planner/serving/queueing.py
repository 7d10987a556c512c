"""Requests at a rate, in closed form: waiting, percentiles, and how much a replica can take.

The mean batch follows from the rate by Little's law (`planner.serving.settling`); waiting for prompts is that of a
queue with general arrivals and lengths, over replicas behind one router (`planner.serving.first_token`); percentiles
follow from the moments. A simulation of the loop (`planner.serving.simulate`) holds beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.batching import Requests
from planner.serving.crowding import NUDGE, but_seldom, deviation_of_batch, holding_variability, numbers_variance, rise
from planner.serving.first_token import first_token
from planner.serving.moments import lognormal
from planner.serving.reading import Reader
from planner.serving.settling import Arrivals, Settled, at_rate, at_size, capacity, token_s
from planner.serving.step import PassTime
from planner.serving.waits import NEARLY, evened

Array = NDArray[np.float64]

_LEAST_LEFT = 0.1  # of one less how a token's time rises with the batch
_MOST_LONGER = 1.0  # of a token's time, by which prompts that vary make it longer: at that, batch and time run away


@record
class OpenLoop:
    """What clients see at a rate.

    Parameters
    ----------
    load : rate over capacity; at 1 and above nothing settles and times are infinite [1].
    capacity : most requests per second of all replicas.
    ttft_s, tpot_s : means [s]. ttft_percentiles_s, tpot_percentiles_s : at 50, 90, 95, 99 %, on a first axis [s].
    output_tokens_per_s : of all replicas.
    sequences : that decode on one replica in the mean [1].
    prefill_load, decode_load : of one replica's time, spent on prompts; of its places, taken [1].
    decode : one step at that batch.
    crowded : sequences on a replica but for a hundredth of the time, over those that it runs at once [1].
    """

    load: Array
    capacity: Array
    ttft_s: Array
    tpot_s: Array
    ttft_percentiles_s: Array
    tpot_percentiles_s: Array
    output_tokens_per_s: Array
    sequences: Array
    prefill_load: Array
    decode_load: Array
    decode: PassTime
    crowded: Array


def open_loop(replica: Reader, requests: Requests, arrivals: Arrivals, *, replicas: Array | float = 1.0) -> OpenLoop:
    """Serve requests that come at a rate.

    Parameters
    ----------
    replica : one of them. requests : mean lengths.
    arrivals : rate and variability. replicas : like ones behind one router [1].

    Notes
    -----
    A replica that gets x requests a second runs B of them at once, with B = x o TPOT(B) and
    TPOT(B) = d(B) / (1 - x (f p + s / n)): each second of prompts takes f of one from decoding, and where they have
    passes of their own each of these takes its start s besides, for the n prompts that it reads. New requests wait for
    the pass that runs, and are read in the next with all that came meanwhile; see `planner.serving.waits.passing`. As a
    second queue they wait for a place in a full batch; see `planner.serving.waits.waiting_for_a_place`. A router that
    sends each request to the replica with the fewest at work evens arrivals out, but only in part, since most of those
    at work decode: of their variance a quarter is left with many replicas. Percentiles are those of a lognormal beyond
    some least time with the mean, variance and skewness of the sum of its parts: the own prompt and waiting. A token's
    time varies with the batch that a request meets, whose variance is B / (1 - h), h = d ln TPOT / d ln B (a
    birth-death chain around its mean), and with the prompts that come while it decodes.
    """
    count = np.asarray(replicas, dtype=float)
    rate = np.asarray(arrivals.rate, dtype=float) / count
    most = _most(replica, requests, arrivals)
    return _seen(replica, requests, arrivals, at_rate(replica, requests, arrivals, rate, count), rate, most, count)


def at_batch(replica: Reader, requests: Requests, arrivals: Arrivals, batch: Array | float) -> tuple[OpenLoop, Array]:
    """Serve a rate by as many replicas as let each of them run a batch in the mean: what sizing asks.

    Parameters
    ----------
    replica, requests, arrivals : as in `open_loop`; the rate is that of all replicas.
    batch : of one replica, broadcast against its arrays; at most the full batch [1].

    Returns
    -------
    What clients see, and how many replicas share the rate, not whole ones [1].

    Notes
    -----
    B = x o TPOT and TPOT = d(B) / (1 - x q), q what a prompt delays the others by, give x = B / (o d(B) + B q) at once,
    without a search; q follows from x in a few rounds.
    """
    settled, rate = at_size(replica, requests, arrivals, batch)
    most = _most(replica, requests, arrivals)
    count = np.asarray(arrivals.rate) / rate
    # A rate that less than one replica could take meets one all the same.
    return _seen(replica, requests, arrivals, settled, rate, most, np.maximum(count, 1.0)), count


def _most(replica: Reader, requests: Requests, arrivals: Arrivals) -> Array:
    prompt, output = arrivals.prompt_variability, arrivals.output_variability
    return capacity(replica, requests, prompt_variability=prompt, output_variability=output)


def _seen(
    replica: Reader, requests: Requests, arrivals: Arrivals, settled: Settled, rate: Array, most: Array, count: Array
) -> OpenLoop:
    """Give what clients see of replicas that each take a rate."""
    load = rate / most
    busy = np.minimum(rate * settled.read_s, NEARLY)
    places = np.clip(settled.batch / settled.full, 0.0, NEARLY)
    nudged = token_s(replica, replica.decode_step(settled.met * NUDGE, settled.context), rate * settled.each_s)
    rises = rise(settled.tpot, nudged)
    holding = holding_variability(
        replica,
        requests,
        settled.context,
        settled.full,
        prompt_variability=arrivals.prompt_variability,
        output_variability=arrivals.output_variability,
    )
    numbers = numbers_variance(rises, replicas=count, arriving=arrivals.variability) + np.square(holding)
    mean, percentiles = first_token(
        replica,
        requests,
        arrivals,
        settled,
        rate=rate,
        load=load,
        deviation=np.sqrt(settled.batch * numbers),
        count=count,
    )
    token, spread = _token(requests, arrivals, settled, rate, rises, count)
    settles = load < NEARLY
    return OpenLoop(
        load=load,
        capacity=most * count,
        ttft_s=np.where(settles, mean, np.inf),
        tpot_s=token,
        ttft_percentiles_s=np.where(settles, percentiles, np.inf),
        # Whatever varies, tokens come no sooner than the steps of a batch of that size.
        tpot_percentiles_s=np.maximum(lognormal(token, spread), settled.step.total / replica.tokens_per_round),
        output_tokens_per_s=np.minimum(rate, most) * requests.output * count,
        sequences=np.minimum(settled.batch * token / settled.tpot, settled.full),
        prefill_load=busy,
        decode_load=places,
        decode=settled.step,
        crowded=but_seldom(settled.batch, numbers) / settled.full,
    )


def _token(
    requests: Requests, arrivals: Arrivals, s: Settled, rate: Array, rises: Array, count: Array
) -> tuple[Array, Array]:
    """Mean time of a token, and its variance from one request to another [s, s^2].

    The replicas behind a router share the batch of all, which varies as one of that size does. The time of a request
    that meets a share u of prompts goes as 1 / (1 - u), and that share varies: the mean lies above the time at its mean
    by the square of the relative deviation that it makes.
    """
    of_batch = np.square(deviation_of_batch(s.tpot, rises, s.met)) / count
    # Of o tokens, the prompts met vary as 1 / o around their mean, and 1 / o is (1 + co^2) / E[o] in the mean.
    lengths = (1.0 + s.reading.varied) * (1.0 + np.square(arrivals.output_variability))
    met = rate * requests.output * s.tpot * lengths
    # While a prompt delays a request, more of them come: as in a busy period, (1 - load)^-2 over the prompts met.
    left = 1.0 - np.minimum(rate * s.each_s, NEARLY)
    # The longer it is delayed, the more others gather beside it, which delay it again.
    of_prompts = np.square(s.each_s / requests.output / left) * met / np.maximum(1.0 - rises, _LEAST_LEFT)
    # Prompts of the same burst are read while it decodes.
    squared = np.square(np.asarray(arrivals.variability))
    bursts = (squared - 1.0) / 2.0 / count
    of_burst = bursts * s.each_s / requests.output / left
    longer = 1.0 + np.clip(of_prompts / count / np.square(s.tpot) + of_burst / s.tpot, 0.0, _MOST_LONGER)
    spread = of_batch * (1.0 + squared) / 2.0 + of_prompts * (1.0 + 2.0 * bursts) * evened(count)
    variance: Array = spread * np.square(longer)
    return s.tpot * longer, variance
