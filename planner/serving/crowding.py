"""How many sequences a replica holds but for a little of the time: what says how full it may be in the mean.

Up to there requests find a place when they come, and sequences keep theirs. Beyond, those that wait gather faster than
a queue of independent servers says: each that is let in slows all others down, and where the cache is full, sequences
lose their place and are read again.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from planner.serving.batching import Replica, Requests

Array = NDArray[np.float64]

_SELDOM = 0.01  # of the time: as seldom as what a 99th percentile leaves out
_NEARLY = 0.999
NUDGE = 1.02  # of a batch, to see how a token's time rises with it


def rise(tpot: Array, nudged: Array) -> Array:
    """How a token's time rises with the batch, d ln TPOT / d ln B, from a batch `NUDGE` times as large [1]."""
    found: Array = np.clip(np.log(nudged / tpot) / np.log(NUDGE), 0.0, _NEARLY)
    return found


def deviation_of_batch(tpot: Array, rises: Array, batch: Array) -> Array:
    """Standard deviation of a token's time from the batches that requests meet: a birth-death chain around its mean.

    Parameters
    ----------
    tpot : at the mean batch [s]. rises : with it, d ln TPOT / d ln B [1]. batch : the mean [1].
    """
    # A request averages over its own life, which is 1 - h times the memory of the batch.
    short = np.maximum(1.0 - rises, 1e-3)
    averaged = 2.0 / np.square(short) * (short - 1.0 + np.exp(-short))
    deviation: Array = tpot * rises * np.sqrt(averaged / batch / short)
    return deviation


def numbers_variance(rises: Array, *, replicas: Array | float, arriving: Array | float) -> Array:
    """Variance of the sequences on a replica over their mean [1].

    Parameters
    ----------
    rises : see `rise` [1]. replicas : behind one router, which evens out how many each of them has [1].
    arriving : coefficient of variation of the time between two requests [1].

    Notes
    -----
    Their number is a birth-death chain around its mean, of variance B / (1 - h), h being its rise, times
    (1 + ca^2) / 2 where requests do not come independently (the peakedness of long services [1]_).

    References
    ----------
    .. [1] Whitt, Heavy-traffic approximations for service systems with blocking, AT&T Bell Lab. Tech. J. 63(5), 1984.
    """
    variance: Array = (1.0 + np.square(np.asarray(arriving))) / 2.0 / (1.0 - rises) / replicas
    return variance


def but_seldom(batch: Array, relative: Array) -> Array:
    """Sequences on a replica that are exceeded for a hundredth of the time, in units of those of mean length [1].

    Parameters
    ----------
    batch : the mean [1].
    relative : variance over it, of the sequences' number and of the tokens that each holds, which a router does not
        see [1]. Their sum is taken as normal.
    """
    most: Array = batch + NormalDist().inv_cdf(1.0 - _SELDOM) * np.sqrt(batch * relative)
    return most


def holding_variability(
    replica: Replica,
    requests: Requests,
    context: Array,
    full: Array,
    *,
    prompt_variability: Array | float,
    output_variability: Array | float,
) -> Array:
    """Coefficient of variation of the tokens that sequences hold at a time; 0 where their number alone is limited [1].

    Parameters
    ----------
    replica, requests : mean lengths. context : that a sequence holds in the mean [tokens].
    full : sequences of that context that run at once [1].

    Notes
    -----
    Seen at a random time an answer is at a random place of one that is taken by its length: E[o^2] / 2 E[o] tokens in
    the mean and E[o^3] / 3 E[o] in the mean square, of lognormal lengths (1 + co^2)^3 E[o]^2 / 3.
    """
    varied = 1.0 + np.square(output_variability)
    answers = np.square(requests.output) * (varied**3 / 3.0 - np.square(varied / 2.0))
    prompts = np.square(prompt_variability * (requests.prompt + requests.cached))
    shorter = replica.sequences_that_fit(context / 2.0, np.zeros_like(context))
    found: Array = np.where(shorter > full, np.sqrt(answers + prompts) / context, 0.0)
    return found
