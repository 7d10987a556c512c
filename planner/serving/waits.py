"""How long requests wait: for the pass that runs, and for a place, as in queues with general arrivals and lengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NEARLY = 0.999  # of a replica's capacity, up to which a load is one that settles


def passing(rate: Array, work_s: Array, step_s: Array, varied: Array) -> tuple[Array, Array]:
    """Mean and variance of what a prompt waits for: the pass that runs when it comes, and the prompts read with it.

    Parameters
    ----------
    rate : of a replica [1/s]. work_s : what a prompt adds to a pass [s]. step_s : of a pass without a prompt [s].
    varied : variance of the work that comes in a time, over that of like prompts that come independently [1].

    Notes
    -----
    A pass reads the prompts that came during the one before it, as a gate lets them in: with u = rate work, passes take
    step / (1 - u) in the mean, with the variance rate work^2 varied / (1 - u^2) of that. A request comes into a pass as
    a point in time does, more often into a long one: of that A, which is taken as a gamma's, a random share is left,
    and the next takes rate A prompts with it.
    """
    load = np.minimum(rate * work_s, NEARLY)
    mean = step_s / (1.0 - load)
    noise = rate * np.square(work_s) * varied
    relative = noise / (1.0 - np.square(load)) / mean
    met = mean * (1.0 + relative)
    square = np.square(mean) * (1.0 + relative) * (1.0 + 2.0 * relative)
    waited: Array = met * (0.5 + load)
    spread: Array = square * (1.0 / 3.0 + load + np.square(load)) + noise * met - np.square(waited)
    return waited, spread


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
