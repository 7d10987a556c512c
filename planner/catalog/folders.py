"""Where entries stand: the folders of the catalogs, one over the other, and files that a person named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from planner.catalog.kinds import KINDS

_LONGEST_NAME = 100


@cache
def built_in() -> Path:
    """Give the folder of the catalogs that came with the planner: in the wheel, or beside the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "data" / "catalogs"
    return installed if installed.is_dir() else package.parent / "catalogs"


@dataclass
class Folders:
    """Files of entries by kind and id.

    Parameters
    ----------
    layers : folders laid out like `catalogs/`, the one that wins first.
    """

    layers: Sequence[Path]
    _adopted: dict[tuple[str, str], Path] = field(default_factory=dict, repr=False)
    _listed: dict[str, list[Path]] = field(default_factory=dict, repr=False)

    def adopt(self, kind: str, path: Path) -> None:
        """Take one file from outside the folders, over all of them."""
        self._adopted[kind, path.stem] = path

    def is_adopted(self, kind: str, name: str) -> bool:
        """Whether the entry of that id was taken from a file outside the folders."""
        return (kind, name) in self._adopted

    def files(self, kind: str) -> list[Path]:
        """Give the files of a kind, sorted by id and each id once; a folder is listed once."""
        if kind not in self._listed:
            seen: dict[str, Path] = {}
            for layer in self.layers:
                for path in (layer / KINDS[kind].folder).glob("*.yaml"):
                    seen.setdefault(path.stem, path)
            self._listed[kind] = [seen[name] for name in sorted(seen)]
        return self._listed[kind]

    def file(self, kind: str, name: str) -> Path | None:
        """Give the file of an entry by its id, or None; without listing a folder."""
        if (kind, name) in self._adopted:
            return self._adopted[kind, name]
        return self.first(f"{KINDS[kind].folder}/{name}.yaml") if is_plain(name) else None

    def first(self, name: str) -> Path | None:
        """Give the file of that name below a folder, of the folder that wins; or None."""
        return next((path for layer in self.layers if (path := layer / name).is_file()), None)

    def shown(self, path: Path) -> str:
        """Give a file's name as people see it: built-in ones without the folder of the installation."""
        for layer in self.layers:
            if layer == built_in() and path.is_relative_to(layer):
                return str(Path("catalogs") / path.relative_to(layer))
        return str(path)


def is_plain(name: str) -> bool:
    """Whether a name is that of one file in a folder, and leads nowhere else."""
    return 0 < len(name) <= _LONGEST_NAME and not name.startswith(".") and not set(name) & {"/", "\\", "\0"}
