"""Opening files that a user named: regular files only, inside a root where one is given, bounded in size."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from planner.errors import brief, input_error

MAX_FILE_BYTES = 4 * 2**20
MAX_RUN_BYTES = 64 * 2**20
_MAX_NAME = 255
_MAX_SHOWN = 200
# A FIFO is not waited for; a link is not followed where a folder is walked.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(slots=True)
class ReadBudget:
    """Bytes that one run of the planner may still read; shared by every reader of the run."""

    remaining_bytes: int = MAX_RUN_BYTES

    def take(self, size_bytes: int, name: str) -> None:
        """Count a file against the budget, or refuse it."""
        if size_bytes > self.remaining_bytes:
            raise input_error(
                "files-too-large",
                f"{name}: more than {MAX_RUN_BYTES >> 20} MiB of documents in one run",
            )
        self.remaining_bytes -= size_bytes


def read_text(path: str | Path, *, budget: ReadBudget, max_bytes: int = MAX_FILE_BYTES, name: str = "") -> str:
    """Give the text of a regular UTF-8 file.

    Parameters
    ----------
    path : the file; a directory, device, FIFO or socket is refused without blocking on it.
    budget : what the run may still read.
    max_bytes : largest size accepted.
    name : how the file is called in errors; its path if empty.

    Raises
    ------
    InputError : missing, unreadable, not a regular file, too large, or not UTF-8.
    """
    shown = brief(name or path, most=_MAX_SHOWN)
    _usable(str(path), shown)
    try:
        descriptor = os.open(path, _READ)
    except OSError as error:
        raise _cannot_open(shown, error) from None
    return _text_of(descriptor, shown, budget=budget, max_bytes=max_bytes)


def read_text_inside(
    root: Path, relative: str, *, budget: ReadBudget, max_bytes: int = MAX_FILE_BYTES, shown: str
) -> str:
    """Give the text of a file that a document names relative to a root.

    The path is resolved, checked, and then opened folder by folder from the root without following any
    link, so that a link put there in between leads nowhere.

    Parameters
    ----------
    root : folder that the file must lie in.
    relative : path as the document has it.
    shown : the document, for errors.

    Raises
    ------
    InputError : as `inside` and `read_text`.
    """
    target = inside(root, relative, shown=shown)
    name = brief(relative, most=_MAX_SHOWN)
    base = Path(os.path.realpath(root))
    steps = Path(os.path.realpath(target)).relative_to(base).parts
    if not steps:
        raise input_error("not-a-file", f"{name} is a directory", hint="name a YAML file")
    try:
        folder = os.open(base, _READ)
        for step in steps[:-1]:
            following = _open_in(folder, step)
            folder = following
        descriptor = _open_in(folder, steps[-1])
    except OSError as error:
        raise _cannot_open(name, error) from None
    return _text_of(descriptor, name, budget=budget, max_bytes=max_bytes)


def _open_in(folder: int, step: str) -> int:
    """Open one entry of an open folder, not through a link, and close the folder."""
    try:
        return os.open(step, _READ | getattr(os, "O_NOFOLLOW", 0), dir_fd=folder)
    finally:
        os.close(folder)


def _usable(path: str, shown: str) -> None:
    """Refuse what no file can be called."""
    try:
        long = any(len(os.fsencode(part)) > _MAX_NAME for part in Path(path).parts)
    except UnicodeEncodeError:
        long = True
    if long or "\0" in path:
        raise input_error("file-name", f"{shown}: not a usable file name")


def _text_of(descriptor: int, shown: str, *, budget: ReadBudget, max_bytes: int) -> str:
    """Give the text of an open file and close it."""
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise input_error("not-a-file", f"{shown} is {kind}", hint="name a YAML file")
        if status.st_size > max_bytes:
            raise _too_large(shown, max_bytes)
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise _too_large(shown, max_bytes)
    budget.take(len(data), shown)
    return decode(data, shown)


def decode(data: bytes, shown: str) -> str:
    """Give UTF-8 bytes as text without a byte-order mark, or refuse them with the offset of the first bad one."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise input_error(
            "not-utf8", f"{shown}:{line}: not UTF-8 (byte {error.start})", hint="save the file as UTF-8"
        ) from None
    return text


def inside(root: Path, relative: str, *, shown: str) -> Path:
    """Give the path of a file that a document names relative to a root, refusing all that leaves the root.

    Absolute paths, `~`, drive letters, UNC names and `..` are refused by their text; symbolic links are
    followed and the result must still lie inside the root.
    """
    bad = (
        "\0" in relative
        or relative.startswith(("/", "\\", "~"))
        or (len(relative) > 1 and relative[1] == ":")
        or "\\" in relative
        or ".." in Path(relative).parts
        or any(len(part) > _MAX_NAME for part in Path(relative).parts)
        or not relative.strip()
    )
    if not bad:
        target = root / relative
        resolved = Path(os.path.realpath(target))
        bad = not resolved.is_relative_to(os.path.realpath(root))
    if bad:
        raise input_error(
            "path-outside",
            f"{shown}: '{brief(relative)}' is not a path inside {brief(root, most=_MAX_SHOWN)}",
            allowed="a relative path without '..' that stays inside the project",
        )
    return target


def _cannot_open(shown: str, error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError):
        return input_error("file-missing", f"{shown}: no such file")
    if isinstance(error, IsADirectoryError):
        return input_error("not-a-file", f"{shown} is a directory", hint="name a YAML file")
    reason = error.strerror or type(error).__name__
    return input_error("file-unreadable", f"{shown}: {reason.lower()}")


def _too_large(shown: str, max_bytes: int) -> Exception:
    return input_error("file-too-large", f"{shown}: larger than {max_bytes / 2**20:g} MiB")
