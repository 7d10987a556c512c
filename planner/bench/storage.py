"""Reading and writing of a file, as a data loader and a checkpoint do it, in the temporary folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from planner.bench.backend import NotRunnable, Prepared
from planner.bench.suite import ELEMENT_BYTES, Case


def storage_case(case: Case) -> Prepared:
    """Give a case that writes a file through to the device, or reads one that the system was told to forget."""
    size = int(case.size[0] * ELEMENT_BYTES[case.dtype])
    try:
        descriptor, name = tempfile.mkstemp(prefix="planner-bench-")
    except OSError as error:
        raise NotRunnable(f"no file can be written: {error.strerror}") from None
    os.unlink(name)  # it lives as long as it is open
    data = np.random.default_rng(0).bytes(size)
    held = os.fdopen(descriptor, "r+b", buffering=0)
    held.write(data)
    os.fsync(descriptor)

    def write() -> None:
        held.seek(0)
        held.write(data)
        os.fsync(descriptor)

    def read() -> None:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        held.seek(0)
        if len(held.read()) != size:
            raise OSError("the file is shorter than it was written")

    return Prepared(write if case.kernel == "storage-write" else read)


def is_writable(folder: Path) -> bool:
    """Say whether files can be made in a folder."""
    return folder.is_dir() and os.access(folder, os.W_OK)
