"""The script that draws charts, kept in the user's cache: bundling it takes seconds, and it stays the same.

What is kept is believed only where nobody else could have put it there, and made anew otherwise.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

from planner.errors import InputError

_FOLDER = "accelerator-planner"
_OTHERS_WRITE = 0o022
_DIGEST = 64


def cache_folder() -> Path | None:
    """Give the folder that the user keeps caches in; None where the system knows no such, or no owners of files."""
    named, home = os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("HOME", "")
    if not hasattr(os, "geteuid"):
        return None
    folder = Path(named) if named else Path(home) / ".cache" if home else None
    return folder / _FOLDER if folder is not None and folder.is_absolute() else None


def kept(name: str, make: Callable[[], str], folder: Path | None) -> str:
    """Give a text that is kept by a name, or make and keep it.

    Parameters
    ----------
    name : of the file, which says all that the text depends on. make : gives the text.
    folder : to keep it in; None for nowhere.
    """
    if folder is None:
        return make()
    found = _read(folder, name)
    if found is None:
        found = make()
        # A cache that cannot be written is no reason to fail.
        with contextlib.suppress(OSError, InputError):
            _write(folder, name, found)
    return found


def _read(folder: Path, name: str) -> str | None:
    try:
        if not _is_own(os.lstat(folder), stat.S_ISDIR):
            return None
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            if not _is_own(os.fstat(descriptor), stat.S_ISREG):
                return None
            digest, data = stream.read(_DIGEST), stream.read()
        return data.decode("utf-8") if digest == _digest(data) else None
    except (OSError, UnicodeDecodeError):
        return None


def _write(folder: Path, name: str, text: str) -> None:
    from planner.report.write import write_text

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _is_own(os.lstat(folder), stat.S_ISDIR):
        write_text(str(folder / name), _digest(text.encode("utf-8")).decode("ascii") + text)
        os.chmod(folder / name, 0o600)


def _is_own(found: os.stat_result, kind: Callable[[int], bool]) -> bool:
    return kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_WRITE


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode("ascii")
