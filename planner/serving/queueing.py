"""Requests at a rate, in closed form: waiting, percentiles, and how much a replica can take.

The mean batch follows from the rate by Little's law; waiting for prompts is that of a queue with general arrivals and
lengths, over replicas behind one router; percentiles follow from an exponential tail. A simulation of the loop
(`planner.serving.simulate`) holds beside it.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.batching import Replica, Requests, at_once
from planner.serving.crowding import NUDGE, but_seldom, deviation_of_batch, holding_variability, rise
from planner.serving.moments import lognormal, of_chance, of_lognormal, sometimes
from planner.serving.step import PassTime
from planner.serving.waits import NEARLY, passing, waiting

Array = NDArray[np.float64]

_HALVINGS = 50
_OWN = 1.5  # that half step, and the one that reads the prompt
_BURSTS = 0.25  # of the variance of arrivals that a router leaves, as endings come in bursts; by simulation
_MOST_LONGER = 1.0  # of a token's time, by which prompts that vary make it longer: at that, batch and time run away


class Queued(Replica, Protocol):
    """What a queue needs to know of a replica besides; `planner.serving.engine.Engine` is one."""

    def prompt_work(self, tokens: Array | float, cached: Array | float, variability: float) -> tuple[Array, Array]:
        """Mean of what prompts of varied lengths add where many are read [s], and its relative variance [1]."""

    def lag_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time in which other stages still work on a prompt's last pass [s]."""


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


def capacity(
    replica: Queued,
    requests: Requests,
    *,
    prompt_variability: float = 0.0,
    output_variability: Array | float = 0.0,
) -> Array:
    """Most requests per second of one replica: a full batch, whose time is shared with the prompts it needs [1/s]."""
    context = held_tokens(requests, output_variability)
    full = np.maximum(at_once(replica, requests, context), 1.0)
    step = replica.decode_step(full, context).total / replica.tokens_per_round
    prompt, _ = replica.prompt_work(requests.prompt, requests.cached, prompt_variability)
    most: Array = full / (requests.output * step + full * replica.efficiency.interference * prompt)
    return most


def held_tokens(requests: Requests, output_variability: Array | float) -> Array:
    """Mean tokens that a sequence holds at a time: long outputs stay longer, E[o^2] / 2 E[o] [tokens]."""
    held: Array = requests.cached + requests.prompt + requests.output / 2.0 * (1.0 + np.square(output_variability))
    return held


@record
class _Settled:
    """The batch at which a replica makes as many tokens as are asked for; a prompt's work, and how that varies."""

    context: Array
    full: Array
    batch: Array
    tpot: Array
    step: PassTime
    prompt: Array
    varied: Array


def open_loop(replica: Queued, requests: Requests, arrivals: Arrivals, *, replicas: Array | float = 1.0) -> OpenLoop:
    """Serve requests that come at a rate.

    Parameters
    ----------
    replica : one of them. requests : mean lengths.
    arrivals : rate and variability. replicas : like ones behind one router [1].

    Notes
    -----
    A replica that gets x requests a second runs B of them at once, with B = x o TPOT(B) and
    TPOT(B) = d(B) / (1 - f x p): each second of prompts takes f of one from decoding. New requests wait for the pass
    that runs, and are read in the next with all that came meanwhile; see `passing`. As a second queue they wait

        W = C / (1 - u) (ca^2 + cs^2) / 2 s

    for a place in a full batch (Allen-Cunneen [1]_, s the time in which one comes free, u the share that is taken, C
    the chance that all are, after Sakasegawa [2]_). A router that sends each request to the replica with the fewest at
    work evens arrivals out, but only in part, since most of those at work decode: of their variance a quarter is left
    with many replicas. Percentiles are those of a lognormal beyond some least time with the mean, variance and skewness
    of the sum of its parts: the own prompt and waiting. A token's time varies with the batch that a request meets,
    whose variance is B / (1 - h), h = d ln TPOT / d ln B (a birth-death chain around its mean), and with the prompts
    that come while it decodes.

    References
    ----------
    .. [1] Allen, Probability, Statistics, and Queueing Theory, 2nd ed., 1990, ch. 5.
    .. [2] Sakasegawa, An approximation formula Lq = a rho^b / (1 - rho), Ann. Inst. Stat. Math. 29, 1977.
    """
    count = np.asarray(replicas, dtype=float)
    rate = np.asarray(arrivals.rate, dtype=float) / count
    most = _capacity(replica, requests, arrivals)
    return _seen(replica, requests, arrivals, _settle(replica, requests, arrivals, rate), rate, most, count)


