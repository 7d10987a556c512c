"""Mixers of a layer as projections and cores: attention, latent attention, Mamba-2, gated delta net."""

from __future__ import annotations

from planner.catalog.shape import AttentionSpec, DeltaSpec, LatentSpec, LayerSpec, MambaSpec, NormName, StackSpec
from planner.record import record
from planner.workload.cores import AttentionCore, Scan, ScanKind
from planner.workload.projection import Projection, Split

NORM_VECTORS: dict[NormName, int] = {"rms": 1, "layer": 2, "layer-no-bias": 1, "none": 0}
"""Vectors that one norm holds: a scale, and a shift where it has one."""


@record
class Mixer:
    """What a mixer adds to a layer; counts in elements."""

    projections: tuple[Projection, ...] = ()
    cores: tuple[AttentionCore, ...] = ()
    scan: Scan | None = None
    norm_parameters: int = 0
    other_parameters: int = 0


def mixer(spec: StackSpec, layer: LayerSpec) -> Mixer:
    """Give the mixer of one kind of layer."""
    if layer.mixer == "none":
        return Mixer()
    if layer.mixer == "mamba" and spec.mamba:
        return _mamba(spec.hidden, spec.mamba)
    if layer.mixer == "delta" and spec.delta:
        return _delta(spec.hidden, spec.delta)
    attention = attention_of(spec, layer)
    if attention.latent:
        return _latent_attention(spec, layer, attention, attention.latent)
    return _attention(spec, layer, attention)


def attention_of(spec: StackSpec, layer: LayerSpec) -> AttentionSpec:
    """Give the attention of one kind of layer: the stack's, with what its sliding layers do otherwise."""
    if spec.attention is None:
        raise AssertionError("the shape was checked to have attention")
    own: dict[str, object] = {}
    if layer.mixer == "sliding" and spec.sliding:
        said = {
            "kv_heads": spec.sliding.kv_heads,
            "head_dim": spec.sliding.head_dim,
            "value_is_key": spec.sliding.value_is_key,
        }
        own = {name: value for name, value in said.items() if value is not None}
    if layer.kv_heads:
        own["kv_heads"] = layer.kv_heads
    return spec.attention.model_copy(update=own) if own else spec.attention


def head_dim(spec: StackSpec, attention: AttentionSpec) -> int:
    """Give the size of one head: as said, or the hidden size over the heads."""
    return attention.head_dim or spec.hidden // attention.heads


def cross_attention(spec: StackSpec, source_hidden: int) -> Mixer:
    """Give the cross-attention of a decoder layer; keys and values are made of the encoder's output."""
    attention = spec.attention
    if attention is None:
        raise AssertionError("the shape was checked to have attention")
    size = head_dim(spec, attention)
    heads, kv_heads = attention.heads, attention.kv_heads or attention.heads
    width, kv_width = heads * size, kv_heads * size
    bias = attention.bias
    projections = (
        Projection("cross.query", spec.hidden, width, Split.COLUMN, heads, bias in _QUERY),
        Projection("cross.key", source_hidden, kv_width, Split.COLUMN, kv_heads, bias in _KEY, "cross.key-value"),
        Projection("cross.value", source_hidden, kv_width, Split.COLUMN, kv_heads, bias in _QUERY, "cross.key-value"),
        Projection("cross.output", width, spec.hidden, Split.ROW, heads, bias in _OUTPUT),
    )
    core = AttentionCore(heads, kv_heads, size, size, causal=False, cross=True)
    return Mixer(projections, (core,))


_QUERY = ("qkv", "all", "all-but-key")
_KEY = ("qkv", "all")
_OUTPUT = ("output", "all", "all-but-key")


def _attention(spec: StackSpec, layer: LayerSpec, attention: AttentionSpec) -> Mixer:
    size = head_dim(spec, attention)
    heads, kv_heads = attention.heads, attention.kv_heads or attention.heads
    width, kv_width = heads * size, kv_heads * size
    bias = attention.bias
    projections = [Projection("query", spec.hidden, width, Split.COLUMN, heads, bias in _QUERY, "qkv")]
    if attention.output_gate:
        projections.append(Projection("output-gate", spec.hidden, width, Split.COLUMN, heads, bias in _QUERY, "qkv"))
    projections.append(Projection("key", spec.hidden, kv_width, Split.COLUMN, kv_heads, bias in _KEY, "qkv"))
    if not attention.value_is_key:
        projections.append(Projection("value", spec.hidden, kv_width, Split.COLUMN, kv_heads, bias in _QUERY, "qkv"))
    projections.append(Projection("output", width, spec.hidden, Split.ROW, heads, bias in _OUTPUT))
    normed = {"none": 0, "head": 2 * size, "projection": width + kv_width}[attention.qk_norm]
    core = AttentionCore(
        heads,
        kv_heads,
        size,
        size,
        causal=spec.causal,
        value_is_key=attention.value_is_key,
        window=_window(spec, layer),
        chunked=_is_chunked(spec, layer),
        rotary=spec.positions == "rotary",
        normed=attention.qk_norm != "none",
    )
    # The projection of relative positions is computed once for all samples, so that it is no product per token.
    other = (heads if attention.sinks else 0) + (spec.hidden * width if attention.position_projection else 0)
    return Mixer(
        tuple(projections),
        (core,),
        norm_parameters=normed * (2 if attention.qk_norm_bias else 1),
        other_parameters=other,
    )


def _window(spec: StackSpec, layer: LayerSpec) -> int:
    return spec.sliding.window if layer.mixer == "sliding" and spec.sliding else 0


