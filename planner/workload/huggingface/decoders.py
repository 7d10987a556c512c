"""Decoders with separate query, key and value projections and a feed-forward part: Llama and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from planner.catalog.shape import (
    ArchitectureSpec,
    AttentionSpec,
    DeltaSpec,
    ExpertsSpec,
    FeedForwardSpec,
    HeadSpec,
    LayerSpec,
    MixerName,
    NormName,
    SlidingSpec,
)
from planner.record import record
from planner.workload.huggingface.defaults import DEFAULTS, ClassDefaults
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.layers import every, mixers, terse
from planner.workload.huggingface.tasks import CAUSAL_TASKS, Task, decoder_head

QueryKeyNorm = Literal["none", "head", "projection"]
Bias = Literal["none", "qkv", "output", "all", "all-but-key"]


@record
class Windows:
    """Which layers see a window: its size in tokens, and the mixers where `layer_types` does not tell them."""

    size: int = 0
    chunked: bool = False
    pattern: Sequence[MixerName] = ()
    types: Sequence[str] = ("full_attention", "sliding_attention")


FULL = Windows()


def llama(f: Fields, task: Task) -> ArchitectureSpec:
    """Llama 1 to 3, Granite, SmolLM3 and others of exactly this shape."""
    return decoder(f, task, attention(f, bias=_all_if(f, "attention_bias")), dense(f, bias=f.flag("mlp_bias")))


def mistral(f: Fields, task: Task) -> ArchitectureSpec:
    """Mistral and Ministral: every layer slides where there is a window."""
    unsaid = 4096 if f.model_type in ("mistral", "ministral") and "sliding_window" not in f.values else 0
    return decoder(f, task, attention(f), dense(f), windows=window_everywhere(f, unsaid=unsaid))


def window_everywhere(f: Fields, *, unsaid: int = 0) -> Windows:
    """Give the windows of a class whose layers all slide where `sliding_window` is set."""
    size = f.optional("sliding_window") or unsaid
    count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
    return Windows(size, pattern=["sliding"] * count) if size else FULL


def window_between(f: Fields, period: int) -> Windows:
    """Give the windows of a class of which each `period`th layer is full and the others slide."""
    count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
    size = f.whole("sliding_window", default=4096)
    return Windows(size, pattern=every(count, period, first="sliding", last="full"))


def qwen2(f: Fields, task: Task) -> ArchitectureSpec:
    """Qwen 1.5 to 2.5: biases on queries, keys and values."""
    return decoder(f, task, attention(f, bias="qkv"), dense(f), windows=qwen_windows(f))


def qwen3(f: Fields, task: Task) -> ArchitectureSpec:
    """Qwen 3: norms on each head's queries and keys."""
    mixing = attention(f, bias=_all_if(f, "attention_bias"), qk_norm="head")
    return decoder(f, task, mixing, dense(f), windows=qwen_windows(f))


def glm(f: Fields, task: Task) -> ArchitectureSpec:
    """GLM-4 9B: biases on queries, keys and values, and none on the output."""
    return decoder(f, task, glm_attention(f, biased=True), dense(f))


def glm4(f: Fields, task: Task) -> ArchitectureSpec:
    """GLM-4 0414: as GLM, with norms before and after each part."""
    return decoder(f, task, glm_attention(f, biased=True), dense(f), norms_per_layer=4)


def glm_attention(f: Fields, *, biased: bool, qk_norm: QueryKeyNorm = "none") -> AttentionSpec:
    """Give the attention of every GLM; `biased` is what its class assumes of `attention_bias`."""
    return attention(f, bias="qkv" if f.flag("attention_bias", default=biased) else "none", qk_norm=qk_norm)


def qwen_windows(f: Fields) -> Windows:
    """A window counts only with `use_sliding_window`, from layer `max_window_layers` on."""
    count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
    if not f.flag("use_sliding_window"):
        return Windows(f.optional("sliding_window") or 0)
    first = f.whole("max_window_layers", default=28, low=0)
    pattern: list[MixerName] = ["sliding" if number >= first else "full" for number in range(count)]
    return Windows(f.whole("sliding_window", default=4096), pattern=pattern)


def gemma(f: Fields, task: Task) -> ArchitectureSpec:
    """Gemma 1."""
    return decoder(f, task, attention(f, bias=_all_if(f, "attention_bias")), gemma_dense(f))


def gemma_dense(f: Fields) -> FeedForwardSpec:
    """Give the dense part of every Gemma."""
    return dense(f, activation="gelu_pytorch_tanh")


