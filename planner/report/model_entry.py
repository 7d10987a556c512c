"""A model as the YAML of a catalog entry: what `planner model import` writes, short and in the order of docs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from planner.catalog.model import Model

_ORDER = (
    "schema",
    "id",
    "aliases",
    "name",
    "family",
    "released",
    "architecture",
    "convolutions",
    "parameters",
    "active_parameters",
    "forward_flops_per_sample",
    "training",
    "proxy_of",
    "unpublished",
    "unsupported",
    "sources",
    "estimated",
    "recalled",
    "checked",
    "conflicts",
    "notes",
)
_SHAPE_FIRST = ("role", "hidden", "vocabulary", "max_sequence", "layers")
_WIDTH = 112
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._/+()&*-]*\Z")
_READ_AS_OTHER = frozenset(["true", "false", "null", "yes", "no", "on", "off", "y", "n"])
# Counts of these are written with the letter of their thousands: 15.6 T tokens.
_LETTERED = frozenset(["tokens", "dataset_tokens", "accelerator_hours"])
_LETTERS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def entry_text(model: Model) -> str:
    """Give the text of a catalog entry that reads back as the same model."""
    values = model.model_dump(mode="python", by_alias=True, exclude_defaults=True)
    lines: list[str] = []
    for key in sorted(values, key=_ORDER.index):
        lines += _item(key, values[key], 0)
    return "\n".join(lines) + "\n"


def _item(key: str, value: Any, depth: int) -> list[str]:
    """Give a key with its value: on one line where that is short, else as a block."""
    indent = "  " * depth
    head = f"{indent}{_text(key)}:"
    line = f"{head} {_flow(key, value)}"
    is_block = isinstance(value, Mapping) and key in ("architecture", "convolutions", "encoder")
    if not is_block and (len(line) <= _WIDTH or not isinstance(value, (Mapping, list, tuple))):
        return [line]
    lines = [head]
    if isinstance(value, Mapping):
        for inner in sorted(value, key=_shape_order):
            lines += _item(str(inner), value[inner], depth + 1)
    else:
        lines += [f"{indent}  - {_flow(key, item)}" for item in value]
    return lines


def _shape_order(key: str) -> int:
    return _SHAPE_FIRST.index(key) if key in _SHAPE_FIRST else len(_SHAPE_FIRST)


def _flow(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        if not value:
            return "{mixer: full}" if key in ("layers", "period") else "{}"
        return "{" + ", ".join(f"{_text(str(k))}: {_flow(str(k), v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(key, item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _lettered(value) if key in _LETTERED else _number(value)
    return _text(str(value))


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e18:
        return str(int(value))
    return f"{value:.12g}"


def _lettered(value: float) -> str:
    """Give a count with the letter of its thousands where that loses nothing."""
    for step, letter in _LETTERS:
        short = f"{value / step:.5g}"
        if value >= step and "e" not in short and round(float(short) * step) == value:
            return f"{short} {letter}"
    return _number(value)


def _text(text: str) -> str:
    if _PLAIN.match(text) and text.casefold() not in _READ_AS_OTHER and text == text.strip() and " #" not in text:
        return text
    if re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):
        return text
    return "'" + text.replace("'", "''") + "'"
