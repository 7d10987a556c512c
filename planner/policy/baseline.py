"""What a check compares with: the documents of a commit or of a stored result, read as a project of their own.

The documents stand in a temporary folder while the check runs; no second checkout is made.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Literal

from planner import __version__
from planner.catalog.folders import built_in
from planner.catalog.store import Catalog
from planner.documents.files import MAX_FILE_BYTES, MAX_RUN_BYTES, ReadBudget, decode
from planner.documents.reader import parse_yaml
from planner.documents.rows import Table
from planner.errors import Fault, InputError, brief, input_error
from planner.planning.books import Books, layers_of
from planner.planning.remembered import Remembered
from planner.policy.git import LINK, Blob, Repository
from planner.policy.plans import plans
from planner.policy.stated import Stated
from planner.policy.texts import Documents
from planner.record import record
from planner.scenario.project import CATALOGS, FILE, ReadProject, read_project
from planner.scenario.resolve import Resolved

_YAML = (".yaml", ".yml")
_LFS = b"version https://git-lfs.github.com/spec/"
_SHORT = 12
_OWN, _BUILT_IN = "project", "built-in"


@record
class Origin:
    """Where a baseline comes from.

    Parameters
    ----------
    kind, name : a commit by the name that it was asked for by, or a stored result by its path.
    commit : full name of the commit; "" for a file.
    planner : version of the planner that made the results.
    """

    kind: Literal["commit", "file"]
    name: str
    commit: str = ""
    planner: str = __version__

    @property
    def label(self) -> str:
        """Name for people."""
        return f"{self.name} ({self.commit[:_SHORT]})" if self.commit else self.name


@record
class StoredResults:
    """What an earlier check said.

    Parameters
    ----------
    results : by scenario and part, and by metric.
    why_not : why scenarios and parts did not fit, of those.
    held : metrics that it speaks of; None where that is all there were.
    """

    results: Mapping[str, Mapping[str, Stated]]
    why_not: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] | None = None

    def holds(self, metric: str) -> bool:
        """Whether it says anything of a metric."""
        return self.held is None or metric in self.held


@dataclass(frozen=True)
class Baseline:
    """A baseline.

    Parameters
    ----------
    origin, documents : where it comes from, and its texts.
    project, books, read : of those texts, as of any project.
    stored : results as they were then; None where this planner's are taken.
    """

    origin: Origin
    documents: Documents
    project: ReadProject
    books: Books
    read: tuple[Resolved, ...]
    stored: StoredResults | None = None


class StoredCatalog(Catalog):
    """Catalogs of a stored result; what it never looked up is today's, prices aside: those would be too new."""

    def table(self, name: str, columns: Sequence[str]) -> list[tuple[int, Table]]:
        """Give the CSV files of that name, as they were."""
        return [each for each in super().table(name, columns) if each[0] < len(self.layers) - 1]


def documents_of_commit(repository: Repository, ref: str) -> tuple[Origin, Documents]:
    """Read the documents of a commit.

    Raises
    ------
    InputError : there is no such commit, or it lacks what a project needs.
    """
    commit = repository.commit(ref)
    blobs = {blob.path: blob for blob in repository.files(commit)}
    origin = Origin("commit", ref, commit)
    if FILE not in blobs:
        raise input_error(
            "baseline-missing",
            f"baseline '{brief(origin.label)}' has no {FILE} in this folder",
            hint="a first check has no baseline: planner check --no-baseline",
        )
    head = _text(repository.texts([blobs[FILE]])[0], FILE)
    folders, patterns = _named(head, origin)
    _refuse_foreign(blobs.values(), (*folders, *patterns), origin)
    wanted = [blob for blob in blobs.values() if _is_wanted(blob, folders)]
    if sum(blob.size for blob in wanted) > MAX_RUN_BYTES:
        raise input_error("files-too-large", f"baseline '{brief(ref)}': more than {MAX_RUN_BYTES >> 20} MiB")
    found = {}
    for blob, data in zip(wanted, repository.texts(wanted), strict=True):
        if data.startswith(_LFS):
            raise _unreadable(origin, f"{brief(blob.path)} stands in Git LFS, whose files a commit does not hold")
        found[blob.path] = _text(data, blob.path)
    return origin, Documents(found)


