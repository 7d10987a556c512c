"""The documents that values come from: `*sources.yaml` in every catalog folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from planner.catalog.entry import Source
from planner.documents.files import ReadBudget, read_text
from planner.documents.reader import Tree, parse_yaml, read_yaml
from planner.documents.typed import require_schema, typed
from planner.errors import InputError

SCHEMA = "planner/sources/v1"
_BELOW = re.compile(r"(?:    .*\n)+")


class SourceFiles:
    """Sources by their keys, over all folders.

    A run asks for a dozen of several hundred sources, so that only the asked ones are parsed, where their
    file is written as the built-in ones are: a key indented by two spaces, its values by four.

    Parameters
    ----------
    layers : catalog folders, the one that wins first.
    budget : what this run may still read.
    shown : how a file is called in errors.
    """

    def __init__(self, layers: Sequence[Path], budget: ReadBudget, shown: Callable[[Path], str]) -> None:
        self._layers, self._budget, self._shown = layers, budget, shown
        self._found: dict[str, Source | None] = {}
        self._texts: list[tuple[str, str]] | None = None
        self._trees: list[Tree] | None = None

    def get(self, key: str) -> Source | None:
        """Give the source of a key, or None."""
        if key not in self._found:
            self._found[key] = self._block(key) or self._whole(key)
        return self._found[key]

    def keys(self) -> list[str]:
        """Give the keys of all sources, sorted; every file is parsed whole."""
        return sorted({key for tree in self._whole_files() for key in tree.value["sources"]})

    def _block(self, key: str) -> Source | None:
        """Give a source from the lines below its key, at their own place in the file."""
        for name, text in self._named_texts():
            start = text.find(f"\n  {key}:\n") + 1  # never the first line, which is the schema's
            below = _BELOW.match(text, start + len(f"  {key}:\n")) if start else None
            if below:
                above = "\n" * text.count("\n", 0, start)
                tree = parse_yaml(above + text[start : below.end()], name=name)
                return typed(tree, Source, at=(key,))
        return None

    def _whole(self, key: str) -> Source | None:
        tree = next((tree for tree in self._whole_files() if key in tree.value["sources"]), None)
        return typed(tree, Source, at=("sources", key)) if tree else None

    def _files(self) -> list[Path]:
        return [path for layer in self._layers for path in sorted(layer.glob("*sources.yaml"))]

    def _named_texts(self) -> list[tuple[str, str]]:
        if self._texts is None:
            names = [(path, self._shown(path)) for path in self._files()]
            self._texts = [(name, read_text(path, budget=self._budget, name=name)) for path, name in names]
        return self._texts

    def _whole_files(self) -> list[Tree]:
        if self._trees is None:
            self._trees = [self._tree(path) for path in self._files()]
        return self._trees

    def _tree(self, path: Path) -> Tree:
        tree = read_yaml(path, budget=self._budget, name=self._shown(path))
        require_schema(tree, SCHEMA)
        if not isinstance(tree.value.get("sources"), dict):
            raise InputError(tree.fault("missing-key", "'sources' is missing", ()))
        return tree
