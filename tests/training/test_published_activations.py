"""Saved activations of Megatron's layers against the published sums of Korthikanti et al., MLSys 2023, table 2."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.shape import ArchitectureSpec
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.training.activations import kept_bytes, saved_tensors
from planner.training.implementation import MEGATRON
from planner.workload.architecture import Layer
from planner.workload.build import architecture
from planner.workload.operators import Tokens
from tests.training.strategies import one, strategy

# As in 2022: scores in memory, dropout everywhere, 16 bits.
OF_2022 = replace(MEGATRON, flash=False, dropout=True, attention_dropout=True, statistic_bytes=1e-9)


def gpt_layer(hidden: int, heads: int) -> Layer:
    """Give a GPT-3 layer: GELU, four times the hidden size, as many key-value heads as heads."""
    text = f"""
hidden: {hidden}
vocabulary: 51200
layers: 1
attention: {{heads: {heads}, bias: all}}
feed_forward: {{width: {4 * hidden}, gated: false, activation: gelu, bias: true}}
normalization: layer
positions: learned
max_sequence: 4096
"""
    return architecture(typed(parse_yaml(text), ArchitectureSpec), "gpt").stacks[0].kinds[0]


def kept(hidden: int, heads: int, s: int, b: int, t: int, *, sequence: bool, recompute: dict[str, float]) -> float:
    plan = strategy(accelerators=t, tensor=t, sequence_parallel=float(sequence), recompute=recompute)
    tensors = saved_tensors(gpt_layer(hidden, heads), Tokens(one(b), one(s)), plan.sharding_of_layers, OF_2022)
    return float(np.ravel(kept_bytes(tensors, plan.recompute))[0])


@given(
    a=st.sampled_from([16, 24, 96]),
    size=st.sampled_from([64, 128]),
    s=st.sampled_from([1024, 2048]),
    b=st.integers(1, 4),
    t=st.sampled_from([1, 2, 8]),
)
def test_a_layer_keeps_the_published_bytes(a: int, size: int, s: int, b: int, t: int) -> None:
    h = a * size
    scores = 5 * a * s / h
    no_recomputation: dict[str, float] = {}
    selective, full = {"attention": 1.0}, {"layers": 1.0}
    table = [
        (False, no_recomputation, 10 + 24 / t + scores / t),
        (True, no_recomputation, 34 / t + scores / t),
        (False, selective, 10 + 24 / t),
        (True, selective, 34 / t),
        (False, full, 2),
    ]
    for sequence, recompute, per_sbh in table:
        found = kept(h, a, s, b, t, sequence=sequence, recompute=recompute)
        assert found == pytest.approx(s * b * h * per_sbh, rel=1e-6)


def test_gpt_3_keeps_what_the_paper_says_of_it() -> None:
    # Section 5: selective recomputation leaves 34 of 34 + 80 parts of GPT-3's activations, 70 % less.
    without = kept(12_288, 96, 2048, 1, 8, sequence=True, recompute={})
    selective = kept(12_288, 96, 2048, 1, 8, sequence=True, recompute={"attention": 1.0})
    assert 1 - selective / without == pytest.approx(0.70, abs=0.005)
