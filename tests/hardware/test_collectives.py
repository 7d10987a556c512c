"""Collectives against messages passed step by step, and what must hold of any group and links."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.hardware.collectives import (
    Group,
    Links,
    all_reduce_time_s,
    all_to_all_time_s,
    gather_or_scatter_time_s,
    send_time_s,
)
from tests.planning.problems import changed, machine
from tests.training.strategies import one


def links(*, inside: float = 1.0, outside: float = 1.0, latency: float = 0.0, far: float = 0.0) -> Links:
    return Links(one(inside), one(outside), one(latency), one(far))


def test_few_bytes_take_the_protocol_that_starts_at_once() -> None:
    # A tenth of the rate without a start of its own, or all of it after 5 us: equal where a tenth costs 5 us more.
    plain, two = links(inside=1e9), Links(one(1e9), one(1.0), one(0.0), one(0.0), 0.1, 5e-6)
    for message in (10.0, 100.0, 1e3, 1e4, 1e8):
        large = number(gather_or_scatter_time_s(one(message), within(8), plain))
        found = number(gather_or_scatter_time_s(one(message), within(8), two))
        assert found == pytest.approx(min(large * 10, large + 5e-6), rel=1e-9)


def within(size: int) -> Group:
    """A group inside one domain."""
    return Group(one(size), one(size))


def number(value: np.ndarray) -> float:
    return float(np.ravel(value)[0])


def ring_all_gather(ranks: int, message: Fraction, bandwidth: Fraction) -> Fraction:
    """Pass slices around a ring until every rank has all of them; give the time that it takes."""
    has = [{rank} for rank in range(ranks)]
    time, newest = Fraction(0), list(range(ranks))
    while any(len(slices) < ranks for slices in has):
        arriving = [newest[rank - 1] for rank in range(ranks)]
        for rank, slice_ in enumerate(arriving):
            has[rank].add(slice_)
        newest = arriving
        time += message / ranks / bandwidth
    return time


def halving(ranks: int, message: Fraction, bandwidth: Fraction, latency: Fraction) -> Fraction:
    """Reduce and scatter by exchanging halves with partners ever nearer; give the time that it takes."""
    terms = [{rank: {part: {rank} for part in range(ranks)}} for rank in range(ranks)]
    held = [set(range(ranks)) for _ in range(ranks)]
    sums = [terms[rank][rank] for rank in range(ranks)]
    time, distance = Fraction(0), ranks // 2
    while distance:
        sent = {}
        for rank in range(ranks):
            partner = rank ^ distance
            sent[partner] = {part: sums[rank][part] for part in held[rank] if (part ^ rank) & distance}
        for rank in range(ranks):
            held[rank] = {part for part in held[rank] if not (part ^ rank) & distance}
            for part in held[rank]:
                sums[rank][part] = sums[rank][part] | sent[rank][part]
        time += latency + message * Fraction(len(sent[0]), ranks) / bandwidth
        distance //= 2
    assert all(held[rank] == {rank} and sums[rank][rank] == set(range(ranks)) for rank in range(ranks))
    return time


@pytest.mark.parametrize("ranks", [1, 2, 3, 5, 8, 72])
def test_a_gather_moves_what_a_ring_of_slices_moves(ranks: int) -> None:
    exact = ring_all_gather(ranks, Fraction(720), Fraction(3))
    found = gather_or_scatter_time_s(one(720.0), within(ranks), links(inside=3.0))
    assert number(found) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize("ranks", [1, 2, 4, 8, 64, 512])
def test_a_scatter_takes_what_exchanging_halves_takes_latency_included(ranks: int) -> None:
    exact = halving(ranks, Fraction(10**6), Fraction(10**9), Fraction(1, 10**5)) if ranks > 1 else Fraction(0)
    found = gather_or_scatter_time_s(one(1e6), within(ranks), links(inside=1e9, latency=1e-5))
    assert number(found) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize("ranks", [2, 8, 24])
def test_an_all_reduce_is_a_scatter_and_a_gather(ranks: int) -> None:
    # 2 (n - 1)/n S/B, Thakur et al. 2005: each rank sends all but its own slice, twice.
    sent = sum(Fraction(100, ranks) for _ in range(2 * (ranks - 1)))
    assert number(all_reduce_time_s(one(100.0), within(ranks), links())) == pytest.approx(float(sent), rel=1e-9)


@pytest.mark.parametrize("ranks", [2, 8, 24])
def test_an_all_to_all_sends_every_other_rank_its_slice(ranks: int) -> None:
    sent = sum(Fraction(100, ranks) for other in range(ranks) if other != 0)
    assert number(all_to_all_time_s(one(100.0), within(ranks), links())) == pytest.approx(float(sent), rel=1e-9)


@pytest.mark.parametrize(("domains", "inside"), [(2, 8), (4, 4), (16, 8), (3, 5)])
def test_levels_take_between_the_longer_phase_and_both_in_turn(domains: int, inside: int) -> None:
    # A rank gathers its own slice over the network from its peers, then the domain shares the slices.
    message = Fraction(960)
    near = ring_all_gather(inside, message, Fraction(7))
    far = ring_all_gather(domains, message / inside, Fraction(2))
    group = Group(one(domains * inside), one(inside))
    found = number(gather_or_scatter_time_s(one(960.0), group, links(inside=7.0, outside=2.0)))
    assert float(max(near, far)) <= found <= float(near + far)


@pytest.mark.parametrize(("domains", "copies"), [(2, 2), (3, 2), (4, 3), (5, 1)])
def test_copies_of_a_token_for_one_domain_cross_the_network_once(domains: int, copies: int) -> None:
    # Every way in which the copies of a token of the first domain can fall, counted one by one.
    ways = list(itertools.product(range(domains), repeat=copies))
    crossings = Fraction(sum(len(set(way) - {0}) for way in ways), len(ways))
    group = Group(one(domains), one(1))
    found = number(all_to_all_time_s(one(float(copies)), group, links(), copies=float(copies)))
    assert found == pytest.approx(float(crossings), rel=1e-9)


def test_a_group_of_one_takes_no_time_even_without_a_link() -> None:
    nothing = links(inside=float("nan"), outside=float("nan"), latency=1.0, far=1.0)
    alone = within(1)
    for collective in (gather_or_scatter_time_s, all_reduce_time_s, all_to_all_time_s):
        assert number(collective(one(1e9), alone, nothing)) == 0.0


def test_a_group_inside_one_domain_needs_no_network() -> None:
    found = gather_or_scatter_time_s(one(1e9), within(8), links(inside=1e11, outside=float("nan")))
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("size", "stride", "domain", "inside"),
    [
        (8, 1, 8, 8),  # the tensor ranks of one node
        (64, 8, 8, 1),  # data ranks under a tensor degree of the whole node: each on a node of its own
        (64, 2, 8, 4),
        (16, 1, 8, 8),
        (12, 1, 8, 6),  # two nodes are used alike, not eight and four
        (4, 1, 72, 4),
        (100, 1, 72, 50),
    ],
)
def test_ranks_stand_in_domains_as_their_stride_says(size: int, stride: int, domain: int, inside: int) -> None:
    given_machine = changed(machine("dgx-h100"), domain=domain)
    group = Group.of(one(size), stride=one(stride), machine=given_machine)
    assert number(group.inside) == inside
    # Counted rank by rank: no domain holds more of them than one can, and that many domains are enough.
    places = [rank * stride // domain for rank in range(size)]
    assert max(places.count(place) for place in set(places)) >= inside
    assert number(group.outside) * inside == size


sizes = st.integers(1, 4096)
rates = st.floats(1e6, 1e13)


@given(
    size=sizes,
    inside=st.integers(1, 72),
    message=st.floats(0.0, 1e12),
    rate=st.tuples(rates, rates),
    factor=st.floats(1.0, 100.0),
)
def test_more_bandwidth_is_never_slower_and_more_bytes_never_faster(
    size: int, inside: int, message: float, rate: tuple[float, float], factor: float
) -> None:
    group = Group(one(size), one(size / math.ceil(size / min(inside, size))))
    slow = links(inside=rate[0], outside=rate[1], latency=1e-6, far=1e-5)
    near = links(inside=rate[0] * factor, outside=rate[1], latency=1e-6, far=1e-5)
    far = links(inside=rate[0], outside=rate[1] * factor, latency=1e-6, far=1e-5)
    for collective in (gather_or_scatter_time_s, all_reduce_time_s, all_to_all_time_s):
        usual = number(collective(one(message), group, slow))
        assert 0.0 <= usual < math.inf
        for faster in (near, far):
            assert number(collective(one(message), group, faster)) <= usual * (1 + 1e-12)
        assert number(collective(one(message * factor), group, slow)) >= usual * (1 - 1e-12)


def test_a_send_goes_over_the_network_only_where_it_leaves_its_domain() -> None:
    path = links(inside=100.0, outside=10.0, latency=0.5, far=2.0)
    assert number(send_time_s(one(1000.0), outside=one(0), links=path)) == 10.5
    assert number(send_time_s(one(1000.0), outside=one(1), links=path)) == 102.0
