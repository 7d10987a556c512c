"""Time of matrix products: tiles, waves of them, inner dimensions cut in pieces, and what passes through memory.

A product of (m, k) with (k, n) is computed in tiles of its result, which the multiprocessors of a chip take up in
waves. A library carries many kernels and takes the fastest for a shape; here it takes the fastest of a few tiles,
each with its inner dimension whole, or cut among up to four or sixteen tiles whose parts a second kernel adds up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.hardware.chip import Chip
from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine
from planner.record import record

Array = NDArray[np.float64]

# Rows and columns of a tile, and the most parts of the inner dimension: a last axis of choices. The set was chosen by
# errors on weight shapes left out (docs/modelling.md); tiles of 64 x 128 and 256 x 256 added nothing to it.
_TILES = ((128.0, 256.0), (128.0, 128.0), (64.0, 64.0), (16.0, 64.0))
_PARTS = (1.0, 4.0, 16.0)
_TILE_ROWS = np.array([rows for rows, _ in _TILES for _ in _PARTS])
_TILE_COLUMNS = np.array([columns for _, columns in _TILES for _ in _PARTS])
_MOST_PARTS = np.array([parts for _ in _TILES for parts in _PARTS])
_TILE_FLOP = 2.0 * _TILE_ROWS * _TILE_COLUMNS  # of one step of the inner dimension
_EDGE_FLOP = 2.0 * (_TILE_ROWS + _TILE_COLUMNS)  # for each element of `matrix_tile`
_SHORTEST_PART = 256.0  # of the inner dimension; below that cutting it further gains nothing
_PARTIAL_BYTES = 4.0  # of a partial sum: 32 bits


@record
class ProductRates:
    """How far products stay below the data sheet; all that `hardware.efficiency` says of them.

    Parameters
    ----------
    peak : share of the dense peak that the largest products reach [1].
    inner : inner size that a tile's start and end cost [1].
    tile : length of a tile's edge at which its two edges cost as much as its area [1].
    least_flop : operations of the smallest step of the inner dimension that keeps multipliers busy [1].
    split_s : a second kernel that adds up the parts of an inner dimension cut in pieces [s].
    traffic : operands that pass from the cache to the multiprocessors, against the memory's bandwidth [1].
    memory : share of the device memory's bandwidth [1].
    launch_s : from one kernel's end to the next one's first results [s].
    packed : rows that bring an operand in order before a product; none where kernels read it as it lies [1].
    flop_per_joule : most operations for the power that a part may draw; None where `peak` tells that too [FLOP/J].
    """

    peak: Array
    inner: Array
    tile: Array
    least_flop: Array
    split_s: Array
    traffic: Array
    memory: Array
    launch_s: Array
    packed: Array | None = None
    flop_per_joule: Array | None = None

    @staticmethod
    def of(efficiency: Efficiency) -> ProductRates:
        """Give the rates of a machine under a framework."""
        return ProductRates(
            peak=efficiency.matrix_peak * efficiency.matrix_sustained,
            inner=efficiency.matrix_inner,
            tile=efficiency.matrix_tile,
            least_flop=efficiency.matrix_least_flop,
            split_s=efficiency.matrix_split_s,
            traffic=efficiency.matrix_traffic,
            memory=efficiency.memory,
            launch_s=efficiency.launch_s,
            packed=efficiency.matrix_packed if np.any(efficiency.matrix_packed) else None,
        )


@record
class Cache:
    """How operands that a benchmark's last repeat left in the cache are read.

    Parameters
    ----------
    capacity_bytes : of the last-level cache [B].
    share : of the capacity at which half of what is read again still lies there [1].
    sharpness : exponent of the fall around that; large where what was used longest ago makes room [1].
    copies : weights that a benchmark goes through in turn, so that each meets a colder cache [1].
    bytes_per_s : rate of the cache [B/s].
    """

    capacity_bytes: Array
    share: Array
    sharpness: Array
    copies: Array
    bytes_per_s: Array

    def found(self, passed_bytes: Array) -> Array:
        """Give the share of an operand that the cache still holds when so many bytes passed since its last use [1]."""
        filled = np.minimum(passed_bytes / (self.share * self.capacity_bytes), _LONG_GONE)
        return 1.0 / (1.0 + filled**self.sharpness)


_LONG_GONE = 1e5  # times the capacity: far beyond what matters, and small enough for every power of it


def matrix_product_time_s(
    m: Array,
    n: Array,
    k: Array,
    groups: Array,
    *,
    peak_flops_per_s: Array,
    bytes_per_element: Array | float,
    machine: Machine,
    efficiency: Efficiency,
    relative_rate: Array | float = 1.0,
) -> Array:
    """Time of `groups` matrix products of (m, k) with (k, n) in a step whose operands come from memory.

    Parameters
    ----------
    m, n, k, groups : sizes [1].
    peak_flops_per_s : dense peak of the precision [FLOP/s].
    bytes_per_element : size of the operands' elements; results are written in 16 bits [B].
    machine, efficiency : the accelerator and how far below its peaks software stays.
    relative_rate : rate against a plain product (grouped products, the head) [1].

    Returns
    -------
    Seconds, broadcast over the inputs [s]. See `product_time_s`.
    """
    return product_time_s(
        m,
        n,
        k,
        groups,
        chip=Chip(peak_flops_per_s * relative_rate, machine.memory_bandwidth_bytes_per_s, machine.units),
        element_bytes=(bytes_per_element, bytes_per_element),
        rates=ProductRates.of(efficiency),
    )


def product_time_s(
    m: Array,
    n: Array,
    k: Array,
    groups: Array,
    *,
    chip: Chip,
    element_bytes: tuple[Array | float, Array | float],
    rates: ProductRates,
    cache: Cache | None = None,
) -> Array:
    """Time of `groups` matrix products of (m, k) with (k, n).

    Parameters
    ----------
    m, n, k, groups : sizes [1].
    chip : the accelerator.
    element_bytes : of the first operand and of the second, the weights; results are written in 16 bits [B].
    rates : how far below its peaks software stays.
    cache : where operands may still lie in the cache; None reads all of them from memory, as in a real step,
        whose weights are long gone from the cache when they are needed again.

    Returns
    -------
    Seconds, broadcast over the inputs [s]; 0 for an empty product.

    Notes
    -----
    t = launch + min over tiles and parts of (C^4 + X^4 + M^4)^(1/4) + A. With w waves of tiles of a x b, k' the
    inner dimension of one part, U multiprocessors: C = w (k' max(c, f U/(P e)) + k0 c) with one step of the inner
    dimension c = 2 a b U/(P e) (1 + d/a + d/b), and f the operations of the smallest one; X = w k' (a + b) bytes U /
    (r W) the operands that pass from the cache; M the memory's time for every operand once; A the kernel that adds up
    parts. For each choice the time grows with every size, so the least of them does too. The forms tried are compared
    in docs/modelling.md.
    """
    rows, weights = groups * (m * k * element_bytes[0] + 2.0 * m * n), groups * n * k * element_bytes[1]
    memory_s = _memory_s(rows, weights, chip, rates, cache)
    least = _least_over_choices(_last(m), _last(n), _last(k), _last(groups), chip, element_bytes, rates, memory_s)
    return np.where(groups * m * n * k > 0, rates.launch_s + least, 0.0)


def _least_over_choices(
    m: Array,
    n: Array,
    k: Array,
    groups: Array,
    chip: Chip,
    element_bytes: tuple[Array | float, Array | float],
    rates: ProductRates,
    memory_s: Array,
) -> Array:
    units = _last(chip.units)
    bandwidth = _last(rates.traffic * chip.bandwidth_bytes_per_s)
    parts = np.minimum(np.maximum(k / _SHORTEST_PART, 1.0), _MOST_PARTS)
    tiles = groups * _whole(m / _TILE_ROWS) * _whole(n / _TILE_COLUMNS)
    waves = _whole(tiles * parts / units)
    each = units / _last(_sustained_flops_per_s(chip, rates))
    step = (_TILE_FLOP + _EDGE_FLOP * _last(rates.tile)) * each
    paced = np.maximum(step, _last(rates.least_flop) * each)
    inner = k / parts
    compute = waves * (inner * paced + _last(rates.inner) * step)
    if rates.packed is not None:
        # One row is a product with a vector, which reads a matrix as it lies.
        compute = compute * (1.0 + _last(rates.packed) * np.clip(m - 1.0, 0.0, 1.0) / np.maximum(m, 1.0))
    loaded = _TILE_ROWS * _last(element_bytes[0]) + _TILE_COLUMNS * _last(element_bytes[1])
    traffic = waves * inner * (loaded * (units / bandwidth))
    added = _last(rates.split_s) + parts * (groups * m * n * _PARTIAL_BYTES / bandwidth)
    together = joined_by_fourth_powers(compute, traffic, _last(memory_s))
    least: Array = (together + np.where(parts > 1.0, added, 0.0 * added)).min(axis=-1)
    return least


def _sustained_flops_per_s(chip: Chip, rates: ProductRates) -> Array:
    """Rate of the largest products: a share of the peak, and no more than the power allows [FLOP/s]."""
    rate = chip.peak_flops_per_s * rates.peak
    if rates.flop_per_joule is None or chip.watts is None:
        return rate
    allowed = rates.flop_per_joule * chip.watts
    return np.asarray(rate / np.sqrt(np.sqrt(1.0 + (rate / allowed) ** 4)))


def joined_by_fourth_powers(*times: Array) -> Array:
    """Give a soft maximum of times: (a^4 + b^4 + ...)^(1/4), at least each and at most their sum.

    >>> float(joined_by_fourth_powers(np.asarray(1.0), np.asarray(0.0), np.asarray(0.0)))
    1.0
    """
    total = sum((time * time) * (time * time) for time in times)
    return np.sqrt(np.sqrt(total))


def conversion_time_s(elements: Array, *, bytes_each: Array, chip: Chip) -> Array:
    """Time to convert a product's first operand to fewer bits before it, where the library counts that in [s]."""
    return elements * bytes_each / chip.bandwidth_bytes_per_s


def _memory_s(rows: Array, weights: Array, chip: Chip, rates: ProductRates, cache: Cache | None) -> Array:
    """Every operand and the result once, from memory or, of repeats of small products, from the cache [s].

    Between two uses of the first operand and the result one product passes; between two uses of the same weights a
    benchmark that goes through several copies of them passes all of these.
    """
    bandwidth = chip.bandwidth_bytes_per_s * rates.memory
    if cache is None:
        return (rows + weights) / bandwidth
    cached = rows * cache.found(rows + weights) + weights * cache.found(rows + cache.copies * weights)
    return (rows + weights - cached) / bandwidth + cached / cache.bytes_per_s


_ROUNDING = 1e-9  # a count that is whole but for rounding is whole


def _whole(count: Array) -> Array:
    return np.ceil(count - _ROUNDING)


def _last(value: Array | float) -> Array:
    """Give a value an axis of choices behind its own."""
    return np.asarray(value)[..., np.newaxis] if isinstance(value, float) else value[..., np.newaxis]
