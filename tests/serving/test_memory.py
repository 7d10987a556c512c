"""Weights and caches of models that answer, against counts made by hand from their published shapes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.model import Model
from planner.catalog.store import Catalog
from planner.serving.memory import cache_bytes, weight_bytes
from planner.workload.architecture import Architecture
from planner.workload.build import architecture

CATALOG = Catalog()
DECODERS = ("gpt-3-175b", "llama-3.1-70b", "mixtral-8x7b", "deepseek-v3", "gemma-2-9b", "gpt-oss-20b")


def model(name: str) -> Architecture:
    entry = CATALOG.model(name)
    assert isinstance(entry, Model)
    assert entry.architecture is not None
    return architecture(entry.architecture, name)


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("gpt-3-175b", 96 * 2 * 96 * 128),  # layers, key and value, heads, their size
        ("llama-3.1-70b", 80 * 2 * 8 * 128),
        ("mixtral-8x7b", 32 * 2 * 8 * 128),
        ("deepseek-v3", 61 * (512 + 64)),  # one latent and one rotary key for all heads
    ],
)
def test_a_token_leaves_in_the_cache_what_its_layers_keep(name: str, elements: int) -> None:
    assert float(cache_bytes(model(name), context=1000, element_bytes=2.0)) == 1000 * elements * 2


def test_half_of_gemma_2_s_layers_forget_what_lies_behind_their_window() -> None:
    gemma = model("gemma-2-9b")  # 42 layers, every other one sees 4,096 tokens; 8 heads of 256
    each = 2 * 8 * 256 * 2
    assert float(cache_bytes(gemma, context=4096, element_bytes=2.0)) == 42 * each * 4096
    assert float(cache_bytes(gemma, context=8192, element_bytes=2.0)) == 21 * each * (4096 + 8192)


def test_an_encoder_keeps_nothing() -> None:
    assert float(cache_bytes(model("bert-large"), context=512, element_bytes=2.0)) == 0.0


def test_heads_are_dealt_to_accelerators_and_kept_twice_by_more_than_there_are() -> None:
    llama = model("llama-3.1-70b")  # 8 key-value heads
    whole = float(cache_bytes(llama, context=100, element_bytes=2.0))
    assert float(cache_bytes(llama, context=100, element_bytes=2.0, tensor=8.0)) == whole / 8
    assert float(cache_bytes(llama, context=100, element_bytes=2.0, tensor=16.0)) == whole / 8


def test_a_latent_is_kept_by_every_accelerator() -> None:
    deepseek = model("deepseek-v3")
    alone = float(cache_bytes(deepseek, context=100, element_bytes=2.0))
    assert float(cache_bytes(deepseek, context=100, element_bytes=2.0, tensor=8.0)) == alone


def test_gpt_3_in_16_bits_takes_350_gb() -> None:
    assert float(weight_bytes(model("gpt-3-175b"), element_bytes=2.0)) == pytest.approx(350e9, rel=0.005)


@given(st.sampled_from(DECODERS), st.integers(1, 10**6), st.integers(0, 10**6), st.sampled_from([1, 2, 4, 8, 16]))
def test_a_longer_context_never_takes_less_and_more_accelerators_never_more_on_each(
    name: str, context: int, longer: int, tensor: int
) -> None:
    shape = model(name)
    here = float(cache_bytes(shape, context=context, element_bytes=2.0, tensor=tensor))
    assert 0 < here <= float(cache_bytes(shape, context=context + longer, element_bytes=2.0, tensor=tensor))
    assert float(cache_bytes(shape, context=context, element_bytes=2.0, tensor=2 * tensor)) <= here
