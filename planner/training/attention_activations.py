"""What attention and recurrences keep for their backward pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.training.tape import Kept, SavedTensor, Tape
from planner.workload.architecture import Layer
from planner.workload.cores import AttentionCore
from planner.workload.operators import Sharding, Tokens, local_outputs

Array = NDArray[np.float64]


@record
class _Sizes:
    """One attention on one device.

    Parameters
    ----------
    queries, keys : tokens that ask and that are asked [1].
    heads, kv_heads : on this device [1].
    core : sizes of one head.
    element : size of an element [B].
    """

    queries: Array
    keys: Array
    heads: Array
    kv_heads: Array
    core: AttentionCore
    element: float

    @property
    def query_bytes(self) -> Array:
        return self.element * self.queries * self.heads * self.core.key_dim

    @property
    def key_bytes(self) -> Array:
        return self.element * self.keys * self.kv_heads * self.core.key_dim

    @property
    def value_bytes(self) -> Array:
        return self.element * self.keys * self.kv_heads * self.core.value_dim

    @property
    def result_bytes(self) -> Array:
        return self.element * self.queries * self.heads * self.core.value_dim


def save_attention(tape: Tape, layer: Layer, core: AttentionCore, tokens: Tokens, sharding: Sharding) -> None:
    """Save what one attention keeps, from the results of its projections to the input of its last one.

    Parameters
    ----------
    tape : takes the tensors.
    layer, core : the layer, and its attention or cross-attention.
    tokens, sharding : input of one micro-batch, and how it is spread.

    Notes
    -----
    Flash attention keeps queries, keys, values, its result and the logarithm of each row's sum, 4 bytes
    [1]_; its backward pass makes the probabilities again. Plain attention keeps queries, keys and values as
    its products read them, one head for each query head, and the probabilities; with dropout a mask and the
    dropped probabilities besides [2]_.

    References
    ----------
    .. [1] Dao et al., FlashAttention, arXiv 2205.14135, algorithm 4.
    .. [2] Korthikanti et al., MLSys 2023, section 4.1.
    """
    how, name = tape.implementation, "cross" if core.cross else "self"
    length = np.asarray(tokens.cross_length if core.cross else tokens.length, dtype=float)
    heads = core.heads / np.minimum(sharding.tensor, float(core.heads))
    kv_heads = core.kv_heads / np.minimum(sharding.tensor, float(core.kv_heads))
    here = tokens.sequences / sharding.context
    sizes = _Sizes(
        queries=here * tokens.length,
        keys=here * length,
        heads=heads,
        kv_heads=heads if how.repeated_heads else kv_heads,
        core=core,
        element=how.element_bytes,
    )
    if core.latent_rank:
        _save_latents(tape, layer, sizes.keys, sharding)
    limited = how.flash_limited and (how.attention_dropout or core.key_dim != core.value_dim)
    if not how.flash or limited:
        _save_plain(tape, name, sizes, length, tokens.length)
    else:
        _save_operands(tape, layer, name, sizes, sharding)
        tape.save(SavedTensor(f"{name} row sums", Kept.SCORES, 4.0 * sizes.queries * heads))
        if (core.window and how.windows_by_mask) or (how.causal_by_mask and core.causal):
            pairs = np.asarray(tokens.length) / sharding.context * length
            tape.save(SavedTensor(f"{name} mask", Kept.SCORES, how.element_bytes * pairs))
    tape.save(SavedTensor(f"{name} result", Kept.PROJECTION, sizes.result_bytes))
    if any(p.name == "output-gate" for p in layer.projections) and not core.cross:
        tape.save(SavedTensor("output gate", Kept.PROJECTION, sizes.result_bytes))
        tape.save(SavedTensor("gated result", Kept.PROJECTION, sizes.result_bytes))


def _save_plain(tape: Tape, name: str, sizes: _Sizes, length: Array, asking: Array) -> None:
    """Attention as two products with a softmax between them."""
    how, core = tape.implementation, sizes.core
    group = Kept.LATENT if core.latent_rank else Kept.PROJECTION
    element = max(how.element_bytes, how.unfused_bytes)
    queries = sizes.queries * sizes.heads
    operands = element * (queries * core.key_dim + sizes.keys * sizes.heads * (core.key_dim + core.value_dim))
    if how.packed_values and element == how.element_bytes:
        operands = operands + sizes.query_bytes + sizes.key_bytes
    tape.save(SavedTensor(f"{name} query key value", group, operands))
    pairs = queries * length
    tape.save(SavedTensor(f"{name} probabilities", Kept.SCORES, element * pairs))
    if how.attention_dropout:
        tape.save(SavedTensor(f"{name} probabilities' mask", Kept.SCORES, how.mask_bytes(element) * pairs))
        tape.save(SavedTensor(f"{name} dropped probabilities", Kept.SCORES, element * pairs))
    if how.causal_by_mask and core.causal:
        tape.save(SavedTensor(f"{name} mask", Kept.SCORES, np.asarray(asking) * length))


def _save_operands(tape: Tape, layer: Layer, name: str, sizes: _Sizes, sharding: Sharding) -> None:
    """Queries, keys and values as flash attention keeps them, and what their norms keep."""
    how, core = tape.implementation, sizes.core
    every = sizes.query_bytes + sizes.key_bytes + sizes.value_bytes
    operands = SavedTensor(f"{name} query key value", Kept.LATENT if core.latent_rank else Kept.PROJECTION, every)
    if core.latent_rank:
        if how.latent_views:
            both = local_outputs(next(p for p in layer.projections if p.name == "kv.up"), sharding.tensor)
            values = sizes.element * sizes.keys * both
            operands = SavedTensor(operands.name, operands.group, every - sizes.value_bytes + values)
        tape.save(operands)
        return
    fused = how.fused_projection and not core.cross and not how.repeated_heads
    if fused:
        cut = SavedTensor("fused projection", Kept.PROJECTION, every)
        tape.save(cut)
    if core.normed:
        of_queries = SavedTensor(f"{name} query before its norm", Kept.PROJECTION, sizes.query_bytes)
        of_keys = SavedTensor(f"{name} key before its norm", Kept.PROJECTION, sizes.key_bytes)
        for entry, rows in ((of_queries, sizes.queries * sizes.heads), (of_keys, sizes.keys * sizes.kv_heads)):
            tape.norm(
                f"{entry.name}",
                cut if fused else entry,
                rows=rows,
                kind=layer.normalization,
                normed_bytes=entry.size_bytes,
            )
    if not fused:
        tape.save(operands)
    elif core.rotary or core.normed:
        tape.save(SavedTensor(f"{name} turned query key", Kept.PROJECTION, sizes.query_bytes + sizes.key_bytes))


def _save_latents(tape: Tape, layer: Layer, here: Array, sharding: Sharding) -> None:
    """Latents of queries and of keys and values: each product down, and its norm's result."""
    element = tape.implementation.element_bytes
    ranks = {p.name.split(".")[0]: p.inputs for p in layer.projections if p.name.endswith(".up")}
    for projection in layer.projections:
        owner, _, way = projection.name.partition(".")
        if way == "down":
            width = local_outputs(projection, sharding.tensor)
            normed = tape.norm(
                f"{owner} latent",
                SavedTensor(f"{owner} latent", Kept.PROJECTION, element * here * width),
                rows=here,
                kind=layer.normalization,
                group=Kept.PROJECTION,
                normed_bytes=element * here * ranks[owner],
            )
            tape.save(normed)


def save_scan(tape: Tape, layer: Layer, here: Array, sharding: Sharding) -> None:
    """Save what a recurrence keeps: the first product's result, the convolution's, and the recurrence's.

    The fused kernels of Mamba-2 and of gated delta nets make states again in their backward pass, chunk by
    chunk; the result stands twice, before and behind its gate's norm [arXiv 2405.21060, section 6].
    """
    scan = layer.scan
    if scan is None:
        raise AssertionError("a scan is wanted")
    element = tape.implementation.element_bytes
    share = here / np.minimum(sharding.tensor, float(scan.heads))
    projected = sum(p.outputs for p in layer.projections if p.name in ("scan.in", "scan.rates"))
    tape.save(SavedTensor("scan projection", Kept.PROJECTION, element * share * projected))
    tape.save(SavedTensor("scan convolution", Kept.PROJECTION, element * share * scan.convolution_channels))
    tape.save(SavedTensor("scan result", Kept.PROJECTION, 2.0 * element * share * scan.heads * scan.head_dim))
