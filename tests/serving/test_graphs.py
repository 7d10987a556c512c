"""Engines whose graphs are compiled for fixed shapes compute what is padded, and read what is not filled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.serving.engine import Engine
from planner.serving.formats import Formats
from planner.serving.graphs import Graphs
from planner.serving.layout import Layout
from planner.serving.work import counts_of, decode_cores
from tests.serving.replicas import replica

BF16 = Formats.of("bf16")


def compiled(engine: Engine, **shapes: float) -> Engine:
    """Give an engine with graphs of the shapes that are named, and of nothing else."""
    stated = {"tokens": 0.0, "padded": 0.0, "repeated": 0.0, "every_expert": 0.0} | shapes
    graphs = Graphs(**{name: np.asarray(value) for name, value in stated.items()})
    return replace(engine, limits=replace(engine.limits, graphs=graphs))


def test_prompts_that_are_padded_take_as_long_as_those_that_fill_the_graph_and_longer_ones_take_longer() -> None:
    free = replica()
    engine = compiled(free, tokens=4096.0, padded=1.0)
    whole = float(free.prefill_s(4096.0))
    assert [float(engine.prefill_s(tokens)) for tokens in (1.0, 220.0, 4096.0)] == pytest.approx([whole] * 3)
    assert float(engine.marginal_prefill_s(220.0)) == pytest.approx(float(free.marginal_prefill_s(4096.0)))
    assert float(engine.prefill_s(5000.0)) == pytest.approx(float(free.prefill_s(5000.0)))


def test_a_step_reads_the_cache_that_graphs_were_compiled_for_and_as_many_sequences_fit() -> None:
    free = replica()
    engine = compiled(free, tokens=8192.0)
    assert float(engine.decode_step_s(32.0, 500.0)) == pytest.approx(float(free.decode_step_s(32.0, 8192.0)))
    assert float(engine.sequences_that_fit(500.0, 0.0)) == float(free.sequences_that_fit(8192.0, 0.0))
    assert float(engine.prefill_s(500.0)) == pytest.approx(float(free.prefill_s(500.0)))


@pytest.mark.parametrize(("tensor", "heads"), [(1.0, 32.0), (8.0, 4.0), (24.0, 2.0), (32.0, 1.0)])
def test_repeated_keys_are_read_once_for_each_query_head_of_a_rank(tensor: float, heads: float) -> None:
    stack = replica().architecture.main  # 32 layers, 32 query heads of 128 over 8 key heads; heads are padded to ranks
    cores = decode_cores(stack, Layout.of(tensor=tensor), BF16, context=np.asarray(1000.0), repeated=1.0)
    read = 2.0 * heads * 128.0 * 2.0 * 32.0  # keys and values, of two bytes, in every layer
    assert float(cores.read_bytes) == pytest.approx(read * 1001.0, rel=2e-3)


def test_where_every_expert_computes_a_prompts_token_costs_all_of_them() -> None:
    engine = compiled(replica("qwen3-30b-a3b"), every_expert=1.0)
    counts = counts_of(engine.architecture.main, engine.layout, BF16)
    whole = Graphs(*(np.asarray(value) for value in (0.0, 0.0, 0.0, 1.0))).prompt_counts(counts)
    assert float(whole.top_k) == 128.0
    assert float(whole.experts.flops) == pytest.approx(2.0 * 48 * 128 * 3 * 2048 * 768)  # layers, experts, matrices
    few = replica("qwen3-30b-a3b")
    assert float(engine.prefill_s(4096.0)) > 2.0 * float(few.prefill_s(4096.0))
    assert float(engine.decode_step_s(8.0, 1000.0)) == float(few.decode_step_s(8.0, 1000.0))
