"""The project that a command works in: the `planner.yaml` of the working folder or of the nearest one above it."""

from __future__ import annotations

import os
from pathlib import Path

from planner.catalog.store import Catalog
from planner.documents.files import ReadBudget
from planner.planning.books import Books, layers_of
from planner.scenario.project import CATALOGS, ReadProject, find_project, read_project


def current_project(budget: ReadBudget) -> ReadProject | None:
    """Give the project that the working folder lies in; None outside of any.

    Raises
    ------
    InputError : there is a `planner.yaml`, and something in it is wrong.
    """
    file = find_project(Path.cwd())
    return read_project(file, budget=budget, name=os.path.relpath(file)) if file is not None else None


def current_books() -> Books:
    """Give the catalogs, prices and defaults of the current project.

    Outside of any, the built-in catalogs, and over them the folder `catalogs` of the working folder.
    """
    budget = ReadBudget()
    project = current_project(budget)
    if project is not None:
        return Books.of(project, budget)
    here = Path.cwd() / CATALOGS
    return Books(Catalog(layers=layers_of((here,) if here.is_dir() else ()), budget=budget))


def root_of(scenario: Path, books: Books) -> Path | None:
    """Give the folder that a scenario's own references must not leave: the project's, where it lies in it."""
    if books.root is not None and scenario.resolve().is_relative_to(books.root.resolve()):
        return books.root
    return None
