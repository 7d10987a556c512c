"""Layers on stages and what stages hold, against layers dealt one by one and schedules carried out."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.training.stages import candidate_stages, in_flight, stage_load
from tests.training.schedules import carry_out, interleaved, one_forward_one_backward, zero_bubble_1
from tests.training.strategies import one, strategy


def even(stage: int, kind: str) -> float:
    return 2.0 if kind == "B" else 1.0


@pytest.mark.parametrize("stages", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("micro_batches", [1, 2, 3, 4, 8, 17])
def test_one_forward_one_backward_holds_what_the_schedule_holds(stages: int, micro_batches: int) -> None:
    outcome = carry_out(one_forward_one_backward(stages, micro_batches), even)
    for stage, held in enumerate(outcome.held):
        assert in_flight(strategy(pipeline=stages), one(micro_batches), one(stage)) == held


@pytest.mark.parametrize(
    ("stages", "groups", "chunks"), [(2, 1, 2), (2, 4, 3), (4, 1, 2), (4, 2, 2), (4, 5, 4), (8, 2, 8)]
)
def test_interleaved_stages_hold_what_the_schedule_holds(stages: int, groups: int, chunks: int) -> None:
    micro_batches = stages * groups
    outcome = carry_out(interleaved(stages, micro_batches, chunks), even, chunks=chunks)
    plan = strategy(pipeline=stages, interleave=chunks)
    for stage, held in enumerate(outcome.held):
        assert in_flight(plan, one(micro_batches), one(stage)) * chunks == held


@pytest.mark.parametrize("stages", [2, 3, 4, 8])
@pytest.mark.parametrize("micro_batches", [3, 8, 24])
def test_zero_bubble_stages_hold_what_the_schedule_holds(stages: int, micro_batches: int) -> None:
    outcome = carry_out(zero_bubble_1(stages, micro_batches), lambda stage, kind: 1.0, weight_apart=True)
    plan = strategy(pipeline=stages, schedule=1)
    for stage, held in enumerate(outcome.held):
        assert in_flight(plan, one(micro_batches), one(stage)) == held


def dealt(order: tuple[int, ...], kinds: int, stages: int, chunks: int, before: int, after: int) -> list[list[int]]:
    """Deal slots one by one: each goes to the chunk in which its exact share of all slots begins."""
    slots = [None] * before + list(order) + [None] * after
    held = [[0] * kinds for _ in range(stages)]
    total = stages * chunks
    for chunk in range(total):
        first = floor(Fraction(chunk * len(slots), total))
        last = floor(Fraction((chunk + 1) * len(slots), total))
        for kind in slots[first:last]:
            if kind is not None:
                held[chunk % stages][kind] += 1
    return held


@given(
    order=st.lists(st.integers(0, 2), min_size=1, max_size=150).map(tuple),
    stages=st.integers(1, 20),
    chunks=st.integers(1, 8),
    ends=st.tuples(st.integers(0, 2), st.integers(0, 3)),
)
def test_layers_are_dealt_as_one_deals_them_by_hand(
    order: tuple[int, ...], stages: int, chunks: int, ends: tuple[int, int]
) -> None:
    plan = strategy(pipeline=stages, interleave=chunks, embedding_slots=ends[0], head_slots=ends[1])
    for stage, expected in enumerate(dealt(order, 3, stages, chunks, *ends)):
        load = stage_load(order, 3, plan, one(stage))
        assert [float(n[0]) for n in load.layers] == expected
        assert load.embedding == (stage == 0)
        assert load.head == (stage == stages - 1)


def test_llama_3_deals_126_layers_to_128_slots() -> None:
    # The Llama 3 report, section 3.3.2: one layer fewer on the first and on the last stage.
    plan = strategy(pipeline=16, interleave=8, embedding_slots=1, head_slots=1)
    held = [float(stage_load((0,) * 126, 1, plan, one(n)).layers[0][0]) for n in range(16)]
    assert held == [7.0] + [8.0] * 14 + [7.0]


@given(
    order=st.lists(st.integers(0, 1), min_size=4, max_size=80).map(tuple),
    stages=st.integers(1, 16),
    weights=st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)),
)
def test_the_heaviest_stage_is_among_the_candidates(
    order: tuple[int, ...], stages: int, weights: tuple[float, float]
) -> None:
    assume(stages <= len(order))
    plan = strategy(pipeline=stages)

    def weight(layers: tuple[np.ndarray, ...]) -> float:
        return sum(w * float(n[0]) for w, n in zip(weights, layers, strict=True))

    heaviest = max(weight(stage_load(order, 2, plan, one(n)).layers) for n in range(stages))
    assert max(weight(load.layers) for load in candidate_stages(order, 2, plan)) == pytest.approx(heaviest)


@pytest.mark.parametrize("stages", [2, 4, 8, 16])
def test_from_both_ends_each_rank_does_the_mean_of_a_stage_and_of_its_mirror_image(stages: int) -> None:
    order = tuple([0] * 3 + [1] * 58)
    plan, index = strategy(pipeline=stages, schedule=3), np.arange(float(stages))
    loads = stage_load(order, 2, plan, index)
    for held in (*loads.layers, loads.embedding, loads.head):
        assert held.tolist() == held[::-1].tolist()
    assert [held.sum() for held in loads.layers] == [3.0, 58.0]  # every layer once for each micro-batch
    assert loads.head.tolist() == [0.5] + [0.0] * (stages - 2) + [0.5] if stages > 2 else [0.5, 0.5]


def test_from_both_ends_stages_hold_what_deepseek_states() -> None:
    """DeepSeek-V3's report, table 2: p + 1 micro-batches."""
    assert in_flight(strategy(pipeline=16, schedule=3), one(120), one(3)) == 17
