"""Field types of the documents: a field declares its dimension once and reads as an SI float.

class Memory(Record):
    capacity: Bytes
    bandwidth: BytesPerSecond
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError, core_schema

from planner.documents.scalars import spelled
from planner.errors import brief
from planner.units import dimensions
from planner.units.dimensions import Dimension
from planner.units.interval import Interval
from planner.units.reading import parse
from planner.units.symbols import UnitError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

_MAX_TEXT = 20_000


class Record(BaseModel):
    """A part of a document: frozen, no unknown keys, nothing converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, arbitrary_types_allowed=True)


def problem(id: str, message: str, *, allowed: str = "", hint: str = "") -> PydanticCustomError:  # noqa: A002
    """Give the error that a field's validator raises; it becomes a Fault at the field's place."""
    return PydanticCustomError(id, "{message}", {"message": message, "allowed": allowed, "hint": hint})


@dataclass(frozen=True, eq=False)
class Plain:
    """Annotation of a field read by one function, with its JSON Schema."""

    read: Callable[[Any], Any]
    schema: JsonSchemaValue

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return dict(self.schema)


def read_quantity(value: Any, dimension: Dimension, *, low: float, high: float, open_low: bool) -> float:
    """Give one quantity in SI units, or raise the field's problem."""
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise problem("quantity", f"{_kind(value)} is not {dimension.name}", allowed=_such_as(dimension))
    try:
        number = parse(value, dimension)
    except UnitError as error:
        raise problem("quantity", str(error), allowed=error.allowed, hint=error.hint) from None
    if number < low or number > high or (open_low and number == low):
        bound = f"more than {low:g}" if open_low else f"at least {low:g}"
        if high != float("inf"):
            bound += f" and at most {high:g}"
        raise problem("out-of-range", f"{_kind(value)} is out of range", allowed=bound)
    return number


def _such_as(dimension: Dimension) -> str:
    return f"{dimension.name} such as " + " or ".join(dimension.examples)


def quantity(dimension: Dimension, *, low: float = 0.0, high: float = float("inf"), open_low: bool = True) -> Plain:
    """Give the annotation of a field of one dimension, by default greater than zero."""

    def read(value: Any) -> float:
        return read_quantity(value, dimension, low=low, high=high, open_low=open_low)

    kinds = ["string", "number"] if dimension.bare else ["string"]
    return Plain(read, {"type": kinds, "description": dimension.name, "examples": list(dimension.examples)})


def uncertain(dimension: Dimension, *, low: float = 0.0, high: float = float("inf"), open_low: bool = True) -> Plain:
    """Give the annotation of a field that takes one value, or `{low, mid, high}` where it is not known exactly."""

    def one(value: Any) -> float:
        return read_quantity(value, dimension, low=low, high=high, open_low=open_low)

    def read(value: Any) -> Interval:
        if not isinstance(value, dict):
            return Interval.exactly(one(value))
        if set(value) != {"low", "mid", "high"}:
            raise problem("interval", "a range needs low, mid and high", allowed="{low: ..., mid: ..., high: ...}")
        parts = {key: one(value[key]) for key in ("low", "mid", "high")}
        if not parts["low"] <= parts["mid"] <= parts["high"]:
            raise problem("interval", "low, mid and high must not fall", allowed="low <= mid <= high")
        return Interval(**parts)

    value_schema = quantity(dimension).schema
    bounds = {"type": "object", "required": ["low", "mid", "high"], "additionalProperties": False}
    bounds["properties"] = dict.fromkeys(("low", "mid", "high"), value_schema)
    return Plain(read, {"anyOf": [value_schema, bounds]})


def _read_text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        raise problem("text", f"{_kind(value)} is not text", hint="quote it")
    if isinstance(value, (dict, list)):
        raise problem("text", f"{_kind(value)} where a text is wanted")
    text = value if isinstance(value, str) else spelled(value)
    if len(text) > _MAX_TEXT:
        raise problem("text", f"a text of {len(text):,} characters", allowed=f"at most {_MAX_TEXT:,}")
    return text


