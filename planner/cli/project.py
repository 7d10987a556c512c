"""The project that a command works in: the `planner.yaml` of the working folder or of the nearest one above it."""

from __future__ import annotations

import os
from pathlib import Path

from planner.documents.files import ReadBudget
from planner.planning.books import Books
from planner.scenario.project import ReadProject, find_project, read_project


def current_project(budget: ReadBudget) -> ReadProject | None:
    """Give the project that the working folder lies in; None outside of any.

    Raises
    ------
    InputError : there is a `planner.yaml`, and something in it is wrong.
    """
    file = find_project(Path.cwd())
    return read_project(file, budget=budget, name=os.path.relpath(file)) if file is not None else None


def current_books() -> Books:
    """Give the catalogs, prices and defaults of the current project, or the built-in ones."""
    budget = ReadBudget()
    project = current_project(budget)
    return Books.of(project, budget) if project is not None else Books()


def root_of(scenario: Path, books: Books) -> Path | None:
    """Give the folder that a scenario's own references must not leave: the project's, where it lies in it."""
    if books.root is not None and scenario.resolve().is_relative_to(books.root.resolve()):
        return books.root
    return None
