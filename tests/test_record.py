"""Values are compared, hashed, shown, copied and sent as those of `dataclasses` are."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from planner.record import record


@record
class Ours:
    a: int
    b: tuple[str, ...] = ()
    c: float = field(default=1.0, compare=False)


@dataclass(frozen=True, slots=True)
class Theirs:
    a: int
    b: tuple[str, ...] = ()
    c: float = field(default=1.0, compare=False)


@record
class Named:
    a: int

    def __repr__(self) -> str:
        return "named"


@pytest.mark.parametrize(("one", "other"), [((1,), (1,)), ((1,), (2,)), ((1, ("x",), 2.0), (1, ("x",), 3.0))])
def test_values_are_equal_where_dataclasses_are(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    same = Theirs(*one) == Theirs(*other)  # type: ignore[arg-type]
    assert (Ours(*one) == Ours(*other)) is same  # type: ignore[arg-type]
    assert (len({Ours(*one), Ours(*other)}) == 1) is same  # type: ignore[arg-type]


def test_values_of_two_classes_are_never_equal() -> None:
    assert Ours(1) != Theirs(1)
    assert Ours(1) != 1


def test_values_are_shown_with_their_fields_or_as_they_say() -> None:
    assert repr(Ours(1, ("x",))) == repr(Theirs(1, ("x",))).replace("Theirs", "Ours")
    assert repr(Named(1)) == "named"


def test_values_do_not_change_and_have_no_more_than_their_fields() -> None:
    value = Ours(1)
    with pytest.raises(FrozenInstanceError):
        value.a = 2  # type: ignore[misc]
    assert not hasattr(value, "__dict__")


def test_values_are_copied_and_sent() -> None:
    assert replace(Ours(1), a=2) == Ours(2)  # type: ignore[type-var]
    sent = pickle.dumps(Ours(1, ("x",)))
    assert pickle.loads(sent) == Ours(1, ("x",))  # noqa: S301 - our own bytes
    assert [each.name for each in fields(Ours)] == ["a", "b", "c"]  # type: ignore[arg-type]


def test_what_is_made_for_each_value_is_made_anew() -> None:
    @record
    class Collected:
        names: list[str] = field(default_factory=list)
        counted: int = 0

        def __post_init__(self) -> None:
            self.names.append("first")

    one, other = Collected(), Collected(counted=1)
    one.names.append("second")
    assert (one.names, other.names, other.counted) == (["first", "second"], ["first"], 1)


@pytest.mark.parametrize("given", [(), (1, (), 2.0, 3)])
def test_fields_that_are_missing_or_too_many_are_refused(given: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        Ours(*given)  # type: ignore[arg-type]
    with pytest.raises(FrozenInstanceError):
        del Ours(1).a