def _is_chunked(spec: StackSpec, layer: LayerSpec) -> bool:
    return layer.mixer == "sliding" and spec.sliding is not None and spec.sliding.chunked


def _latent_attention(spec: StackSpec, layer: LayerSpec, attention: AttentionSpec, latent: LatentSpec) -> Mixer:
    """Low-rank queries and keys: the latents are shared by all heads, so they are not split [arXiv 2405.04434]."""
    heads, hidden = attention.heads, spec.hidden
    key_dim = latent.nope_dim + latent.rope_dim
    down_bias, output_bias = attention.bias in _QUERY, attention.bias in _OUTPUT
    cached = latent.kv_rank + latent.rope_dim
    norms = latent.kv_rank
    if latent.query_rank:
        norms += latent.query_rank
        projections = [
            Projection("query.down", hidden, latent.query_rank, Split.NONE, 1, down_bias, "latent.down"),
            Projection("kv.down", hidden, cached, Split.NONE, 1, down_bias, "latent.down"),
            Projection("query.up", latent.query_rank, heads * key_dim, Split.COLUMN, heads),
        ]
    else:
        projections = [
            Projection("query", hidden, heads * key_dim, Split.COLUMN, heads),
            Projection("kv.down", hidden, cached, Split.NONE, 1, down_bias),
        ]
    up = heads * (latent.nope_dim + latent.value_dim)
    projections.append(Projection("kv.up", latent.kv_rank, up, Split.COLUMN, heads))
    top_k = index_heads = index_dim = 0
    if attention.index:
        index = attention.index
        top_k, index_heads, index_dim = index.top_k, index.heads, index.head_dim
        source = latent.query_rank or hidden
        projections += [
            Projection("index.query", source, index.heads * index.head_dim, Split.NONE, 1),
            Projection("index.key", hidden, index.head_dim, Split.NONE, 1),
            Projection("index.weights", hidden, index.heads, Split.NONE, 1),
        ]
        norms += 2 * index.head_dim
    projections.append(Projection("output", heads * latent.value_dim, hidden, Split.ROW, heads, output_bias))
    core = AttentionCore(
        heads,
        heads,
        key_dim,
        latent.value_dim,
        causal=spec.causal,
        latent_rank=cached,
        latent_values=latent.kv_rank,
        top_k=top_k,
        index_heads=index_heads,
        index_dim=index_dim,
        window=_window(spec, layer),
        chunked=_is_chunked(spec, layer),
        rotary=True,
        normed=True,
    )
    return Mixer(tuple(projections), (core,), norm_parameters=norms)


def _mamba(hidden: int, mamba: MambaSpec) -> Mixer:
    """One projection in (gate, values, state inputs and outputs, time steps), a scan, one out [arXiv 2405.21060]."""
    inner = mamba.heads * mamba.head_dim
    if mamba.step_rank:
        return _first_mamba(hidden, mamba, inner, mamba.step_rank)
    channels = inner + 2 * mamba.groups * mamba.state
    projections = (
        Projection("scan.in", hidden, inner + channels + mamba.heads, Split.COLUMN, mamba.heads, mamba.bias),
        Projection("scan.out", inner, hidden, Split.ROW, mamba.heads, mamba.bias),
    )
    # Decay, time-step bias and skip per head, and the scale of the gated norm.
    scan = Scan(
        ScanKind.MAMBA2,
        mamba.heads,
        mamba.head_dim,
        mamba.state,
        channels,
        mamba.convolution,
        3 * mamba.heads + inner,
        mamba.convolution_bias,
    )
    return Mixer(projections, scan=scan)


def _first_mamba(hidden: int, mamba: MambaSpec, inner: int, rank: int) -> Mixer:
    """Values and gate in, state inputs, outputs and time steps of the values, a scan, one out [arXiv 2312.00752]."""
    projections = (
        Projection("scan.in", hidden, 2 * inner, Split.COLUMN, mamba.heads, mamba.bias),
        Projection("scan.states", inner, rank + 2 * mamba.state, Split.ROW, mamba.heads),
        Projection("scan.steps", rank, inner, Split.COLUMN, mamba.heads, bias=True),
        Projection("scan.out", inner, hidden, Split.ROW, mamba.heads, mamba.bias),
    )
    # Decay per channel and state, and skip per channel.
    own = inner * mamba.state + inner
    width, bias = mamba.convolution, mamba.convolution_bias
    return Mixer(
        projections, scan=Scan(ScanKind.MAMBA2, mamba.heads, mamba.head_dim, mamba.state, inner, width, own, bias)
    )


def _delta(hidden: int, delta: DeltaSpec) -> Mixer:
    """Queries, keys, values and gate in, then decay and writing strength per value head [arXiv 2412.06464]."""
    keys, values = delta.key_heads * delta.key_dim, delta.value_heads * delta.value_dim
    projections = (
        Projection("scan.in", hidden, 2 * keys + 2 * values, Split.COLUMN, delta.key_heads),
        Projection("scan.rates", hidden, 2 * delta.value_heads, Split.COLUMN, delta.value_heads),
        Projection("scan.out", values, hidden, Split.ROW, delta.value_heads),
    )
    scan = Scan(
        ScanKind.GATED_DELTA,
        delta.value_heads,
        delta.value_dim,
        delta.key_dim,
        2 * keys + values,
        delta.convolution,
        2 * delta.value_heads + delta.value_dim,
        convolution_bias=False,
    )
    return Mixer(projections, scan=scan)
