"""Small random configurations of every family, with every field that changes a shape drawn at random.

Sizes are odd on purpose: equal sizes would hide one taken for another.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Configuration = dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """One configuration and the class to build of it."""

    configuration: Configuration
    class_name: str


def draw(family: str, seed: int) -> Drawn:
    """Give the configuration of a family for one seed, the same in every run."""
    return FAMILIES[family](random.Random(f"{family}/{seed}"))


def _flag(r: random.Random) -> bool:
    return r.random() < 0.5


def _some(r: random.Random, configuration: Configuration, **fields: Any) -> Configuration:
    """Add fields, each with an even chance: an absent one must get its class's default."""
    return {**configuration, **{name: value for name, value in fields.items() if _flag(r)}}


def _text(r: random.Random, model_type: str, *, kv: bool = True) -> Configuration:
    heads = r.choice([2, 4, 6])
    configuration = {
        "model_type": model_type,
        "vocab_size": r.randrange(200, 400),
        "hidden_size": heads * r.choice([8, 12, 20]),
        "num_hidden_layers": r.randrange(1, 6),
        "num_attention_heads": heads,
        "intermediate_size": r.randrange(40, 90),
        "max_position_embeddings": r.randrange(64, 99),
        "pad_token_id": 0,
    }
    if kv:
        configuration["num_key_value_heads"] = r.choice([k for k in (1, 2, 3, 6) if heads % k == 0])
    return configuration


def _windows(r: random.Random, configuration: Configuration, types: tuple[str, str]) -> Configuration:
    drawn = [r.choice(types) for _ in range(configuration["num_hidden_layers"])]
    return _some(r, configuration, layer_types=drawn)


def _llama(r: random.Random, model_type: str, class_name: str) -> Drawn:
    configuration = _some(
        r,
        _text(r, model_type),
        attention_bias=_flag(r),
        mlp_bias=_flag(r),
        tie_word_embeddings=_flag(r),
        head_dim=r.choice([8, 16, 24]),
        hidden_act="gelu",
        rope_parameters={"rope_type": "default", "rope_theta": 5e5},
    )
    if model_type != "llama":
        configuration.pop("head_dim", None)
    if model_type == "llama" and _flag(r):
        configuration.pop("num_key_value_heads")
    return Drawn(configuration, class_name)


# A quarter of each head is rotated, in pairs: heads of other sizes do not run.
_QUARTER_ROTATED = ("stablelm",)


def _plain(
    model_type: str, class_name: str, **options: Callable[[random.Random], Any]
) -> Callable[[random.Random], Drawn]:
    """Give a family whose options are independent of one another."""

    def drawn(r: random.Random) -> Drawn:
        chosen = {name: option(r) for name, option in options.items()}
        configuration = _text(r, model_type)
        if model_type in _QUARTER_ROTATED:
            configuration["hidden_size"] = configuration["num_attention_heads"] * r.choice([8, 16])
        return Drawn(_some(r, configuration, **chosen), class_name)

    return drawn


def _size(r: random.Random) -> int:
    return r.choice([8, 16, 24])


def _window(r: random.Random) -> int | None:
    return r.choice([None, 5, 9])


def _mixtral(r: random.Random) -> Drawn:
    experts = r.randrange(3, 7)
    configuration = {
        **_text(r, "mixtral"),
        "num_local_experts": experts,
        "num_experts_per_tok": r.randrange(1, experts),
    }
    return Drawn(_some(r, configuration, head_dim=_size(r), sliding_window=_window(r)), "MixtralForCausalLM")


def _qwen_moe(r: random.Random, model_type: str, class_name: str) -> Drawn:
    experts = r.randrange(3, 7)
    configuration = {
        **_text(r, model_type),
        "num_experts": experts,
        "num_experts_per_tok": r.randrange(1, experts),
        "moe_intermediate_size": r.randrange(20, 40),
    }
    if model_type == "qwen2_moe":
        configuration["shared_expert_intermediate_size"] = r.randrange(20, 40)
        configuration = _some(r, configuration, qkv_bias=_flag(r))
    else:
        configuration = _some(r, configuration, attention_bias=_flag(r), head_dim=_size(r))
    layers = configuration["num_hidden_layers"]
    configuration = _some(
        r,
        configuration,
        decoder_sparse_step=r.randrange(1, 4),
        mlp_only_layers=r.sample(range(layers), r.randrange(0, layers)),
        tie_word_embeddings=_flag(r),
    )
    return Drawn(configuration, class_name)


