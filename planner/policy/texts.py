"""The texts that results rest on: kept with a result, so that it can be judged anew; compared, to see what changed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from planner.catalog.folders import built_in
from planner.catalog.store import Catalog
from planner.documents.files import ReadBudget, read_text
from planner.record import record

_PRICES = "prices"
_SUFFIXES = (".yaml", ".yml", ".csv")
_SOURCES = ("sources", "model-sources")  # say where values come from; no result depends on them


@record
class Documents:
    """Texts by their paths.

    Parameters
    ----------
    project : relative to the project's folder.
    catalogs : of the built-in catalogs, relative to theirs; None where those of this planner are meant.
    """

    project: Mapping[str, str]
    catalogs: Mapping[str, str] | None = None


def texts_read(files: Iterable[Path], root: Path, catalog: Catalog) -> Documents:
    """Give the texts of files that were read: of price tables the rows that can matter alone.

    Parameters
    ----------
    files : that a run read. root : the project's folder. catalog : that entries were read from.
    """
    names = _names(catalog)
    project: dict[str, str] = {}
    catalogs: dict[str, str] = {}
    top, below = root.resolve(), built_in().resolve()
    for file in sorted({file.resolve() for file in files}):
        inner = _inner(file, catalog.layers)
        if file.suffix not in _SUFFIXES or (inner is not None and inner.partition("/")[0].startswith(_SOURCES)):
            continue
        text = _relevant(inner or "", _text(file), names)
        if file.is_relative_to(top):
            project[file.relative_to(top).as_posix()] = text
        elif file.is_relative_to(below):
            catalogs[file.relative_to(below).as_posix()] = text
    return Documents(project, catalogs)


def differences(old: Documents, folders: Sequence[str], catalog: Catalog) -> set[str]:
    """Give the paths inside catalogs at which today's catalogs are not what they were.

    Parameters
    ----------
    old : the texts of then. folders : the project's own catalogs then, relative to its folder, the winning first.
    catalog : of today.
    """
    names = _names(catalog) if old.catalogs is not None else frozenset()
    layers = [_inside(old.project, folder) for folder in folders]
    if old.catalogs is not None:
        layers.append(dict(old.catalogs))
    then = set().union(*layers) if layers else set()
    paths = then | {path for layer in _own(catalog) for path in _files_of(layer)}
    found = set()
    for path in sorted(paths):
        before = [layer[path] for layer in layers if path in layer]
        now = [_text(layer / path) for layer in catalog.layers if (layer / path).is_file()]
        if old.catalogs is None and built_in() in catalog.layers and not _is_own(catalog):
            before += [_text(built_in() / path)] if (built_in() / path).is_file() else []
        if (
            old.catalogs is not None
            and path not in then
            and not any((layer / path).is_file() for layer in _own(catalog))
        ):
            continue  # nothing then read it
        if _effective(path, before, names) != _effective(path, now, names):
            found.add(path)
    return found


def _effective(path: str, texts: Sequence[str], names: frozenset[str]) -> list[str]:
    """Give what counts of one path's texts: of a table all layers, of an entry the winning one."""
    if path.endswith(".csv"):
        return [_relevant(path, text, names) if names else text for text in texts]
    return list(texts[:1])


def _own(catalog: Catalog) -> list[Path]:
    return [layer for layer in catalog.layers if _is_own(catalog) or layer != built_in()]


def _is_own(catalog: Catalog) -> bool:
    """Whether the built-in catalogs are a project's own, as in this planner's repository."""
    return len(catalog.layers) == 1


def _files_of(layer: Path) -> Iterator[str]:
    for file in layer.rglob("*"):
        if file.suffix in _SUFFIXES:
            yield file.relative_to(layer).as_posix()


def _inside(texts: Mapping[str, str], folder: str) -> dict[str, str]:
    start = f"{folder}/"
    return {path.removeprefix(start): text for path, text in texts.items() if path.startswith(start)}


def _inner(file: Path, layers: Iterable[Path]) -> str | None:
    for layer in layers:
        if file.is_relative_to(layer.resolve()):
            return file.relative_to(layer.resolve()).as_posix()
    return None


def _text(file: Path) -> str:
    return read_text(file, budget=ReadBudget())


def _names(catalog: Catalog) -> frozenset[str]:
    """Give every name of what was looked up, as rows of price tables may spell it."""
    found: set[str] = set()
    for entry in catalog.loaded():
        found |= {name.casefold() for name in (entry.id, *entry.aliases)}
    return frozenset(found | {f"ml.{name}" for name in found})


def _relevant(path: str, text: str, names: frozenset[str]) -> str:
    """Give a price table's header, and the rows that say one of the names."""
    if not path.startswith(f"{_PRICES}/") or not path.endswith(".csv"):
        return text
    rows = list(csv.reader(io.StringIO(text)))
    kept = [row for number, row in enumerate(rows) if number == 0 or any(cell.casefold() in names for cell in row[:3])]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(kept)
    return written.getvalue()
