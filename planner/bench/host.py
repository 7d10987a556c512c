"""The machine that a benchmark runs on: its processor, memory, cores and caches."""

from __future__ import annotations

import ctypes
import math
import os
import platform
from pathlib import Path

_CACHE_BYTES = 64 * 2.0**20  # taken for the last-level cache where the system does not tell
_COLD = 3.0  # as many bytes of rotating operands as three caches
_MOST_COPIES = 256


def cores() -> int:
    """Give the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor_name() -> str:
    """Give the processor's name as the system tells it."""
    for line in _lines("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine() or "unknown processor"


def multiplies_bf16() -> bool | None:
    """Say whether the processor has products in bf16, or None where the system does not tell.

    Libraries compute them in any case: without them in loops over numbers that they convert.
    """
    for line in _lines("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return bool(_BF16_FLAGS & set(value.split()))
    return None


_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})  # of x86, and of ARM


def memory_bytes() -> float:
    """Give the host's memory [B]; 0 where the system does not tell."""
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal:"):
            return float(line.split()[1]) * 1024.0
    return 0.0


def cache_bytes() -> float:
    """Give the size of the last-level cache [B]."""
    sizes = []
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = index.read_text("ascii").strip()
        unit = {"K": 2.0**10, "M": 2.0**20}.get(text[-1:], 0.0)
        sizes.append(float(text[:-1]) * unit if unit else 0.0)
    return max(sizes, default=0.0) or _CACHE_BYTES


def copies_that_leave_the_cache(one_bytes: float) -> int:
    """Give how many buffers of a size to rotate over so that none is in the cache when it comes round again."""
    return min(max(2, math.ceil(_COLD * cache_bytes() / max(one_bytes, 1.0)) + 1), _MOST_COPIES)


def keep_freed_memory() -> bool:
    """Have this process keep memory that it frees, as allocators of GPUs do; say whether the C library could be told.

    glibc gives it back to the system, which maps every page anew at the next step of a model: a seventh of the time of
    a training step, and of no kernel that is measured by itself.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all(mallopt(option, _KEPT_BYTES) == 1 for option in (_TRIM_THRESHOLD, _MMAP_THRESHOLD))


# Options of glibc's <malloc.h>, and more than a step of the models here allocates at once: our estimate.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 2**30


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