def _glm_moe(r: random.Random) -> Drawn:
    experts = r.randrange(3, 7)
    configuration = {
        **_text(r, "glm4_moe"),
        "head_dim": _size(r),
        "n_routed_experts": experts,
        "num_experts_per_tok": r.randrange(1, experts),
        "moe_intermediate_size": r.randrange(20, 40),
        "n_group": 1,
        "topk_group": 1,
    }
    configuration = _some(
        r,
        configuration,
        n_shared_experts=r.randrange(1, 3),
        first_k_dense_replace=r.randrange(0, 3),
        attention_bias=_flag(r),
        use_qk_norm=_flag(r),
        tie_word_embeddings=_flag(r),
    )
    return Drawn(configuration, "Glm4MoeForCausalLM")


def _gpt_oss(r: random.Random) -> Drawn:
    experts = r.randrange(3, 7)
    configuration = {
        **_text(r, "gpt_oss"),
        "num_local_experts": experts,
        "num_experts_per_tok": r.randrange(1, experts),
        "head_dim": _size(r),
    }
    configuration = _windows(r, configuration, ("full_attention", "sliding_attention"))
    return Drawn(_some(r, configuration, attention_bias=_flag(r), tie_word_embeddings=_flag(r)), "GptOssForCausalLM")


def _llama4(r: random.Random) -> Drawn:
    # Its experts are computed for every token in transformers: with all chosen, that is the same.
    experts = r.randrange(2, 5)
    configuration = {
        **_text(r, "llama4_text"),
        "num_local_experts": experts,
        "num_experts_per_tok": experts,
        "intermediate_size_mlp": r.randrange(40, 90),
        "head_dim": _size(r),
    }
    configuration = _some(
        r,
        configuration,
        interleave_moe_layer_step=r.randrange(1, 4),
        attention_bias=_flag(r),
        no_rope_layer_interval=r.randrange(2, 5),
        attention_chunk_size=r.choice([4, 64]),
    )
    return Drawn(configuration, "Llama4ForCausalLM")


def _deepseek(r: random.Random, model_type: str, class_name: str) -> Drawn:
    configuration = _text(r, model_type, kv=False)
    layers = configuration["num_hidden_layers"]
    configuration |= {
        "num_key_value_heads": configuration["num_attention_heads"],
        "n_routed_experts": 2 * r.randrange(2, 5),
        "num_experts_per_tok": r.randrange(1, 3),
        "moe_intermediate_size": r.randrange(20, 40),
        "q_lora_rank": r.choice([None, 18, 26]),
        "kv_lora_rank": r.choice([14, 22]),
        "qk_nope_head_dim": r.choice([6, 12]),
        "qk_rope_head_dim": r.choice([4, 8]),
        "v_head_dim": r.choice([6, 10]),
        "n_group": 1,
        "topk_group": 1,
        "first_k_dense_replace": r.randrange(0, layers + 1),
    }
    configuration = _some(
        r,
        configuration,
        n_shared_experts=r.randrange(1, 4),
        attention_bias=_flag(r),
        tie_word_embeddings=_flag(r),
        moe_layer_freq=1,
        num_nextn_predict_layers=1,
    )
    if model_type == "deepseek_v2":
        configuration = _some(r, configuration, mlp_bias=_flag(r))
    return Drawn(configuration, class_name)