def _kind(value: Any) -> str:
    """Give a value in words for a message."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"'{brief(value)}'"
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else spelled(value)


_ID = re.compile(r"[a-z0-9][a-z0-9._+-]*\Z")


def _read_id(value: Any) -> str:
    text = _read_text(value)
    if not _ID.match(text) or len(text) > 100:
        raise problem("id", f"'{brief(text)}' is not an id", allowed="a-z 0-9 . _ + - (at most 100)")
    return text


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise problem("boolean", f"{_kind(value)} is neither true nor false", allowed="true, false")
    return value


def whole(low: int = 1, high: int = 10**15) -> Plain:
    """Give the annotation of a whole number; "16 k" and "2 M" are read too."""

    def read(value: Any) -> int:
        number = read_quantity(value, dimensions.COUNT, low=low, high=high, open_low=False)
        if number != int(number):
            raise problem("whole-number", f"{_kind(value)} is not a whole number")
        return int(number)

    return Plain(read, {"type": ["integer", "string"], "minimum": low, "maximum": high})


def _read_date(value: Any) -> str:
    """Dates are kept as text: a year, a month or a day is all that some sources state."""
    text = _read_text(value)
    pieces = text.split("-")
    try:
        numbers = [int(piece) for piece in pieces]
        datetime.date(*[*numbers, 1, 1][:3])
    except (ValueError, TypeError):
        numbers = []
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", text) or not numbers:
        raise problem("date", f"'{brief(text)}' is not a date", allowed="YYYY, YYYY-MM or YYYY-MM-DD")
    return text


Text = Annotated[str, Plain(_read_text, {"type": ["string", "number"]})]
Id = Annotated[str, Plain(_read_id, {"type": "string", "pattern": r"^[a-z0-9][a-z0-9._+-]*$"})]
Flag = Annotated[bool, Plain(_read_bool, {"type": "boolean"})]
_YEAR = {"type": "integer", "minimum": 1000, "maximum": 9999}  # as YAML reads a year that is not quoted
_DATE = {"anyOf": [{"type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}){0,2}$"}, _YEAR]}
Date = Annotated[str, Plain(_read_date, _DATE)]
Whole = Annotated[int, whole()]
WholeOrZero = Annotated[int, whole(0)]

Bytes = Annotated[float, quantity(dimensions.BYTES)]
BytesOrZero = Annotated[float, quantity(dimensions.BYTES, open_low=False)]
BytesPerSecond = Annotated[float, quantity(dimensions.BYTES_PER_SECOND)]
FlopsPerSecond = Annotated[float, quantity(dimensions.FLOPS_PER_SECOND)]
Seconds = Annotated[float, quantity(dimensions.SECONDS)]
SecondsOrZero = Annotated[float, quantity(dimensions.SECONDS, open_low=False)]
Watts = Annotated[float, quantity(dimensions.WATTS)]
_MOST_TOKENS = 1e18  # a thousand times all text there is
Tokens = Annotated[float, quantity(dimensions.TOKENS, low=1.0, open_low=False, high=_MOST_TOKENS)]
Count = Annotated[float, quantity(dimensions.COUNT)]
Ratio = Annotated[float, quantity(dimensions.RATIO, open_low=False)]
Share = Annotated[float, quantity(dimensions.RATIO, open_low=False, high=1.0)]

UncertainBytes = Annotated[Interval, uncertain(dimensions.BYTES)]
UncertainBytesPerSecond = Annotated[Interval, uncertain(dimensions.BYTES_PER_SECOND)]
UncertainSeconds = Annotated[Interval, uncertain(dimensions.SECONDS)]
UncertainWatts = Annotated[Interval, uncertain(dimensions.WATTS)]
UncertainTokens = Annotated[Interval, uncertain(dimensions.TOKENS, low=1.0, open_low=False, high=_MOST_TOKENS)]
UncertainShare = Annotated[Interval, uncertain(dimensions.RATIO, open_low=False, high=1.0)]
UncertainRatio = Annotated[Interval, uncertain(dimensions.RATIO, open_low=False)]
UncertainUsd = Annotated[Interval, uncertain(dimensions.money("USD"), open_low=False)]
UncertainUsdPerHour = Annotated[Interval, uncertain(dimensions.money("USD", per="h"), open_low=False)]
UncertainUsdPerKwh = Annotated[Interval, uncertain(dimensions.money("USD", per="kWh"), open_low=False)]
UncertainCarbon = Annotated[Interval, uncertain(dimensions.GRAMS_CO2E_PER_JOULE, open_low=False)]
UncertainPue = Annotated[Interval, uncertain(dimensions.RATIO, low=1.0, open_low=False, high=10.0)]
UncertainFailureRate = Annotated[Interval, uncertain(dimensions.PER_ACCELERATOR_SECOND, open_low=False)]