def at_batch(replica: Queued, requests: Requests, arrivals: Arrivals, batch: Array | float) -> tuple[OpenLoop, Array]:
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
    B = x o TPOT and TPOT = d(B) / (1 - f x p) give x = B / (o d(B) + f B p) at once, without a search.
    """
    context = held_tokens(requests, arrivals.output_variability)
    full = np.maximum(at_once(replica, requests, context), 1.0)
    size = np.minimum(np.asarray(batch, dtype=float), full)
    prompt, varied = replica.prompt_work(requests.prompt, requests.cached, arrivals.prompt_variability)
    step = replica.decode_step(np.maximum(size, 1.0), context)
    token = step.total / replica.tokens_per_round
    delay = replica.efficiency.interference * prompt
    rate = size / (requests.output * token + size * delay)
    tpot = token / (1.0 - np.minimum(delay * rate, NEARLY))
    settled = _Settled(context, full, size, tpot, step, prompt, varied)
    most = _capacity(replica, requests, arrivals)
    count = np.asarray(arrivals.rate) / rate
    # A rate that less than one replica could take meets one all the same.
    return _seen(replica, requests, arrivals, settled, rate, most, np.maximum(count, 1.0)), count


def _capacity(replica: Queued, requests: Requests, arrivals: Arrivals) -> Array:
    prompt, output = arrivals.prompt_variability, arrivals.output_variability
    return capacity(replica, requests, prompt_variability=prompt, output_variability=output)


def _seen(
    replica: Queued, requests: Requests, arrivals: Arrivals, settled: _Settled, rate: Array, most: Array, count: Array
) -> OpenLoop:
    """Give what clients see of replicas that each take a rate."""
    load = rate / most
    busy = np.minimum(rate * settled.prompt, NEARLY)
    places = np.clip(settled.batch / settled.full, 0.0, NEARLY)
    mean, percentiles = _ttft(replica, requests, arrivals, settled, rate, places, count)
    nudged, _ = _tpot(replica, settled.context, rate * settled.prompt, np.maximum(settled.batch, 1.0) * NUDGE)
    rises = rise(settled.tpot, nudged)
    token, spread = _token(replica, requests, arrivals, settled, rate, rises, count)
    settles = load < NEARLY
    return OpenLoop(
        load=load,
        capacity=most * count,
        ttft_s=np.where(settles, mean, np.inf),
        tpot_s=token,
        ttft_percentiles_s=np.where(settles, percentiles, np.inf),
        tpot_percentiles_s=lognormal(token, spread),
        output_tokens_per_s=np.minimum(rate, most) * requests.output * count,
        sequences=np.minimum(settled.batch * token / settled.tpot, settled.full),
        prefill_load=busy,
        decode_load=places,
        decode=settled.step,
        crowded=_crowded(replica, requests, arrivals, settled, rises, count),
    )


def _crowded(
    replica: Replica, requests: Requests, arrivals: Arrivals, s: _Settled, rises: Array, count: Array
) -> Array:
    holding = holding_variability(
        replica,
        requests,
        s.context,
        s.full,
        prompt_variability=arrivals.prompt_variability,
        output_variability=arrivals.output_variability,
    )
    return but_seldom(s.batch, rises, replicas=count, arriving=arrivals.variability, holding=holding) / s.full


def _settle(replica: Queued, requests: Requests, arrivals: Arrivals, rate: Array) -> _Settled:
    """Find the batch by halving; at most the full one."""
    context = held_tokens(requests, arrivals.output_variability)
    full = np.maximum(at_once(replica, requests, context), 1.0)
    prompt, varied = replica.prompt_work(requests.prompt, requests.cached, arrivals.prompt_variability)
    low, high = np.zeros_like(rate * full), full * np.ones_like(rate)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        tpot, _ = _tpot(replica, context, rate * prompt, np.maximum(middle, 1.0))
        short = middle < rate * requests.output * tpot
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    tpot, step = _tpot(replica, context, rate * prompt, np.maximum(high, 1.0))
    return _Settled(context, full, high, tpot, step, prompt, varied)


def _tpot(replica: Replica, context: Array, busy: Array, batch: Array) -> tuple[Array, PassTime]:
    step = replica.decode_step(batch, context)
    read = np.minimum(replica.efficiency.interference * busy, NEARLY)
    return step.total / replica.tokens_per_round / (1.0 - read), step


def _ttft(
    replica: Queued, requests: Requests, arrivals: Arrivals, s: _Settled, rate: Array, places: Array, count: Array
) -> tuple[Array, Array]:
    """Give the mean time to the first token and its percentiles, where load settles [s]."""
    e = replica.efficiency
    alone = replica.prompts(requests.prompt, cached=requests.cached).total
    idle = np.exp(-s.batch)  # chance that nothing decodes, of a Poisson number that does
    lag = replica.lag_s(requests.prompt, requests.cached)
    like = replica.marginal_prefill_s(requests.prompt, requests.cached)
    own = idle * (alone + s.prompt - like) + (1.0 - idle) * (s.prompt + s.step.total + lag)
    late = np.maximum(e.wait_steps - _OWN, 0.0) * replica.decode_step(np.asarray(1.0), s.context).total
    decoding = requests.output * s.tpot
    seen = decoding / (decoding + s.prompt) * (1.0 - 1.0 / np.maximum(s.batch, 1.0))
    left = _left_by_router(rate * arrivals.output_variability * decoding, seen, count)
    # A router that counts requests sees nothing of how long their prompts are.
    dealt = np.square(arrivals.variability) * left + s.varied
    wait, wait_spread = passing(rate, e.interference * s.prompt, s.step.total, dealt)
    turn = requests.output * s.tpot / s.full  # time in which one of a full batch's places comes free
    place, place_spread = waiting(places, turn, s.full * count, arrivals.variability, arrivals.output_variability)
    fixed = e.request_s + late + own - s.prompt
    prompt = of_lognormal(s.prompt, s.varied * np.square(s.prompt))
    varied = prompt + sometimes(1.0 - idle, of_lognormal(wait, wait_spread)) + of_chance(place, place_spread)
    return fixed + varied.mean, fixed + varied.percentiles()


def _left_by_router(apart: Array, seen: Array, count: Array) -> Array:
    """Share of what comes' variance that a router to the replica with the fewest at work leaves to each [1].

    Requests at work mostly decode, so that prompts wait at each replica for those before them. Like requests end as
    they came: those that were read together leave their replica together, which then has the fewest, and gets as many
    at once. They stay together where no other request of the replica comes within the deviation of their ends, in
    which `apart` come in the mean; and only as far as those that a router counts decode, the share `seen`. Then all
    of the variance is left.
    """
    even = _evened(count)
    left: Array = even + (1.0 - even) * seen * np.exp(-apart)
    return left


def _evened(count: Array) -> Array:
    """Share of the variance of what comes that a router leaves to each of some replicas [1]."""
    left: Array = _BURSTS + (1.0 - _BURSTS) / count
    return left


def _token(
    replica: Replica, requests: Requests, arrivals: Arrivals, s: _Settled, rate: Array, rises: Array, count: Array
) -> tuple[Array, Array]:
    """Mean time of a token, and its variance from one request to another [s, s^2].

    The replicas behind a router share the batch of all, which varies as one of that size does. The time of a request
    that meets a share u of prompts goes as 1 / (1 - u), and that share varies: the mean lies above the time at its mean
    by the square of the relative deviation that it makes.
    """
    of_batch = np.square(deviation_of_batch(s.tpot, rises, np.maximum(s.batch, 1.0))) / count
    # Of o tokens, the prompts met vary as 1 / o around their mean, and 1 / o is (1 + co^2) / E[o] in the mean.
    lengths = (1.0 + s.varied) * (1.0 + np.square(arrivals.output_variability))
    met = rate * requests.output * s.tpot * lengths
    # While a prompt delays a request, more of them come: as in a busy period, (1 - load)^-2 over the prompts met.
    left = 1.0 - np.minimum(replica.efficiency.interference * rate * s.prompt, NEARLY)
    of_prompts = np.square(replica.efficiency.interference * s.prompt / requests.output / left) * met
    longer = 1.0 + np.minimum(of_prompts / count / np.square(s.tpot), _MOST_LONGER)
    variance: Array = (of_batch + of_prompts * _evened(count)) * np.square(longer)
    return s.tpot * longer, variance
