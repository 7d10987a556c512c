"""Choices that programs know by a stable id and people by words."""

from __future__ import annotations

from enum import Enum


class Identified(Enum):
    """A choice.

    Parameters
    ----------
    id : stays the same between versions. words : what people read.
    """

    def __init__(self, id: str, words: str) -> None:  # noqa: A002 - the field's own name
        self.id = id
        self.words = words
