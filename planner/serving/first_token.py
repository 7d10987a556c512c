"""Time to the first token of requests that come at a rate: the way to the engine, the own prompt, and two queues."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.serving.batching import Requests
from planner.serving.moments import Moments, of_chance, of_chance_beyond, of_lognormal
from planner.serving.reading import Reader
from planner.serving.settling import Arrivals, Settled
from planner.serving.waits import (
    Met,
    bunched,
    left_by_router,
    met_apart,
    met_step,
    passing,
    waiting_for_a_place,
)

Array = NDArray[np.float64]

_OWN = 1.5  # steps: half of that which runs, and the one that reads the prompt
_TINY = 1e-9


def first_token(
    replica: Reader,
    requests: Requests,
    arrivals: Arrivals,
    s: Settled,
    *,
    rate: Array,
    load: Array,
    deviation: Array,
    count: Array,
) -> tuple[Array, Array]:
    """Give the mean time to the first token and its percentiles, where load settles [s].

    Parameters
    ----------
    replica, requests, arrivals, s : what serves, what comes, and the batch that it leads to.
    rate : of one replica [1/s]. load : of its capacity [1].
    deviation : of the sequences on a replica, were there places for all [1]. count : of replicas [1].
    """
    r = s.reading
    wait = _for_a_pass(requests, arrivals, s, rate, count)
    squares = np.square(np.asarray(arrivals.variability)) + np.square(np.asarray(arrivals.output_variability))
    mean, spread = waiting_for_a_place(
        load,
        load / np.maximum(rate, _TINY) / count,
        (s.full - s.batch) * count,
        np.maximum(deviation, _TINY) * count,
        np.maximum(squares / 2.0, 1.0),
    )
    # A longer prompt takes longer in every stage that it goes through.
    through = r.work_s + r.lag_s
    soon = of_lognormal(through, r.varied * np.square(through)) + wait
    fixed = _own_s(replica, requests, s) - through
    # Whoever waits for a place waits so long at least, however few they are.
    beyond = of_chance_beyond(mean, spread)
    least = np.where(beyond > 0.0, soon.mean + beyond, 0.0)
    total = soon + of_chance(mean, spread)
    # No request is answered before its prompt is read, of which the median is that much shorter than the mean.
    least = np.maximum(least, through / (1.0 + np.square(arrivals.prompt_variability)))
    return fixed + total.mean, fixed + np.maximum(total.percentiles(), least)


def _own_s(replica: Reader, requests: Requests, s: Settled) -> Array:
    """Time of a request to its first token where it waits for no other [s]."""
    e, r, step = replica.efficiency, s.reading, s.step.total
    late = np.maximum(e.wait_steps - _OWN, 0.0) * replica.decode_step(np.asarray(1.0), s.context).total
    like = replica.marginal_prefill_s(requests.prompt, requests.cached)
    alone = r.alone_s + r.work_s - like
    # Of attention ranks with prompts of their own one reads this prompt, in the time that it takes alone.
    joined = np.maximum(r.work_s + r.lag_s + r.stops * r.start_s + (1.0 - r.stops) * step, alone)
    idle = _idle(s)
    own: Array = e.request_s + late + idle * alone + (1.0 - idle) * joined
    return own


def _idle(s: Settled) -> Array:
    """Chance that nothing decodes on a replica, of a Poisson number that does [1]."""
    idle: Array = np.exp(-s.batch)
    return idle


def _for_a_pass(requests: Requests, arrivals: Arrivals, s: Settled, rate: Array, count: Array) -> Moments:
    """Waiting for the pass that runs, and for the prompts that are read with one's own."""
    r, step = s.reading, s.step.total
    decoding = requests.output * s.tpot
    seen = decoding / (decoding + r.work_s) * (1.0 - 1.0 / np.maximum(s.batch, 1.0))
    left = left_by_router(rate * arrivals.output_variability * decoding, seen, count)
    window = rate * (r.delay_s + step)
    ratio = bunched(arrivals.variability, window)
    beside = (ratio - 1.0) * np.minimum(window, 1.0) / count  # of the same burst, and read together
    # A router that counts requests sees nothing of how long their prompts are.
    dealt = np.maximum(left + 2.0 * (ratio - 1.0) / count + r.varied, 0.0)
    # Where nothing decodes there is no step to wait for, and none but prompts that are read.
    there = (1.0 - _idle(s)) * step
    met = met_step(rate, r.delay_s, there, dealt)
    if np.any(r.stops):
        number = r.together(rate, step) + np.maximum(beside, 0.0)
        apart = met_apart(rate, r.delay_s, r.start_s, number, there, dealt, r.varied)
        met = Met(np.where(r.stops > 0, apart.mean, met.mean), np.where(r.stops > 0, apart.square, met.square))
    wait, spread = passing(rate, r.delay_s, met, dealt)
    wait = np.maximum(wait + beside * r.delay_s, _TINY)
    return of_lognormal(wait, np.maximum(spread + beside * np.square(r.delay_s), 0.0))
