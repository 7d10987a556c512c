"""Operators that one device runs for one micro-batch, their sizes, and how sharding divides what they work on.

All sizes are floats or float64 arrays that broadcast: a search gives each degree its own axis, and an
operator's arrays then extend along just the axes that it depends on. Sizes are those of one device.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.workload.cores import AttentionCore
from planner.workload.projection import Projection, Split

Array = NDArray[np.float64]
"""float64, of any shape that broadcasts with its fellows."""


@record
class Sharding:
    """How one layer is spread: degrees of at least 1 [1].

    Parameters
    ----------
    tensor : tensor degree of attention and dense parts.
    context : ranks that share one sequence.
    expert : ranks that share the experts of a layer.
    expert_tensor : tensor degree inside one expert.
    sequence_parallel : 1 where norms and residuals are split over the tensor ranks too, else 0.
    """

    tensor: Array
    context: Array
    expert: Array
    expert_tensor: Array
    sequence_parallel: Array

    @property
    def sequence_split(self) -> Array:
        """Ranks over which norms and residuals are divided."""
        split: Array = np.where(self.sequence_parallel > 0, self.tensor, 1.0)
        return split


@record
class Tokens:
    """The input of one micro-batch.

    Parameters
    ----------
    sequences : sequences of one micro-batch [1]; may be below 1 where the context is spread further.
    length : tokens of one sequence [1].
    cross_length : tokens of the other stack, for cross-attention [1].
    cached : earlier tokens of one sequence whose keys and values are kept from before: the context of a token
        that is decoded, the prefix that a prompt shares with an earlier one [1].
    """

    sequences: Array
    length: Array
    cross_length: Array | float = 0.0
    cached: Array | float = 0.0


@record
class MatrixProduct:
    """`groups` products of an (m, k) activation with a (k, n) weight on one device [1].

    `role` is "layer", "convolution", "experts", "router" or "head": formats and efficiencies differ by it.
    """

    name: str
    role: str
    m: Array
    n: Array
    k: Array
    groups: Array

    @property
    def flops(self) -> Array:
        """Operations of the forward product [FLOP]."""
        return 2.0 * self.groups * self.m * self.n * self.k


@record
class Attention:
    """Scores and weighted values on one device.

    Parameters
    ----------
    sequences : sequences [1]. queries : queries per sequence on this device [1].
    keys : keys per sequence [1]. visible : keys that the mean query sees [1].
    heads, kv_heads : heads on this device [1]. key_dim, value_dim : their sizes [1].
    """

    name: str
    sequences: Array
    queries: Array
    keys: Array
    visible: Array
    heads: Array
    kv_heads: Array
    key_dim: float
    value_dim: float

    @property
    def flops(self) -> Array:
        """Operations of the forward pass over the keys that are seen [FLOP]."""
        pairs = self.sequences * self.queries * self.visible * self.heads
        return 2.0 * pairs * (self.key_dim + self.value_dim)

    @property
    def flops_full(self) -> Array:
        """Operations with the mask ignored: every query against every key [FLOP]."""
        pairs = self.sequences * self.queries * self.keys * self.heads
        return 2.0 * pairs * (self.key_dim + self.value_dim)


@record
class Streaming:
    """Work that is bound by memory: norms, activations, rotary positions, recurrences.

    `bytes_moved` are read and written in the forward pass [B]; `flops` is set where the work is counted.
    """

    name: str
    bytes_moved: Array
    flops: Array


Operator = MatrixProduct | Attention | Streaming


def local_inputs(projection: Projection, tensor: Array) -> Array:
    """Rows of a weight matrix on one of `tensor` ranks [1]."""
    if projection.split is Split.ROW:
        return projection.inputs * local_share(projection.shards, tensor)
    return np.asarray(float(projection.inputs))


def local_outputs(projection: Projection, tensor: Array) -> Array:
    """Columns of a weight matrix on one of `tensor` ranks [1]."""
    if projection.split is Split.COLUMN:
        return projection.outputs * local_share(projection.shards, tensor)
    return np.asarray(float(projection.outputs))


def local_share(pieces: int, tensor: Array | float) -> Array:
    """Share of so many pieces (heads) that the fullest of `tensor` ranks holds [1].

    Pieces are dealt whole. Where they cannot be dealt evenly the fullest rank has one more, and the others are
    padded to it; with more ranks than pieces each piece is held more than once.

    >>> float(local_share(32, 8.0)), float(local_share(32, 24.0)), float(local_share(8, 16.0))
    (0.125, 0.0625, 0.125)
    """
    whole = np.ceil(pieces / np.asarray(tensor, dtype=float))
    return np.asarray(whole / pieces)


def visible_keys(core: AttentionCore, length: Array | float, keys: Array | float) -> Array:
    """Keys that the mean query of a sequence sees.

    Parameters
    ----------
    core : the attention.
    length : queries of one sequence [1].
    keys : keys of one sequence, those of the queries included [1].

    Returns
    -------
    Mean over the queries [1].

    Notes
    -----
    With s queries that are the last of s keys, a causal query sees (s + 1)/2 on average; a window of w
    leaves w - w (w - 1) / (2 s) where w < s. A chunk of w acts like sequences of w tokens. Sparse attention
    scores at most `top_k` of what is seen.

    >>> visible_keys(AttentionCore(1, 1, 64, 64), 4.0, 4.0)
    array(2.5)
    >>> visible_keys(AttentionCore(1, 1, 64, 64, window=2), 4.0, 4.0)
    array(1.75)
    """
    length, keys = np.asarray(length, dtype=float), np.asarray(keys, dtype=float)
    if core.cross or not core.causal:
        seen = keys if not core.window else np.minimum(keys, 2.0 * core.window)
    else:
        cached = keys - length
        seen = cached + (length + 1.0) / 2.0
        if core.window and core.chunked:
            seen = np.minimum(seen, (core.window + 1.0) / 2.0)
        elif core.window:
            w = np.minimum(float(core.window), keys)
            within = np.maximum(w - cached, 0.0)  # queries that see fewer than w keys
            seen = np.minimum(seen, w - within * np.maximum(within - 1.0, 0.0) / (2.0 * length))
    if core.top_k:
        seen = np.minimum(seen, float(core.top_k))
    return np.asarray(seen)
