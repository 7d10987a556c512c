"""Checking one document by what its `schema` key says that it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from planner.catalog.entry import Entry, Source
from planner.catalog.kinds import KINDS, schema_name
from planner.catalog.lint import SHEETS, entry_findings, spelling_findings
from planner.catalog.store import Catalog
from planner.documents.notes import spelling_notes
from planner.documents.reader import Tree, read_yaml
from planner.documents.typed import require_schema, typed
from planner.errors import Fault

Check = Callable[[Catalog, Path, Tree], list[Fault]]


def check_document(catalog: Catalog, path: Path) -> list[Fault]:
    """Give what is wrong in a document that can be read.

    Parameters
    ----------
    catalog : what the document may refer to.
    path : a YAML file.

    Raises
    ------
    InputError : it cannot be read: every fault found, each with file:line:column.
    """
    tree = read_yaml(path, budget=catalog.budget)
    schema = require_schema(tree, *CHECKS)
    return [*CHECKS[schema](catalog, path, tree), *spelling_notes(tree)]


def read_entry(catalog: Catalog, path: Path) -> tuple[str, Entry, Tree, list[Fault]]:
    """Give the kind of a catalog entry, the entry, its text, and what is wrong with it.

    Raises
    ------
    InputError : it cannot be read, or is no catalog entry.
    """
    tree = read_yaml(path, budget=catalog.budget)
    schema = require_schema(tree, *(kind.schema for kind in KINDS.values()))
    kind = next(kind for kind in KINDS.values() if kind.schema == schema)
    entry = typed(tree, kind.document)
    findings = [
        *entry_findings(catalog, kind.name, entry, tree),
        *spelling_findings(catalog, kind.name, entry, tree),
    ]
    if entry.id != path.stem:
        message = f"id '{entry.id}' stands in {path.name}"
        findings.append(tree.fault("id-file-name", message, ("id",), hint="name the file as its id"))
    return kind.name, entry, tree, findings


def _entry(catalog: Catalog, path: Path, _: Tree) -> list[Fault]:
    return read_entry(catalog, path)[3]


def _sources(_: Catalog, __: Path, tree: Tree) -> list[Fault]:
    for key in tree.value.get("sources") or {}:
        typed(tree, Source, at=("sources", key))
    return []


def _scenario(_: Catalog, path: Path, __: Tree) -> list[Fault]:
    from planner.planning.books import layers_of
    from planner.planning.named import require_known
    from planner.scenario.project import find_project, read_project
    from planner.scenario.resolve import read_scenario

    project = find_project(path.resolve().parent)
    resolved = read_scenario(path, root=project.parent if project else None)
    own = read_project(project).catalogs if project else ()
    require_known(resolved, Catalog(layers_of(own)))
    return []


def _project(_: Catalog, path: Path, __: Tree) -> list[Fault]:
    from planner.scenario.checked_project import CheckedProject
    from planner.scenario.project import read_project, scenario_files

    project = read_project(path)
    typed(project.tree, CheckedProject)
    if project.document.scenarios:
        scenario_files(project)
    return []


def _sheet(name: str) -> Check:
    def check(_: Catalog, __: Path, tree: Tree) -> list[Fault]:
        typed(tree, SHEETS[name])
        return []

    return check


CHECKS: dict[str, Check] = {
    **{kind.schema: _entry for kind in KINDS.values()},
    **{f"planner/{schema_name(name)}/v1": _sheet(name) for name in SHEETS},
    "planner/sources/v1": _sources,
    "planner/scenario/v1": _scenario,
    "planner/project/v1": _project,
}
"""How each kind of document is checked, by its schema; a new kind is one more line."""
