"""Decoders with latent attention: DeepSeek-V2, V3 and what was built on them."""

from __future__ import annotations

from planner.catalog.shape import ArchitectureSpec, AttentionSpec, ExpertsSpec, IndexSpec, LatentSpec
from planner.workload.huggingface.decoders import decoder, dense
from planner.workload.huggingface.defaults import DEFAULTS
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.tasks import CAUSAL_TASKS, Task


def deepseek_v2(f: Fields, task: Task) -> ArchitectureSpec:
    """DeepSeek-V2 and V2-Lite."""
    return _deepseek(f, task, shared=2, experts=64, top_k=None, width=1407, first=0)


def deepseek_v3(f: Fields, task: Task) -> ArchitectureSpec:
    """DeepSeek-V3, R1 and Kimi K2."""
    return _deepseek(f, task, shared=1, experts=256, top_k=8, width=2048, first=3)


def deepseek_sparse(f: Fields, task: Task) -> ArchitectureSpec:
    """DeepSeek-V3.2 and GLM-5: an indexer chooses the tokens that a query attends to."""
    for name in ("indexer_types", "index_topk_pattern"):
        if f.has(name) and set(f.values[name]) - {"full", "F"}:
            raise f.refusal(name, "layers that share another layer's index are not read")
    if f.whole("index_topk_freq", default=1) > 1:
        raise f.refusal("index_topk_freq", "layers that share another layer's index are not read")
    index = IndexSpec(
        heads=f.size("index_n_heads", default=64 if f.model_type == "deepseek_v32" else 32),
        head_dim=f.size("index_head_dim", default=128),
        top_k=f.size("index_topk", default=2048),
    )
    return _deepseek(f, task, shared=1, experts=256, top_k=8, width=2048, first=3, index=index)


def _deepseek(
    f: Fields,
    task: Task,
    *,
    shared: int,
    experts: int,
    top_k: int | None,
    width: int,
    first: int,
    index: IndexSpec | None = None,
) -> ArchitectureSpec:
    standard = DEFAULTS[f.model_type]
    count = f.size("num_hidden_layers", default=standard.layers)
    heads = f.size("num_attention_heads", default=standard.heads)
    kv_heads = f.whole("num_key_value_heads", default=heads)
    if kv_heads != heads:
        raise f.refusal("num_key_value_heads", f"latent attention has as many key-value heads as heads ({heads})")
    inner = f.size("moe_intermediate_size", default=width)
    mixture = ExpertsSpec(
        count=f.size("n_routed_experts", "num_local_experts", "num_experts", default=experts),
        top_k=f.size("num_experts_per_tok", default=top_k or 1),
        width=inner,
        shared_width=inner * f.whole("n_shared_experts", default=_absent(f, "n_shared_experts", shared), low=0),
        shared_bias=f.model_type == "deepseek_v2" and f.flag("mlp_bias"),
    )
    routed = _has_experts(f, count, first)
    part = dense(f, bias=mixture.shared_bias) if not all(routed) else None
    mixing = AttentionSpec(
        heads=heads, bias="all" if f.flag("attention_bias") else "none", latent=_latent(f), index=index
    )
    extra = f.whole("num_nextn_predict_layers", "num_mtp_layers", default=0, low=0) if task in CAUSAL_TASKS else 0
    return decoder(f, task, mixing, part, experts=mixture, has_experts=routed, multi_token_layers=extra)


def _absent(f: Fields, name: str, default: int) -> int:
    """Give a class's default for an absent field, and 0 where the field is there and null."""
    return 0 if name in f.values else default


def _latent(f: Fields) -> LatentSpec:
    query_rank = f.optional("q_lora_rank")
    if query_rank is None and "q_lora_rank" not in f.values:
        query_rank = f.size("q_lora_rank", default=1536)
    return LatentSpec(
        query_rank=query_rank,
        kv_rank=f.size("kv_lora_rank", default=512),
        nope_dim=f.size("qk_nope_head_dim", default=128),
        rope_dim=f.size("qk_rope_head_dim", default=64),
        value_dim=f.size("v_head_dim", default=128),
    )


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
