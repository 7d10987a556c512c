"""YAML text to a tree of plain values in which every value keeps its line and column.

Reads the events of libyaml and accepts the part of YAML 1.2 that catalogs and scenarios need: maps with
text keys, lists and scalars. Anchors, aliases, merge keys, tags and several documents in one file are
refused at the first event, so no document can grow or run code. Scalars follow the YAML 1.2 core schema
with decimal numbers only; `on`, `no`, `12:30:45` and `2026-01-01` are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from planner.documents.files import ReadBudget, read_text
from planner.errors import Fault, InputError, Location, visible

MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_INTEGER_DIGITS = 19

Step = str | int
Trail = tuple[Step, ...]
"""Where a value stands in its document: keys and list indices from the root."""

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)\Z")
_UNDERSCORED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?\Z")
_CONSTANTS = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}


class PlainInt(int):
    """A whole number that remembers its spelling, so that a text field gets what was written."""

    text: str


class PlainFloat(float):
    """A number that remembers its spelling: a version `3.10` stays "3.10" where a text is wanted."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class SourceText:
    """A file's name as shown to people, and its text, for excerpts."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a value and its key begin, and in which text; lines and columns count from 1.

    Values of one tree may come from several files: a scenario and what it extends.
    """

    line: int
    column: int
    key_line: int
    key_column: int
    source: SourceText


