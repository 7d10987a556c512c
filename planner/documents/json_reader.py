"""JSON text to a tree of plain values in which every value keeps its line and column.

Reads RFC 8259 and nothing beyond it: no duplicate keys, no NaN, no comments; bounded in size, depth and
number of values, so that a hostile file costs no more than an honest one.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from itertools import accumulate
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any

from planner.documents.files import ReadBudget, read_text
from planner.documents.reader import MAX_DEPTH, MAX_FAULTS, MAX_NODES, Mark, SourceText, Trail, Tree
from planner.errors import Fault, InputError, Location, brief

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}
_NOT_FINITE = re.compile(r"-?Infinity|NaN")
_STRINGS = JSONDecoder()  # used for strings alone
_MAX_DIGITS = 19
_MAX_NUMBER = 60


def read_json(
    path: str | Path, *, budget: ReadBudget | None = None, name: str = "", allow_infinity: bool = False
) -> Tree:
    """Read one JSON file.

    Parameters
    ----------
    path : a regular file of at most 4 MiB.
    budget : what this run may still read; a fresh one where there is no run.
    name : how the file is called in errors; its path if empty.
    allow_infinity : take `Infinity`, which Python's own writer puts into some published configurations.

    Raises
    ------
    InputError : the file cannot be read, or is not the JSON described at the top of this module.
    """
    text = read_text(path, budget=budget or ReadBudget(), name=name)
    return parse_json(text, name=name or str(path), allow_infinity=allow_infinity)


def parse_json(text: str, *, name: str = "<text>", allow_infinity: bool = False) -> Tree:
    """Parse the text of one JSON document; see `read_json`.

    >>> tree = parse_json('{"layers": [1, 2.5]}')
    >>> tree.value
    {'layers': [1, 2.5]}
    >>> str(tree.location(("layers", 1)))
    '<text>:1:16'
    """
    return _Parser(text.lstrip("\ufeff"), brief(name, most=200), allow_infinity).tree()


class _Parser:
    """One pass over one text."""

    def __init__(self, text: str, name: str, allow_infinity: bool) -> None:  # noqa: FBT001 - private
        self._text = text
        self._source = SourceText(name, text)
        self._infinity = allow_infinity
        # Lines are those that excerpts are cut from.
        self._starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
        self._marks: dict[Trail, Mark] = {}
        self._faults: list[Fault] = []
        self._values = 0

    def tree(self) -> Tree:
        start = self._skip(0)
        if start == len(self._text):
            raise InputError(self._fault(0, "json-syntax", "the document is empty"))
        value, end = self._value(start, start, ())
        end = self._skip(end)
        if end < len(self._text):
            raise InputError(self._fault(end, "json-syntax", "not JSON: there is more after the document's end"))
        if self._faults:
            raise InputError(*self._faults)
        return Tree(self._source, value, self._marks)

    def _value(self, at: int, key_at: int, trail: Trail) -> tuple[Any, int]:
        self._values += 1
        if self._values > MAX_NODES:
            raise InputError(self._fault(at, "json-too-many", f"more than {MAX_NODES:,} values in one file"))
        if len(trail) > MAX_DEPTH:
            raise InputError(self._fault(at, "json-too-deep", f"nested deeper than {MAX_DEPTH} levels"))
        self._marks[trail] = Mark(*self._place(at), *self._place(key_at), self._source)
        first = self._text[at : at + 1]
        if first == "{":
            return self._map(at, trail)
        if first == "[":
            return self._list(at, trail)
        if first == '"':
            return self._string(at)
        return self._scalar(at)

    def _map(self, at: int, trail: Trail) -> tuple[dict[str, Any], int]:
        found: dict[str, Any] = {}
        first: dict[str, int] = {}
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "}":
            return found, at + 1
        while True:
            if self._text[at : at + 1] != '"':
                raise InputError(self._fault(at, "json-syntax", 'not JSON: a key in "quotes" is wanted here'))
            key_at = at
            key, at = self._string(at)
            at = self._skip(at)
            self._expect(at, ":", "a colon")
            at = self._skip(at + 1)
            if key in first:
                self._duplicate(key_at, key, first[key])
            value, at = self._value(at, key_at, (*trail, key))
            if key not in first:
                first[key] = key_at
                found[key] = value
            at = self._skip(at)
            if self._text[at : at + 1] == "}":
                return found, at + 1
            self._expect(at, ",", "a comma or '}'")
            at = self._skip(at + 1)

    def _list(self, at: int, trail: Trail) -> tuple[list[Any], int]:
        found: list[Any] = []
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "]":
            return found, at + 1
        while True:
            value, at = self._value(at, at, (*trail, len(found)))
            found.append(value)
            at = self._skip(at)
            if self._text[at : at + 1] == "]":
                return found, at + 1
            self._expect(at, ",", "a comma or ']'")
            at = self._skip(at + 1)

    def _string(self, at: int) -> tuple[str, int]:
        try:
            value, end = _STRINGS.raw_decode(self._text, at)
        except JSONDecodeError as error:
            message = (error.msg[:1].lower() + error.msg[1:]).removesuffix(" at")
            raise InputError(self._fault(error.pos, "json-syntax", f"not JSON: {message}")) from None
        if _LONE_SURROGATE.search(value):
            raise InputError(self._fault(at, "json-syntax", "not JSON: half of a surrogate pair"))
        return value, end

    def _scalar(self, at: int) -> tuple[Any, int]:
        for word, value in _WORDS.items():
            if self._text.startswith(word, at):
                return value, at + len(word)
        not_finite = _NOT_FINITE.match(self._text, at)
        if not_finite:
            return self._not_finite(at, not_finite.group()), not_finite.end()
        number = _NUMBER.match(self._text, at)
        if not number:
            found = brief(self._text[at : at + 1] or "the end of the text", most=20)
            raise InputError(self._fault(at, "json-syntax", f"not JSON: {found} where a value is wanted"))
        return self._number(at, number), number.end()

    def _number(self, at: int, number: re.Match[str]) -> int | float:
        text = number.group()
        if number.group(1) is None and number.group(2) is None:
            digits = len(text.lstrip("-"))
            if digits > _MAX_DIGITS:
                raise InputError(self._fault(at, "json-number", f"a whole number of {digits:,} digits"))
            return int(text)
        if len(text) > _MAX_NUMBER:
            raise InputError(self._fault(at, "json-number", f"a number of {len(text):,} characters"))
        value = float(text)
        if not math.isfinite(value):
            raise InputError(self._fault(at, "json-number", f"{text} is out of range"))
        return value

    def _not_finite(self, at: int, text: str) -> float:
        if text == "NaN" or not self._infinity:
            raise InputError(self._fault(at, "json-not-finite", f"{text} is not a number that can be planned with"))
        return -math.inf if text.startswith("-") else math.inf

    def _duplicate(self, at: int, key: str, first: int) -> None:
        if len(self._faults) < MAX_FAULTS:
            line = self._place(first)[0]
            self._faults.append(
                self._fault(
                    at,
                    "json-duplicate-key",
                    f"key '{brief(key)}' stands twice",
                    hint=f"it first stands in line {line}: keep one",
                )
            )

    def _expect(self, at: int, wanted: str, words: str) -> None:
        if self._text[at : at + 1] != wanted:
            raise InputError(self._fault(at, "json-syntax", f"not JSON: {words} is wanted here"))

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _place(self, at: int) -> tuple[int, int]:
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def _fault(self, at: int, id: str, message: str, *, hint: str = "") -> Fault:  # noqa: A002 - the field's name
        line, column = self._place(at)
        return Fault(id, message, Location(self._source.name, line, column), self._source.line(line), hint=hint)
