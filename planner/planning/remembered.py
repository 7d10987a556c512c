"""What pure functions gave, by the content of their arguments: plans that differ in money alone share their physics."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import ParamSpec, TypeVar

import numpy as np

from planner.documents.types import Record
from planner.workload.architecture import Architecture

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Remembered:
    """Results of one run of the planner.

    Architectures are told apart by being the same object: they are large, and built once for each catalog entry.
    """

    _found: dict[Hashable, object] = field(default_factory=dict, repr=False)
    _kept: dict[int, Architecture] = field(default_factory=dict, repr=False)

    def once(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """Give what a pure function gives, calling it once for arguments of the same content."""
        key = (function, self._content(arguments), self._content(named))
        if key not in self._found:
            self._found[key] = function(*arguments, **named)
        return self._found[key]  # type: ignore[return-value] # what this function gave

    def _content(self, value: object) -> Hashable:
        if isinstance(value, Architecture):
            self._kept[id(value)] = value  # so that no other object takes its number
            return id(value)
        if isinstance(value, Record):
            return type(value), value.model_dump_json()
        if isinstance(value, np.ndarray):
            return value.dtype.str, value.shape, value.tobytes()
        if is_dataclass(value) and not isinstance(value, type):
            return type(value), tuple(self._content(getattr(value, each.name)) for each in fields(value))
        if isinstance(value, Mapping):
            return tuple((key, self._content(inner)) for key, inner in value.items())
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
            return tuple(self._content(inner) for inner in value)
        return value if isinstance(value, Hashable) else id(value)
