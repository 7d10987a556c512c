"""Collectives by protocol: messages passed step by step, and what must hold of any ranks and sizes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.hardware.protocols import (
    Bus,
    DirectRates,
    LinkRates,
    collective_time_s,
    direct_all_reduce_time_s,
    pair_time_s,
    steps,
)
from tests.training.strategies import one

LINK = LinkRates(
    start_s=one(5e-6), step_s=one(1e-6), large_start_s=one(6e-6), large_step=one(2.0), middle_start_s=one(2e-6),
    middle_step=one(1.3), exchange_step=one(0.3), large=one(0.75), middle=one(0.4), small=one(0.1), own=one(0.9),
    contention=one(1.0),
)  # fmt: skip
DIRECT = DirectRates(one(3e-6), one(1e-7), one(0.4), one(2e-6), one(0.5))
SWITCHED, SHARED = Bus(one(4.5e11), one(0)), Bus(one(3.15e10), one(1))


def number(value: np.ndarray) -> float:
    return float(np.ravel(value)[0])


def collective_s(message: float, ranks: int, *, passes: float = 1.0, exchange: float = 0.0, bus: Bus = SWITCHED,
                 rates: LinkRates = LINK) -> float:  # fmt: skip
    return number(collective_time_s(one(message), one(ranks), bus, rates, passes=passes, exchange=exchange))


def passed_around(ranks: int) -> int:
    """Pass slices around a ring until every rank has all; count the steps."""
    has, newest, count = [{rank} for rank in range(ranks)], list(range(ranks)), 0
    while any(len(slices) < ranks for slices in has):
        newest = [newest[rank - 1] for rank in range(ranks)]
        for rank in range(ranks):
            has[rank].add(newest[rank])
        count += 1
    return count


def up_and_down(ranks: int) -> int:
    """Halve the ranks that still hold something until one is left, and back; count the steps."""
    count = 0
    while ranks > 1:
        ranks, count = ranks // 2, count + 2
    return count


@pytest.mark.parametrize("ranks", [1, 2, 4, 8, 16, 64, 512])
def test_steps_are_those_of_a_ring_or_of_a_tree(ranks: int) -> None:
    assert number(steps(one(ranks))) == min(passed_around(ranks), up_and_down(ranks))


@pytest.mark.parametrize("ranks", [2, 3, 8])
def test_a_large_all_reduce_sends_all_but_its_own_slice_twice(ranks: int) -> None:
    free = replace(
        LINK, start_s=one(0), step_s=one(0), large_start_s=one(0), large=one(1), own=one(1e12), large_step=one(1)
    )
    assert collective_s(1e9, ranks, passes=2.0, rates=free) == pytest.approx(2e9 * (ranks - 1) / ranks / 4.5e11)


sizes, ranks_ = st.floats(1.0, 1e10), st.integers(2, 72)


@given(message=sizes, ranks=ranks_, factor=st.floats(1.0, 100.0), exchange=st.sampled_from([0.0, 1.0]))
@settings(max_examples=60)
def test_more_bytes_never_take_less_and_none_beats_the_line(
    message: float, ranks: int, factor: float, exchange: float
) -> None:
    usual = collective_s(message, ranks, exchange=exchange)
    assert usual >= message * (ranks - 1) / ranks / 4.5e11
    assert collective_s(message * factor, ranks, exchange=exchange) >= usual * (1 - 1e-12)


@given(message=sizes, ranks=ranks_)
@settings(max_examples=60)
def test_a_choice_of_protocols_is_never_slower_than_either(message: float, ranks: int) -> None:
    never = {
        "small": {"small": one(1e-15)},
        "middle": {"middle_start_s": one(1e9)},
        "large": {"large_start_s": one(1e9)},
    }
    alone = []
    for kept in never:
        without = {name: value for other, change in never.items() if other != kept for name, value in change.items()}
        alone.append(collective_s(message, ranks, rates=replace(LINK, **without)))
    assert collective_s(message, ranks) == pytest.approx(min(alone), rel=1e-12)


def test_ranks_on_a_bus_without_a_switch_slow_each_other_and_on_a_switch_do_not() -> None:
    per_rank = [collective_s(1e9, ranks, bus=bus) for bus in (SHARED, SWITCHED) for ranks in (2, 8)]
    # Eight ranks send 7/4 of what two send; on a switch at no lower rate, on a bus at less than half of it.
    assert per_rank[1] / per_rank[0] > 1.5 * (7 / 4) > 7 / 4 >= per_rank[3] / per_rank[2]


@given(message=sizes, ranks=st.integers(2, 8))
@settings(max_examples=60)
def test_reading_whole_buffers_pays_for_few_bytes_alone(message: float, ranks: int) -> None:
    found = number(direct_all_reduce_time_s(one(message), one(ranks), SWITCHED, DIRECT, LINK))
    assert found >= message * min(ranks - 1, 2 * (ranks - 1) / ranks) / 4.5e11
    assert math.isfinite(found)


def test_a_pair_sends_the_whole_message() -> None:
    assert number(pair_time_s(one(1e9), SWITCHED, LINK)) == pytest.approx(1e9 / (0.75 * 4.5e11), rel=0.01)
