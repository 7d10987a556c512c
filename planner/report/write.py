"""Writing a result: to stdout once it exists, or into a file that is whole or untouched."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from glob import escape
from pathlib import Path

from planner.errors import InputError, input_error, visible

_WRITABLE = 0o222


def write_text(path: str, text: str, *, never: Sequence[Path] = ()) -> None:
    """Write text to a file in one step.

    Parameters
    ----------
    path : the file; its folder must exist.
    text : its whole content.
    never : files that were read and must not be overwritten.

    Raises
    ------
    InputError : a folder, a device, a link, a read-only file, an input of this run, or a place that cannot
        be written.
    """
    target = Path(path)
    refused = _refusal(target, never)
    if refused is not None:
        raise refused
    temporary = ""
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        _sweep(target)
        # The process is in the name, so that a later run can tell what a killed one left behind.
        prefix = f".{target.name}.{os.getpid()}."
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=prefix, suffix=".tmp")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
        temporary = ""
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise input_error("output-unwritable", f"{visible(path)} cannot be written: {reason}") from None
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def write_folder(path: str, texts: Mapping[str, str], *, never: Sequence[Path] = ()) -> None:
    """Write several files into a folder, which is made where it is missing; see `write_text`.

    Parameters
    ----------
    path : the folder; the one that it is in must exist. texts : by file name.
    never : files that were read and must not be overwritten.
    """
    folder = Path(path)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise input_error("output-file", f"{visible(path)} is no folder", hint="name a folder, or one .svg file")
    try:
        folder.mkdir(exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise input_error("output-unwritable", f"{visible(path)[:200]} cannot be made: {reason.lower()}") from None
    for name, text in texts.items():
        write_text(str(folder / name), text, never=never)


def _refusal(target: Path, never: Sequence[Path]) -> InputError | None:
    shown = visible(str(target))
    try:
        if target.is_symlink():
            return input_error("output-file", f"{shown} is a link", hint="name the file that it leads to")
        if target.is_dir():
            return input_error("output-folder", f"{shown} is a folder", hint="name a file")
        if target.exists() and not target.is_file():
            return input_error("output-file", f"{shown} is not a regular file")
        if target.exists() and not target.stat().st_mode & _WRITABLE:
            return input_error("output-unwritable", f"{shown} cannot be written: it is read-only")
        if target.exists() and any(other.exists() and target.samefile(other) for other in never):
            return input_error("output-input", f"{shown} is an input of this run", hint="write elsewhere")
    except (OSError, ValueError) as error:  # a name too long, a NUL, a folder that cannot be entered
        reason = getattr(error, "strerror", None) or str(error)
        return input_error("output-unwritable", f"{shown[:200]} cannot be written: {visible(reason).lower()}")
    return None


def _sweep(target: Path) -> None:
    """Remove what runs that were killed while they wrote this file left behind."""
    if os.name == "nt":  # asking whether a process runs would end it there
        return
    for left in target.parent.glob(f".{escape(target.name)}.*.tmp"):
        process = left.name.removeprefix(f".{target.name}.").split(".")[0]
        if process.isdigit() and not _is_running(int(process)):
            with contextlib.suppress(OSError):
                left.unlink()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
