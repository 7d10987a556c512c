"""Shapes expand to layers: patterns, sharing, towers; what contradicts itself is refused where it stands."""

from __future__ import annotations

import pytest

from planner.catalog.model import Model
from planner.catalog.shape import (
    ArchitectureSpec,
    AttentionSpec,
    ExpertsSpec,
    FeedForwardSpec,
    LayerRunSpec,
    LayerSpec,
    SlidingSpec,
    TowerSpec,
)
from planner.catalog.store import Catalog
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.errors import InputError
from planner.workload.build import architecture, expanded
from planner.workload.sizes import cache_of, parameters_by_part

_CATALOG = Catalog()
_SHAPES = [m for m in _CATALOG.entries("model") if isinstance(m, Model) and m.architecture]


@pytest.mark.parametrize("model", _SHAPES, ids=lambda m: m.id)
def test_parts_add_up_to_the_whole(model: Model) -> None:
    assert model.architecture is not None
    built = architecture(model.architecture, model.id)

    assert sum(share.parameters for share in parameters_by_part(built)) == built.parameters
    assert 0 < built.active_parameters <= built.parameters
    assert all(sum(stack.counts) == stack.layers for stack in built.stacks)


def test_a_period_repeats_and_a_run_follows() -> None:
    spec = ArchitectureSpec(
        hidden=8,
        vocabulary=10,
        layers=(
            LayerRunSpec(count=2, period=(LayerSpec(count=2, mixer="sliding"), LayerSpec())),
            LayerRunSpec(count=1, mixer="sliding"),
        ),
        attention=AttentionSpec(heads=2),
        sliding=SlidingSpec(window=4),
        feed_forward=FeedForwardSpec(width=8, gated=True),
    )

    assert "".join(layer.mixer[0] for layer in expanded(spec)) == "ssfssfs"
    assert architecture(spec, "m").main.order == (0, 0, 1, 0, 0, 1, 0)


def test_a_pattern_has_one_letter_per_layer() -> None:
    model = _CATALOG.model("nemotron-nano-9b-v2")
    assert model.architecture is not None
    main = architecture(model.architecture, model.id).main

    names = dict(zip((kind.name for kind in main.kinds), main.counts, strict=True))
    assert names == {"mamba": 27, "dense": 25, "full": 4}


def test_shared_layers_are_held_once_and_run_each_time() -> None:
    model = _CATALOG.model("albert-base-v2")
    assert model.architecture is not None
    shared = architecture(model.architecture, "albert")
    apart = architecture(model.architecture.model_copy(update={"shared_layers": False}), "albert")

    assert shared.layers == apart.layers == 12
    assert apart.parameters - shared.parameters == 11 * shared.main.kinds[0].parameters


def test_an_encoder_takes_what_it_leaves_unsaid_from_the_decoder() -> None:
    spec = ArchitectureSpec(
        hidden=16,
        vocabulary=50,
        layers=3,
        attention=AttentionSpec(heads=2),
        feed_forward=FeedForwardSpec(width=32, gated=False),
        encoder=TowerSpec(layers=2, feed_forward=FeedForwardSpec(width=64, gated=False)),
        cross_attention=True,
    )
    encoder, decoder = architecture(spec, "m").stacks

    assert (encoder.layers, decoder.layers) == (2, 3)
    assert not encoder.kinds[0].cores[0].causal
    assert [core.cross for core in decoder.kinds[0].cores] == [False, True]
    assert encoder.kinds[0].projections[0].inputs == 16
    assert decoder.kinds[0].norms == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("attention: {heads: 3}", "not a multiple of 3 heads"),
        ("attention: {heads: 4, kv_heads: 3}", "4 heads are not a multiple of 3"),
        ("layers: [{count: 2, mixer: sliding}]", "'sliding', which is missing"),
        ("layers: MM", "'mamba', which is missing"),
        ("layers: [{count: 2, feed_forward: experts}]", "'experts', which is missing"),
        ("experts: {count: 2, top_k: 3, width: 8}", "3 of 2 experts"),
        ("layers: [{count: 9000}, {count: 9000}]", "18,000 layers"),
        ("layers: 20000", "at most 10000"),
        ("multi_token_layers: 1e9", "out of range"),
        ("positions: learned", "need 'max_sequence'"),
        ("head: [{outputs: 4}, {}]\n  tied_embeddings: true", "cannot take 4 inputs"),
        ("image: {height: 8, width: 8, patch_height: 16, patch_width: 16}", "patch is larger"),
    ],
)
def test_a_shape_that_contradicts_itself_is_refused(text: str, message: str) -> None:
    given = {line.split(":")[0].strip() for line in text.splitlines()}
    base = {
        "hidden": "hidden: 16",
        "vocabulary": "vocabulary: 50",
        "layers": "layers: 2",
        "attention": "attention: {heads: 4}",
        "feed_forward": "feed_forward: {width: 8, gated: true}",
    }
    lines = [line for key, line in base.items() if key not in given]
    body = "\n  ".join([*lines, text])
    document = f"schema: planner/model/v1\nid: m\nname: M\nfamily: f\narchitecture:\n  {body}\n"
    with pytest.raises(InputError) as caught:
        typed(parse_yaml(document, name="m.yaml"), Model)

    assert message in str(caught.value)
    assert all(fault.where is not None for fault in caught.value.faults)