def _named(text: str, origin: Origin) -> tuple[list[str], list[str]]:
    """Give the folders of catalogs and the patterns of scenarios that a project file names."""
    value = parse_yaml(text, name=f"{origin.name}:{FILE}").value
    said = value if isinstance(value, dict) else {}
    folders, patterns = (
        [item.rstrip("/") for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
        for listed in (said.get("catalogs"), said.get("scenarios"))
    )
    return folders or [CATALOGS], patterns


def _is_wanted(blob: Blob, folders: list[str]) -> bool:
    if blob.is_submodule or blob.mode == LINK or blob.size > MAX_FILE_BYTES or not _is_inside(blob.path):
        return False
    table = blob.path.endswith(".csv") and any(blob.path.startswith(f"{folder}/") for folder in folders)
    return table or blob.path.endswith(_YAML)


def _refuse_foreign(blobs: Iterable[Blob], named: tuple[str, ...], origin: Origin) -> None:
    """Refuse links and submodules where documents are looked for: their content is not in the commit."""
    for blob in blobs:
        if blob.mode == LINK and any(
            blob.path.startswith(f"{name}/") or fnmatchcase(blob.path, name) for name in named
        ):
            raise _unreadable(origin, f"{brief(blob.path)} is a link")
        if blob.is_submodule and any(f"{name}/".startswith(f"{blob.path}/") for name in named):
            raise _unreadable(origin, f"{brief(blob.path)} is a submodule, whose files another repository holds")


def _unreadable(origin: Origin, message: str) -> InputError:
    return input_error(
        "baseline-unreadable",
        f"baseline '{brief(origin.label)}': {message}",
        hint="compare with a stored result instead: planner check --baseline-file",
    )


def _is_inside(path: str) -> bool:
    parts = path.split("/")
    return "\0" not in path and "\\" not in path and all(part not in ("", ".", "..") for part in parts)


def _text(data: bytes, name: str) -> str:
    return decode(data, brief(name, most=200))


@contextmanager
def read_baseline(
    origin: Origin,
    documents: Documents,
    *,
    patterns: list[str],
    own_is_built_in: bool,
    remembered: Remembered,
    stored: StoredResults | None = None,
) -> Iterator[Baseline]:
    """Read the documents of a baseline as a project.

    Parameters
    ----------
    origin, documents : what it is.
    patterns : names that rules say; variants are read where one of them is meant.
    own_is_built_in : whether the project's own catalogs are the built-in ones, as in this planner's repository.
    remembered : what pure functions gave in this run.
    stored : results as they were then.

    Raises
    ------
    InputError : its documents have faults; told as faults of the baseline.
    """
    folder = Path(tempfile.mkdtemp(prefix="planner-baseline-"))
    try:
        _lay_out(folder, documents, origin)
        try:
            budget = ReadBudget()
            project = read_project(folder / _OWN / FILE, budget=budget)
            layers = _layers(folder, project, documents, own_is_built_in=own_is_built_in)
            catalog = Catalog if documents.catalogs is None else StoredCatalog
            books = Books(catalog(layers=layers, budget=budget), project.document, project.root, remembered)
            read = plans(project, patterns, budget) if project.document.scenarios else []
            yield Baseline(origin, documents, project, books, tuple(read), stored)
        except InputError as error:
            raise _of_baseline(error, folder, origin) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _layers(folder: Path, project: ReadProject, documents: Documents, *, own_is_built_in: bool) -> tuple[Path, ...]:
    if documents.catalogs is not None:
        return (*project.catalogs, folder / _BUILT_IN, built_in())
    return project.catalogs if own_is_built_in else layers_of(project.catalogs)


def _lay_out(folder: Path, documents: Documents, origin: Origin) -> None:
    for name, texts in ((_OWN, documents.project), (_BUILT_IN, documents.catalogs or {})):
        (folder / name).mkdir()
        for path, text in texts.items():
            if not _is_inside(path) or PurePosixPath(path).is_absolute():
                raise _unreadable(origin, f"'{brief(path)}' is not a path")
            file = folder / name / path
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8", newline="")
            except (OSError, ValueError) as error:
                raise _unreadable(origin, f"'{brief(path)}': {type(error).__name__}") from None


def _of_baseline(error: InputError, folder: Path, origin: Origin) -> InputError:
    """Tell faults as those of the baseline: with its name in place of a folder that is gone when they are read."""
    if not any(str(folder) in _words(fault) for fault in error.faults):
        return error  # raised while the baseline was open, and none of its own
    return InputError(*(_renamed(fault, folder, origin) for fault in error.faults))


def _words(fault: Fault) -> str:
    return " ".join((fault.where.file if fault.where else "", fault.message, fault.hint, fault.allowed))


def _renamed(fault: Fault, folder: Path, origin: Origin) -> Fault:
    def said(text: str) -> str:
        text = text.replace(f"{folder / _OWN}/", f"{origin.name}:").replace(str(folder / _OWN), origin.name)
        return text.replace(f"{folder / _BUILT_IN}/", "catalogs/").replace(str(folder), origin.name)

    where = replace(fault.where, file=said(fault.where.file)) if fault.where else None
    hint = said(fault.hint) or "the baseline has this fault: mend it there, or compare with another one"
    return replace(fault, where=where, message=said(fault.message), allowed=said(fault.allowed), hint=hint)
