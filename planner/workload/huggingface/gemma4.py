"""Gemma 4's text model: two kinds of attention with heads of their own, experts beside a dense part."""

from __future__ import annotations

from planner.catalog.shape import ArchitectureSpec, ExpertsSpec, LayerSpec, MixerName, SlidingSpec
from planner.workload.huggingface.decoders import Windows, attention, decoder, gemma_dense
from planner.workload.huggingface.defaults import DEFAULTS
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.layers import every, mixers, terse
from planner.workload.huggingface.tasks import Task


def gemma4(f: Fields, task: Task) -> ArchitectureSpec:
    """Gemma 4's text model: full layers with larger heads whose values are their keys; experts beside a dense part."""
    for name in ("hidden_size_per_layer_input", "num_kv_shared_layers"):
        if f.whole(name, default=256 if name == "hidden_size_per_layer_input" else 0, low=0):
            raise f.refusal(name, f"'{name}' above 0 is not read: it adds parts that have no form here", allowed="0")
    if f.flag("use_double_wide_mlp"):
        raise f.refusal("use_double_wide_mlp", "layers of different width are not read")
    count = f.size("num_hidden_layers", default=DEFAULTS[f.model_type].layers)
    pattern = every(count, 6, first="sliding", last="full")
    pattern[-1] = "full"
    own = attention(f, bias="all" if f.flag("attention_bias") else "none", qk_norm="head")
    same = f.flag("attention_k_eq_v")
    kv_heads = f.optional("num_global_key_value_heads") if same else None
    full = own.model_copy(
        update={
            "head_dim": f.whole("global_head_dim", default=512),
            "kv_heads": kv_heads or own.kv_heads,
            "value_is_key": same,
        }
    )
    experts = _gemma4_experts(f) if f.flag("enable_moe_block") else None
    shape = decoder(
        f,
        task,
        full,
        gemma_dense(f),
        windows=Windows(f.whole("sliding_window", default=512), pattern=pattern),
        norms_per_layer=7 if experts else 4,
    )
    sliding = SlidingSpec(
        window=f.whole("sliding_window", default=512),
        head_dim=own.head_dim,
        kv_heads=own.kv_heads or own.heads,
        value_is_key=False,
    )
    if experts is None:
        return shape.model_copy(update={"sliding": sliding})
    kinds: list[MixerName] = mixers(f, count, unsaid=pattern, known=Windows().types)
    layers = terse([LayerSpec(mixer=kind, feed_forward="dense-and-experts") for kind in kinds])
    return shape.model_copy(update={"sliding": sliding, "experts": experts, "layers": layers})


def _gemma4_experts(f: Fields) -> ExpertsSpec:
    return ExpertsSpec(
        count=f.size("num_experts", "num_local_experts", default=128),
        top_k=f.size("top_k_experts", "num_experts_per_tok", default=8),
        width=f.size("moe_intermediate_size", default=704),
        router_scales=True,
    )
