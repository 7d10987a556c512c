"""Decoders with a mixture of experts in some or all layers."""

from __future__ import annotations

from planner.catalog.shape import ArchitectureSpec, AttentionSpec, ExpertsSpec, FeedForwardSpec, MixerName
from planner.workload.huggingface.decoders import (
    FULL,
    Windows,
    attention,
    decoder,
    dense,
    glm_attention,
    qwen_windows,
    window_between,
    window_everywhere,
)
from planner.workload.huggingface.defaults import DEFAULTS
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.layers import every
from planner.workload.huggingface.tasks import CAUSAL_TASKS, Task


def mixtral(f: Fields, task: Task) -> ArchitectureSpec:
    """Mixtral: experts in every layer, in the width of `intermediate_size`."""
    standard = DEFAULTS[f.model_type]
    experts = ExpertsSpec(
        count=f.size("num_local_experts", "num_experts", default=8),
        top_k=f.size("num_experts_per_tok", default=2),
        width=f.size("intermediate_size", default=standard.width),
    )
    return decoder(f, task, attention(f), None, experts=experts, windows=window_everywhere(f))


def olmoe(f: Fields, task: Task) -> ArchitectureSpec:
    """OLMoE: as Mixtral, with norms over whole queries and keys."""
    mixing = attention(f, bias="all" if f.flag("attention_bias") else "none", qk_norm="projection")
    experts = ExpertsSpec(
        count=f.size("num_experts", "num_local_experts", default=64),
        top_k=f.size("num_experts_per_tok", default=8),
        width=f.size("intermediate_size", default=DEFAULTS[f.model_type].width),
    )
    return decoder(f, task, mixing, None, experts=experts)


def minimax_m2(f: Fields, task: Task) -> ArchitectureSpec:
    """MiniMax-M2: full attention with norms over whole queries and keys, experts in every layer."""
    experts = ExpertsSpec(
        count=f.size("num_local_experts", "num_experts", default=256),
        top_k=f.size("num_experts_per_tok", default=8),
        width=f.size("intermediate_size", default=DEFAULTS[f.model_type].width),
    )
    return decoder(f, task, attention(f, qk_norm="projection"), None, experts=experts)


def qwen2_moe(f: Fields, task: Task) -> ArchitectureSpec:
    """Qwen1.5-MoE and Qwen2-MoE: a gated shared expert beside the others."""
    mixing = attention(f, bias="qkv" if f.flag("qkv_bias", default=True) else "none")
    experts = ExpertsSpec(
        count=f.size("num_experts", "num_local_experts", default=60),
        top_k=f.size("num_experts_per_tok", default=4),
        width=f.size("moe_intermediate_size", default=1408),
        shared_width=f.size("shared_expert_intermediate_size", default=5632),
        shared_gate=True,
    )
    windows = FULL
    if f.flag("use_sliding_window"):
        count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
        last = f.whole("max_window_layers", default=28, low=0)
        alternating = every(count, 2, first="sliding", last="full")
        pattern: list[MixerName] = [kind if number < last else "full" for number, kind in enumerate(alternating)]
        windows = Windows(f.whole("sliding_window", default=4096), pattern=pattern)
    return decoder(f, task, mixing, _dense_beside(f), experts=experts, has_experts=sparse_steps(f), windows=windows)


def qwen3_moe(f: Fields, task: Task) -> ArchitectureSpec:
    """Qwen3-MoE: no shared expert."""
    return _qwen3_experts(f, task, count=128, top_k=8, width=768)


def qwen3_vl_moe(f: Fields, task: Task) -> ArchitectureSpec:
    """The text model of Qwen3-VL with experts: as Qwen3-MoE, with defaults of its own."""
    return _qwen3_experts(f, task, count=60, top_k=4, width=1408)


def _qwen3_experts(f: Fields, task: Task, *, count: int, top_k: int, width: int) -> ArchitectureSpec:
    mixing = attention(f, bias="all" if f.flag("attention_bias") else "none", qk_norm="head")
    experts = ExpertsSpec(
        count=f.size("num_experts", "num_local_experts", default=count),
        top_k=f.size("num_experts_per_tok", default=top_k),
        width=f.size("moe_intermediate_size", default=width),
    )
    windows = window_everywhere(f) if f.flag("use_sliding_window") else qwen_windows(f)
    return decoder(f, task, mixing, _dense_beside(f), experts=experts, has_experts=sparse_steps(f), windows=windows)


def glm4_moe(f: Fields, task: Task) -> ArchitectureSpec:
    """GLM-4.5 to 4.7: DeepSeek's layers behind grouped queries."""
    mixing = glm_attention(f, biased=False, qk_norm="head" if f.flag("use_qk_norm") else "none")
    return dense_first(f, task, mixing, shared=1, experts=128, top_k=8, width=1408, first=1)


