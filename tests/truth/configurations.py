"""Published models as their `config.json` states them, of which torch's counts are frozen.

Shapes are as published with the weights; fields that do not change a shape are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One configuration, the class to build of it, and the input to count: samples, tokens, encoder's tokens."""

    name: str
    configuration: dict[str, Any]
    class_name: str
    samples: int = 2
    length: int = 512
    source: int = 0


def _decoder(
    model_type: str,
    vocabulary: int,
    hidden: int,
    layers: int,
    heads: int,
    kv_heads: int,
    width: int,
    **more: Any,
) -> dict[str, Any]:
    return {
        "model_type": model_type,
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": width,
        **more,
    }


def _gpt2(hidden: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    shape = {"n_embd": hidden, "n_layer": layers, "n_head": heads, "n_positions": 1024, "vocab_size": 50257}
    return {"model_type": "gpt2", **shape, **more}


def _pythia(hidden: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    return {"model_type": "gpt_neox", "vocab_size": 50304, "intermediate_size": 4 * hidden, **shape, **more}


def _opt(hidden: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads, "ffn_dim": 4 * hidden}
    return {"model_type": "opt", "vocab_size": 50272, "max_position_embeddings": 2048, **shape, **more}


def _encoder(model_type: str, vocabulary: int, hidden: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    return {
        "model_type": model_type,
        "vocab_size": vocabulary,
        "intermediate_size": 4 * hidden,
        "max_position_embeddings": 512,
        **shape,
        **more,
    }


def _t5(hidden: int, kv: int, width: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    shape = {"d_model": hidden, "d_kv": kv, "d_ff": width, "num_layers": layers, "num_heads": heads}
    return {"model_type": "t5", "vocab_size": 32128, **shape, **more}


def _vit(hidden: int, layers: int, heads: int, patch: int, image: int = 224) -> dict[str, Any]:
    shape = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads}
    labels = {str(number): f"class {number}" for number in range(1000)}
    return {
        "model_type": "vit",
        "intermediate_size": 4 * hidden,
        "image_size": image,
        "patch_size": patch,
        "id2label": labels,
        **shape,
    }


def _whisper(width: int, layers: int, heads: int, **more: Any) -> dict[str, Any]:
    sides: dict[str, Any] = {}
    for side in ("encoder", "decoder"):
        sides |= {f"{side}_layers": layers, f"{side}_attention_heads": heads, f"{side}_ffn_dim": 4 * width}
    return {
        "model_type": "whisper",
        "vocab_size": 51865,
        "d_model": width,
        "num_mel_bins": 80,
        "max_source_positions": 1500,
        "max_target_positions": 448,
        **sides,
        **more,
    }


def _latent(**more: Any) -> dict[str, Any]:
    return {
        "kv_lora_rank": 512,
        "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64,
        "v_head_dim": 128,
        **more,
    }


_LLAMA, _QWEN2, _QWEN3 = "LlamaForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"
_ALTERNATING = ["sliding_attention", "full_attention"]

CASES: tuple[Case, ...] = (
    Case("llama-7b", _decoder("llama", 32000, 4096, 32, 32, 32, 11008), _LLAMA),
    Case("llama-2-70b", _decoder("llama", 32000, 8192, 80, 64, 8, 28672), _LLAMA),
    Case("llama-3.1-8b", _decoder("llama", 128256, 4096, 32, 32, 8, 14336), _LLAMA, 1, 4096),
    Case("llama-3.1-70b", _decoder("llama", 128256, 8192, 80, 64, 8, 28672), _LLAMA),
    Case("llama-3.1-405b", _decoder("llama", 128256, 16384, 126, 128, 8, 53248), _LLAMA),
    Case(
        "llama-3.2-1b", _decoder("llama", 128256, 2048, 16, 32, 8, 8192, head_dim=64, tie_word_embeddings=True), _LLAMA
    ),
    Case(
        "mistral-7b-v0.1", _decoder("mistral", 32000, 4096, 32, 32, 8, 14336, sliding_window=4096), "MistralForCausalLM"
    ),
    Case(
        "mistral-nemo-12b",
        _decoder("mistral", 131072, 5120, 40, 32, 8, 14336, head_dim=128, sliding_window=None),
        "MistralForCausalLM",
    ),
    Case(
        "mixtral-8x7b",
        _decoder("mixtral", 32000, 4096, 32, 32, 8, 14336, num_local_experts=8, num_experts_per_tok=2),
        "MixtralForCausalLM",
        1,
        256,
    ),
    Case(
        "mixtral-8x22b",
        _decoder("mixtral", 32768, 6144, 56, 48, 8, 16384, num_local_experts=8, num_experts_per_tok=2),
        "MixtralForCausalLM",
        1,
        128,
    ),
    Case("qwen2.5-0.5b", _decoder("qwen2", 151936, 896, 24, 14, 2, 4864, tie_word_embeddings=True), _QWEN2),
    Case("qwen2.5-7b", _decoder("qwen2", 152064, 3584, 28, 28, 4, 18944), _QWEN2),
    Case("qwen2.5-72b", _decoder("qwen2", 152064, 8192, 80, 64, 8, 29568), _QWEN2),
    Case(
        "qwen3-0.6b", _decoder("qwen3", 151936, 1024, 28, 16, 8, 3072, head_dim=128, tie_word_embeddings=True), _QWEN3
    ),
    Case("qwen3-8b", _decoder("qwen3", 151936, 4096, 36, 32, 8, 12288, head_dim=128), _QWEN3),
    Case(
        "qwen3-30b-a3b",
        _decoder(
            "qwen3_moe",
            151936,
            2048,
            48,
            32,
            4,
            6144,
            head_dim=128,
            num_experts=128,
            num_experts_per_tok=8,
            moe_intermediate_size=768,
        ),
        "Qwen3MoeForCausalLM",
        1,
        128,
    ),
    Case("glm-4-9b", _decoder("glm", 151552, 4096, 40, 32, 2, 13696, head_dim=128), "GlmForCausalLM"),
    Case(
        "glm-4-32b",
        _decoder("glm4", 151552, 6144, 61, 48, 2, 23040, head_dim=128, attention_bias=False),
        "Glm4ForCausalLM",
    ),
    Case(
        "glm-4.5",
        _decoder(
            "glm4_moe",
            151552,
            5120,
            92,
            96,
            8,
            12288,
            head_dim=128,
            attention_bias=True,
            use_qk_norm=True,
            n_routed_experts=160,
            n_shared_experts=1,
            num_experts_per_tok=8,
            moe_intermediate_size=1536,
            first_k_dense_replace=3,
        ),
        "Glm4MoeForCausalLM",
        1,
        128,
    ),
    Case(
        "qwen1.5-moe-a2.7b",
        _decoder(
            "qwen2_moe",
            151936,
            2048,
            24,
            16,
            16,
            5632,
            num_experts=60,
            num_experts_per_tok=4,
            moe_intermediate_size=1408,
            shared_expert_intermediate_size=5632,
        ),
        "Qwen2MoeForCausalLM",
        1,
        128,
    ),
    Case("gemma-2b", _decoder("gemma", 256000, 2048, 18, 8, 1, 16384, head_dim=256), "GemmaForCausalLM"),
    Case("gemma-7b", _decoder("gemma", 256000, 3072, 28, 16, 16, 24576, head_dim=256), "GemmaForCausalLM"),
    Case(
        "gemma-2-9b",
        _decoder("gemma2", 256000, 3584, 42, 16, 8, 14336, head_dim=256, sliding_window=4096),
        "Gemma2ForCausalLM",
    ),
    Case(
        "gemma-2-27b",
        _decoder("gemma2", 256000, 4608, 46, 32, 16, 36864, head_dim=128, sliding_window=4096),
        "Gemma2ForCausalLM",
    ),
    Case(
        "gemma-3-1b",
        _decoder("gemma3_text", 262144, 1152, 26, 4, 1, 6912, head_dim=256, sliding_window=512),
        "Gemma3ForCausalLM",
    ),
    Case(
        "gemma-3-27b",
        _decoder("gemma3_text", 262144, 5376, 62, 32, 16, 21504, head_dim=128, sliding_window=1024),
        "Gemma3ForCausalLM",
    ),
    Case("phi-2", _decoder("phi", 51200, 2560, 32, 32, 32, 10240, partial_rotary_factor=0.4), "PhiForCausalLM"),
    Case(
        "phi-3-mini",
        _decoder("phi3", 32064, 3072, 32, 32, 32, 8192, sliding_window=2047, pad_token_id=32000),
        "Phi3ForCausalLM",
    ),
    Case(
        "phi-3-medium",
        _decoder("phi3", 32064, 5120, 40, 40, 10, 17920, sliding_window=2047, pad_token_id=32000),
        "Phi3ForCausalLM",
    ),
    Case("gpt2", _gpt2(768, 12, 12), "GPT2LMHeadModel"),
    Case("gpt2-xl", _gpt2(1600, 48, 25), "GPT2LMHeadModel"),
    Case("gpt-3-175b", _gpt2(12288, 96, 96, n_positions=2048), "GPT2LMHeadModel"),
    Case("pythia-1.4b", _pythia(2048, 24, 16), "GPTNeoXForCausalLM"),
    Case("pythia-12b", _pythia(5120, 36, 40, vocab_size=50688), "GPTNeoXForCausalLM"),
    Case("gpt-neox-20b", _pythia(6144, 44, 64, vocab_size=50432), "GPTNeoXForCausalLM"),
    Case(
        "gpt-j-6b",
        {"model_type": "gptj", "vocab_size": 50400, "n_embd": 4096, "n_layer": 28, "n_head": 16, "rotary_dim": 64},
        "GPTJForCausalLM",
    ),
    Case("opt-125m", _opt(768, 12, 12), "OPTForCausalLM"),
    Case("opt-350m", _opt(1024, 24, 16, word_embed_proj_dim=512, do_layer_norm_before=False), "OPTForCausalLM"),
    Case("opt-6.7b", _opt(4096, 32, 32), "OPTForCausalLM"),
    Case(
        "bloom-560m",
        {"model_type": "bloom", "hidden_size": 1024, "n_layer": 24, "n_head": 16, "vocab_size": 250880},
        "BloomForCausalLM",
    ),
    Case(
        "bloom-176b",
        {"model_type": "bloom", "n_embed": 14336, "n_layer": 70, "n_head": 112, "vocab_size": 250880},
        "BloomForCausalLM",
    ),
    Case(
        "falcon-7b",
        {
            "model_type": "falcon",
            "vocab_size": 65024,
            "hidden_size": 4544,
            "num_hidden_layers": 32,
            "num_attention_heads": 71,
            "multi_query": True,
            "parallel_attn": True,
        },
        "FalconForCausalLM",
    ),
    Case(
        "falcon-40b",
        {
            "model_type": "falcon",
            "vocab_size": 65024,
            "hidden_size": 8192,
            "num_hidden_layers": 60,
            "num_attention_heads": 128,
            "num_kv_heads": 8,
            "new_decoder_architecture": True,
        },
        "FalconForCausalLM",
    ),
    Case(
        "gpt-oss-20b",
        _decoder(
            "gpt_oss",
            201088,
            2880,
            24,
            64,
            8,
            2880,
            head_dim=64,
            num_local_experts=32,
            num_experts_per_tok=4,
            sliding_window=128,
            layer_types=_ALTERNATING * 12,
        ),
        "GptOssForCausalLM",
        1,
        128,
    ),
    Case(
        "gpt-oss-120b",
        _decoder(
            "gpt_oss",
            201088,
            2880,
            36,
            64,
            8,
            2880,
            head_dim=64,
            num_local_experts=128,
            num_experts_per_tok=4,
            sliding_window=128,
        ),
        "GptOssForCausalLM",
        1,
        128,
    ),
    Case(
        "deepseek-v2-lite",
        _decoder(
            "deepseek_v2",
            102400,
            2048,
            27,
            16,
            16,
            10944,
            **_latent(q_lora_rank=None, n_routed_experts=64, n_shared_experts=2),
            num_experts_per_tok=6,
            moe_intermediate_size=1408,
            first_k_dense_replace=1,
        ),
        "DeepseekV2ForCausalLM",
        1,
        128,
    ),
    Case(
        "deepseek-v2",
        _decoder(
            "deepseek_v2",
            102400,
            5120,
            60,
            128,
            128,
            12288,
            **_latent(q_lora_rank=1536, n_routed_experts=160, n_shared_experts=2),
            num_experts_per_tok=6,
            moe_intermediate_size=1536,
            first_k_dense_replace=1,
        ),
        "DeepseekV2ForCausalLM",
        1,
        128,
    ),
    Case(
        "deepseek-v3",
        _decoder(
            "deepseek_v3",
            129280,
            7168,
            61,
            128,
            128,
            18432,
            **_latent(q_lora_rank=1536, n_routed_experts=256, n_shared_experts=1),
            num_experts_per_tok=8,
            moe_intermediate_size=2048,
            first_k_dense_replace=3,
        ),
        "DeepseekV3ForCausalLM",
        1,
        128,
    ),
    Case(
        "llama-4-scout",
        _decoder(
            "llama4_text",
            202048,
            5120,
            48,
            40,
            8,
            8192,
            head_dim=128,
            intermediate_size_mlp=16384,
            # Every expert is computed for every token in transformers, so all are counted as chosen.
            num_local_experts=16,
            num_experts_per_tok=16,
            pad_token_id=0,
        ),
        "Llama4ForCausalLM",
        1,
        128,
    ),
    Case(
        "starcoder2-3b",
        _decoder("starcoder2", 49152, 3072, 30, 24, 2, 12288, sliding_window=4096),
        "Starcoder2ForCausalLM",
    ),
    Case(
        "stablelm-2-12b",
        _decoder("stablelm", 100352, 5120, 40, 32, 8, 13824, qk_layernorm=True, use_parallel_residual=True),
        "StableLmForCausalLM",
    ),
    Case("olmo-7b", _decoder("olmo", 50304, 4096, 32, 32, 32, 11008), "OlmoForCausalLM"),
    Case("olmo-2-13b", _decoder("olmo2", 100352, 5120, 40, 40, 40, 13824), "Olmo2ForCausalLM"),
    Case("command-r-plus", _decoder("cohere", 256000, 12288, 64, 96, 8, 33792, use_qk_norm=True), "CohereForCausalLM"),
    Case(
        "granite-3.1-8b",
        _decoder("granite", 49155, 4096, 40, 32, 8, 12800, tie_word_embeddings=True),
        "GraniteForCausalLM",
    ),
    Case("nemotron-4-340b", _decoder("nemotron", 256000, 18432, 96, 96, 8, 73728), "NemotronForCausalLM"),
    Case("bert-base", _encoder("bert", 30522, 768, 12, 12), "BertModel"),
    Case("bert-large", _encoder("bert", 30522, 1024, 24, 16), "BertForPreTraining"),
    Case("bert-base-masked", _encoder("bert", 30522, 768, 12, 12), "BertForMaskedLM"),
    Case(
        "roberta-large",
        _encoder("roberta", 50265, 1024, 24, 16, max_position_embeddings=514, type_vocab_size=1, pad_token_id=1),
        "RobertaForMaskedLM",
        length=500,
    ),
    Case(
        "electra-small-discriminator",
        _encoder("electra", 30522, 256, 12, 4, embedding_size=128),
        "ElectraForPreTraining",
    ),
    Case("albert-base-v2", _encoder("albert", 30000, 768, 12, 12, embedding_size=128), "AlbertModel"),
    Case(
        "distilbert-base",
        {
            "model_type": "distilbert",
            "vocab_size": 30522,
            "dim": 768,
            "n_layers": 6,
            "n_heads": 12,
            "hidden_dim": 3072,
            "max_position_embeddings": 512,
        },
        "DistilBertModel",
    ),
    Case(
        "esm2-650m",
        _encoder(
            "esm",
            33,
            1280,
            33,
            20,
            position_embedding_type="rotary",
            max_position_embeddings=1026,
            emb_layer_norm_before=False,
            pad_token_id=1,
        ),
        "EsmForMaskedLM",
    ),
    Case("t5-small", _t5(512, 64, 2048, 6, 8), "T5ForConditionalGeneration", source=384),
    Case("t5-11b", _t5(1024, 128, 65536, 24, 128), "T5ForConditionalGeneration", length=128, source=512),
    Case(
        "t5-v1.1-base",
        _t5(768, 64, 2048, 12, 12, feed_forward_proj="gated-gelu"),
        "T5ForConditionalGeneration",
        source=384,
    ),
    Case(
        "marian-opus-mt",
        {
            "model_type": "marian",
            "vocab_size": 58101,
            "d_model": 512,
            "max_position_embeddings": 512,
            "pad_token_id": 58100,
            "decoder_start_token_id": 58100,
            **{f"{s}_layers": 6 for s in ("encoder", "decoder")},
            **{f"{s}_attention_heads": 8 for s in ("encoder", "decoder")},
            **{f"{s}_ffn_dim": 2048 for s in ("encoder", "decoder")},
        },
        "MarianMTModel",
        length=96,
        source=128,
    ),
    Case("vit-b-16", _vit(768, 12, 12, 16), "ViTForImageClassification", length=0),
    Case("vit-l-16-384", _vit(1024, 24, 16, 16, 384), "ViTForImageClassification", length=0),
    Case("vit-h-14", _vit(1280, 32, 16, 14), "ViTForImageClassification", length=0),
    Case("whisper-tiny", _whisper(384, 4, 6), "WhisperForConditionalGeneration", length=100),
    Case(
        "whisper-large-v3",
        _whisper(1280, 32, 20, vocab_size=51866, num_mel_bins=128),
        "WhisperForConditionalGeneration",
        length=100,
    ),
    Case(
        "clip-vit-l-14",
        {
            "model_type": "clip",
            "projection_dim": 768,
            "text_config": _encoder("clip_text_model", 49408, 768, 12, 12, max_position_embeddings=77),
            "vision_config": {
                "model_type": "clip_vision_model",
                "hidden_size": 1024,
                "num_hidden_layers": 24,
                "num_attention_heads": 16,
                "intermediate_size": 4096,
                "image_size": 224,
                "patch_size": 14,
            },
        },
        "CLIPModel",
        length=77,
    ),
    Case(
        "mamba2-2.7b",
        {
            "model_type": "mamba2",
            "vocab_size": 50288,
            "hidden_size": 2560,
            "num_hidden_layers": 64,
            "num_heads": 80,
            "head_dim": 64,
            "state_size": 128,
            "n_groups": 1,
            "tie_word_embeddings": True,
        },
        "Mamba2ForCausalLM",
        1,
        256,
    ),
)


def two_layers(case: Case) -> Case:
    """Give the same model with at most two layers per stack, quick to build and run."""
    configuration = {**case.configuration}
    names = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers")
    for part in ("text_config", "vision_config"):
        if part in configuration:
            configuration[part] = {**configuration[part], "num_hidden_layers": 2}
    for name in names:
        if name in configuration:
            configuration[name] = min(configuration[name], 2)
    if "layer_types" in configuration:
        configuration["layer_types"] = configuration["layer_types"][:2]
    if "first_k_dense_replace" in configuration:
        configuration["first_k_dense_replace"] = 1
    short = {"samples": 2, "length": min(case.length, 64), "source": min(case.source, 48)}
    return Case(case.name, configuration, case.class_name, **short)
