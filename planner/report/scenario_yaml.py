"""A closed scenario as YAML that reads back as the same scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 112
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._/+()-]*\Z")
_QUANTITY = re.compile(r"[0-9][0-9.e+-]* ?[A-Za-z%][A-Za-z0-9/%. ]*\Z")
_READ_AS_OTHER = frozenset(["true", "false", "null"])


def render(scenario: Mapping[str, Any]) -> str:
    """Give a scenario as text: a map of one line where that is short, else a block."""
    lines: list[str] = []
    for key, value in scenario.items():
        lines += _item(key, value, 0)
    return "\n".join(lines) + "\n"


def _item(key: str, value: Any, depth: int) -> list[str]:
    indent = "  " * depth
    head = f"{indent}{_text(key)}:"
    line = f"{head} {_flow(value)}"
    if len(line) <= _WIDTH or not isinstance(value, (Mapping, list, tuple)):
        return [line]
    if isinstance(value, Mapping):
        return [head, *(inner for name, each in value.items() for inner in _item(str(name), each, depth + 1))]
    return [head, *(f"{indent}  - {_flow(each)}" for each in value)]


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return _text(str(value))


def _text(text: str) -> str:
    plain = _PLAIN.match(text) or _QUANTITY.match(text)
    if plain and text == text.strip() and text.casefold() not in _READ_AS_OTHER:
        return text
    return json.dumps(text, ensure_ascii=False)
