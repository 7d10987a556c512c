"""Decoders whose layers are recurrent, all or in part: Mamba-2, Nemotron-H, Qwen3-Next and Qwen3.5."""

from __future__ import annotations

from planner.catalog.shape import (
    ArchitectureSpec,
    AttentionSpec,
    DeltaSpec,
    ExpertsSpec,
    FeedForwardSpec,
    LayerRunSpec,
    MambaSpec,
)
from planner.workload.huggingface.decoders import Windows, attention, decoder, dense
from planner.workload.huggingface.defaults import DEFAULTS
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.layers import every
from planner.workload.huggingface.mixtures import sparse_steps
from planner.workload.huggingface.tasks import CAUSAL_TASKS, Task, decoder_head

_TYPES = ("full_attention", "linear_attention")


def qwen3_next(f: Fields, task: Task) -> ArchitectureSpec:
    """Qwen3-Next: three gated delta-net layers, then attention with an output gate; experts."""
    experts = _gated_experts(f, count=512, top_k=10)
    routed = sparse_steps(f)
    part = dense(f) if not all(routed) else None
    return decoder(
        f,
        task,
        _gated_attention(f),
        part,
        experts=experts,
        has_experts=routed,
        delta=_delta(f),
        windows=_linear_layers(f),
        multi_token_layers=_further_tokens(f, task),
    )


def qwen3_5(f: Fields, task: Task) -> ArchitectureSpec:
    """Qwen3.5's dense text model."""
    return decoder(
        f,
        task,
        _gated_attention(f),
        dense(f),
        delta=_delta(f),
        windows=_linear_layers(f),
        multi_token_layers=_further_tokens(f, task),
    )


def qwen3_5_moe(f: Fields, task: Task) -> ArchitectureSpec:
    """Qwen3.5's text model with experts in every layer."""
    experts = _gated_experts(f, count=256, top_k=8)
    return decoder(
        f,
        task,
        _gated_attention(f),
        None,
        experts=experts,
        delta=_delta(f),
        windows=_linear_layers(f),
        multi_token_layers=_further_tokens(f, task),
    )


def _gated_attention(f: Fields) -> AttentionSpec:
    return attention(f, bias="all" if f.flag("attention_bias") else "none", qk_norm="head", output_gate=True)


def _gated_experts(f: Fields, *, count: int, top_k: int) -> ExpertsSpec:
    return ExpertsSpec(
        count=f.size("num_experts", "num_local_experts", default=count),
        top_k=f.size("num_experts_per_tok", default=top_k),
        width=f.size("moe_intermediate_size", default=512),
        shared_width=f.size("shared_expert_intermediate_size", default=512),
        shared_gate=True,
    )


def _further_tokens(f: Fields, task: Task) -> int:
    return f.whole("mtp_num_hidden_layers", default=0, low=0) if task in CAUSAL_TASKS else 0


def _delta(f: Fields) -> DeltaSpec:
    return DeltaSpec(
        key_heads=f.size("linear_num_key_heads", default=16),
        key_dim=f.size("linear_key_head_dim", default=128),
        value_heads=f.size("linear_num_value_heads", default=32),
        value_dim=f.size("linear_value_head_dim", default=128),
        convolution=f.whole("linear_conv_kernel_dim", default=4),
    )


def _linear_layers(f: Fields) -> Windows:
    count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
    interval = f.whole("full_attention_interval", default=4)
    return Windows(pattern=every(count, interval, first="delta", last="full"), types=_TYPES)


