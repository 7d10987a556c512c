"""Attention by its tiles: pairs counted one by one, and what must hold of any sizes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.hardware.attention import (
    Cached,
    DecodeRates,
    FlashRates,
    Prompt,
    cached_attention_time_s,
    prompt_attention_time_s,
)
from planner.hardware.chip import Chip
from tests.training.strategies import one

CHIP = Chip(one(1e15), one(3e12), one(128))
FLASH = FlashRates(one(0.6), one(200), one(0.3), one(0.5), one(1.0), one(0.8), one(1e-5))
DECODE = DecodeRates(one(0.4), one(0.8), one(5e-12), one(1e-6), one(30), one(3e-6), one(8e-6))


def number(value: np.ndarray) -> float:
    return float(np.ravel(value)[0])


def prompt_s(length: float, *, sequences: float = 4.0, heads: float = 32.0, rates: FlashRates = FLASH) -> float:
    prompt = Prompt(one(sequences), one(length), one(length), one(length / 2), one(heads), one(8), 128.0, 128.0)
    return number(prompt_attention_time_s(prompt, CHIP, rates))


def cached_s(keys: float, *, sequences: float = 8.0, heads: float = 32.0, size: float = 2.0) -> float:
    cached = Cached.of_heads(one(sequences), one(keys), heads=one(heads), kv_heads=8.0, dims=256.0, size=size)
    return number(cached_attention_time_s(cached, CHIP, DECODE))


@pytest.mark.parametrize("length", [128, 256, 640])
def test_without_losses_a_prompt_takes_the_pairs_that_its_mask_lets_through(length: int) -> None:
    perfect = replace(FLASH, rate=one(1), start=one(0), tail=one(0), passes=one(1e-12), launch_s=one(0))
    pairs = sum(
        query + 0.5 for query in range(length)
    )  # half of the diagonal: the mean query sees half of its own tile
    found = prompt_s(length, sequences=1024, rates=perfect)
    assert found == pytest.approx(1024 * 32 * pairs * 2 * (128 + 128) / 1e15, rel=1e-6)


lengths = st.floats(1.0, 1e5)


@given(length=lengths, factor=st.floats(1.0, 20.0), sequences=st.integers(1, 64))
@settings(max_examples=50)
def test_a_longer_prompt_or_more_of_them_never_take_less(length: float, factor: float, sequences: int) -> None:
    usual = prompt_s(length, sequences=sequences)
    assert prompt_s(length * factor, sequences=sequences) >= usual * (1 - 1e-12)
    assert prompt_s(length, sequences=sequences * math.ceil(factor)) >= usual * (1 - 1e-12)


@given(keys=lengths, sequences=st.integers(1, 512), heads=st.sampled_from([8, 16, 64, 512]))
@settings(max_examples=50)
def test_a_query_never_passes_its_cache_faster_than_memory_does(keys: float, sequences: int, heads: int) -> None:
    read = sequences * keys * 8 * 256 * 2 / 3e12
    assert cached_s(keys, sequences=sequences, heads=heads) >= read


@given(keys=lengths, sequences=st.integers(1, 512))
@settings(max_examples=50)
def test_a_cache_in_fewer_bits_is_never_slower(keys: float, sequences: int) -> None:
    assert cached_s(keys, sequences=sequences, size=1.0) <= cached_s(keys, sequences=sequences, size=2.0) * (1 + 1e-12)


def test_many_query_heads_of_one_key_head_run_one_by_one() -> None:
    # 64 queries for each of 8 key heads: the work is dealt 512 times, not 8.
    assert cached_s(64, sequences=64, heads=512) > cached_s(64, sequences=64, heads=256)
