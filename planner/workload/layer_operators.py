"""A model's layers, shapes and sharding to the operators that one device runs for one micro-batch.

Sizes broadcast and are those of one device, as in `operators.py`.
"""

from __future__ import annotations

import numpy as np

from planner.workload.architecture import Architecture, Experts, Layer
from planner.workload.cores import AttentionCore, Scan, ScanKind
from planner.workload.operators import (
    Array,
    Attention,
    MatrixProduct,
    Operator,
    Sharding,
    Streaming,
    Tokens,
    local_inputs,
    local_outputs,
    local_share,
    visible_keys,
)
from planner.workload.projection import Projection, Split, kernels

_ACTIVATION_BYTES = 2.0  # activations are kept in 16 bits in every mixed-precision recipe


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
