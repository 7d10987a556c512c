"""What transformers sets where a configuration is silent: defaults of its configuration classes.

Maps inside multimodal configurations state only differences from these, so the sizes matter too. Read in
transformers 5.23.0, `configuration_*.py`.
"""

from __future__ import annotations

from planner.record import record


@record
class ClassDefaults:
    """Defaults of one configuration class.

    Parameters
    ----------
    kv_heads : 0 where they equal the heads.
    head_dim : 0 where it is the hidden size over the heads.
    positions : `max_position_embeddings`.
    tied : `tie_word_embeddings`.
    """

    hidden: int
    layers: int
    heads: int
    width: int
    vocabulary: int
    kv_heads: int = 0
    head_dim: int = 0
    positions: int = 2048
    tied: bool = False


DEFAULTS: dict[str, ClassDefaults] = {
    "llama": ClassDefaults(4096, 32, 32, 11008, 32000),
    "mistral": ClassDefaults(4096, 32, 32, 14336, 32000, kv_heads=8, positions=131072),
    "ministral": ClassDefaults(4096, 32, 32, 14336, 32000, kv_heads=8, positions=131072),
    "ministral3": ClassDefaults(4096, 34, 32, 14336, 131072, kv_heads=8, head_dim=128, positions=262144),
    "mixtral": ClassDefaults(4096, 32, 32, 14336, 32000, kv_heads=8, positions=131072),
    "qwen2": ClassDefaults(4096, 32, 32, 22016, 151936, kv_heads=32, positions=32768),
    "qwen2_moe": ClassDefaults(2048, 24, 16, 5632, 151936, kv_heads=16, positions=32768),
    "qwen3": ClassDefaults(4096, 32, 32, 22016, 151936, kv_heads=32, head_dim=128, positions=32768),
    "qwen3_moe": ClassDefaults(2048, 24, 32, 6144, 151936, kv_heads=4, positions=32768),
    "qwen3_vl_text": ClassDefaults(4096, 32, 32, 22016, 151936, kv_heads=32, head_dim=128, positions=128000),
    "qwen3_vl_moe_text": ClassDefaults(2048, 24, 16, 5632, 151936, head_dim=128, positions=128000, tied=True),
    "qwen3_next": ClassDefaults(2048, 48, 16, 5632, 151936, kv_heads=2, head_dim=256, positions=32768),
    "qwen3_5_text": ClassDefaults(4096, 32, 16, 12288, 248320, kv_heads=4, head_dim=256, positions=32768),
    "qwen3_5_moe_text": ClassDefaults(2048, 40, 16, 0, 248320, kv_heads=2, head_dim=256, positions=32768),
    "gemma": ClassDefaults(3072, 28, 16, 24576, 256000, kv_heads=16, head_dim=256, positions=8192, tied=True),
    "gemma2": ClassDefaults(2304, 26, 8, 9216, 256000, kv_heads=4, head_dim=256, positions=8192, tied=True),
    "gemma3_text": ClassDefaults(2304, 26, 8, 9216, 262208, kv_heads=4, head_dim=256, positions=131072, tied=True),
    "gemma4_text": ClassDefaults(2304, 30, 8, 9216, 262144, kv_heads=4, head_dim=256, positions=131072, tied=True),
    "phi3": ClassDefaults(3072, 32, 32, 8192, 32064, positions=4096),
    "phi": ClassDefaults(2048, 24, 32, 8192, 51200),
    "cohere": ClassDefaults(8192, 40, 64, 22528, 256000, positions=8192, tied=True),
    "cohere2": ClassDefaults(8192, 40, 64, 22528, 256000, positions=8192, tied=True),
    "granite": ClassDefaults(4096, 32, 32, 11008, 32000),
    "olmo": ClassDefaults(4096, 32, 32, 11008, 50304),
    "olmo2": ClassDefaults(4096, 32, 32, 11008, 50304),
    "olmo3": ClassDefaults(4096, 32, 32, 11008, 50304),
    "olmoe": ClassDefaults(2048, 16, 16, 2048, 50304, positions=4096),
    "stablelm": ClassDefaults(2560, 32, 32, 6912, 50304, kv_heads=32, positions=4096),
    "starcoder2": ClassDefaults(3072, 30, 24, 12288, 49152, kv_heads=2, positions=4096, tied=True),
    "smollm3": ClassDefaults(2048, 36, 16, 11008, 128256, kv_heads=4, positions=32768, tied=True),
    "nemotron": ClassDefaults(6144, 32, 48, 24576, 256000, kv_heads=0, positions=4096),
    "gpt_oss": ClassDefaults(2880, 36, 64, 2880, 201088, kv_heads=8, head_dim=64, positions=131072),
    "llama4_text": ClassDefaults(5120, 48, 40, 8192, 202048, kv_heads=8, head_dim=128, positions=131072),
    "minimax_m2": ClassDefaults(3072, 62, 48, 1536, 200064, kv_heads=8, head_dim=128, positions=196608),
    "deepseek_v2": ClassDefaults(4096, 32, 32, 11008, 102400),
    "deepseek_v3": ClassDefaults(7168, 61, 128, 18432, 129280, positions=4096),
    "deepseek_v32": ClassDefaults(7168, 61, 128, 18432, 129280, positions=4096),
    "glm_moe_dsa": ClassDefaults(6144, 78, 64, 12288, 154880, positions=202752),
    "glm": ClassDefaults(4096, 40, 32, 13696, 151552, kv_heads=2, head_dim=128, positions=131072),
    "glm4": ClassDefaults(4096, 40, 32, 13696, 151552, kv_heads=2, head_dim=128, positions=131072),
    "glm4_moe": ClassDefaults(4096, 46, 96, 10944, 151552, kv_heads=8, positions=131072),
    "nemotron_h": ClassDefaults(4096, 52, 32, 21504, 131072, kv_heads=8, head_dim=128, positions=4096),
    "gpt2": ClassDefaults(768, 12, 12, 0, 50257, positions=1024, tied=True),
    "gpt_neox": ClassDefaults(6144, 44, 64, 24576, 50432),
    "gptj": ClassDefaults(4096, 28, 16, 0, 50400),
    "opt": ClassDefaults(768, 12, 12, 3072, 50272, tied=True),
    "bloom": ClassDefaults(64, 2, 8, 0, 250880, tied=True),
    "falcon": ClassDefaults(4544, 32, 71, 0, 65024, tied=True),
}