def _gpt2(r: random.Random, model_type: str, class_name: str) -> Drawn:
    heads = r.choice([2, 4, 6])
    configuration: Configuration = {
        "model_type": model_type,
        "vocab_size": r.randrange(200, 400),
        "n_embd": heads * r.choice([8, 12, 20]),
        "n_layer": r.randrange(1, 5),
        "n_head": heads,
        "n_positions": r.randrange(64, 99),
    }
    if _flag(r):  # the names that transformers maps to its own
        new = {"n_embd": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads"}
        configuration = {new.get(name, name): value for name, value in configuration.items()}
    if model_type == "gptj":
        configuration["rotary_dim"] = 4
    extra = {"multi_query": _flag(r)} if model_type == "gpt_bigcode" else {}
    if model_type == "gpt2":  # held, and skipped without an encoder's output
        extra["add_cross_attention"] = _flag(r)
    configuration = _some(r, configuration, n_inner=r.choice([None, 70]), tie_word_embeddings=_flag(r), **extra)
    return Drawn(configuration, class_name)


def _opt(r: random.Random) -> Drawn:
    configuration = _text(r, "opt", kv=False)
    configuration["ffn_dim"] = configuration.pop("intermediate_size")
    configuration = _some(
        r,
        configuration,
        word_embed_proj_dim=r.choice([18, configuration["hidden_size"]]),
        do_layer_norm_before=_flag(r),
        _remove_final_layer_norm=_flag(r),
        enable_bias=_flag(r),
        layer_norm_elementwise_affine=_flag(r),
        tie_word_embeddings=_flag(r),
    )
    return Drawn(configuration, r.choice(["OPTForCausalLM", "OPTModel"]))


def _bloom(r: random.Random) -> Drawn:
    heads = r.choice([2, 4, 8])
    configuration = {
        "model_type": "bloom",
        "vocab_size": r.randrange(200, 400),
        r.choice(["hidden_size", "n_embed"]): heads * r.choice([8, 12, 20]),
        r.choice(["n_layer", "num_hidden_layers"]): r.randrange(1, 5),
        r.choice(["n_head", "num_attention_heads"]): heads,
    }
    return Drawn(_some(r, configuration, tie_word_embeddings=_flag(r)), "BloomForCausalLM")


def _falcon(r: random.Random) -> Drawn:
    configuration = _text(r, "falcon", kv=False)
    configuration.pop("intermediate_size")
    new = _flag(r)
    multi = _flag(r)
    configuration |= {"new_decoder_architecture": new, "multi_query": multi}
    heads = configuration["num_attention_heads"]
    if new:
        configuration["num_kv_heads"] = r.choice([k for k in (1, 2, 3) if heads % k == 0])
    configuration = _some(
        r,
        configuration,
        parallel_attn=True if new else _flag(r),
        bias=_flag(r),
        alibi=_flag(r),
        ffn_hidden_size=r.randrange(40, 90),
        num_ln_in_parallel_attn=r.choice([1, 2]) if new else None,
        tie_word_embeddings=_flag(r),
    )
    return Drawn(configuration, "FalconForCausalLM")


def _bert(r: random.Random, model_type: str, prefix: str, endings: tuple[str, ...]) -> Drawn:
    configuration = _text(r, model_type, kv=False)
    configuration["pad_token_id"] = 1
    if model_type == "distilbert":
        new = {
            "hidden_size": "dim",
            "num_hidden_layers": "n_layers",
            "num_attention_heads": "n_heads",
            "intermediate_size": "hidden_dim",
        }
        configuration = {new.get(name, name): value for name, value in configuration.items()}
    elif model_type != "esm":
        configuration = _some(r, configuration, type_vocab_size=r.choice([1, 2, 3]))
    if model_type in ("electra", "albert"):
        configuration["embedding_size"] = r.choice([14, 30, configuration["hidden_size"]])
    if model_type == "esm":
        configuration = _some(
            r, configuration, position_embedding_type=r.choice(["rotary", "absolute"]), emb_layer_norm_before=_flag(r)
        )
    ending = r.choice(endings)
    labels = {"id2label": {str(n): f"LABEL_{n}" for n in range(r.randrange(2, 9))}}
    if ending.endswith("Classification"):
        configuration = _some(r, configuration, **labels)
    if ending == "ForMaskedLM":
        configuration = _some(r, configuration, tie_word_embeddings=_flag(r))
    return Drawn(configuration, prefix + ending)


_ENDINGS = ("Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification")


def _t5(r: random.Random, model_type: str, prefix: str) -> Drawn:
    configuration = {
        "model_type": model_type,
        "vocab_size": r.randrange(200, 400),
        "d_model": r.choice([24, 40]),
        "d_kv": r.choice([6, 10]),
        "d_ff": r.randrange(40, 90),
        "num_layers": r.randrange(1, 5),
        "num_heads": r.choice([2, 4, 6]),
        "feed_forward_proj": r.choice(["relu", "gated-gelu", "gated-silu"]),
    }
    configuration = _some(
        r,
        configuration,
        num_decoder_layers=r.randrange(1, 5),
        relative_attention_num_buckets=r.choice([16, 24]),
        tie_word_embeddings=_flag(r),
    )
    return Drawn(configuration, prefix + r.choice(["ForConditionalGeneration", "Model", "EncoderModel"]))


def _pair(r: random.Random, model_type: str, class_names: tuple[str, ...]) -> Drawn:
    configuration = {
        "model_type": model_type,
        "vocab_size": r.randrange(200, 400),
        "d_model": r.choice([24, 48]),
        "encoder_layers": r.randrange(1, 5),
        "decoder_layers": r.randrange(1, 5),
        "encoder_attention_heads": r.choice([2, 4]),
        "decoder_attention_heads": r.choice([2, 4, 6]),
        "encoder_ffn_dim": r.randrange(40, 90),
        "decoder_ffn_dim": r.randrange(40, 90),
        "pad_token_id": 0,
        "decoder_start_token_id": 0,
    }
    if model_type == "whisper":
        configuration |= {
            "max_source_positions": r.randrange(20, 40),
            "max_target_positions": r.randrange(64, 80),
            "num_mel_bins": r.choice([20, 32]),
        }
    else:
        configuration["max_position_embeddings"] = r.randrange(64, 99)
    if model_type == "whisper":
        configuration = _some(r, configuration, tie_word_embeddings=_flag(r))
    if model_type == "marian" and _flag(r):
        configuration |= {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": r.randrange(200, 400)}
        configuration = _some(r, configuration, tie_word_embeddings=_flag(r))
    return Drawn(configuration, r.choice(class_names))


def _image(r: random.Random, model_type: str) -> Configuration:
    heads = r.choice([2, 4])
    patch = r.choice([4, 8])
    return {
        "model_type": model_type,
        "hidden_size": heads * r.choice([8, 12]),
        "num_hidden_layers": r.randrange(1, 5),
        "num_attention_heads": heads,
        "intermediate_size": r.randrange(40, 90),
        "image_size": patch * r.randrange(2, 5),
        "patch_size": patch,
        "num_channels": r.choice([1, 3]),
    }


def _vit(r: random.Random, model_type: str, prefix: str) -> Drawn:
    labels = {str(n): f"LABEL_{n}" for n in range(r.randrange(2, 9))}
    configuration = _some(r, _image(r, model_type), qkv_bias=_flag(r), id2label=labels)
    return Drawn(configuration, prefix + r.choice(["Model", "ForImageClassification"]))


def _clip(r: random.Random) -> Drawn:
    text = _text(r, "clip_text_model", kv=False)
    configuration = {
        "model_type": "clip",
        "projection_dim": r.choice([10, 18]),
        "text_config": text,
        "vision_config": _image(r, "clip_vision_model"),
    }
    return Drawn(configuration, "CLIPModel")


def _mamba2(r: random.Random) -> Drawn:
    heads, size = r.choice([(4, 12), (8, 6), (6, 8)])
    configuration = {
        "model_type": "mamba2",
        "vocab_size": r.randrange(200, 400),
        "hidden_size": heads * size // 2,
        "num_hidden_layers": r.randrange(1, 4),
        "num_heads": heads,
        "head_dim": size,
        "state_size": r.choice([6, 10]),
        "n_groups": 2,
        "expand": 2,
    }
    configuration = _some(
        r, configuration, use_bias=_flag(r), use_conv_bias=_flag(r), conv_kernel=3, tie_word_embeddings=_flag(r)
    )
    return Drawn(configuration, "Mamba2ForCausalLM")


def _nemotron_h(r: random.Random) -> Drawn:
    configuration = _text(r, "nemotron_h")
    configuration.pop("num_hidden_layers")
    configuration |= {
        "hybrid_override_pattern": "".join(r.choice("M-*E") for _ in range(r.randrange(2, 7))),
        "head_dim": _size(r),
        "mamba_num_heads": 4,
        "mamba_head_dim": r.choice([6, 10]),
        "ssm_state_size": r.choice([6, 10]),
        "n_groups": 2,
        "n_routed_experts": 6,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": r.randrange(20, 40),
        "moe_shared_expert_intermediate_size": r.randrange(20, 40),
    }
    configuration = _some(
        r, configuration, mlp_bias=_flag(r), use_bias=_flag(r), use_conv_bias=_flag(r), moe_latent_size=18
    )
    return Drawn(configuration, "NemotronHForCausalLM")


def _delta(r: random.Random, model_type: str, class_name: str) -> Drawn:
    configuration = _text(r, model_type)
    configuration |= {
        "head_dim": _size(r),
        "linear_key_head_dim": r.choice([6, 10]),
        "linear_value_head_dim": r.choice([6, 10]),
        "linear_num_key_heads": 2,
        "linear_num_value_heads": r.choice([2, 4]),
        "num_hidden_layers": r.randrange(3, 7),
    }
    if model_type != "qwen3_5_text":
        configuration |= {
            "num_experts": 6,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": r.randrange(20, 40),
            "shared_expert_intermediate_size": r.randrange(20, 40),
        }
    configuration = _windows(r, configuration, ("full_attention", "linear_attention"))
    configuration = _some(r, configuration, attention_bias=_flag(r), full_attention_interval=3)
    return Drawn(configuration, class_name)


def _gemma4(r: random.Random) -> Drawn:
    configuration = {
        **_text(r, "gemma4_text"),
        "head_dim": _size(r),
        "global_head_dim": r.choice([12, 20]),
        "hidden_size_per_layer_input": 0,
        "sliding_window": 7,
    }
    heads = configuration["num_attention_heads"]
    configuration = _some(
        r,
        configuration,
        attention_k_eq_v=_flag(r),
        num_global_key_value_heads=r.choice([k for k in (1, 2, 3) if heads % k == 0]),
        attention_bias=_flag(r),
    )
    if _flag(r):
        configuration |= {
            "enable_moe_block": True,
            "num_experts": 6,
            "top_k_experts": 2,
            "moe_intermediate_size": r.randrange(20, 40),
        }
    return Drawn(configuration, "Gemma4ForCausalLM")


def _gemma(model_type: str, class_name: str) -> Callable[[random.Random], Drawn]:
    def drawn(r: random.Random) -> Drawn:
        configuration = {**_text(r, model_type), "head_dim": _size(r)}
        if model_type != "gemma":
            configuration["sliding_window"] = 7
            configuration = _windows(r, configuration, ("full_attention", "sliding_attention"))
        if model_type == "gemma3_text":
            configuration = _some(r, configuration, sliding_window_pattern=r.randrange(2, 5))
        return Drawn(_some(r, configuration, attention_bias=_flag(r), tie_word_embeddings=_flag(r)), class_name)

    return drawn


def _bias(r: random.Random) -> bool:
    return _flag(r)


FAMILIES: dict[str, Callable[[random.Random], Drawn]] = {
    "llama": lambda r: _llama(r, "llama", r.choice(["LlamaForCausalLM", "LlamaModel"])),
    "granite": lambda r: _llama(r, "granite", "GraniteForCausalLM"),
    "smollm3": lambda r: _llama(r, "smollm3", "SmolLM3ForCausalLM"),
    "mistral": _plain("mistral", "MistralForCausalLM", head_dim=_size, sliding_window=_window),
    "mixtral": _mixtral,
    "qwen2": _plain("qwen2", "Qwen2ForCausalLM", tie_word_embeddings=_bias, use_sliding_window=_bias),
    "qwen3": _plain("qwen3", "Qwen3ForCausalLM", head_dim=_size, attention_bias=_bias, tie_word_embeddings=_bias),
    "qwen2_moe": lambda r: _qwen_moe(r, "qwen2_moe", "Qwen2MoeForCausalLM"),
    "qwen3_moe": lambda r: _qwen_moe(r, "qwen3_moe", "Qwen3MoeForCausalLM"),
    "glm": _plain("glm", "GlmForCausalLM", head_dim=_size, attention_bias=_bias, tie_word_embeddings=_bias),
    "glm4": _plain("glm4", "Glm4ForCausalLM", head_dim=_size, attention_bias=_bias, tie_word_embeddings=_bias),
    "glm4_moe": _glm_moe,
    "gemma": _gemma("gemma", "GemmaForCausalLM"),
    "gemma2": _gemma("gemma2", "Gemma2ForCausalLM"),
    "gemma3_text": _gemma("gemma3_text", "Gemma3ForCausalLM"),
    "gemma4_text": _gemma4,
    "phi3": _plain("phi3", "Phi3ForCausalLM", tie_word_embeddings=_bias, sliding_window=_window),
    "phi": _plain("phi", "PhiForCausalLM", qk_layernorm=_bias, tie_word_embeddings=_bias),
    "cohere": _plain("cohere", "CohereForCausalLM", use_qk_norm=_bias, attention_bias=_bias),
    "cohere2": _plain("cohere2", "Cohere2ForCausalLM", attention_bias=_bias, sliding_window=lambda r: 9),
    "olmo": _plain("olmo", "OlmoForCausalLM", attention_bias=_bias, tie_word_embeddings=_bias),
    "olmo2": _plain("olmo2", "Olmo2ForCausalLM", attention_bias=_bias, tie_word_embeddings=_bias),
    "olmo3": _plain("olmo3", "Olmo3ForCausalLM", attention_bias=_bias),
    "stablelm": _plain(
        "stablelm",
        "StableLmForCausalLM",
        use_qkv_bias=_bias,
        qk_layernorm=_bias,
        use_parallel_residual=_bias,
        tie_word_embeddings=_bias,
    ),
    "starcoder2": _plain("starcoder2", "Starcoder2ForCausalLM", use_bias=_bias, tie_word_embeddings=_bias),
    "nemotron": _plain("nemotron", "NemotronForCausalLM", head_dim=_size, attention_bias=_bias, mlp_bias=_bias),
    "gpt_oss": _gpt_oss,
    "llama4_text": _llama4,
    "deepseek_v2": lambda r: _deepseek(r, "deepseek_v2", "DeepseekV2ForCausalLM"),
    "deepseek_v3": lambda r: _deepseek(r, "deepseek_v3", "DeepseekV3ForCausalLM"),
    "gpt2": lambda r: _gpt2(r, "gpt2", r.choice(["GPT2LMHeadModel", "GPT2Model"])),
    "gpt_bigcode": lambda r: _gpt2(r, "gpt_bigcode", "GPTBigCodeForCausalLM"),
    "gptj": lambda r: _gpt2(r, "gptj", "GPTJForCausalLM"),
    "gpt_neox": _plain("gpt_neox", "GPTNeoXForCausalLM", attention_bias=_bias, use_parallel_residual=_bias),
    "opt": _opt,
    "bloom": _bloom,
    "falcon": _falcon,
    "bert": lambda r: _bert(r, "bert", "Bert", (*_ENDINGS, "ForPreTraining", "ForQuestionAnswering")),
    "roberta": lambda r: _bert(r, "roberta", "Roberta", _ENDINGS),
    "xlm-roberta": lambda r: _bert(r, "xlm-roberta", "XLMRoberta", _ENDINGS),
    "distilbert": lambda r: _bert(r, "distilbert", "DistilBert", _ENDINGS),
    "electra": lambda r: _bert(r, "electra", "Electra", (*_ENDINGS, "ForPreTraining")),
    "albert": lambda r: _bert(r, "albert", "Albert", (*_ENDINGS, "ForPreTraining")),
    "esm": lambda r: _bert(r, "esm", "Esm", _ENDINGS),
    "t5": lambda r: _t5(r, "t5", "T5"),
    "mt5": lambda r: _t5(r, "mt5", "MT5"),
    "marian": lambda r: _pair(r, "marian", ("MarianMTModel", "MarianModel")),
    "bart": lambda r: _pair(r, "bart", ("BartForConditionalGeneration", "BartModel")),
    "mbart": lambda r: _pair(r, "mbart", ("MBartForConditionalGeneration",)),
    "whisper": lambda r: _pair(r, "whisper", ("WhisperForConditionalGeneration", "WhisperModel")),
    "vit": lambda r: _vit(r, "vit", "ViT"),
    "deit": lambda r: _vit(r, "deit", "DeiT"),
    "clip": _clip,
    "mamba2": _mamba2,
    "nemotron_h": _nemotron_h,
    "qwen3_next": lambda r: _delta(r, "qwen3_next", "Qwen3NextForCausalLM"),
    "qwen3_5_text": lambda r: _delta(r, "qwen3_5_text", "Qwen3_5ForCausalLM"),
    "qwen3_5_moe_text": lambda r: _delta(r, "qwen3_5_moe_text", "Qwen3_5MoeForCausalLM"),
}