def dense_first(
    f: Fields,
    task: Task,
    mixing: AttentionSpec,
    *,
    shared: int,
    experts: int,
    top_k: int | None,
    width: int,
    first: int,
    shared_bias: bool = False,
) -> ArchitectureSpec:
    """Give DeepSeek's layers: dense ones first, then experts beside shared ones, and layers for further tokens.

    Parameters
    ----------
    f, task : configuration and task. mixing : attention of every layer.
    shared, experts, top_k, width, first : what the class assumes of shared experts, all others, those chosen, their
        width, and dense layers.
    """
    count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
    inner = f.size("moe_intermediate_size", default=width)
    mixture = ExpertsSpec(
        count=f.size("n_routed_experts", "num_local_experts", "num_experts", default=experts),
        top_k=f.size("num_experts_per_tok", default=top_k or 1),
        width=inner,
        shared_width=inner * f.whole("n_shared_experts", default=_absent(f, "n_shared_experts", shared), low=0),
        shared_bias=shared_bias,
    )
    routed = _has_experts(f, count, first)
    part = dense(f, bias=shared_bias) if not all(routed) else None
    extra = f.whole("num_nextn_predict_layers", "num_mtp_layers", default=0, low=0) if task in CAUSAL_TASKS else 0
    return decoder(f, task, mixing, part, experts=mixture, has_experts=routed, multi_token_layers=extra)


def _absent(f: Fields, name: str, default: int) -> int:
    """Give a class's default for an absent field, and 0 where the field is there and null."""
    return 0 if name in f.values else default


def _has_experts(f: Fields, count: int, first: int) -> list[bool]:
    types = f.texts("mlp_layer_types")
    if types is not None:
        if len(types) != count or set(types) - {"dense", "sparse"}:
            raise f.refusal("mlp_layer_types", "'mlp_layer_types' is not understood", allowed="dense, sparse per layer")
        return [kind == "sparse" for kind in types]
    dense_layers = f.whole("first_k_dense_replace", default=first, low=0)
    every = f.whole("moe_layer_freq", default=1)
    if every > 1:
        f.notes.append("'moe_layer_freq' is honoured, as DeepSeek's own code does; transformers ignores it.")
    return [number >= dense_layers and number % every == 0 for number in range(count)]


def sparse_steps(f: Fields) -> list[bool]:
    """Give the layers that have experts: each `decoder_sparse_step`th, but none of `mlp_only_layers`."""
    count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
    step = f.whole("decoder_sparse_step", default=1)
    dense_layers = set(f.numbers("mlp_only_layers") or [])
    return [number not in dense_layers and (number + 1) % step == 0 for number in range(count)]


def _dense_beside(f: Fields) -> FeedForwardSpec | None:
    return dense(f) if not all(sparse_steps(f)) else None


def gpt_oss(f: Fields, task: Task) -> ArchitectureSpec:
    """gpt-oss: biases everywhere, a learned logit per head, every second layer slides."""
    biased = f.flag("attention_bias", default=True)
    mixing = attention(f, bias="all" if biased else "none", sinks=True)
    experts = ExpertsSpec(
        count=f.size("num_local_experts", "num_experts", default=128),
        top_k=f.size("num_experts_per_tok", "experts_per_token", default=4),
        width=f.size("intermediate_size", default=2880),
        bias=True,
        router_bias=True,
    )
    return decoder(f, task, mixing, None, experts=experts, windows=_gpt_oss_windows(f))


def _gpt_oss_windows(f: Fields) -> Windows:
    windows = window_between(f, 2)
    return Windows(f.whole("sliding_window", default=128), pattern=windows.pattern)


def llama4(f: Fields, task: Task) -> ArchitectureSpec:
    """Llama 4's text model: chunked layers with positions, full ones without; one shared expert."""
    count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
    width = f.size("intermediate_size", default=8192)
    experts = ExpertsSpec(
        count=f.size("num_local_experts", "num_experts", default=16),
        top_k=f.size("num_experts_per_tok", default=1),
        width=width,
        shared_width=width,
    )
    step = f.whole("interleave_moe_layer_step", default=1)
    routed = f.numbers("moe_layers")
    has_experts = [n in routed if routed is not None else (n + 1) % step == 0 for n in range(count)]
    rope = f.numbers("no_rope_layers") or [
        int((n + 1) % f.whole("no_rope_layer_interval", default=4) != 0) for n in range(count)
    ]
    windows = Windows(
        f.whole("attention_chunk_size", default=8192),
        chunked=True,
        pattern=["sliding" if positioned else "full" for positioned in rope],
        types=("full_attention", "chunked_attention"),
    )
    part = dense(f, "intermediate_size_mlp", width=f.whole("intermediate_size_mlp", default=16384))
    mixing = attention(f, bias="all" if f.flag("attention_bias") else "none")
    return decoder(f, task, mixing, part, experts=experts, has_experts=has_experts, windows=windows)
