"""Parts of a model's shape, each written tersely: attention, recurrences, feed-forward parts, stems, heads."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from planner.documents.types import Flag, Plain, Record, Text, Whole, WholeOrZero, problem, whole

MixerName = Literal["full", "sliding", "mamba", "delta", "none"]
FeedForwardName = Literal["dense", "experts", "dense-and-experts", "none"]
NormName = Literal["rms", "layer", "layer-no-bias", "none"]
PositionName = Literal["rotary", "learned", "sinusoidal", "relative", "alibi", "none"]

MAX_LAYERS = 10_000
_PATTERN = re.compile(r"[M*E-]{1,10000}\Z")


def _read_pattern(value: Any) -> str:
    text = getattr(value, "text", value)
    if not isinstance(text, str) or not _PATTERN.match(text):
        raise problem(
            "layer-pattern",
            "not a pattern of layers",
            allowed="one letter per layer: M Mamba-2, * attention, - dense feed-forward, E experts",
        )
    return text


LayerPattern = Annotated[str, Plain(_read_pattern, {"type": "string", "pattern": "^[M*E-]+$"})]
LayerCount = Annotated[int, whole(1, MAX_LAYERS)]


class LatentSpec(Record):
    """Multi-head latent attention: queries and keys pass through low-rank latents (DeepSeek-V2 on).

    Without `query_rank` queries are projected directly.
    """

    query_rank: Whole | None = None
    kv_rank: Whole
    nope_dim: Whole
    rope_dim: Whole
    value_dim: Whole


class IndexSpec(Record):
    """The indexer of sparse attention: each query attends to its `top_k` best tokens."""

    heads: Whole
    head_dim: Whole
    top_k: Whole


class AttentionSpec(Record):
    """Attention of most layers.

    Parameters
    ----------
    head_dim : hidden size over heads where it is not said.
    bias : the projections that have one.
    qk_norm : queries and keys are normalised per head, or over the whole projection.
    qk_norm_bias : those norms shift as well as scale.
    output_gate : a gate as wide as the queries multiplies the result (Qwen3-Next).
    sinks : one learned logit per head (gpt-oss).
    value_is_key : values are the keys: one projection, one cache (Gemma 4).
    position_projection : relative positions pass through a projection of their own (Transformer-XL, Gopher).
    """

    heads: Whole
    kv_heads: Whole | None = None
    head_dim: Whole | None = None
    bias: Literal["none", "qkv", "output", "all", "all-but-key"] = "none"
    qk_norm: Literal["none", "head", "projection"] = "none"
    qk_norm_bias: Flag = False
    output_gate: Flag = False
    sinks: Flag = False
    value_is_key: Flag = False
    position_projection: Flag = False
    latent: LatentSpec | None = None
    index: IndexSpec | None = None


class SlidingSpec(Record):
    """Layers that see a window of tokens, or the tokens of their own chunk; unsaid values as in `attention`."""

    window: Whole
    chunked: Flag = False
    kv_heads: Whole | None = None
    head_dim: Whole | None = None
    value_is_key: Flag | None = None


class MambaSpec(Record):
    """Mamba-2 layers: `state` is the state's size per channel, `convolution` the short filter's length.

    With `step_rank` they are layers of the first Mamba: the state's inputs, outputs and time steps are made of the
    values, the steps through a product of that rank.
    """

    heads: Whole
    head_dim: Whole
    groups: Whole
    state: Whole
    convolution: Whole = 4
    convolution_bias: Flag = True
    bias: Flag = False
    step_rank: Whole | None = None


class DeltaSpec(Record):
    """Gated delta-net layers."""

    key_heads: Whole
    key_dim: Whole
    value_heads: Whole
    value_dim: Whole
    convolution: Whole = 4


class FeedForwardSpec(Record):
    """The dense feed-forward part."""

    width: Whole
    gated: Flag
    activation: Text = "silu"
    bias: Flag = False


class ExpertsSpec(Record):
    """A mixture of experts.

    Parameters
    ----------
    width : inner width of one expert.
    bias : the experts have biases; `shared_bias` tells it of shared experts and of the latent's projections.
    shared_width : width of all shared experts together.
    shared_gate : a gate of one number weighs the shared experts.
    latent : width in which the experts work, behind one projection down and before one up.
    router_scales : learned scales of the router's input and output (Gemma 4).
    """

    count: Whole
    top_k: Whole
    width: Whole
    gated: Flag = True
    activation: Text = "silu"
    bias: Flag = False
    shared_width: WholeOrZero = 0
    shared_bias: Flag = False
    shared_gate: Flag = False
    router_bias: Flag = False
    router_scales: Flag = False
    latent: Whole | None = None


class LayerSpec(Record):
    """Like layers one after the other; unsaid, full attention, and experts where there are any.

    `kv_heads` and `width` are those of these layers where they are not the model's: of attention, and of the dense
    feed-forward part.
    """

    count: LayerCount = 1
    mixer: MixerName = "full"
    feed_forward: FeedForwardName | None = None
    kv_heads: Whole | None = None
    width: Whole | None = None


class LayerRunSpec(LayerSpec):
    """As above; with `period`, that many repeats of the layers listed in it."""

    period: tuple[LayerSpec, ...] = ()


Layers = tuple[LayerRunSpec, ...] | LayerCount | LayerPattern


class EmbeddingSpec(Record):
    """What is between a token's number and the first layer.

    Parameters
    ----------
    size : width of the table, where a projection to the hidden size follows it.
    projection_bias : that projection has a bias.
    position_size : width of learned positions where it is not the table's.
    token_types : rows of the token-type table (BERT's segments).
    norm : a norm follows.
    """

    size: Whole | None = None
    projection_bias: Flag = False
    position_size: Whole | None = None
    token_types: WholeOrZero = 0
    norm: Flag = False


class ImageSpec(Record):
    """Patches of an image or of its latent: sides in pixels, a convolution with stride `patch`."""

    height: Whole
    width: Whole
    patch_height: Whole
    patch_width: Whole
    channels: Whole = 3
    bias: Flag = True
    class_tokens: WholeOrZero = 1
    norm: Flag = False


class AudioSpec(Record):
    """Two convolutions over a spectrogram, the second of which halves its length (Whisper)."""

    bands: Whole
    positions: Whole
    kernel: Whole = 3


class ConditioningSpec(Record):
    """Adaptive norms of a diffusion transformer: what a sample's time step and class do to each layer.

    Parameters
    ----------
    frequencies : inputs of the time-step embedding.
    classes : rows of the class table, the empty class included.
    modulations, final_modulations : vectors of the hidden size per layer, and before the output.
    """

    frequencies: Whole = 256
    classes: Whole
    modulations: Whole = 6
    final_modulations: Whole = 2


class HeadSpec(Record):
    """One product behind the last layer; further ones start from its result.

    Parameters
    ----------
    outputs : its width; unsaid, the vocabulary.
    tokens : it sees every token, or one vector per sample; the two form separate chains.
    bias : it has a bias.
    norm : a norm follows.
    """

    outputs: Whole | None = None
    tokens: Literal["all", "one"] = "all"
    bias: Flag = False
    norm: Flag = False
