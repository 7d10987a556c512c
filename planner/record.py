"""The planner's own values: frozen dataclasses with slots, made in a third of the time.

A cold start makes more than a hundred of them, and `dataclasses` compiles six methods for each. Those that need not be
compiled for every class are shared here: how values are compared, hashed, shown, and kept from being changed. The one
that differs, which takes the fields, is compiled when the first value of a class is made: many never are.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[_Class]) -> type[_Class]:
    """Make a class a frozen dataclass with slots; one line above the class is all that it takes.

    >>> @record
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, 0), hash(Point(1)) == hash(Point(1, 0))
    (Point(x=1, y=0), True, True)
    """
    own = set(cls.__dict__)
    # Without words of its own, a class would be described by its signature, which takes longer than all the rest.
    cls.__doc__ = cls.__doc__ or cls.__name__
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    compared = [each.name for each in fields(made) if each.compare]
    made._compared = staticmethod(attrgetter(*compared)) if compared else staticmethod(_nothing)
    for name, method in _SHARED.items():
        if name not in own or (name == "__hash__" and cls.__dict__[name] is None):
            setattr(made, name, method)
    made.__init__ = _compiled_when_called(made)
    found: type[_Class] = made
    return found


def _compiled_when_called(made: Any) -> Any:
    def first(self: Any, *given: Any, **named: Any) -> None:
        made.__init__ = _taking_fields(made)
        made.__init__(self, *given, **named)

    return first


def _taking_fields(made: Any) -> Any:
    """Give the `__init__` of a class, which fills its slots past what keeps them from being changed."""
    known: dict[str, Any] = {"_left_out": MISSING}
    heads, lines = [], []
    for each in fields(made):
        name, value = each.name, each.name
        known[f"_set_{name}"] = getattr(made, name).__set__
        if each.default_factory is not MISSING:
            known[f"_make_{name}"] = each.default_factory
            heads.append(f"{name}=_left_out")
            value = f"_make_{name}() if {name} is _left_out else {name}"
        elif each.default is not MISSING:
            known[f"_else_{name}"] = each.default
            heads.append(f"{name}=_else_{name}")
        else:
            heads.append(name)
        lines.append(f" _set_{name}(self, {value})")
    if hasattr(made, "__post_init__"):
        lines.append(" self.__post_init__()")
    # The text holds names of fields and nothing else, as that of `dataclasses` does.
    exec(f"def __init__({', '.join(['self', *heads])}):\n" + "\n".join(lines or [" pass"]), known)  # noqa: S102
    method = known["__init__"]
    method.__qualname__ = f"{made.__qualname__}.__init__"
    return method


def _nothing(_: object) -> tuple[()]:
    return ()


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._compared(self) == self._compared(other)


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def _shown(self: Any) -> str:
    shown = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{self.__class__.__qualname__}({shown})"


def _unchanged(self: Any, name: str, _: object = None) -> None:
    raise FrozenInstanceError(f"{self.__class__.__qualname__}.{name} does not change")


def _sent(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in fields(self)]


def _received(self: Any, state: list[Any]) -> None:
    for each, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


_SHARED = {
    "__eq__": _equal,
    "__hash__": _hash,
    "__repr__": _shown,
    "__setattr__": _unchanged,
    "__delattr__": _unchanged,
    "__getstate__": _sent,
    "__setstate__": _received,
}
