"""What pure functions gave, by the content of their arguments: plans that differ in money alone share their physics."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import ParamSpec, TypeVar

import numpy as np

from planner.catalog.entry import Entry
from planner.catalog.profile import Moves
from planner.documents.types import Record
from planner.workload.architecture import Architecture

P = ParamSpec("P")
R = TypeVar("R")

_PLAIN = frozenset({float, int, bool, str, bytes, type(None)})


@dataclass
class Remembered:
    """Results of one run of the planner.

    Architectures, catalog entries and what is taken from those are told apart by being the same object: they are
    large, and read or built once.
    """

    _found: dict[Hashable, object] = field(default_factory=dict, repr=False)
    _kept: dict[int, object] = field(default_factory=dict, repr=False)

    def once(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Give what a pure function gives, calling it once for arguments of the same content."""
        key = (function, self._content(arguments), self._content(named))
        if key not in self._found:
            self._found[key] = function(*arguments, **named)
        return self._found[key]  # type: ignore[return-value] # what this function gave

    def _content(self, value: object) -> Hashable:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if isinstance(value, np.ndarray):
            return value.dtype.char, value.shape, value.tobytes()
        if isinstance(value, Architecture | Entry | Moves):
            self._kept[id(value)] = value  # so that no other object takes its number
            return id(value)
        if isinstance(value, Record):
            return kind, value.model_dump_json()
        if is_dataclass(kind):
            return kind, tuple([self._content(getattr(value, name)) for name in _names(kind)])
        if isinstance(value, Mapping):
            return tuple((key, self._content(inner)) for key, inner in value.items())
        if isinstance(value, Sequence):
            return tuple(self._content(inner) for inner in value)
        return value if isinstance(value, Hashable) else id(value)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))
