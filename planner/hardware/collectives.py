"""Time of collective communication, by algorithm and level: scale-up domain inside, network outside.

A group of ranks with a stride sits partly inside one domain: of a data-parallel group under a tensor
degree of 8 on 8-accelerator nodes, every rank is on another node. Bandwidths are one direction and per
accelerator; every accelerator drives its own share of the node's ports at the same time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine
from planner.record import record

Array = NDArray[np.float64]

_LEVELS_OVERLAP = 0.3  # of the shorter level's time that does not hide behind the longer one's


@record
class Group:
    """Ranks that communicate.

    Parameters
    ----------
    size : ranks [1].
    inside : of those, ranks in one scale-up domain [1].
    ring_rate : rate of gathers inside it against a switch's of the same ports [1].
    exchange_rate : rate of an all-to-all inside it against that [1].
    """

    size: Array
    inside: Array
    ring_rate: Array | float = 1.0
    exchange_rate: Array | float = 1.0

    @property
    def outside(self) -> Array:
        """Domains that the group touches [1]."""
        return self.size / self.inside

    @staticmethod
    def of(size: Array, *, stride: Array, machine: Machine) -> Group:
        """Give the group of `size` ranks that stand `stride` ranks apart.

        >>> import numpy as np
        >>> domain = 8.0
        >>> float(np.clip(np.floor(domain / 2.0), 1.0, 16.0))  # 16 ranks, every second: 4 per domain
        4.0
        """
        inside = np.clip(np.floor(machine.domain / stride), 1.0, size)
        # A domain that holds 5 of 8 ranks is used as 4 and 4: rings are laid evenly.
        inside = size / np.ceil(size / inside)
        if not np.any(machine.torus > 0):
            return Group(size, inside)
        return Group(size, inside, *_rates_on_torus(inside, machine))


@record
class Links:
    """Rates and latencies that a collective sees, efficiency included.

    Parameters
    ----------
    domain_bytes_per_s, fabric_bytes_per_s : of large messages [B/s].
    domain_latency_s, fabric_latency_s : one doubling of the ranks [s].
    small_rate : rate of the protocol for few bytes against that [1].
    large_start_s : more that the protocol for many bytes needs to start [s].
    """

    domain_bytes_per_s: Array
    fabric_bytes_per_s: Array
    domain_latency_s: Array
    fabric_latency_s: Array
    small_rate: Array | float = 1.0
    large_start_s: Array | float = 0.0

    @staticmethod
    def of(machine: Machine, efficiency: Efficiency) -> Links:
        """Give the links of a machine under a framework."""
        return Links(
            machine.domain_bandwidth_bytes_per_s * efficiency.domain_bandwidth,
            machine.fabric_bandwidth_bytes_per_s * efficiency.fabric_bandwidth,
            efficiency.domain_latency_s,
            np.maximum(efficiency.fabric_latency_s, machine.fabric_latency_s),
            efficiency.small_messages,
            efficiency.large_start_s,
        )


def _rates_on_torus(ranks: Array, machine: Machine) -> tuple[Array, Array]:
    """Rates of gathers and of all-to-alls between ranks of a torus, against a switch with the same ports [1].

    Of d dimensions with domain^(1/d) accelerators each, a group fills as few as hold it, k of them, and has their
    share k/d of the ports. A gather runs a ring along each at once and fills these. In an all-to-all a message
    passes l/4 links on average along a ring of l, k l/4 along all, and every one of them takes it.
    """
    dimensions = np.maximum(machine.torus, 1.0)
    side = machine.domain ** (1.0 / dimensions)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.ceil(np.log(ranks) / np.log(side) - _ROUNDING)
    filled = np.clip(np.where(side > 1.0, needed, 1.0), 1.0, dimensions)
    length = ranks ** (1.0 / filled)
    share = filled / dimensions
    apart = (ranks - 1.0) / ranks
    hops = np.maximum(filled * length / 4.0, apart)
    flat = machine.torus == 0
    alone = flat | (ranks <= 1.0)
    return np.where(flat, 1.0, share), np.where(alone, 1.0, share * apart / np.where(alone, 1.0, hops))


_ROUNDING = 1e-9  # a power that is whole but for rounding is whole


def gather_or_scatter_time_s(message_bytes: Array, group: Group, links: Links) -> Array:
    """Time of an all-gather, or of a reduce-scatter, which moves the same.

    Parameters
    ----------
    message_bytes : the whole gathered buffer [B].
    group, links : who takes part, over what.

    Returns
    -------
    Seconds from the first send to the last receive [s]; 0 for a group of one, and for nothing to send.

    Notes
    -----
    Inside a domain (g - 1)/g S/B; across N domains each rank moves its own slice, (N - 1)/N (S/g)/B_net, on
    its own port: the two levels run as a pipeline, of which the longer shows and 0.3 of the shorter.
    Latency is one step per doubling of ranks at each level: large messages are cut and trees used for
    small ones, so a ring's n - 1 steps are not paid [1]_. On a torus a group has the ports of the dimensions
    that it fills. Each level takes the faster of two protocols: one that
    starts at once at a fraction of the rate, and one that has the whole rate after a start of its own.

    References
    ----------
    .. [1] Thakur, Rabenseifner, Gropp, IJHPCA 19(1), 2005; NCCL's double binary trees (2.4 on).
    """
    inner = _protocol(_within(message_bytes / group.inside, group, links) / group.ring_rate, links)
    outer = _protocol(_across(message_bytes / group.inside, group, links), links)
    return np.where(message_bytes > 0, _levels(inner, outer) + _latency(group, links), 0.0)


def all_reduce_time_s(message_bytes: Array, group: Group, links: Links) -> Array:
    """Time of an all-reduce of a buffer on every rank: a reduce-scatter, then an all-gather [s]."""
    return 2.0 * gather_or_scatter_time_s(message_bytes, group, links)


def all_to_all_time_s(message_bytes: Array, group: Group, links: Links, *, copies: Array | float = 1.0) -> Array:
    """Time of an all-to-all.

    Parameters
    ----------
    message_bytes : what one rank holds and spreads evenly over the group [B].
    copies : copies of one token that the message holds; several for one domain cross the network once
        where the library sends one per node [1].

    Returns
    -------
    Seconds [s]; 0 for a group of one.

    Notes
    -----
    Of N domains, K copies of a token reach N (1 - (1 - 1/N)^K) different ones on average.
    """
    domains = group.outside
    inner = _protocol(_within(message_bytes / group.size, group, links) / group.exchange_rate, links)
    distinct = domains * (1.0 - (1.0 - 1.0 / domains) ** copies) / copies
    with np.errstate(invalid="ignore", divide="ignore"):
        crossing = message_bytes * (domains - 1.0) / domains * distinct / links.fabric_bytes_per_s
    outer = _protocol(np.where(domains > 1.0, crossing, 0.0), links)
    return np.where(message_bytes > 0, _levels(inner, outer) + _latency(group, links), 0.0)


def send_time_s(message_bytes: Array, *, outside: Array, links: Links) -> Array:
    """Time of one message to a neighbour: over the network where `outside` is above 0, else inside [s]."""
    inner = _protocol(message_bytes / links.domain_bytes_per_s, links) + links.domain_latency_s
    with np.errstate(invalid="ignore"):
        outer = _protocol(message_bytes / links.fabric_bytes_per_s, links) + links.fabric_latency_s
    sent: Array = np.where(outside > 0, outer, inner)
    return sent


def _within(slice_bytes: Array, group: Group, links: Links) -> Array:
    """Slices for the other ranks of one's own domain; a machine of one accelerator needs no link for none."""
    with np.errstate(invalid="ignore"):
        time = slice_bytes * (group.inside - 1.0) / links.domain_bytes_per_s
    passing: Array = np.where(group.inside > 1.0, time, 0.0)
    return passing


def _across(slice_bytes: Array, group: Group, links: Links) -> Array:
    domains = group.outside
    with np.errstate(invalid="ignore"):
        time = slice_bytes * (domains - 1.0) / domains / links.fabric_bytes_per_s
    crossing: Array = np.where(domains > 1.0, time, 0.0)
    return crossing


def _protocol(large_s: Array, links: Links) -> Array:
    """The faster of two protocols, from the time at the rate of large messages [s]."""
    return np.minimum(large_s / links.small_rate, large_s + links.large_start_s)


def _levels(inner: Array, outer: Array) -> Array:
    return np.maximum(inner, outer) + _LEVELS_OVERLAP * np.minimum(inner, outer)


def _latency(group: Group, links: Links) -> Array:
    inside = links.domain_latency_s * np.log2(group.inside)
    return inside + np.where(group.outside > 1.0, links.fabric_latency_s * np.log2(group.outside), 0.0)