def gemma2(f: Fields, task: Task) -> ArchitectureSpec:
    """Gemma 2: norms before and after each part, every second layer slides."""
    mixing = attention(f, bias=_all_if(f, "attention_bias"))
    return decoder(f, task, mixing, gemma_dense(f), windows=window_between(f, 2), norms_per_layer=4)


def gemma3(f: Fields, task: Task) -> ArchitectureSpec:
    """Gemma 3's text model: five sliding layers, then a full one."""
    mixing = attention(f, bias=_all_if(f, "attention_bias"), qk_norm="head")
    period = f.whole("sliding_window_pattern", "_sliding_window_pattern", default=6)
    return decoder(f, task, mixing, gemma_dense(f), windows=window_between(f, period), norms_per_layer=4)


def phi3(f: Fields, task: Task) -> ArchitectureSpec:
    """Phi-3 and 4: queries, keys and values in one matrix, so are gate and up."""
    return decoder(f, task, attention(f), dense(f), windows=window_everywhere(f))


def cohere(f: Fields, task: Task) -> ArchitectureSpec:
    """Command R: one norm without shift feeds both parts."""
    normed: QueryKeyNorm = "projection" if f.flag("use_qk_norm") else "none"
    mixing = attention(f, bias=_all_if(f, "attention_bias"), qk_norm=normed)
    return decoder(f, task, mixing, dense(f), normalization="layer-no-bias", norms_per_layer=1, parallel_block=True)


def cohere2(f: Fields, task: Task) -> ArchitectureSpec:
    """Command A and R7B: three sliding layers, then a full one."""
    mixing = attention(f, bias=_all_if(f, "attention_bias"), own_head_dim=False)
    return decoder(
        f,
        task,
        mixing,
        dense(f),
        windows=window_between(f, f.whole("sliding_window_pattern", "_sliding_window_pattern", default=4)),
        normalization="layer-no-bias",
        norms_per_layer=1,
        parallel_block=True,
    )


def olmo(f: Fields, task: Task) -> ArchitectureSpec:
    """OLMo 1: norms without weights."""
    return decoder(f, task, attention(f, bias=_all_if(f, "attention_bias")), dense(f), normalization="none")


def olmo2(f: Fields, task: Task) -> ArchitectureSpec:
    """OLMo 2: norms after each part and over whole queries and keys."""
    return decoder(f, task, attention(f, bias=_all_if(f, "attention_bias"), qk_norm="projection"), dense(f))


def olmo3(f: Fields, task: Task) -> ArchitectureSpec:
    """OLMo 3: as OLMo 2, with three sliding layers, then a full one."""
    mixing = attention(f, bias=_all_if(f, "attention_bias"), qk_norm="projection")
    return decoder(f, task, mixing, dense(f), windows=window_between(f, 4))


def stablelm(f: Fields, task: Task) -> ArchitectureSpec:
    """StableLM 2: norms with shifts, one of them per layer where the parts are parallel."""
    normed: QueryKeyNorm = "projection" if f.flag("qk_layernorm") else "none"
    mixing = attention(f, bias="qkv" if f.flag("use_qkv_bias") else "none", qk_norm=normed, own_head_dim=False)
    parallel = f.flag("use_parallel_residual")
    return decoder(
        f,
        task,
        mixing,
        dense(f),
        normalization="layer",
        norms_per_layer=1 if parallel else 2,
        parallel_block=parallel,
    )


def starcoder2(f: Fields, task: Task) -> ArchitectureSpec:
    """StarCoder 2: biases everywhere, no gate."""
    biased = f.flag("use_bias", default=True)
    return decoder(
        f,
        task,
        attention(f, bias="all" if biased else "none"),
        dense(f, gated=False, bias=biased, activation="gelu_pytorch_tanh"),
        windows=window_everywhere(f),
        normalization="layer",
    )


def phi(f: Fields, task: Task) -> ArchitectureSpec:
    """Phi-1 and 2: parallel parts behind one norm, biases everywhere, the head's too."""
    normed = f.flag("qk_layernorm")
    mixing = attention(f, bias="all", qk_norm="head" if normed else "none", qk_norm_bias=normed)
    return decoder(
        f,
        task,
        mixing,
        dense(f, gated=False, bias=True, activation="gelu_new"),
        normalization="layer",
        norms_per_layer=1,
        parallel_block=True,
        head_bias=True,
    )


