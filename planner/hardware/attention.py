"""Time of attention: over whole prompts in tiles of queries, and of single queries over a cache of keys and values.

Both are dealt to the multiprocessors by head: a prompt in tiles of up to 128 queries, of which each goes over the keys
that its queries see; a single query per sequence with the keys cut into parts that a second kernel brings together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.hardware.chip import Chip
from planner.hardware.products import joined_by_fourth_powers
from planner.record import record

Array = NDArray[np.float64]

_MOST_ROWS, _FEWEST_ROWS = 128.0, 16.0  # queries of one tile; FlashAttention-2 and -3 take 64 to 192
_FULL_HEAD = 256.0  # dimensions of key and value together at which multipliers are kept busy
_SHARED_QUERY_HEADS = 32.0  # of one key head that kernels for decoding take together; more of them run one by one
_LATENT_HEADS = 64.0  # that kernels for latent attention take together
_LEAST_QUERY_ROWS = 16.0  # of a multiplier, filled or not
_SHORTEST_PART = 128.0  # keys of one part


@record
class FlashRates:
    """How far attention over prompts stays below the data sheet.

    Parameters
    ----------
    rate : share of the dense peak [1].
    start : keys whose work one tile's start and end cost [1].
    tail : share of the longest tile's time during which other units wait for it [1].
    head : exponent of the rate's fall with heads of less than 256 dimensions of key and value together [1].
    passes : passes over queries, keys, values and results in memory [1].
    memory : share of the device memory's bandwidth [1].
    launch_s : fixed time [s].
    """

    rate: Array
    start: Array
    tail: Array
    head: Array
    passes: Array
    memory: Array
    launch_s: Array


@record
class Prompt:
    """Attention of whole prompts on one device.

    Parameters
    ----------
    sequences, queries, keys : of the batch; queries and keys of one sequence [1].
    visible : keys that a query sees on average [1].
    heads, kv_heads : of queries; of keys and values [1].
    key_dim, value_dim : dimensions of one head [1].
    element_bytes : of queries, keys and values [B].
    """

    sequences: Array
    queries: Array
    keys: Array
    visible: Array
    heads: Array | float
    kv_heads: Array | float
    key_dim: Array | float
    value_dim: Array | float
    element_bytes: Array | float = 2.0


def prompt_attention_time_s(prompt: Prompt, chip: Chip, rates: FlashRates) -> Array:
    """Time of the forward pass of flash attention over prompts.

    Parameters
    ----------
    prompt : sizes.
    chip, rates : the accelerator, at the peak of the format that attention is computed in.

    Returns
    -------
    Seconds [s].

    Notes
    -----
    With T tiles of r queries, U multiprocessors and c = 2 r (d_k + d_v) U / (P e) one key of one tile:
    C = max(T/U, 1) v c + ceil(T/U) s c + tail K c over the v keys that are seen on average and the K that the last
    tile sees, e = rate min(1, (d_k + d_v)/256)^head; M the passes over memory; t = launch + (C^4 + M^4)^(1/4).
    """
    dims = prompt.key_dim + prompt.value_dim
    rows = np.clip(prompt.queries, _FEWEST_ROWS, _MOST_ROWS)
    peak = chip.peak_flops_per_s * rates.rate * np.minimum(1.0, dims / _FULL_HEAD) ** rates.head
    one_key = 2.0 * rows * dims * (chip.units / peak)
    rounds = prompt.sequences * prompt.heads * np.ceil(prompt.queries / rows) / chip.units
    longest = np.minimum(prompt.keys, 2.0 * prompt.visible)
    keys = np.maximum(rounds, 1.0) * prompt.visible + np.ceil(rounds) * rates.start + rates.tail * longest
    moved = prompt.queries * prompt.heads * dims + prompt.keys * prompt.kv_heads * dims
    memory = prompt.sequences * moved * prompt.element_bytes * rates.passes
    return rates.launch_s + joined_by_fourth_powers(
        keys * one_key, memory / (chip.bandwidth_bytes_per_s * rates.memory)
    )


@record
class DecodeRates:
    """How far attention of single queries over a cache stays below the data sheet.

    Parameters
    ----------
    rate : share of the dense peak [1].
    memory : share of the device memory's bandwidth at which the cache is read [1].
    key_s : least time of one byte of one key's and value's dimension pair on one multiprocessor [s].
    start_s : start and end of one part [s].
    parts : most parts of one sequence's keys [1].
    merge_s : a second kernel that brings parts together [s].
    launch_s : fixed time [s].
    """

    rate: Array
    memory: Array
    key_s: Array
    start_s: Array
    parts: Array
    merge_s: Array
    launch_s: Array


@record
class Cached:
    """One query per sequence over a cache, on one device.

    Parameters
    ----------
    sequences, keys : sequences, and tokens in the cache of one [1].
    pieces : that one sequence's heads are dealt in [1].
    rows : query rows that multipliers work on for one sequence, filled or not [1].
    dims : dimensions that one query multiplies with for one key: its score's and its result's [1].
    read_bytes, way_bytes : of one token's cache, over all heads, and of one piece [B].
    """

    sequences: Array
    keys: Array
    pieces: Array
    rows: Array
    dims: Array | float
    read_bytes: Array | float
    way_bytes: Array | float

    @staticmethod
    def of_heads(
        sequences: Array,
        keys: Array,
        *,
        heads: Array,
        kv_heads: Array | float,
        dims: Array | float,
        size: Array | float,
    ) -> Cached:
        """Give the work on keys and values of `kv_heads` heads, `dims` of key and value together, `size` bytes each.

        Kernels for decoding take up to 32 query heads of one key head together; more of them run one by one.
        """
        pieces = np.where(heads / kv_heads > _SHARED_QUERY_HEADS, heads, kv_heads)
        rows = np.maximum(heads, pieces * _LEAST_QUERY_ROWS)
        return Cached(sequences, keys, pieces, rows, dims, kv_heads * dims * size, dims * size)

    @staticmethod
    def of_latents(
        sequences: Array, keys: Array, *, heads: Array, latent: float, position: float, size: Array | float
    ) -> Cached:
        """Give the work on one latent per token that all heads share; kernels take 64 heads together."""
        pieces = np.ceil(heads / _LATENT_HEADS)
        width = (latent + position) * size
        return Cached(sequences, keys, pieces, pieces * _LATENT_HEADS, 2.0 * latent + position, width, width)


def cached_attention_time_s(cached: Cached, chip: Chip, rates: DecodeRates) -> Array:
    """Time of attention of one query per sequence over its cache.

    Parameters
    ----------
    cached : sizes.
    chip, rates : the accelerator, at its 16-bit peak.

    Returns
    -------
    Seconds [s].

    Notes
    -----
    Work is dealt by sequence and piece of its heads. Keys are cut into s parts while multiprocessors are idle, none
    shorter than 128 keys. t = launch + (C^4 + M^4 + L^4)^(1/4) + merge: C the operations with all query rows of a
    multiplier, M the cache once through memory, L the way of one multiprocessor through its keys, part after part.
    """
    pieces = cached.sequences * cached.pieces
    parts = np.clip(np.minimum(chip.units / pieces, cached.keys / _SHORTEST_PART), 1.0, rates.parts)
    rounds = np.maximum(pieces * parts / chip.units, 1.0)
    way = rounds * (cached.keys / parts * rates.key_s * cached.way_bytes + rates.start_s)
    flop = 2.0 * cached.sequences * cached.rows * cached.keys * cached.dims
    memory = cached.sequences * cached.keys * cached.read_bytes / (chip.bandwidth_bytes_per_s * rates.memory)
    together = joined_by_fourth_powers(flop / (chip.peak_flops_per_s * rates.rate), memory, way)
    return rates.launch_s + together + np.where(parts > 1.0, rates.merge_s, 0.0 * rates.merge_s)
