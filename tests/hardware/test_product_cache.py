"""What a product finds in the cache, beside a cache that drops what was used longest ago, block by block."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from planner.hardware.chip import Chip
from planner.hardware.products import Cache, ProductRates, product_time_s

BLOCK = 4096.0  # bytes; all sizes below are whole numbers of blocks
CAPACITY = 4000 * BLOCK
MEMORY, CACHED = 1e11, 1e12  # B/s


def hits(rows: int, weights: int, copies: int) -> float:
    """Share of the blocks of one product that are found, once a benchmark has gone round its weights often enough."""
    held: OrderedDict[tuple[str, int, int], None] = OrderedDict()
    found = 0
    for call in range(3 * copies):
        which = call % copies
        blocks = [("rows", 0, place) for place in range(rows)] + [("weights", which, place) for place in range(weights)]
        found = 0
        for block in blocks:
            found += block in held
            held[block] = None
            held.move_to_end(block)
            while len(held) > CAPACITY / BLOCK:
                held.popitem(last=False)
    return found / (rows + weights)


@pytest.mark.parametrize(
    ("rows", "weights", "copies"),
    [(200, 3000, 1), (200, 3000, 4), (3000, 100, 4), (2000, 1000, 4), (3000, 3000, 2), (100, 800, 4), (100, 1200, 4)],
)
def test_operands_are_found_as_in_a_cache_that_drops_what_was_used_longest_ago(
    rows: int, weights: int, copies: int
) -> None:
    one = np.ones(1)
    nothing = 1e-12 * one
    # One row of the first operand and a narrow result would have sizes of their own; k of 1 makes them exact:
    # the first operand and the result have m (2 + 2 n) bytes, the weights 2 n.
    n = weights * BLOCK / 2.0
    m = rows * BLOCK / (2.0 + 2.0 * n)
    rates = ProductRates(one, nothing, nothing, nothing, nothing, 1e12 * one, one, 0.0 * one)
    cache = Cache(CAPACITY * one, one, 40.0 * one, copies * one, CACHED * one)
    chip = Chip(1e30 * one, MEMORY * one, one)
    seconds = product_time_s(m * one, n * one, one, one, chip=chip, element_bytes=(2.0, 2.0), rates=rates, cache=cache)
    moved = (rows + weights) * BLOCK
    share = hits(rows, weights, copies)
    assert seconds[0] == pytest.approx(moved * ((1.0 - share) / MEMORY + share / CACHED), rel=0.03)


def test_no_product_is_slower_because_of_what_the_cache_holds() -> None:
    one, rng = np.ones(50), np.random.default_rng(1)
    m, n, k = (np.exp(rng.uniform(0.0, 9.0, 50)) for _ in range(3))
    rates = ProductRates(0.9 * one, 100 * one, 5 * one, 9e3 * one, 3e-6 * one, 5 * one, 0.9 * one, 3e-6 * one)
    chip = Chip(1e15 * one, 3e12 * one, 132 * one)
    cold = product_time_s(m, n, k, one, chip=chip, element_bytes=(2.0, 2.0), rates=rates)
    cache = Cache(5e7 * one, 0.6 * one, 20 * one, 4 * one, 6e12 * one)
    warm = product_time_s(m, n, k, one, chip=chip, element_bytes=(2.0, 2.0), rates=rates, cache=cache)
    assert (warm <= cold).all()
    assert (warm < 0.95 * cold).any()
