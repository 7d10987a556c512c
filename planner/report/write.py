"""Writing a result: to stdout once it exists, or into a file that is whole or untouched."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from planner.errors import input_error, visible


def write_text(path: str, text: str, *, never: tuple[Path, ...] = ()) -> None:
    """Write text to a file in one step.

    Parameters
    ----------
    path : the file; its folder must exist.
    text : its whole content.
    never : files that were read and must not be overwritten.

    Raises
    ------
    InputError : a folder, a device, an input of this run, or a place that cannot be written.
    """
    target = Path(path)
    shown = visible(path)
    if target.is_dir():
        raise input_error("output-folder", f"{shown} is a folder", hint="name a file")
    if target.exists() and not target.is_file():
        raise input_error("output-file", f"{shown} is not a regular file")
    if any(target.resolve() == other.resolve() for other in never):
        raise input_error("output-input", f"{shown} is an input of this run", hint="write elsewhere")
    real = Path(os.path.realpath(target))
    temporary = ""
    try:
        mode = real.stat().st_mode & 0o777 if real.exists() else 0o666 & ~_umask()
        descriptor, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.", suffix=".tmp")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, real)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        reason = (error.strerror or type(error).__name__).lower()
        raise input_error("output-unwritable", f"{shown} cannot be written: {reason}") from None


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