@dataclass(frozen=True, slots=True)
class Tree:
    """One document: its values, and where each of them stands in the text.

    Parameters
    ----------
    source : the file's name as shown to people, and its text.
    value : maps, lists and scalars.
    marks : position of every value by its trail.
    """

    source: SourceText
    value: Any
    marks: dict[Trail, Mark] = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name as shown to people."""
        return self.source.name

    def mark(self, trail: Trail) -> Mark:
        """Give the mark of a value; of the nearest value around it where it has none."""
        found = self.marks.get(trail)
        while found is None and trail:
            trail = trail[:-1]
            found = self.marks.get(trail)
        return found or Mark(1, 1, 1, 1, self.source)

    def location(self, trail: Trail, *, key: bool = False) -> Location:
        """Give the place of a value, or of its key; of the nearest value around it where it has none."""
        mark = self.mark(trail)
        if key:
            return Location(mark.source.name, mark.key_line, mark.key_column)
        return Location(mark.source.name, mark.line, mark.column)

    def fault(
        self,
        id: str,  # noqa: A002 - the field's own name
        message: str,
        trail: Trail,
        *,
        key: bool = False,
        allowed: str = "",
        hint: str = "",
    ) -> Fault:
        """Give a fault at a value of this document."""
        where = self.location(trail, key=key)
        return Fault(id, message, where, _line(self.mark(trail).source.text, where.line), allowed, hint)


def read_yaml(path: str | Path, *, budget: ReadBudget | None = None, name: str = "") -> Tree:
    """Read one YAML file.

    Parameters
    ----------
    path : a regular file of at most 4 MiB.
    budget : what this run may still read; a fresh one where there is no run.
    name : how the file is called in errors; its path if empty.

    Raises
    ------
    InputError : the file cannot be read, or is not the YAML described at the top of this module.
    """
    text = read_text(path, budget=budget or ReadBudget(), name=name)
    return parse_yaml(text, name=name or str(path))


def parse_yaml(text: str, *, name: str = "<text>") -> Tree:
    """Parse the text of one YAML document; see `read_yaml`.

    >>> tree = parse_yaml("peak: 1e12\\nregion: no")
    >>> tree.value
    {'peak': 1000000000000.0, 'region': 'no'}
    >>> str(tree.location(("region",)))
    '<text>:2:9'
    """
    return _Parser(text, visible(name)).tree()


def _line(text: str, number: int) -> str:
    start = 0
    for _ in range(number - 1):
        start = text.find("\n", start) + 1
        if start == 0:
            return ""
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)][:4096]


class _Parser:
    """One pass over the events of one text."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        self._source = SourceText(name, text)
        self._marks: dict[Trail, Mark] = {}
        self._nodes = 0
        self._faults: list[Fault] = []
        self._loader: Any = None

    def tree(self) -> Tree:
        loader_class = getattr(yaml, "CLoader", yaml.Loader)
        try:
            self._loader = loader_class(self._text)
            value = self._document(self._events())
        except yaml.MarkedYAMLError as error:
            raise InputError(self._syntax(error)) from None
        except yaml.YAMLError as error:
            raise InputError(self._unreadable(error)) from None
        except UnicodeEncodeError:  # a lone surrogate: no UTF-8 file holds one, a text argument can
            where = Location(self._name, 1, 1)
            raise InputError(Fault("yaml-characters", "not YAML text: lone surrogate", where)) from None
        finally:
            if self._loader is not None:
                self._loader.dispose()
        if self._faults:
            raise InputError(*self._faults)
        return Tree(self._source, value, self._marks)

    def _events(self) -> Iterator[Any]:
        while self._loader.check_event():
            yield self._loader.get_event()

    def _document(self, events: Iterator[Any]) -> Any:
        value: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise InputError(self._fault(event, "yaml-documents", "more than one YAML document in a file"))
            elif isinstance(event, yaml.NodeEvent):
                value = self._value(event, events, (), event)
        if value is None:
            where = Location(self._name, 1, 1)
            raise InputError(Fault("yaml-empty", "the document is empty", where, hint="planner init writes an example"))
        return value

    def _value(self, event: Any, events: Iterator[Any], trail: Trail, key: Any) -> Any:
        self._admit(event, trail)
        start, key_start = event.start_mark, key.start_mark
        self._marks[trail] = Mark(
            start.line + 1, start.column + 1, key_start.line + 1, key_start.column + 1, self._source
        )
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            for child in events:
                if isinstance(child, yaml.SequenceEndEvent):
                    break
                items.append(self._value(child, events, (*trail, len(items)), child))
            return items
        return self._mapping(events, trail)

    def _mapping(self, events: Iterator[Any], trail: Trail) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_event in events:
            if isinstance(key_event, yaml.MappingEndEvent):
                break
            name = self._key(key_event)
            duplicate = name in first
            if duplicate:
                self._faults.append(
                    self._fault(
                        key_event,
                        "yaml-duplicate-key",
                        f"key '{visible(name)}' stands twice",
                        hint=f"it first stands in line {first[name]}: keep one",
                    )
                )
            first.setdefault(name, key_event.start_mark.line + 1)
            value = self._value(next(events), events, (*trail, name), key_event)
            if not duplicate:
                result[name] = value
        return result

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise InputError(self._fault(event, "yaml-key", "a key must be text"))
        self._admit(event, ())
        name: str = event.value
        if event.style is None or event.style == "":
            if name == "<<":
                raise InputError(
                    self._fault(event, "yaml-merge", "merge keys are not read", hint="write the values out")
                )
            if not isinstance(self._scalar(event), str):
                self._faults.append(
                    self._fault(
                        event,
                        "yaml-key",
                        f"key {visible(name)[:40]} is not text",
                        hint=f"quote it: '{visible(name)[:40]}'",
                    )
                )
        return name

    def _admit(self, event: Any, trail: Trail) -> None:
        """Refuse what this reader does not read, before anything is built from it."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise InputError(self._fault(event, "yaml-too-many", f"more than {MAX_NODES:,} values in one file"))
        if len(trail) > MAX_DEPTH:
            raise InputError(self._fault(event, "yaml-too-deep", f"nested deeper than {MAX_DEPTH} levels"))
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise InputError(
                self._fault(event, "yaml-anchor", "anchors and aliases are not read", hint="write the values out")
            )
        if event.tag is not None:
            raise InputError(
                self._fault(
                    event,
                    "yaml-tag",
                    f"tag {visible(str(event.tag))[:60]} is not read",
                    hint="remove the tag",
                )
            )

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style not in (None, ""):
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.match(text):
            return self._integer(event, text)
        if _FLOAT.match(text):
            return self._float(event, text)
        if _NOT_FINITE.match(text):
            return self._refused(event, "yaml-not-finite", f"{text} is not a number that can be planned with")
        if _UNDERSCORED.match(text):
            plain = text.replace("_", "")
            return self._refused(event, "yaml-number", f"{visible(text)[:40]}: write {plain[:40]}")
        return text

    def _integer(self, event: Any, text: str) -> Any:
        digits = text.lstrip("+-")
        if len(digits) > MAX_INTEGER_DIGITS:
            return self._refused(event, "yaml-number", f"a whole number of {len(digits):,} digits")
        if len(digits) > 1 and digits[0] == "0":
            plain = digits.lstrip("0") or "0"
            return self._refused(
                event,
                "yaml-number",
                f"{text} has a leading zero",
                hint=f"write {plain}, or quote it: '{text}'",
            )
        number = PlainInt(text)
        number.text = text
        return number

    def _float(self, event: Any, text: str) -> Any:
        if len(text) > 60:
            return self._refused(event, "yaml-number", f"a number of {len(text):,} characters")
        value = float(text)
        if value in (float("inf"), float("-inf")):
            return self._refused(event, "yaml-number", f"{text} is out of range")
        number = PlainFloat(value)
        number.text = text
        return number

    def _refused(self, event: Any, id: str, message: str, *, hint: str = "") -> None:  # noqa: A002
        self._faults.append(self._fault(event, id, message, hint=hint))

    def _fault(self, event: Any, id: str, message: str, *, hint: str = "") -> Fault:  # noqa: A002
        mark = event.start_mark
        where = Location(self._name, mark.line + 1, mark.column + 1)
        return Fault(id, message, where, _line(self._text, where.line), hint=hint)

    def _syntax(self, error: yaml.MarkedYAMLError) -> Fault:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = visible(" ".join(str(error.problem or "not YAML").split()))
        at_tab = _line(self._text, line)[column - 1 : column] == "\t"
        hint = "indent with spaces, not tabs" if at_tab else ""
        return Fault(
            "yaml-syntax",
            f"not YAML: {problem}",
            Location(self._name, line, column),
            _line(self._text, line),
            hint=hint,
        )

    def _unreadable(self, error: yaml.YAMLError) -> Fault:
        position = getattr(error, "position", 0) or 0
        position = position if isinstance(position, int) and position >= 0 else 0
        line = self._text.count("\n", 0, position) + 1
        reason = visible(str(getattr(error, "reason", "") or "not YAML text"))
        return Fault("yaml-characters", f"not YAML text: {reason}", Location(self._name, line, 1))
