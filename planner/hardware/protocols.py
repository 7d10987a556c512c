"""Time of one collective on one link: the protocol for few bytes, for some or for many, whichever is fastest.

Communication libraries send small messages by a protocol that checks every few bytes, which starts at once and
wastes bandwidth, large ones by another, and have one between them (NCCL's LL, Simple and LL128). Kernels of inference
engines add two in which every rank reads the others by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]


@record
class LinkRates:
    """How far a link stays below its line rate, by protocol.

    Parameters
    ----------
    start_s : fixed time of a collective [s].
    step_s : one step of it by the protocol for few bytes [s].
    large_start_s : more fixed time by the protocol for many bytes [s].
    large_step : its step against that [1].
    middle_start_s, middle_step : the same by the protocol between them [s], [1].
    exchange_step : a step of an all-to-all against one of a ring [1].
    large, middle, small : share of the line rate by each [1].
    own : rate at which a rank copies its own slice, against the line rate [1].
    contention : exponent of the ranks' fall in rate where they share a bus without a switch [1].
    """

    start_s: Array
    step_s: Array
    large_start_s: Array
    large_step: Array
    middle_start_s: Array
    middle_step: Array
    exchange_step: Array
    large: Array
    middle: Array
    small: Array
    own: Array
    contention: Array


@record
class DirectRates:
    """Kernels in which every rank reads the others' memory by itself.

    Parameters
    ----------
    start_s, rank_s : fixed time; for each further rank [s].
    one_shot : share of the line rate at which each rank reads whole buffers [1].
    two_shot_s : more fixed time where each rank reduces a slice first [s].
    two_shot : share of the line rate then [1].
    """

    start_s: Array
    rank_s: Array
    one_shot: Array
    two_shot_s: Array
    two_shot: Array


@record
class Bus:
    """A link that ranks talk over.

    Parameters
    ----------
    bytes_per_s : line rate of one rank, one direction [B/s].
    shared : 1 where ranks share it without a switch, else 0.
    """

    bytes_per_s: Array
    shared: Array

    def rate(self, ranks: Array, contention: Array) -> Array:
        """Give the line rate that is left of one rank when all talk [B/s]."""
        crowd = np.where(self.shared > 0, (np.maximum(ranks, 2.0) / 2.0) ** contention, 1.0)
        left: Array = self.bytes_per_s / crowd
        return left


def steps(ranks: Array) -> Array:
    """Count the steps of a gather or scatter: around a ring, or up and down a tree, whichever has fewer [1].

    >>> [float(steps(np.asarray(float(n)))) for n in (1, 2, 4, 8, 64)]
    [0.0, 1.0, 3.0, 6.0, 12.0]
    """
    fewer: Array = np.minimum(ranks - 1.0, 2.0 * np.log2(ranks))
    return fewer


def collective_time_s(
    message_bytes: Array, ranks: Array, bus: Bus, rates: LinkRates, *, passes: Array | float, exchange: Array | float
) -> Array:
    """Time of a collective of ranks on one link.

    Parameters
    ----------
    message_bytes : the whole buffer, gathered or reduced, or what one rank spreads over the others [B].
    ranks : that take part [1].
    bus, rates : link, and how far below its rate software stays.
    passes : 2 for an all-reduce, 1 for a gather, scatter or all-to-all [1].
    exchange : 1 for an all-to-all, else 0.

    Returns
    -------
    Seconds [s].

    Notes
    -----
    small: a + s b + V/(B e_small); middle and large: a + a' + s b' + V/(B e) + S/(n B c), with V = passes (n - 1)/n S
    the bytes that a rank sends, s its steps, and S/n its own slice, which it copies.
    """
    count = passes * steps(ranks) * np.where(exchange > 0, rates.exchange_step, 1.0)
    sent = passes * (ranks - 1.0) / ranks * message_bytes
    return _faster(count, sent, message_bytes / ranks, bus.rate(ranks, rates.contention), rates)


def pair_time_s(message_bytes: Array, bus: Bus, rates: LinkRates) -> Array:
    """Time of one message from one rank to another [s]."""
    two = np.full_like(message_bytes, 2.0)
    return _faster(np.ones_like(two), message_bytes, 0.0 * message_bytes, bus.rate(two, rates.contention), rates)


def direct_all_reduce_time_s(
    message_bytes: Array, ranks: Array, bus: Bus, direct: DirectRates, rates: LinkRates
) -> Array:
    """Time of an all-reduce in which ranks read each other's memory: in one go, or each a slice first [s]."""
    rate = bus.rate(ranks, rates.contention)
    begin = direct.start_s + (ranks - 1.0) * direct.rank_s
    one = begin + (ranks - 1.0) * message_bytes / (rate * direct.one_shot)
    two = begin + direct.two_shot_s + 2.0 * (ranks - 1.0) / ranks * message_bytes / (rate * direct.two_shot)
    return np.minimum(one, two)


def _faster(count: Array, sent: Array, own: Array, rate: Array, rates: LinkRates) -> Array:
    small = rates.start_s + count * rates.step_s + sent / (rate * rates.small)
    copied = own / (rate * rates.own)
    middle = (
        rates.start_s
        + rates.middle_start_s
        + count * rates.step_s * rates.middle_step
        + sent / (rate * rates.middle)
        + copied
    )
    large = (
        rates.start_s
        + rates.large_start_s
        + count * rates.step_s * rates.large_step
        + sent / (rate * rates.large)
        + copied
    )
    return np.minimum(np.minimum(small, middle), large)
