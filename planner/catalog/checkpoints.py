"""Names of checkpoints: one model has many, by who published it, how it was tuned and how it is stored."""

from __future__ import annotations

import re

_TUNING = re.compile(r"-(?:instruct|chat|it|hf|base|preview)$")
_STORED = re.compile(
    r"[-.](?:fp8|fp4|nvfp4|mxfp4|mxfp8|awq|gptq|int4|int8|w4a16|w8a8|w8a16|4bit|8bit|bf16|fp16|kv|dynamic|quantized)$"
)
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

    >>> plain("TheBloke/Llama 2_70B")
    'llama-2-70b'
    """
    return _MAKER.sub("", joined(name.strip().rpartition("/")[2]))


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


def without_format(name: str) -> str:
    """Give the name of a checkpoint without the number formats that it is stored in, where those are known otherwise.

    >>> without_format("amd/Llama-3.3-70B-Instruct-MXFP4-Preview"), without_format("llama-3.1-8b")
    ('llama-3.3-70b', 'llama-3.1-8b')
    """
    left = plain(name)
    while (shorter := _STORED.sub("", _TUNING.sub("", left))) != left:
        left = shorter
    return left