def nemotron(f: Fields, task: Task) -> ArchitectureSpec:
    """Nemotron-4: squared ReLU without a gate, norms with shifts."""
    mixing = attention(f, bias=_all_if(f, "attention_bias"))
    part = dense(f, gated=False, bias=f.flag("mlp_bias"), activation="relu2")
    return decoder(f, task, mixing, part, normalization="layer")


def _all_if(f: Fields, name: str) -> Bias:
    return "all" if f.flag(name) else "none"


def attention(
    f: Fields,
    *,
    bias: Bias = "none",
    qk_norm: QueryKeyNorm = "none",
    qk_norm_bias: bool = False,
    sinks: bool = False,
    output_gate: bool = False,
    own_head_dim: bool = True,
) -> AttentionSpec:
    """Give the attention of a decoder, with its sizes from the fields that most families share.

    `own_head_dim` is false for classes that always divide the hidden size by the heads.
    """
    standard = DEFAULTS[f.model_type]
    heads = f.size("num_attention_heads", "n_head", default=standard.heads)
    kv_heads = f.whole("num_key_value_heads", default=standard.kv_heads or heads)
    if heads % kv_heads:
        raise f.refusal("num_key_value_heads", f"{heads} heads are not a multiple of {kv_heads} key-value heads")
    hidden = f.size("hidden_size", default=standard.hidden)
    size = (f.optional("head_dim") or standard.head_dim) if own_head_dim else 0
    return AttentionSpec(
        heads=heads,
        kv_heads=kv_heads if kv_heads != heads else None,
        head_dim=size or hidden // heads,
        bias=bias,
        qk_norm=qk_norm,
        qk_norm_bias=qk_norm_bias,
        sinks=sinks,
        output_gate=output_gate,
    )


def dense(
    f: Fields,
    *names: str,
    gated: bool = True,
    bias: bool = False,
    activation: str = "silu",
    width: int | None = None,
) -> FeedForwardSpec:
    """Give the dense feed-forward part, of the width in the field `names` (`intermediate_size`)."""
    found = width or f.size(*(names or ("intermediate_size",)), default=DEFAULTS[f.model_type].width)
    act = f.text("hidden_act", "hidden_activation", "activation_function", default=activation)
    return FeedForwardSpec(width=found, gated=gated, activation=act, bias=bias)


def decoder(
    f: Fields,
    task: Task,
    mixing: AttentionSpec | None,
    part: FeedForwardSpec | None,
    *,
    experts: ExpertsSpec | None = None,
    has_experts: Sequence[bool] | None = None,
    delta: DeltaSpec | None = None,
    windows: Windows = FULL,
    normalization: NormName = "rms",
    norms_per_layer: int = 2,
    parallel_block: bool = False,
    head_bias: bool = False,
    multi_token_layers: int = 0,
) -> ArchitectureSpec:
    """Give a decoder's shape from its parts and the fields that most families share.

    Parameters
    ----------
    f, task : configuration and task.
    mixing, part, experts : attention, dense part and experts of its layers.
    has_experts : which layers have experts; unsaid, all where there are any.
    windows : which layers slide.
    """
    standard: ClassDefaults = DEFAULTS[f.model_type]
    count = f.size("num_hidden_layers", default=standard.layers)
    kinds = mixers(f, count, unsaid=windows.pattern or ["full"] * count, known=windows.types)
    if "sliding" in kinds and not windows.size:
        raise f.refusal("sliding_window", "has sliding layers and no window")
    routed = has_experts or [experts is not None] * count
    layers = [
        LayerSpec(mixer=kind, feed_forward="dense" if experts and not routes else None)
        for kind, routes in zip(kinds, routed, strict=True)
    ]
    head: tuple[HeadSpec, ...] | None = decoder_head(f, task, bias=head_bias)
    tied = f.flag("tie_word_embeddings", default=standard.tied) and task in CAUSAL_TASKS
    return ArchitectureSpec(
        hidden=f.size("hidden_size", default=standard.hidden),
        vocabulary=f.size("vocab_size", default=standard.vocabulary),
        max_sequence=f.whole("max_position_embeddings", default=standard.positions),
        layers=terse(layers),
        attention=mixing,
        sliding=SlidingSpec(window=windows.size, chunked=windows.chunked) if "sliding" in kinds else None,
        feed_forward=part if not all(routed) else None,
        experts=experts if any(routed) else None,
        normalization=normalization,
        norms_per_layer=norms_per_layer,
        parallel_block=parallel_block,
        tied_embeddings=tied,
        head=head,
        delta=delta,
        multi_token_layers=multi_token_layers,
    )
