"""Names of checkpoints: one model has many, by who published it, how it was tuned and how it is stored."""

from __future__ import annotations

import re

# How a model was tuned, and when: a year and a month, or a month and a day.
_TUNING = re.compile(
    r"-(?:instruct|chat|it|hf|base|preview|thinking|think|reasoning|sft|dpo|latest|"
    r"2[3-6](?:0[1-9]|1[0-2])|0[1-9][0-3]\d)$"
)
# Formats, what they were quantised with, and files that hold them.
_STORED = re.compile(
    r"[-.](?:"
    r"fp8|fp4|nvfp4|mxfp4|mxfp6|mxfp8|nf4|int4|int8|bf16|fp16|f16|4bit|8bit|w4a4|w4a8|w4a16|w8a8|w8a16|w4a8kv8|kv|"
    r"awq|gptq|bnb|marlin|hqq|qat|quantized|quantised|dynamic|static|block|channel|tensor|per|gs?128|"
    r"(?:nvfp4|fp4)-v2|gguf|ggml|mlx|q[2-8]-[01]|q[2-8]-k(?:-[sml])?"
    r")$"
)
# What a checkpoint's name says of the format of its weights, what tells most first.
_FORMATS = (
    ("nvfp4", "nvfp4"),
    ("mxfp4", "mxfp4"),
    ("fp4", "nvfp4"),
    ("gptq-int8", "int8 (GPTQ)"),
    ("w8a16", "w8a16"),
    ("w8a8", "w8a8"),
    ("w4a16", "int4"),
    ("awq", "int4"),
    ("gptq", "int4"),
    ("4bit", "int4"),
    ("int4", "int4"),
    ("nf4", "int4"),
    ("int8", "int8"),
    ("fp8", "fp8"),
    ("bf16", "bf16"),
)
_WHOLE_FILES = re.compile(r"(?:^|[-.:])(i?q[2-8]-(?:k-[sm]|k|[01]|xs))(?:$|[-.])")
_IN_BRACKETS = re.compile(r"\s*\([^)]*\)$")
_BETWEEN = re.compile(r"[\s_]+")
_ANY_BETWEEN = re.compile(r"[\s_/:-]+")
_MAKER = re.compile(r"^meta-(?=llama)")


def joined(text: str) -> str:
    """Give a text in small letters, its words joined by hyphens.

    >>> joined("Llama 2_70B")
    'llama-2-70b'
    """
    return _BETWEEN.sub("-", text.casefold())


def plain(name: str) -> str:
    """Give a name in small letters, without who published it, its words joined by hyphens.

    >>> plain("TheBloke/Llama 2_70B"), plain("ViT-H/14")
    ('llama-2-70b', 'vit-h/14')
    """
    checkpoint = name.strip().rpartition("/")[2]
    # Behind the slash of ViT-H/14 stands the edge of its patches, and no name.
    return _MAKER.sub("", joined(name.strip() if checkpoint.replace("@", "").isdigit() else checkpoint))


def squeezed(text: str) -> str:
    """Give a text in small letters without the spaces, hyphens, slashes and colons between its words.

    >>> squeezed("GPT-2 XL"), squeezed("llama3.1:8b")
    ('gpt2xl', 'llama3.18b')
    """
    return _ANY_BETWEEN.sub("", text.casefold())


def other_names(name: str) -> list[str]:
    """Give what the model of a checkpoint may be known by, the nearest first: tuning changes no shape.

    >>> other_names("NousResearch/Llama-2-7b-chat-hf")
    ['llama-2-7b-chat-hf', 'llama-2-7b-chat', 'llama-2-7b']
    """
    names = [plain(name)]
    while (shorter := _TUNING.sub("", names[-1])) != names[-1]:
        names.append(shorter)
    return [name for name in names if name]


def format_of(name: str) -> str | None:
    """Give the format of the weights that a checkpoint's name tells, in the words of measured rows; None for none.

    >>> format_of("Qwen/Qwen3-32B-AWQ"), format_of("nvidia/DeepSeek-R1-0528-FP4"), format_of("Qwen/Qwen3-32B")
    ('int4', 'nvfp4', None)
    >>> format_of("llama3.1:8b-instruct-q4_K_M")
    'q4_k_m'
    """
    words = joined(name).replace("_", "-")
    found = _WHOLE_FILES.search(words)
    if found:
        return found[1].replace("-", "_")
    return next((stored for told, stored in _FORMATS if re.search(rf"(?:^|[-._:]){told}(?:$|[-._:])", words)), None)


def without_format(name: str) -> str:
    """Give the name of a checkpoint without the number formats that it is stored in, where those are known otherwise.

    >>> without_format("amd/Llama-3.3-70B-Instruct-MXFP4-Preview"), without_format("llama-3.1-8b")
    ('llama-3.3-70b', 'llama-3.1-8b')
    >>> without_format("bartowski/Qwen3-32B-GGUF"), without_format("llama3.1:8b-instruct-q4_K_M")
    ('qwen3-32b', 'llama3.1:8b')
    """
    left = plain(_IN_BRACKETS.sub("", name))
    while (shorter := _STORED.sub("", _TUNING.sub("", left))) != left:
        left = shorter
    return left
