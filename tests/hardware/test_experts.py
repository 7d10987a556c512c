"""Experts of one device: draws counted one by one, and what must hold of any layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.hardware.chip import Chip
from planner.hardware.experts import ExpertLayer, ExpertRates, expert_layer_time_s
from planner.hardware.products import ProductRates
from tests.training.strategies import one

CHIP = Chip(one(1e15), one(3e12), one(128))
PRODUCTS = ProductRates(one(0.8), one(100), one(6), one(9e3), one(3e-6), one(5), one(0.8), one(0.0))
RATES = ExpertRates(PRODUCTS, one(5), one(4e-5), one(1e-10), one(1e-8), one(1.4), one(0.6))
LAYER = ExpertLayer(
    tokens=one(64), hidden=one(4096), inner=one(1536), chosen=one(8), experts=one(128), ranks=one(1),
    gates=one(2), uneven=one(0), element_bytes=(one(2), one(2)),
)  # fmt: skip


def seconds(layer: ExpertLayer, rates: ExpertRates = RATES) -> float:
    return float(np.ravel(expert_layer_time_s(layer, CHIP, rates))[0])


@pytest.mark.parametrize("tokens", [1, 4, 16])
def test_few_tokens_read_the_experts_that_they_reach(tokens: int) -> None:
    random = np.random.default_rng(7)
    draws = [
        len({expert for _ in range(tokens) for expert in random.choice(128, 8, replace=False)}) for _ in range(400)
    ]
    weights = np.mean(draws) * 3 * 4096 * 1536 * 2 / (3e12 * 0.8)
    only_memory = replace(
        RATES, sorting=one(0), launch_s=one(0), token_s=one(0), expert_s=one(0),
        products=replace(PRODUCTS, peak=one(1e6), inner=one(0), least_flop=one(0), traffic=one(1e9), split_s=one(1)),
    )  # fmt: skip
    assert seconds(replace(LAYER, tokens=one(tokens)), only_memory) == pytest.approx(weights, rel=0.02)


def test_more_tokens_never_take_less() -> None:
    times = [seconds(replace(LAYER, tokens=one(tokens))) for tokens in (1, 2, 8, 64, 512, 4096, 32768)]
    assert times == sorted(times)


def test_uneven_experts_spread_over_ranks_wait_for_the_fullest() -> None:
    spread = replace(LAYER, tokens=one(32768), ranks=one(8))
    assert seconds(replace(spread, uneven=one(1))) > seconds(spread)
