"""Which catalog folders a command reads: those named, the project's own, and the built-in one."""

from __future__ import annotations

from pathlib import Path

from planner.catalog.store import Catalog, built_in
from planner.errors import input_error, visible

PROJECT_FILE = "planner.yaml"
FOLDER = "catalogs"


def project_folder() -> Path:
    """Give the folder of the nearest `planner.yaml`, here or above; the working folder where there is none."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    return here


def own_catalogs() -> Path:
    """Give the folder of the project's own catalogs, whether it exists or not."""
    return project_folder() / FOLDER


def catalog_of(named: tuple[Path, ...] = ()) -> Catalog:
    """Give the catalogs that a command reads, the folder that wins first.

    Parameters
    ----------
    named : folders given by option, first over all others.

    Raises
    ------
    InputError : a named folder is none.
    """
    for folder in named:
        if not folder.is_dir():
            raise input_error("catalog-folder", f"{visible(str(folder))} is not a folder")
    layers = [*named]
    own = own_catalogs()
    if own.is_dir() and own.resolve() != built_in().resolve():
        layers.append(own)
    return Catalog(layers=(*layers, built_in()))
