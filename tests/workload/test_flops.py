"""FLOPs: pairs counted from the definition of a mask, operators as a second count, conventions in their order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.model import Model
from planner.catalog.store import Catalog
from planner.workload.architecture import Architecture
from planner.workload.build import architecture
from planner.workload.cores import AttentionCore
from planner.workload.flops import (
    Masking,
    Recompute,
    Samples,
    forward_flops,
    key_pairs,
    six_n_flops_per_token,
    training_flops,
)
from planner.workload.layer_operators import embedding_operators, head_operators, layer_operators
from planner.workload.operators import Attention, Operator, Sharding, Tokens, visible_keys

_CATALOG = Catalog()


def built(name: str) -> Architecture:
    model: Model = _CATALOG.model(name)
    assert model.architecture is not None
    return architecture(model.architecture, name)


def brute_pairs(core: AttentionCore, queries: int, keys: int) -> int:
    """Count the pairs that a mask lets through, one by one."""
    total = 0
    for query in range(queries):
        at = keys - queries + query
        seen = 0
        for key in range(keys):
            is_late = core.causal and key > at
            is_far = core.window and not core.chunked and abs(at - key) >= core.window
            is_elsewhere = core.window and core.chunked and at // core.window != key // core.window
            seen += not (is_late or is_far or is_elsewhere)
        total += min(seen, core.top_k) if core.top_k else seen
    return total


@given(
    queries=st.integers(1, 24),
    before=st.integers(0, 20),
    window=st.integers(0, 12),
    chunked=st.booleans(),
    top_k=st.integers(0, 9),
)
def test_pairs_of_a_causal_mask_are_those_that_it_lets_through(
    queries: int, before: int, window: int, chunked: bool, top_k: int
) -> None:
    core = AttentionCore(1, 1, 8, 8, window=window, chunked=chunked and window > 0, top_k=top_k)

    assert key_pairs(core, queries, before + queries, Masking.VISIBLE) == brute_pairs(core, queries, before + queries)
    assert key_pairs(core, queries, before + queries, Masking.FULL) == queries * (before + queries)


@given(tokens=st.integers(1, 24), window=st.integers(0, 12))
def test_pairs_of_an_encoder_with_a_window(tokens: int, window: int) -> None:
    core = AttentionCore(1, 1, 8, 8, window=window, causal=False)

    assert key_pairs(core, tokens, tokens, Masking.VISIBLE) == brute_pairs(core, tokens, tokens)


@given(tokens=st.integers(1, 64), window=st.integers(0, 80))
def test_the_mean_that_operators_use_is_the_pairs_over_the_queries(tokens: int, window: int) -> None:
    core = AttentionCore(1, 1, 8, 8, window=window)
    mean = float(visible_keys(core, float(tokens), float(tokens)))

    assert mean * tokens == pytest.approx(key_pairs(core, tokens, tokens, Masking.VISIBLE), rel=1e-12)


_ONE_DEVICE = Sharding(*(np.asarray(float(v)) for v in (1, 1, 1, 1, 0)))


def by_operators(model: Architecture, samples: int, length: int, *, full: bool) -> float:
    """Add up the operators of one device that holds all: a second count, in floats."""
    main = model.main
    tokens = Tokens(np.asarray(float(samples)), np.asarray(float(main.tokens_per_sample or length)), 0.0)
    ends = [*embedding_operators(model, tokens, _ONE_DEVICE), *head_operators(model, tokens, _ONE_DEVICE)]
    layers = [
        (operator, count)
        for kind, count in zip(main.kinds, main.counts, strict=True)
        for operator in layer_operators(kind, tokens, _ONE_DEVICE)
    ]
    return sum(count * _flops(operator, full=full) for operator, count in [*layers, *((end, 1) for end in ends)])


def _flops(operator: Operator, *, full: bool) -> float:
    return float(operator.flops_full if full and isinstance(operator, Attention) else operator.flops)


@pytest.mark.parametrize(
    "name",
    [
        "llama-3.1-8b",
        "mixtral-8x7b",
        "deepseek-v3",
        "gemma-2-9b",
        "gpt-oss-20b",
        "falcon-7b",
        "qwen3.5-397b-a17b",
        "nemotron-nano-9b-v2",
        "nemotron-3-super-120b-a12b",
        "gpt-3-175b",
        "glm-5",
        "bert-base",
        "albert-base-v2",
        "vit-b-16",
        "dit-xl-2",
    ],
)
def test_operators_and_exact_counts_agree(name: str) -> None:
    """Within the query's share of a window: operators take the mean of what queries see."""
    model = built(name)
    for full, masking in ((True, Masking.FULL), (False, Masking.VISIBLE)):
        exact = forward_flops(model, Samples(3, 500), masking)
        assert by_operators(model, 3, 500, full=full) == pytest.approx(exact.total, rel=1e-9)


