"""Time of matrix products: tiles, waves of them, inner dimensions cut in pieces, and what passes through memory.

A product of (m, k) with (k, n) is computed in tiles of its result, which the multiprocessors of a chip take up in
waves. A library carries many kernels and takes the fastest for a shape; here it takes the fastest of a few tiles,
each with its inner dimension whole, or cut among up to four or sixteen tiles whose parts a second kernel adds up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine

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


@dataclass(frozen=True, slots=True)
class Cache:
    """How operands that a benchmark's last repeat left in the cache are read.

    Parameters
    ----------
    capacity_bytes : of the last-level cache [B].
    share : of the capacity at which half of a product's bytes still come from it [1].
    sharpness : exponent of the fall around that [1].
    rate : of the cache against the memory's bandwidth [1].
    """

    capacity_bytes: Array
    share: Array
    sharpness: Array
    rate: Array


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
    weight_bytes_per_element: Array | float | None = None,
    cache: Cache | None = None,
) -> Array:
    """Time of `groups` matrix products of (m, k) with (k, n).

    Parameters
    ----------
    m, n, k, groups : sizes [1].
    peak_flops_per_s : dense peak of the precision [FLOP/s].
    bytes_per_element : size of the operands' elements; results are written in 16 bits [B].
    machine, efficiency : the accelerator and how far below its peaks software stays.
    relative_rate : rate against a plain product (grouped products, the head) [1].
    weight_bytes_per_element : of the second operand, where it differs [B].
    cache : where operands may still lie in the cache; None reads all of them from memory, as in a real step,
        whose weights are long gone from the cache when they are needed again.

    Returns
    -------
    Seconds, broadcast over the inputs [s].

    Notes
    -----
    t = launch + min over tiles and parts of (C^4 + X^4 + M^4)^(1/4) + A. With w waves of tiles of a x b, k' the
    inner dimension of one part, U multiprocessors: C = w (k' max(c, p) + k0 c), c = 2 a b U/(P e) (1 + d/a + d/b)
    one step of the inner dimension, p its least time; X = w k' (a + b) bytes U / (r W) the operands that pass from
    the cache; M the memory's time for every operand once; A the kernel that adds up parts. For each choice the time
    grows with every size, so the least of them does too. The forms tried are compared in docs/modelling.md.
    """
    weight = bytes_per_element if weight_bytes_per_element is None else weight_bytes_per_element
    least = _least_over_choices(
        _last(m), _last(n), _last(k), _last(groups),
        peak=_last(peak_flops_per_s) * _last(relative_rate) * _last(efficiency.matrix_sustained),
        element=(_last(bytes_per_element), _last(weight)),
        machine=machine,
        efficiency=efficiency,
        memory_s=_last(_memory_s(groups * m * k * bytes_per_element, groups * n * k * weight, 2.0 * groups * m * n,
                                 machine, efficiency, cache)),
    )  # fmt: skip
    return np.where(groups * m * n * k > 0, efficiency.launch_s + least, 0.0)


def _least_over_choices(
    m: Array,
    n: Array,
    k: Array,
    groups: Array,
    *,
    peak: Array,
    element: tuple[Array, Array],
    machine: Machine,
    efficiency: Efficiency,
    memory_s: Array,
) -> Array:
    units = _last(machine.units)
    bandwidth = _last(efficiency.matrix_traffic) * _last(machine.memory_bandwidth_bytes_per_s)
    parts = np.minimum(np.maximum(k / _SHORTEST_PART, 1.0), _MOST_PARTS)
    tiles = groups * _whole(m / _TILE_ROWS) * _whole(n / _TILE_COLUMNS)
    waves = _whole(tiles * parts / units)
    step = (_TILE_FLOP + _EDGE_FLOP * _last(efficiency.matrix_tile)) * (units / (peak * _last(efficiency.matrix_peak)))
    paced = np.maximum(step, _last(efficiency.matrix_pace_s) * units)
    inner = k / parts
    compute = waves * (inner * paced + _last(efficiency.matrix_inner) * step)
    traffic = waves * inner * ((_TILE_ROWS * element[0] + _TILE_COLUMNS * element[1]) * (units / bandwidth))
    added = _last(efficiency.matrix_split_s) + parts * (groups * m * n * _PARTIAL_BYTES / bandwidth)
    together = joined_by_fourth_powers(compute, traffic, memory_s)
    least: Array = (together + np.where(parts > 1.0, added, 0.0 * added)).min(axis=-1)
    return least


def joined_by_fourth_powers(*times: Array) -> Array:
    """Give a soft maximum of times: (a^4 + b^4 + ...)^(1/4), at least each and at most their sum.

    >>> float(joined_by_fourth_powers(np.asarray(1.0), np.asarray(0.0), np.asarray(0.0)))
    1.0
    """
    total = sum((time * time) * (time * time) for time in times)
    return np.sqrt(np.sqrt(total))


def _memory_s(
    first: Array,
    second: Array,
    result: Array,
    machine: Machine,
    efficiency: Efficiency,
    cache: Cache | None,
) -> Array:
    """Every operand and the result once, from memory or, of repeats of small products, from the cache [s]."""
    moved = first + second + result
    bandwidth = machine.memory_bandwidth_bytes_per_s
    from_memory = moved / (bandwidth * efficiency.memory)
    if cache is None:
        return from_memory
    cached = 1.0 / (1.0 + (moved / (cache.share * cache.capacity_bytes)) ** cache.sharpness)
    return (1.0 - cached) * from_memory + cached * moved / (bandwidth * cache.rate)


_ROUNDING = 1e-9  # a count that is whole but for rounding is whole


def _whole(count: Array) -> Array:
    return np.ceil(count - _ROUNDING)


def _last(value: Array | float) -> Array:
    """Give a value an axis of choices behind its own."""
    return np.asarray(value)[..., np.newaxis] if isinstance(value, float) else value[..., np.newaxis]
