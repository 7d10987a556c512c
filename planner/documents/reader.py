"""YAML text to a tree of plain values in which every value keeps its line and column.

Reads the events of libyaml and accepts the part of YAML 1.2 that catalogs and scenarios need: maps with
text keys, lists and scalars. Anchors, aliases, merge keys, tags and several documents in one file are
refused at the first event, so no document can grow or run code. Scalars follow the YAML 1.2 core schema
with decimal numbers only; `on`, `no`, `12:30:45` and `2026-01-01` are text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from planner.documents.files import ReadBudget, read_text
from planner.documents.scalars import ScalarError, scalar
from planner.errors import Fault, InputError, Location, brief, visible
from planner.record import record

MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_FAULTS = 50
_MAX_EXCERPT = 4096
_LONGEST_PATH = 1024  # a place is of use to other programs only where its file is named in full
_LINE_ENDS = ("\n", "\r", "\x85", "\u2028", "\u2029")

Step = str | int
Trail = tuple[Step, ...]
"""Where a value stands in its document: keys and list indices from the root."""


@dataclass(frozen=True, eq=False)
class SourceText:
    """A file's name as shown to people, and its text, for excerpts."""

    name: str
    text: str = field(repr=False)

    def line(self, number: int) -> str:
        """Give a line, counted from 1, cut where it is very long."""
        return self._lines[number - 1][:_MAX_EXCERPT] if number <= len(self._lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.splitlines()


class Mark(NamedTuple):
    """Where a value and its key begin, and in which text; lines and columns count from 1.

    Values of one tree may come from several files: a scenario and what it extends.
    """

    line: int
    column: int
    key_line: int
    key_column: int
    source: SourceText


@record
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
        return Fault(id, message, where, self.mark(trail).source.line(where.line), allowed, hint)


def read_yaml(path: str | Path, *, budget: ReadBudget | None = None, name: str = "", root: Path | None = None) -> Tree:
    """Read one YAML file.

    Parameters
    ----------
    path : a regular file of at most 4 MiB.
    budget : what this run may still read; a fresh one where there is no run.
    name : how the file is called in errors; its path if empty.
    root : folder that the file must lie in, where a document named it.

    Raises
    ------
    InputError : the file cannot be read, or is not the YAML described at the top of this module.
    """
    text = read_text(path, budget=budget or ReadBudget(), name=name, root=root)
    return parse_yaml(text, name=name or str(path))


def parse_yaml(text: str, *, name: str = "<text>", most_values: int = MAX_NODES) -> Tree:
    """Parse the text of one YAML document; see `read_yaml`. Tables of measurements may have more values.

    >>> tree = parse_yaml("peak: 1e12\\nregion: no")
    >>> tree.value
    {'peak': 1000000000000.0, 'region': 'no'}
    >>> str(tree.location(("region",)))
    '<text>:2:9'
    """
    return _Parser(text.lstrip("\ufeff"), brief(name, most=_LONGEST_PATH), most_values).tree()


def _line_at(text: str, start: int) -> str:
    """Give the line that begins at an offset, cut where it is very long."""
    piece = text[start : start + _MAX_EXCERPT]
    return piece.splitlines()[0] if piece else ""


class _Parser:
    """One pass over the events of one text."""

    def __init__(self, text: str, name: str, most_values: int = MAX_NODES) -> None:
        self._text = text
        self._most = most_values
        self._source = SourceText(name, text)
        self._marks: dict[Trail, Mark] = {}
        self._nodes = 0
        self._faults: list[Fault] = []
        self._loader: Any = None

    def tree(self) -> Tree:
        self._refuse_directives()
        loader_class = getattr(yaml, "CLoader", yaml.Loader)
        try:
            self._loader = loader_class(self._text)
            value = self._document()
        except yaml.MarkedYAMLError as error:
            raise InputError(self._syntax(error)) from None
        except yaml.YAMLError as error:
            raise InputError(self._unreadable(error)) from None
        except UnicodeEncodeError:  # a lone surrogate: no UTF-8 file holds one, a text argument can
            where = Location(self._source.name, 1, 1)
            raise InputError(Fault("yaml-characters", "not YAML text: lone surrogate", where)) from None
        finally:
            if self._loader is not None:
                self._loader.dispose()
        if self._faults:
            raise InputError(*self._faults)
        return Tree(self._source, value, self._marks)

    def _refuse_directives(self) -> None:
        """Refuse lines such as `%TAG`: libyaml compares each with all before it, before it reports any."""
        starts = [0] if self._text.startswith("%") else []
        starts += [at + 1 for end in _LINE_ENDS if (at := self._text.find(end + "%")) >= 0]
        if starts:
            line = len(self._text[: min(starts)].splitlines()) + 1
            where = Location(self._source.name, line, 1)
            excerpt = _line_at(self._text, min(starts))
            raise InputError(Fault("yaml-directive", "lines that begin with % are not read", where, excerpt))

    def _document(self) -> Any:
        value: Any = None
        documents = 0
        while self._loader.check_event():
            event = self._loader.get_event()
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise InputError(self._fault(event, "yaml-documents", "more than one YAML document in a file"))
            elif isinstance(event, yaml.NodeEvent):
                value = self._value(event, (), event)
        if value is None and not self._faults:
            where = Location(self._source.name, 1, 1)
            raise InputError(Fault("yaml-empty", "the document is empty", where, hint="planner init writes an example"))
        return value

    def _value(self, event: Any, trail: Trail, key: Any) -> Any:
        self._admit(event, trail)
        start = event.start_mark
        line, column = start.line + 1, start.column + 1
        if key is event:
            self._marks[trail] = Mark(line, column, line, column, self._source)
        else:
            beside = key.start_mark
            self._marks[trail] = Mark(line, column, beside.line + 1, beside.column + 1, self._source)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(trail)
        return self._mapping(trail)

    def _sequence(self, trail: Trail) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._loader.get_event(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*trail, len(items)), event))
        return items

    def _mapping(self, trail: Trail) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        while not isinstance(key := self._loader.get_event(), yaml.MappingEndEvent):
            name = self._key(key)
            duplicate = name in first
            if duplicate:
                message = f"key '{brief(name)}' stands twice"
                self._note(key, "yaml-duplicate-key", message, hint=f"it first stands in line {first[name]}: keep one")
            else:
                first[name] = key.start_mark.line + 1
            value = self._value(self._loader.get_event(), (*trail, name), key)
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
                hint = "write the values out"
                raise InputError(self._fault(event, "yaml-merge", "merge keys are not read", hint=hint))
            if not isinstance(self._scalar(event), str):
                shown = brief(name)
                self._note(event, "yaml-key", f"key {shown} is not text", hint=f"quote it: '{shown}'")
        return name

    def _admit(self, event: Any, trail: Trail) -> None:
        """Refuse what this reader does not read, before anything is built from it."""
        self._nodes += 1
        if self._nodes > self._most:
            raise InputError(self._fault(event, "yaml-too-many", f"more than {self._most:,} values in one file"))
        if len(trail) > MAX_DEPTH:
            raise InputError(self._fault(event, "yaml-too-deep", f"nested deeper than {MAX_DEPTH} levels"))
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            hint = "write the values out"
            raise InputError(self._fault(event, "yaml-anchor", "anchors and aliases are not read", hint=hint))
        if event.tag is not None:
            message = f"tag {brief(event.tag)} is not read"
            raise InputError(self._fault(event, "yaml-tag", message, hint="remove the tag"))

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style not in (None, ""):
            return text
        try:
            return scalar(text)
        except ScalarError as error:
            self._note(event, error.id, str(error), hint=error.hint)
            return None

    def _note(self, event: Any, id: str, message: str, *, hint: str = "") -> None:  # noqa: A002
        """Keep a fault and read on, so that all faults of a file are told at once; but not without end."""
        self._faults.append(self._fault(event, id, message, hint=hint))
        if len(self._faults) == MAX_FAULTS:
            raise InputError(*self._faults, Fault("more-faults", f"more than {MAX_FAULTS} faults: reading stopped"))

    def _fault(self, event: Any, id: str, message: str, *, hint: str = "") -> Fault:  # noqa: A002
        mark = event.start_mark
        where = Location(self._source.name, mark.line + 1, mark.column + 1)
        return Fault(id, message, where, _line_at(self._text, mark.index - mark.column), hint=hint)

    def _syntax(self, error: yaml.MarkedYAMLError) -> Fault:
        mark = error.problem_mark or error.context_mark
        problem = visible(" ".join(str(error.problem or "not YAML").split()))
        line, column, excerpt = 1, 1, ""
        if mark is not None:
            line, column = mark.line + 1, mark.column + 1
            excerpt = _line_at(self._text, mark.index - mark.column)
        hint = "indent with spaces, not tabs" if excerpt[column - 1 : column] == "\t" else ""
        return Fault(
            "yaml-syntax", f"not YAML: {problem}", Location(self._source.name, line, column), excerpt, hint=hint
        )

    def _unreadable(self, error: yaml.YAMLError) -> Fault:
        position = getattr(error, "position", 0) or 0
        position = position if isinstance(position, int) and position >= 0 else 0
        line = self._text.count("\n", 0, position) + 1
        reason = visible(str(getattr(error, "reason", "") or "not YAML text"))
        return Fault("yaml-characters", f"not YAML text: {reason}", Location(self._source.name, line, 1))
