"""How long requests wait: for the pass that runs, and for a place, as in queues with general arrivals and lengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]

NEARLY = 0.999  # of a replica's capacity, up to which a load is one that settles
_CLOCK = 1e-2  # variation of the time between two requests, below which they come as by a clock
_RARE, _DENSE = 1e-6, 0.98  # requests in as long as it takes to serve one, beyond which nothing changes any more
_ROUNDS = 8
_BURSTS = 0.25  # of the variance of arrivals that a router leaves, as endings come in bursts; by simulation


@record
class Met:
    """The pass that a request meets when it comes: its mean length [s], and the mean square of it [s^2]."""

    mean: Array
    square: Array


def met_step(rate: Array, delay_s: Array, step_s: Array, varied: Array) -> Met:
    """Give the pass that is met where prompts join the steps of those that decode.

    Parameters
    ----------
    rate : of a replica [1/s]. delay_s : what a prompt adds to a step [s]. step_s : of one without a prompt [s].
    varied : variance of the work that comes in a time, over that of like prompts that come independently [1].

    Notes
    -----
    A pass reads the prompts that came during the one before it, as a gate lets them in: with u = rate delay, passes
    take step / (1 - u) in the mean, with the variance rate delay^2 varied / (1 - u^2) of that. A request comes into a
    pass as a point in time does, more often into a long one, whose length is taken as a gamma's.
    """
    load = np.minimum(rate * delay_s, NEARLY)
    mean = step_s / (1.0 - load)
    relative = rate * np.square(delay_s) * varied / (1.0 - np.square(load)) / mean
    met = mean * (1.0 + relative)
    return Met(met, met * mean * (1.0 + 2.0 * relative))


def met_apart(
    rate: Array, delay_s: Array, start_s: Array, number: Array, step_s: Array, varied: Array, of_lengths: Array
) -> Met:
    """Give the pass that is met where prompts are read in passes of their own, which come before all steps.

    Parameters
    ----------
    rate, delay_s, step_s, varied : as in `met_step`. start_s : of a pass beside its prompts' work [s].
    number : of prompts that it reads in the mean [1]. of_lengths : relative variance of a prompt's work [1].
    """
    load = np.minimum(rate * delay_s, NEARLY)
    mean = start_s + number * delay_s
    came = (number - 1.0) * np.maximum(varied - of_lengths, 0.0) + number * of_lengths
    relative = np.square(delay_s / mean) * came / (1.0 - np.square(load))
    reading = np.minimum(rate * mean / number, NEARLY)
    met = mean * (1.0 + relative)
    return Met(
        reading * met + (1.0 - reading) * step_s,
        reading * met * mean * (1.0 + 2.0 * relative) + (1.0 - reading) * np.square(step_s),
    )


def passing(rate: Array, delay_s: Array, met: Met, varied: Array) -> tuple[Array, Array]:
    """Mean and variance of what a prompt waits for: the pass that runs when it comes, and the prompts read with it.

    Parameters
    ----------
    rate, delay_s, varied : as in `met_step`. met : the pass that runs.

    Notes
    -----
    Of the pass that it meets a random share is left, and the next takes all prompts with it that came meanwhile.
    """
    load = np.minimum(rate * delay_s, NEARLY)
    noise = rate * np.square(delay_s) * varied
    waited: Array = met.mean * (0.5 + load)
    spread: Array = met.square * (1.0 / 3.0 + load + np.square(load)) + noise * met.mean - np.square(waited)
    return waited, spread


def bunched(arriving: Array | float, window: Array) -> Array:
    """Requests that came shortly before one, over those of independent arrivals at the same rate [1].

    Parameters
    ----------
    arriving : coefficient of variation of the time between two, gamma distributed [1].
    window : requests in the mean in as long as it takes to serve one [1].

    Notes
    -----
    Those that one finds in a queue with exponential service and general arrivals are s / (1 - s), with
    s = A(mu (1 - s)) of the transform A of the time between two [1]_; of independent arrivals u / (1 - u). In heavy
    traffic their ratio is (1 + ca^2) / 2; of rare arrivals, of which most come within a burst, many times that.

    References
    ----------
    .. [1] Kleinrock, Queueing Systems, vol. 1, 1975, ch. 6.
    """
    if np.all(np.asarray(arriving) == 1.0):
        return np.ones_like(window)
    shape = 1.0 / np.square(np.maximum(arriving, _CLOCK))
    load = np.clip(window, _RARE, _DENSE)
    free = np.ones_like(load)  # 1 - s, by Newton's method from above, on a concave function
    for _ in range(_ROUNDS):
        times = 1.0 + free / (shape * load)
        found = times**-shape
        slope = found / (load * times) - 1.0
        free = np.clip(free - (1.0 - free - found) / slope, _RARE, 1.0)
    ratio: Array = (1.0 - free) / free * (1.0 - load) / load
    return ratio


def waiting(
    load: Array, service_s: Array, servers: Array, arriving: Array | float, serving: Array | float
) -> tuple[Array, Array]:
    """Mean and variance of waiting in a queue with several servers, Allen-Cunneen with Sakasegawa's chance [s, s^2].

    Of those who wait the time is exponential.
    """
    varied = (np.square(np.asarray(arriving)) + np.square(np.asarray(serving))) / 2.0
    chance = load ** (np.sqrt(2.0 * (servers + 1.0)) - 1.0)
    mean: Array = chance / (1.0 - load) * varied * service_s / servers
    return mean, (2.0 / np.maximum(chance, 1e-9) - 1.0) * np.square(mean)


def waiting_for_a_place(
    load: Array, turn_s: Array, apart: Array, deviation: Array, varied: Array | float
) -> tuple[Array, Array]:
    """Mean and variance of waiting until one of the sequences that run ends, where all places are taken [s, s^2].

    Parameters
    ----------
    load : rate over capacity [1]. turn_s : in which one place comes free where all are taken [s].
    apart : places over the mean number of sequences [1]. deviation : of that number, were there places for all [1].
    varied : of arrivals and answers, the mean of their squared coefficients of variation [1].

    Notes
    -----
    Up to the places the number of sequences is normal, beyond them geometric with the load as ratio, and both parts
    meet (Halfin and Whitt [1]_, for servers that slow down where more of them are at work). Of those who wait the time
    is exponential.

    References
    ----------
    .. [1] Halfin, Whitt, Heavy-traffic limits for queues with many exponential servers, Oper. Res. 29(3), 1981.
    """
    beyond = apart / deviation
    density = np.exp(-0.5 * np.square(beyond)) / np.sqrt(2.0 * np.pi)
    free = 1.0 - np.minimum(load, NEARLY)
    density = density * varied
    chance = density / (density + free * deviation * below(beyond))
    mean: Array = chance / free * varied * turn_s
    return mean, (2.0 / np.maximum(chance, 1e-9) - 1.0) * np.square(mean)


def below(deviations: Array) -> Array:
    """Share of a normal number below so many deviations from its mean, to 3 parts in a thousand [1].

    The logistic approximation of Bowling et al., J. Ind. Eng. Manag. 2(1), 2009.
    """
    share: Array = 1.0 / (1.0 + np.exp(-1.5976 * deviations - 0.07056 * deviations**3))
    return share


def left_by_router(apart: Array, seen: Array, count: Array) -> Array:
    """Share of what comes' variance that a router to the replica with the fewest at work leaves to each [1].

    Requests at work mostly decode, so that prompts wait at each replica for those before them. Like requests end as
    they came: those that were read together leave their replica together, which then has the fewest, and gets as many
    at once. They stay together where no other request of the replica comes within the deviation of their ends, in
    which `apart` come in the mean; and only as far as those that a router counts decode, the share `seen`. Then all
    of the variance is left.
    """
    even = evened(count)
    left: Array = even + (1.0 - even) * seen * np.exp(-apart)
    return left


def evened(count: Array) -> Array:
    """Share of the variance of what comes that a router leaves to each of some replicas [1]."""
    left: Array = _BURSTS + (1.0 - _BURSTS) / count
    return left