def test_latent_attention_caches_its_latent_alone() -> None:
    """DeepSeek-V3: 512 + 64 elements per token and layer, 70 KB per token in 16 bits (technical report)."""
    model = _CATALOG.model("deepseek-v3")
    assert model.architecture is not None

    assert cache_of(architecture(model.architecture, "v3")).growing_per_token == 61 * 576


def test_sliding_layers_cache_a_window_and_recurrent_ones_a_state() -> None:
    gemma, nemotron, bert = (
        _CATALOG.model(n).architecture for n in ("gemma-3-27b", "nemotron-nano-9b-v2", "bert-base")
    )
    assert gemma is not None
    assert nemotron is not None
    assert bert is not None
    cache = cache_of(architecture(gemma, "g"))

    assert cache.elements(2048) - cache.elements(2047) == 10 * 2 * 16 * 128
    assert cache.elements(8) - cache.elements(7) == 62 * 2 * 16 * 128
    assert cache_of(architecture(nemotron, "n")).states > 27 * 128 * 80 * 128
    assert cache_of(architecture(bert, "b")).elements(512) == 0


def test_a_router_stands_for_experts_alone() -> None:
    spec = ArchitectureSpec(
        hidden=16,
        vocabulary=50,
        layers=(LayerRunSpec(count=1, feed_forward="dense"), LayerRunSpec(count=2)),
        attention=AttentionSpec(heads=2),
        feed_forward=FeedForwardSpec(width=8, gated=True),
        experts=ExpertsSpec(count=4, top_k=2, width=8, shared_width=6),
    )
    dense, routed = architecture(spec, "m").main.kinds

    assert dense.experts is None
    assert [p.name for p in routed.projections if p.name.startswith(("router", "shared"))] == [
        "router",
        "shared-gate",
        "shared-up",
        "shared-down",
    ]
    assert routed.feed_forward is not None
    assert routed.feed_forward.width == 6


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mamba-2.8b", 2_768_345_600),
        ("falcon-mamba-7b", 7_272_665_088),
        ("mamba-codestral-7b", 7_285_403_648),
        ("opt-350m", 331_196_416),
        ("gpt-neo-1.3b", 1_315_575_808),
        ("codegen-16b", 16_032_155_648),
    ],
)
def test_models_without_attention_or_with_old_habits_hold_what_transformers_builds(name: str, parameters: int) -> None:
    """Counts of `Module.parameters` on torch's meta device, transformers 5.23."""
    spec = _CATALOG.model(name).architecture
    assert spec is not None

    assert architecture(spec, name).parameters == parameters


def test_layers_of_their_own_width_are_kinds_of_their_own() -> None:
    spec = ArchitectureSpec(
        hidden=16,
        vocabulary=50,
        layers=(LayerRunSpec(count=2), LayerRunSpec(mixer="none", width=4)),
        attention=AttentionSpec(heads=2),
        feed_forward=FeedForwardSpec(width=8, gated=True),
    )
    whole, narrow = architecture(spec, "m").main.kinds

    assert [sum(p.inputs * p.outputs for p in kind.projections) for kind in (whole, narrow)] == [4 * 16**2 + 384, 192]
    assert narrow.cores == ()
    assert architecture(spec, "m").main.order == (0, 0, 1)
