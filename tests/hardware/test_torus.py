"""Collectives on a torus against messages that take every link of their way, one by one."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.hardware.collectives import Group, Links, all_to_all_time_s, gather_or_scatter_time_s
from planner.hardware.machine import Machine
from tests.planning.problems import changed, machine
from tests.training.strategies import one

LINKS = Links(one(1.0), one(1e-6), one(0.0), one(0.0))  # one byte per second over all ports of a rank together


def torus(side: int, dimensions: int) -> Machine:
    return changed(machine("dgx-h100"), domain=side**dimensions, torus=dimensions)


def group(size: int, given_machine: Machine, *, stride: int = 1) -> Group:
    return Group.of(one(size), stride=one(stride), machine=given_machine)


def number(value: np.ndarray) -> float:
    return float(np.ravel(value)[0])


def busiest_link(side: int, dimensions: int) -> float:
    """Send one unit from each rank to each other one, the short way round every ring; count what each link carries."""
    carried: Counter[tuple[tuple[int, ...], int, int]] = Counter()
    ranks = list(itertools.product(range(side), repeat=dimensions))
    for start, end in itertools.product(ranks, ranks):
        place = list(start)
        for axis in range(dimensions):
            ahead = (end[axis] - place[axis]) % side
            # Half the units take either way where both are as short.
            shares = {1: 0.5, -1: 0.5} if 2 * ahead == side else {1 if 2 * ahead < side else -1: 1.0}
            for way, share in shares.items():
                passing = list(place)
                while passing[axis] != end[axis]:
                    carried[tuple(passing), axis, way] += share  # type: ignore[assignment]
                    passing[axis] = (passing[axis] + way) % side
            place[axis] = end[axis]
    return max(carried.values())


@pytest.mark.parametrize(("side", "dimensions"), [(4, 1), (8, 1), (16, 1), (4, 2), (8, 2), (4, 3)])
def test_an_all_to_all_takes_what_the_busiest_link_carries(side: int, dimensions: int) -> None:
    ranks, ports = side**dimensions, 2 * dimensions
    counted = busiest_link(side, dimensions) * (1.0 / ranks) * ports  # a message of one byte; a port has its share
    found = number(all_to_all_time_s(one(1.0), group(ranks, torus(side, dimensions)), LINKS))
    assert found == pytest.approx(counted, rel=1e-9)


@pytest.mark.parametrize(("side", "dimensions"), [(4, 2), (16, 2), (8, 3)])
def test_a_gather_over_the_whole_torus_fills_every_port(side: int, dimensions: int) -> None:
    ranks = side**dimensions
    found = number(gather_or_scatter_time_s(one(1.0), group(ranks, torus(side, dimensions)), LINKS))
    assert found == pytest.approx((ranks - 1) / ranks)


@pytest.mark.parametrize(("side", "dimensions"), [(4, 2), (16, 2), (8, 3)])
def test_a_gather_along_one_dimension_has_its_two_ports_alone(side: int, dimensions: int) -> None:
    found = number(gather_or_scatter_time_s(one(1.0), group(side, torus(side, dimensions)), LINKS))
    assert found == pytest.approx(dimensions * (side - 1) / side)


sides = st.integers(1, 32)


@given(side=sides, dimensions=st.integers(1, 3), size=st.integers(1, 4096), stride=st.integers(1, 64))
def test_a_torus_is_never_faster_than_a_switch_with_the_same_ports(
    side: int, dimensions: int, size: int, stride: int
) -> None:
    wired = torus(side, dimensions)
    switched = changed(wired, torus=0)
    for collective in (gather_or_scatter_time_s, all_to_all_time_s):
        slow = number(collective(one(1e6), group(size, wired, stride=stride), LINKS))
        fast = number(collective(one(1e6), group(size, switched, stride=stride), LINKS))
        assert slow >= fast * (1 - 1e-12)


@given(dimensions=st.integers(1, 3), side=st.sampled_from([2, 4, 8, 16]))
def test_more_ranks_of_a_torus_take_no_less_for_an_all_to_all(dimensions: int, side: int) -> None:
    wired = torus(side, dimensions)
    sizes = [side**n for n in range(dimensions + 1)]
    times = [number(all_to_all_time_s(one(1e6), group(size, wired), LINKS)) for size in sizes]
    assert all(more >= less * (1 - 1e-12) for less, more in itertools.pairwise(times))