def mamba2(f: Fields, task: Task) -> ArchitectureSpec:
    """Mamba-2: one mixer and one norm per layer, nothing else."""
    heads, size = f.size("num_heads", default=128), f.size("head_dim", default=64)
    return ArchitectureSpec(
        hidden=f.size("hidden_size", default=4096),
        vocabulary=f.size("vocab_size", default=32768),
        layers=(
            LayerRunSpec(
                count=f.size("num_hidden_layers", default=64),
                mixer="mamba",
                feed_forward="none",
            ),
        ),
        mamba=MambaSpec(
            heads=heads,
            head_dim=size,
            groups=f.size("n_groups", default=8),
            state=f.size("state_size", default=128),
            convolution=f.whole("conv_kernel", default=4),
            convolution_bias=f.flag("use_conv_bias", default=True),
            bias=f.flag("use_bias"),
        ),
        positions="none",
        tied_embeddings=f.flag("tie_word_embeddings") and task in CAUSAL_TASKS,
        head=decoder_head(f, task),
    )


_LETTERS = {
    "linear_attention": "M",
    "mamba": "M",
    "full_attention": "*",
    "attention": "*",
    "mlp": "-",
    "moe": "E",
}


def nemotron_h(f: Fields, task: Task) -> ArchitectureSpec:
    """Nemotron-H and Nemotron Nano 2 and 3: each layer is a mixer, a feed-forward part or experts."""
    pattern = _pattern(f)
    standard = DEFAULTS[f.model_type]
    return ArchitectureSpec(
        hidden=f.size("hidden_size", default=standard.hidden),
        vocabulary=f.size("vocab_size", default=standard.vocabulary),
        max_sequence=f.whole("max_position_embeddings", default=standard.positions),
        layers=pattern,
        attention=attention(f) if "*" in pattern else None,
        mamba=_nemotron_mamba(f) if "M" in pattern else None,
        feed_forward=_nemotron_dense(f) if "-" in pattern else None,
        experts=_nemotron_experts(f) if "E" in pattern else None,
        positions="none",
        tied_embeddings=f.flag("tie_word_embeddings") and task in CAUSAL_TASKS,
        head=decoder_head(f, task),
    )


def _pattern(f: Fields) -> str:
    types = f.texts("layers_block_type", "layer_types")
    if types is not None:
        strange = sorted(set(types) - set(_LETTERS))
        if strange:
            raise f.refusal("layers_block_type", f"layer type '{strange[0][:60]}' is not understood")
        return "".join(_LETTERS[kind] for kind in types)
    pattern = f.text("hybrid_override_pattern")
    if not pattern:
        raise f.refusal("hybrid_override_pattern", "neither 'layers_block_type' nor 'hybrid_override_pattern' is there")
    if set(pattern) - set("M*E-"):
        raise f.refusal("hybrid_override_pattern", "the pattern has letters other than M, *, E and -")
    return pattern


def _nemotron_mamba(f: Fields) -> MambaSpec:
    return MambaSpec(
        heads=f.size("mamba_num_heads", default=128),
        head_dim=f.size("mamba_head_dim", default=64),
        groups=f.size("n_groups", "mamba_n_groups", default=8),
        state=f.size("ssm_state_size", default=128),
        convolution=f.whole("conv_kernel", "mamba_d_conv", default=4),
        convolution_bias=f.flag("use_conv_bias", "mamba_conv_bias", default=True),
        bias=f.flag("use_bias"),
    )


def _nemotron_dense(f: Fields) -> FeedForwardSpec:
    return FeedForwardSpec(
        width=f.size("intermediate_size", default=21504),
        gated=False,
        activation=f.text("mlp_hidden_act", default="relu2"),
        bias=f.flag("mlp_bias"),
    )


def _nemotron_experts(f: Fields) -> ExpertsSpec:
    return ExpertsSpec(
        count=f.size("n_routed_experts", "num_local_experts", default=8),
        top_k=f.size("num_experts_per_tok", default=2),
        width=f.size("moe_intermediate_size", default=7688),
        gated=False,
        activation=f.text("mlp_hidden_act", default="relu2"),
        shared_width=f.size("moe_shared_expert_intermediate_size", default=7688),
        shared_bias=f.flag("mlp_bias"),
        latent=f.optional("moe_latent_size"),
    )
