"""What is read as it was meant but should be written otherwise: told as notes, not refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from planner.documents.reader import Trail, Tree
from planner.errors import Fault, brief

_RATE_SPELLING = re.compile(r"(?P<number>[+-]?[0-9][0-9.,eE+-]*)\s*(?P<unit>[kKMGTPEZY]?(?:FL)?OP)S\Z")


def spelling_notes(tree: Tree) -> list[Fault]:
    """Give a note for every rate of a document that is written `TFLOPS`, which others read as a count.

    >>> from planner.documents.reader import parse_yaml
    >>> [note.message for note in spelling_notes(parse_yaml("peak: 989 TFLOPS"))]
    ["'989 TFLOPS' is read as 989 TFLOP/s, a rate"]
    """
    notes = []
    for trail, text in _texts(tree.value, ()):
        match = _RATE_SPELLING.match(text)
        if match:
            meant = f"{match['number']} {match['unit']}/s"
            message = f"'{brief(text)}' is read as {brief(meant)}, a rate"
            notes.append(tree.fault("rate-spelling", message, trail, hint=f"write {match['unit']}/s"))
    return notes


def _texts(value: Any, trail: Trail) -> Iterator[tuple[Trail, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*trail, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*trail, index))
    elif isinstance(value, str):
        yield trail, value
