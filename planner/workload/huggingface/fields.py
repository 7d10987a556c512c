"""Reading fields of a Hugging Face configuration: typed, in any of their spellings, refused when not understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from planner.catalog.shape import MAX_LAYERS
from planner.errors import Fault, InputError, Location, listing, visible

Locate = Callable[[tuple[str, ...]], Location | None]
"""Gives the place of a field in the file, where there is a file."""

LARGEST = 10**12
_LAYER_COUNTS = frozenset(
    [
        *("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers"),
        *("encoder_layers", "decoder_layers"),
        *("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_hidden_layers"),
    ]
)


def nowhere(trail: tuple[str, ...]) -> Location | None:  # noqa: ARG001 - a configuration that came from no file
    """Give no place: the configuration came from no file."""
    return None


@dataclass
class Fields:
    """The fields of one configuration.

    Parameters
    ----------
    values : the configuration's map; null counts as absent, as it does for transformers.
    model_type : its `model_type`, for messages.
    trail : where the map stands in the file (`text_config` of a multimodal one).
    locate : gives places in the file.
    partial : the map states only what differs from its class's defaults, as maps inside multimodal
        configurations do; elsewhere a missing size is a fault, not a default.
    notes : what a reader has to tell of the configuration, one sentence each.
    """

    values: Mapping[str, Any]
    model_type: str
    trail: tuple[str, ...] = ()
    locate: Locate = nowhere
    partial: bool = False
    notes: list[str] = field(default_factory=list)
    _missing: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self.values.get(name) is not None

    def size(self, *names: str, default: int) -> int:
        """Give a size that every configuration of the family states.

        Parameters
        ----------
        names : its spellings, today's first.
        default : the class's default, used only in partial configurations.
        """
        found = self.optional(*names)
        if found is not None:
            return found
        if not self.partial:
            self._missing.append(" or ".join(f"'{name}'" for name in names))
        return default

    def optional(self, *names: str, low: int = 1) -> int | None:
        """Give a whole number, or None where it is absent."""
        name = self._first(names)
        if name is None:
            return None
        value = self.values[name]
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        high = MAX_LAYERS if name in _LAYER_COUNTS else LARGEST
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.refusal(name, f"'{name}' is {_shown(value)}", allowed=f"a whole number, {low} to {high:,}")
        return int(value)

    def whole(self, *names: str, default: int, low: int = 1) -> int:
        """Give a whole number, or what its class sets where it is absent."""
        found = self.optional(*names, low=low)
        return default if found is None else found

    def flag(self, *names: str, default: bool = False) -> bool:
        """Give a truth value, or what its class sets where it is absent."""
        name = self._first(names)
        if name is None:
            return default
        value = self.values[name]
        if not isinstance(value, bool):
            raise self.refusal(name, f"'{name}' is {_shown(value)}", allowed="true, false")
        return value

    def text(self, *names: str, default: str = "") -> str:
        """Give a text, or what its class sets where it is absent."""
        name = self._first(names)
        if name is None:
            return default
        value = self.values[name]
        if not isinstance(value, str):
            raise self.refusal(name, f"'{name}' is {_shown(value)}", allowed="a text")
        return value

    def choice(self, *names: str, default: str, known: Sequence[str]) -> str:
        """Give one of several known texts; another one is refused."""
        value = self.text(*names, default=default)
        if value not in known:
            name = self._first(names) or names[0]
            raise self.refusal(name, f"{name} '{visible(value)[:60]}' is not understood", allowed=listing(list(known)))
        return value

    def texts(self, *names: str) -> list[str] | None:
        """Give a list of texts, or None where it is absent."""
        return self._list(names, str, "a list of texts")

    def numbers(self, *names: str) -> list[int] | None:
        """Give a list of whole numbers, or None where it is absent."""
        return self._list(names, int, "a list of whole numbers")

    def pair(self, name: str, *, default: int) -> tuple[int, int]:
        """Give height and width, which stand as one number where they are equal."""
        value = self.values.get(name)
        if isinstance(value, list):
            if len(value) != 2 or not all(isinstance(v, int) and not isinstance(v, bool) and v > 0 for v in value):
                raise self.refusal(name, f"'{name}' is {_shown(value)}", allowed="a whole number, or two")
            return value[0], value[1]
        side = self.size(name, default=default)
        return side, side

    def within(self, name: str) -> Fields | None:
        """Give a map inside this one, which states differences from defaults, or None."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.refusal(name, f"'{name}' is {_shown(value)}", allowed="a map")
        inner = value.get("model_type")
        kind = inner if isinstance(inner, str) else self.model_type
        return Fields(value, kind, (*self.trail, name), self.locate, partial=True)

    def refusal(self, name: str, message: str, *, allowed: str = "", hint: str = "") -> InputError:
        """Give the error for a field that is not understood."""
        where = self.locate((*self.trail, name))
        return InputError(Fault("configuration", f"{self.model_type}: {message}", where, "", allowed, hint))

    def finish(self) -> None:
        """Refuse the configuration if sizes were missing, naming all of them."""
        if self._missing:
            where = self.locate(self.trail)
            message = f"{self.model_type}: missing {listing(sorted(set(self._missing)), most=30)}"
            hint = "a configuration as published with the weights (config.json) has them"
            raise InputError(Fault("configuration-incomplete", message, where, "", "", hint))

    def _first(self, names: Sequence[str]) -> str | None:
        return next((name for name in names if self.has(name)), None)

    def _list(self, names: Sequence[str], kind: type, allowed: str) -> list[Any] | None:
        name = self._first(names)
        if name is None:
            return None
        value = self.values[name]
        if not isinstance(value, list) or not all(isinstance(v, kind) and not isinstance(v, bool) for v in value):
            raise self.refusal(name, f"'{name}' is {_shown(value)}", allowed=allowed)
        return value


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"'{visible(str(value))[:60]}'" if isinstance(value, str) else visible(str(value))[:60]
