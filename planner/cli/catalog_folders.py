"""Which catalog folders a command reads: those named, the project's own, and the built-in one."""

from __future__ import annotations

from pathlib import Path

from planner.catalog.store import Catalog
from planner.cli.project import current_books
from planner.errors import input_error, visible
from planner.scenario.project import CATALOGS, find_project


def project_folder() -> Path:
    """Give the folder of the nearest `planner.yaml`, here or above; the working folder where there is none."""
    file = find_project(Path.cwd())
    return file.parent if file is not None else Path.cwd()


def own_catalogs() -> Path:
    """Give the folder that new entries of the project go into, whether it exists or not."""
    file = find_project(Path.cwd())
    named = current_books().project.catalogs if file is not None else ()
    return project_folder() / (named[0] if named else CATALOGS)


def catalog_of(named: tuple[Path, ...] = ()) -> Catalog:
    """Give the catalogs that a command reads, the folder that wins first.

    Parameters
    ----------
    named : folders given by option, first over all others.

    Raises
    ------
    InputError : a named folder is none, or something in planner.yaml is wrong.
    """
    for folder in named:
        if not folder.is_dir():
            raise input_error("catalog-folder", f"{visible(str(folder))} is not a folder")
    return Catalog(layers=(*named, *current_books().catalog.layers))
