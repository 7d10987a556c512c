"""Architecture, shapes and sharding to the operators that one device runs for one micro-batch.

All sizes are floats or float64 arrays that broadcast: a search gives each degree its own axis, and an
operator's arrays then extend along just the axes that it depends on. Sizes are those of one device.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.workload.architecture import (
    Architecture,
    AttentionCore,
    Experts,
    Layer,
    Projection,
    Scan,
    ScanKind,
    Split,
    kernels,
)

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

_ACTIVATION_BYTES = 2.0  # activations are kept in 16 bits in every mixed-precision recipe


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


def layer_operators(layer: Layer, tokens: Tokens, sharding: Sharding) -> list[Operator]:
    """Give the operators of one layer's forward pass on one device.

    Parameters
    ----------
    layer : kind of layer.
    tokens : input of one micro-batch.
    sharding : how the layer is spread.

    Returns
    -------
    Operators in the order in which they run; sizes of one device.
    """
    here = tokens.sequences * tokens.length / sharding.context  # tokens of this context rank
    operators: list[Operator] = []
    for name, group in kernels(layer.projections):
        role = "convolution" if layer.maps else "layer"
        operators.append(_product(name, group, here, tokens, sharding, role=role))
    for core in layer.cores:
        if core.index_heads:
            operators.append(index_scores(core, tokens, sharding))
        operators.append(attention(core, tokens, sharding))
    operators += _of_samples(layer.per_sample, "layer", tokens, sharding)
    if layer.scan:
        operators.append(_scan(layer.scan, here, sharding))
    if layer.experts:
        operators += _experts(layer.experts, here, sharding)
    operators += _element_wise(layer, here, sharding)
    return operators


def _product(
    name: str, group: tuple[Projection, ...], here: Array, tokens: Tokens, sharding: Sharding, *, role: str
) -> MatrixProduct:
    first = group[0]
    outputs = sum((local_outputs(p, sharding.tensor) for p in group), start=np.asarray(0.0))
    m = here * first.rows
    if name == "router":
        role = "router"
        m = here / sharding.sequence_split
    elif name.startswith("cross.") and name != "cross.query" and first.split is Split.COLUMN:
        m = tokens.sequences * tokens.cross_length / sharding.context
    one = np.asarray(1.0)
    return MatrixProduct(name, role, m, outputs, local_inputs(first, sharding.tensor), one)


def attention(core: AttentionCore, tokens: Tokens, sharding: Sharding) -> Attention:
    """Give the attention of one layer on one device; see `layer_operators`."""
    keys = np.asarray(tokens.cross_length if core.cross else tokens.length + tokens.cached, dtype=float)
    return Attention(
        "cross-attention" if core.cross else "attention",
        tokens.sequences,
        tokens.length / sharding.context,
        keys,
        visible_keys(core, tokens.length, keys),
        core.heads * local_share(core.heads, sharding.tensor),
        core.kv_heads * local_share(core.kv_heads, sharding.tensor),
        float(core.key_dim),
        float(core.value_dim),
    )


def index_scores(core: AttentionCore, tokens: Tokens, sharding: Sharding) -> Attention:
    """Give the indexer of sparse attention: it scores every earlier token, and every rank does all of it."""
    everything = AttentionCore(core.index_heads, 1, core.index_dim, 1, causal=core.causal)
    length = np.asarray(tokens.length, dtype=float)
    keys = np.asarray(length + tokens.cached)
    return Attention(
        "index",
        tokens.sequences,
        length / sharding.context,
        keys,
        visible_keys(everything, length, keys),
        np.asarray(float(core.index_heads)),
        np.asarray(1.0),
        float(core.index_dim),
        1.0,
    )


def _of_samples(projections: tuple[Projection, ...], role: str, tokens: Tokens, sharding: Sharding) -> list[Operator]:
    """Give products of one vector per sample."""
    one = np.asarray(1.0)
    return [
        MatrixProduct(
            p.name,
            role,
            np.asarray(tokens.sequences, dtype=float),
            local_outputs(p, sharding.tensor),
            local_inputs(p, sharding.tensor),
            one,
        )
        for p in projections
    ]


def _experts(experts: Experts, here: Array, sharding: Sharding) -> list[Operator]:
    """Grouped products of the experts that one device holds, with their even share of the tokens."""
    sent = here / sharding.tensor * experts.top_k  # copies that this rank sends
    held = experts.count / sharding.expert
    each = sent * sharding.expert * sharding.expert_tensor / experts.count
    operators: list[Operator] = []
    for name, group in kernels(experts.projections):
        outputs = sum((local_outputs(p, sharding.expert_tensor) for p in group), start=np.asarray(0.0))
        inputs = local_inputs(group[0], sharding.expert_tensor)
        operators.append(MatrixProduct(name, "experts", each, outputs, inputs, held))
    # Dispatch and combine read and write every copy of a token's vector; see docs/modelling.md.
    hidden = float(experts.projections[0].inputs)
    moved = _EXPERT_PASSES * _ACTIVATION_BYTES * hidden * sent * sharding.expert_tensor
    inner = _ACTIVATION_BYTES * (3.0 if experts.gated else 2.0) * experts.width / sharding.expert_tensor
    moved = moved + inner * each * held
    operators.append(Streaming("expert dispatch", moved, np.asarray(0.0)))
    return operators


_EXPERT_PASSES = 5.4  # passes over the copies for permuting and combining, forward; our estimate (docs/modelling.md)


def _scan(scan: Scan, here: Array, sharding: Sharding) -> Streaming:
    """The recurrence, run in chunks: operations per token follow the state, bytes the inputs and outputs.

    Mamba-2 multiplies each state element about 6 times per token (decay, outer product, read-out with
    their adds) [Dao and Gu, arXiv 2405.21060]; a gated delta net about 8 [arXiv 2412.06464].
    """
    per_state = 6.0 if scan.kind is ScanKind.MAMBA2 else 8.0
    share = 1.0 / np.minimum(sharding.tensor, float(scan.heads))
    flops = per_state * scan.state_elements * here * share
    convolution = 2.0 * scan.convolution_channels * scan.convolution_width * here * share
    passes = 4.0 * scan.convolution_channels + 2.0 * scan.heads * scan.head_dim
    return Streaming("scan", _ACTIVATION_BYTES * passes * here * share, flops + convolution)


def _element_wise(layer: Layer, here: Array, sharding: Sharding) -> list[Operator]:
    """Bytes of norms and residuals, of rotary positions and of activations in a layer's forward pass.

    Counts 14 passes over the hidden size for two norms and residuals, 3 over queries, keys and values, and
    (g + 1.5) over the feed-forward's inner width, where g is 2 for a gated part and else 1
    (docs/modelling.md). Convolutions read and write their maps; norms and activations run in the same kernels.
    """
    nothing = np.asarray(0.0)
    if layer.maps:
        return [Streaming(FEATURE_MAPS, _ACTIVATION_BYTES * here * layer.maps, nothing)]
    passes = _NORM_PASSES * max(layer.norms, 1) / 2.0 * layer.hidden / sharding.sequence_split
    operators: list[Operator] = [Streaming("norms", _ACTIVATION_BYTES * here * passes, nothing)]
    for core in layer.cores:
        width = core.heads * core.key_dim + core.kv_heads * (core.key_dim + core.value_dim)
        passes = 3.0 * width / np.minimum(sharding.tensor, float(core.heads))
        operators.append(Streaming("positions", _ACTIVATION_BYTES * here * passes, nothing))
    if layer.feed_forward:
        gates = 2.0 if layer.feed_forward.gated else 1.0
        passes = (gates + 1.5) * layer.feed_forward.width / sharding.tensor
        operators.append(Streaming("activation", _ACTIVATION_BYTES * here * passes, nothing))
    return operators


_NORM_PASSES = 14.0
FEATURE_MAPS = "feature maps"


def head_operators(architecture: Architecture, tokens: Tokens, sharding: Sharding) -> list[Operator]:
    """Give the operators behind the last layer: vocabulary product, softmax and loss, on one device."""
    here = tokens.sequences * tokens.length / sharding.context * architecture.head_token_share
    operators: list[Operator] = []
    for projection in architecture.head:
        outputs = local_outputs(projection, sharding.tensor)
        inputs = local_inputs(projection, sharding.tensor)
        operators.append(MatrixProduct(projection.name, "head", here, outputs, inputs, np.asarray(1.0)))
        if projection.name == "vocabulary":
            # Logits are written in 16 bits, read and written in 32 for the loss, and its gradient written.
            operators.append(Streaming("loss", here * outputs * (2.0 + 4.0 + 4.0), np.asarray(0.0)))
    return operators + _of_samples(architecture.pooled, "head", tokens, sharding)


def embedding_operators(architecture: Architecture, tokens: Tokens, sharding: Sharding) -> list[Operator]:
    """Give the operators before the first layer: the token lookup, or the convolutions of an image or sound."""
    here = tokens.sequences * tokens.length / sharding.context
    operators: list[Operator] = []
    for stem in architecture.convolutions:
        m = tokens.sequences * stem.positions_per_sample
        operators.append(
            MatrixProduct(
                stem.name,
                "layer",
                m,
                np.asarray(float(stem.outputs)),
                np.asarray(float(stem.kernel_inputs)),
                np.asarray(1.0),
            )
        )
    operators += _of_samples(architecture.conditioning, "layer", tokens, sharding)
    for projection in architecture.embedding_projections:
        outputs, inputs = local_outputs(projection, sharding.tensor), local_inputs(projection, sharding.tensor)
        operators.append(MatrixProduct(projection.name, "layer", here, outputs, inputs, np.asarray(1.0)))
    if architecture.vocabulary:
        moved = 2.0 * _ACTIVATION_BYTES * here * architecture.hidden / sharding.sequence_split
        operators.append(Streaming("embedding", moved, np.asarray(0.0)))
    return operators
