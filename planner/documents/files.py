"""Opening files that a user named: regular files only, inside a root where one is given, bounded in size."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
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
    """What one run of the planner may still read, and has read; shared by every reader of the run.

    Parameters
    ----------
    remaining_bytes : left of what it may read [B].
    files : read so far: no output of the run may overwrite one.
    """

    remaining_bytes: int = MAX_RUN_BYTES
    files: list[Path] = field(default_factory=list)

    def take(self, size_bytes: int, name: str) -> None:
        """Count a file against the budget, or refuse it."""
        if size_bytes > self.remaining_bytes:
            raise input_error(
                "files-too-large",
                f"{name}: more than {MAX_RUN_BYTES >> 20} MiB of documents in one run",
            )
        self.remaining_bytes -= size_bytes


def read_text(
    path: str | Path, *, budget: ReadBudget, max_bytes: int = MAX_FILE_BYTES, name: str = "", root: Path | None = None
) -> str:
    """Give the text of a regular UTF-8 file.

    Parameters
    ----------
    path : the file; a directory, device, FIFO or socket is refused without blocking on it.
    budget : what the run may still read.
    max_bytes : largest size accepted.
    name : how the file is called in errors; its path if empty.
    root : folder that the file must lie in, where a document named it. The path is resolved, checked and
        then opened folder by folder without following any link, so that a link put there in between leads
        nowhere.

    Raises
    ------
    InputError : missing, unreadable, outside the root, not a regular file, too large, or not UTF-8.
    """
    shown = brief(name or path, most=_MAX_SHOWN)
    if not _can_be_a_name(str(path)):
        raise input_error("file-name", f"{shown}: not a usable file name")
    try:
        descriptor = os.open(path, _READ) if root is None else _open_beneath(root, Path(path), shown)
    except OSError as error:
        raise _cannot_open(shown, error) from None
    text = _text_of(descriptor, shown, budget=budget, max_bytes=max_bytes)
    budget.files.append(Path(path))
    return text


def _open_beneath(root: Path, path: Path, shown: str) -> int:
    base, resolved = Path(os.path.realpath(root)), Path(os.path.realpath(path))
    if not resolved.is_relative_to(base):
        raise input_error("path-outside", f"{shown} does not lie in {brief(root, most=_MAX_SHOWN)}")
    descriptor = os.open(base, _READ)
    for step in resolved.relative_to(base).parts:
        folder = descriptor
        try:
            descriptor = os.open(step, _READ | getattr(os, "O_NOFOLLOW", 0), dir_fd=folder)
        finally:
            os.close(folder)
    return descriptor


def _can_be_a_name(path: str) -> bool:
    """Whether a file can have that path at all."""
    try:
        longest = max((len(os.fsencode(part)) for part in Path(path).parts), default=0)
    except UnicodeEncodeError:
        return False
    return longest <= _MAX_NAME and "\0" not in path


def _text_of(descriptor: int, shown: str, *, budget: ReadBudget, max_bytes: int) -> str:
    """Give the text of an open file and close it."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise input_error("not-a-file", f"{shown} is {kind}", hint="name a YAML file")
    with os.fdopen(descriptor, "rb") as stream:
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
        not _can_be_a_name(relative)
        or relative.startswith(("/", "\\", "~"))
        or (len(relative) > 1 and relative[1] == ":")
        or "\\" in relative
        or ".." in Path(relative).parts
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
