"""Decoders with latent attention: DeepSeek-V2, V3 and what was built on them."""

from __future__ import annotations

from planner.catalog.shape import ArchitectureSpec, AttentionSpec, IndexSpec, LatentSpec
from planner.workload.huggingface.defaults import DEFAULTS
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.mixtures import dense_first
from planner.workload.huggingface.tasks import Task


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
    heads = f.size("num_attention_heads", default=DEFAULTS[f.model_type].heads)
    kv_heads = f.whole("num_key_value_heads", default=heads)
    if kv_heads != heads:
        raise f.refusal("num_key_value_heads", f"latent attention has as many key-value heads as heads ({heads})")
    mixing = AttentionSpec(
        heads=heads, bias="all" if f.flag("attention_bias") else "none", latent=_latent(f), index=index
    )
    shared_bias = f.model_type == "deepseek_v2" and f.flag("mlp_bias")
    return dense_first(
        f, task, mixing, shared=shared, experts=experts, top_k=top_k, width=width, first=first, shared_bias=shared_bias
    )


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