def test_gpt3_forward_is_megatrons_formula() -> None:
    """24 B s L h^2 (1 + s/6h + V/16Lh) for forward, of Narayanan et al. (96 with recomputation, 4 passes)."""
    model, samples, s, h, layers = built("gpt-3-175b"), 2, 2048, 12288, 96
    vocabulary = model.vocabulary
    expected = 24 * samples * s * layers * h**2 * (1 + s / (6 * h)) + 2 * samples * s * h * vocabulary

    assert forward_flops(model, Samples(samples, s), Masking.FULL).total == round(expected)


def test_full_recomputation_is_a_third_more_of_the_layers() -> None:
    """Korthikanti et al.: hardware FLOPs under full recomputation are 4 forward passes of the layers, not 3."""
    step = training_flops(built("gpt-3-175b"), sequences=4, length=2048, masking=Masking.FULL, logits=False)

    assert step.hardware(Recompute.FULL) * 3 == step.model * 4
    assert step.hardware(Recompute.NONE) == step.model
    assert step.model < step.hardware(Recompute.SELECTIVE) < step.hardware(Recompute.FULL)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "mixtral-8x7b", "deepseek-v2", "t5-v1.1-large", "gemma-3-27b"])
def test_conventions_stand_in_their_order(name: str) -> None:
    model, samples = built(name), Samples(2, 512, 256)
    full, visible = (forward_flops(model, samples, masking) for masking in (Masking.FULL, Masking.VISIBLE))

    assert visible.total < full.total
    assert visible.projections == full.projections
    assert visible.without_logits < visible.total
    assert full.backward == 2 * full.total
    assert (
        training_flops(model, sequences=2, length=512, source_length=256, masking=Masking.FULL).model >= 3 * full.total
    )


def test_causal_attention_is_half_of_the_square_and_the_diagonal() -> None:
    model, length = built("llama-2-7b"), 1024
    full, visible = (forward_flops(model, Samples(1, length), m).attention for m in (Masking.FULL, Masking.VISIBLE))

    assert visible * 2 * length == full * (length + 1)


def test_samples_add_up() -> None:
    model = built("qwen3-30b-a3b")

    one, five = (forward_flops(model, Samples(n, 777), Masking.VISIBLE).total for n in (1, 5))
    assert five == 5 * one


def test_a_token_meets_only_its_experts() -> None:
    """Twice the experts leave the experts' FLOPs as they are; the router's grow with them."""
    model = _CATALOG.model("mixtral-8x7b").architecture
    assert model is not None
    assert model.experts is not None
    twice = model.model_copy(update={"experts": model.experts.model_copy(update={"count": 16})})
    before, after = (forward_flops(architecture(s, "m"), Samples(1, 64), Masking.FULL) for s in (model, twice))

    assert before.experts == after.experts
    assert after.projections - before.projections == 2 * 64 * 32 * 8 * 4096


def test_further_tokens_cost_a_layer_and_a_head_in_training_alone() -> None:
    spec = _CATALOG.model("deepseek-v3").architecture
    assert spec is not None
    without = architecture(spec.model_copy(update={"multi_token_layers": 0}), "v3")
    model = architecture(spec, "v3")
    steps = [training_flops(a, sequences=1, length=256).model for a in (without, model)]
    logits = forward_flops(model, Samples(1, 256), Masking.VISIBLE).logits

    assert forward_flops(model, Samples(1, 256), Masking.VISIBLE) == forward_flops(
        without, Samples(1, 256), Masking.VISIBLE
    )
    assert steps[1] - steps[0] > 3 * logits


def test_frozen_weights_leave_two_thirds_of_the_products_and_all_of_attention() -> None:
    model = built("llama-2-7b")
    forward = forward_flops(model, Samples(2, 512), Masking.VISIBLE)
    frozen = training_flops(model, sequences=2, length=512, trained=False).model

    assert frozen == 2 * forward.total + forward.attention


def test_six_n_of_published_runs() -> None:
    """6 N D against the operations that were published, as the sources count them: within 6 %."""
    for name in ("gpt-3-175b", "llama-65b", "llama-2-70b", "llama-3.1-405b", "palm-540b", "deepseek-v3"):
        run = _CATALOG.model(name).training
        assert run is not None
        assert run.tokens is not None
        assert run.flops is not None
        assert 0.93 < six_n_flops_per_token(built(name)) * run.tokens / run.flops < 1.06, name


def test_a_masked_language_model_sees_its_head_on_some_tokens_in_training() -> None:
    model = built("bert-large")
    forward = forward_flops(model, Samples(8, 512), Masking.FULL)
    step = training_flops(model, sequences=8, length=512, masking=Masking.FULL).model

    assert model.head_token_share == 0.15
    assert step < 3 * forward.total
    assert step > 3 * (forward.total - forward.head - forward.logits)


def test_no_flops_without_a_convention() -> None:
    """Attention's masking is never a default of the forward count."""
    with pytest.raises(TypeError):
        forward_flops(built("gpt2-xl"), Samples(1, 8))  # type: ignore[call-arg]


def test_the_truths_tell_their_versions() -> None:
    versions = json.loads((Path(__file__).parent.parent / "truth" / "workloads.json").read_text("utf-8"))["versions"]

    assert set(versions) == {"torch", "transformers"}
