"""Small models as the planner describes them: which class torch builds, its shape, and what is known of its code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KINDS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Case:
    """One model.

    Parameters
    ----------
    name : of the case; `activation_models.MODELS` builds it.
    shape : its architecture, as a scenario writes it.
    sizes : what differs from the usual sizes of `activation_models.Sizes`.
    code : fields of `planner.training.implementation.Implementation` that the model's code decides.
    plain_attention : torch is told to run plain attention.
    """

    name: str
    shape: str
    sizes: dict[str, Any] = field(default_factory=dict)
    code: dict[str, Any] = field(default_factory=dict)
    plain_attention: bool = False


_GPT = """
hidden: 128
vocabulary: 320
layers: 2
attention: {heads: 4, head_dim: 32, bias: all}
feed_forward: {width: 384, gated: false, activation: gelu, bias: true}
normalization: layer
positions: learned
max_sequence: 64
tied_embeddings: true
"""
_LLAMA = """
hidden: 128
vocabulary: 320
layers: 2
attention: {heads: 4, kv_heads: 2, head_dim: 32}
feed_forward: {width: 384, gated: true}
"""
_GEMMA = """
hidden: 128
vocabulary: 320
layers: [{mixer: sliding}, {mixer: full}]
sliding: {window: 16}
attention: {heads: 4, kv_heads: 2, head_dim: 32, qk_norm: head}
feed_forward: {width: 384, gated: true, activation: gelu_pytorch_tanh}
norms_per_layer: 4
tied_embeddings: true
"""
_PARALLEL = """
hidden: 128
vocabulary: 320
layers: 2
attention: {heads: 4, head_dim: 32}
feed_forward: {width: 384, gated: false, activation: gelu, bias: true}
normalization: layer
norms_per_layer: %d
parallel_block: true
"""
_EXPERTS = """
hidden: 128
vocabulary: 320
layers: 2
attention: {heads: 4, kv_heads: 2, head_dim: 32}
experts: {count: 8, top_k: 2, width: 96, shared_width: %d}
"""
_LATENT = """
hidden: 128
vocabulary: 320
layers: 2
attention: {heads: 4, latent: {query_rank: 48, kv_rank: 40, nope_dim: 32, rope_dim: 16, value_dim: 32}}
feed_forward: {width: 384, gated: true}
"""
_ENCODER = """
hidden: 128
vocabulary: 320
layers: 2
attention: {heads: 4, bias: all}
feed_forward: {width: 384, gated: false, activation: %s, bias: true}
normalization: layer
positions: learned
max_sequence: 64
causal: false
%s
"""
_BEHIND = "embedding: {norm: true}\nfinal_norm: false"  # where norms stand behind the parts
_ENCODER_DECODER = """
hidden: 128
vocabulary: 320
layers: 2
encoder: {layers: 2}
cross_attention: true
attention: {heads: 4, bias: all}
feed_forward: {width: 384, gated: false, activation: relu, bias: true}
normalization: layer
positions: none
"""
_VISION = """
hidden: 128
layers: 2
attention: {heads: 4, bias: all}
feed_forward: {width: 384, gated: false, activation: gelu, bias: true}
normalization: layer
positions: learned
causal: false
image: {height: 64, width: 64, patch_height: 8, patch_width: 8, class_tokens: 0}
head: [{outputs: 10, tokens: one, bias: true}]
"""
_DROPPED = {"dropout": 0.1}
_DROPOUT = {"dropout": True, "attention_dropout": True}

CASES = (
    Case("gpt2", _GPT),
    Case("gpt2, longer", _GPT.replace("64", "192"), {"length": 192, "sequences": 1}),
    Case("gpt2, dropout", _GPT, _DROPPED, _DROPOUT),
    Case("gpt2, plain attention", _GPT, {}, {"flash": False}, plain_attention=True),
    Case("llama", _LLAMA, {"kv_heads": 2}),
    Case("llama, four layers", _LLAMA.replace("layers: 2", "layers: 4"), {"kv_heads": 2, "layers": 4}),
    Case("llama, repeated heads", _LLAMA, {"kv_heads": 2}, {"repeated_heads": True}),
    Case("llama, plain attention", _LLAMA, {"kv_heads": 2}, {"flash": False}, plain_attention=True),
    Case("llama, own norm", _LLAMA, {"kv_heads": 2}, {"rms_norm": "cast"}),
    Case("gemma", _GEMMA, {"kv_heads": 2}),
    Case("gpt-j", _PARALLEL % 1),
    Case("gpt-neox", _PARALLEL % 2, {}, {"fused_projection": True}),
    Case("experts", _EXPERTS % 0, {"kv_heads": 2}),
    Case("experts, shared too", _EXPERTS % 64, {"kv_heads": 2}),
    Case("experts, every one", _EXPERTS % 0, {"kv_heads": 2}, {"every_expert": True}),
    Case("latent attention", _LATENT),
    Case("encoder", _ENCODER % ("gelu", _BEHIND)),
    Case("encoder, norms first", _ENCODER % ("gelu", "")),
    Case(
        "encoder, dropout",
        _ENCODER % ("relu", _BEHIND),
        _DROPPED,
        _DROPOUT | {"inner_dropout": True, "packed_values": True},
    ),
    Case("encoder-decoder", _ENCODER_DECODER),
    Case("vision", _VISION),
    Case("wide logits", _LLAMA, {"kv_heads": 2}, {"logit_bytes": 4.0}),
    Case("squared rectifier", _GPT.replace("activation: gelu", "activation: relu2")),
)
