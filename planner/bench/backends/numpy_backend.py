"""numpy: always there. Matrix products by its BLAS; what it has no kernel for is told."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable

import numpy as np

from planner.bench import host
from planner.bench.backend import NotRunnable, Prepared
from planner.bench.storage import storage_case
from planner.bench.suite import Case
from planner.bench.timers import ProcessorTimer, Timer

_TYPES = {"fp64": np.float64, "fp32": np.float32}
_SMALL = 1e-3
_POOL = 1_000_003  # numbers that operands repeat: a prime, so that rows differ


class NumpyBackend:
    """Kernels that numpy has."""

    def __init__(self, threads: int) -> None:
        self.name = "numpy"
        self.threads = threads
        self.timer: Timer = ProcessorTimer(threads)
        self.random = np.random.default_rng(0)
        self.pool = self.random.standard_normal(_POOL)
        self.pool[np.abs(self.pool) < _SMALL] = _SMALL
        self.stretches: dict[str, np.ndarray] = {}

    def dtypes(self) -> tuple[str, ...]:
        return tuple(_TYPES)

    def describe(self) -> tuple[str, float, dict[str, str], dict[str, str]]:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        libraries = {"numpy": np.__version__, str(blas.get("name")): str(blas.get("version"))}
        settings = {"threads asked for": os.environ.get("OMP_NUM_THREADS", "not set"), "machine": platform.machine()}
        return host.processor_name(), host.memory_bytes(), libraries, settings

    def clock_share(self) -> float | None:
        return None

    def prepare(self, case: Case) -> Prepared:
        if case.dtype not in _TYPES:
            raise NotRunnable(f"numpy has no products in {case.dtype}")
        if case.kernel in ("storage-read", "storage-write"):
            return storage_case(case)
        made = _MAKERS.get(case.kernel)
        if made is None:
            raise NotRunnable(f"numpy has no kernel '{case.kernel}'")
        return made(self, case)

    def normal(self, case: Case, *shape: int) -> np.ndarray:
        """Give normal random numbers, none of them zero or a denormal."""
        count = math.prod(shape)
        repeated = np.resize(np.roll(self.pool, self.random.integers(len(self.pool))), count)
        return repeated.astype(_TYPES[case.dtype]).reshape(shape)

    def rotated(self, case: Case, copies: int, *shape: int) -> list[np.ndarray]:
        """Give operands side by side in one stretch of memory that all cases share: it is filled once."""
        count = math.prod(shape)
        stretch = self.stretches.get(case.dtype)
        if stretch is None or stretch.size < copies * count:
            stretch = self.stretches[case.dtype] = self.normal(case, copies * count)
        return [stretch[at * count : (at + 1) * count].reshape(shape) for at in range(copies)]


def open_backend(name: str, *, threads: int | None) -> NumpyBackend:
    """Give the backend; its threads were set before numpy was imported, which a test of the run verifies."""
    del name
    return NumpyBackend(threads or host.cores())


def _matmul(backend: NumpyBackend, case: Case) -> Prepared:
    m, n, k = case.size
    copies = host.copies_that_leave_the_cache(case.bytes) if case.operands == "cold" else 1
    left = backend.normal(case, k, m).T if case.layout == "tn" else backend.normal(case, m, k)
    stored = backend.rotated(case, copies, *((n, k) if case.layout == "nt" else (k, n)))
    rights = [each.T for each in stored] if case.layout == "nt" else stored
    out = np.empty((m, n), dtype=left.dtype)
    turn = [0]

    def run() -> None:
        turn[0] = (turn[0] + 1) % copies
        np.matmul(left, rights[turn[0]], out=out)

    def error() -> float:
        wanted = left.astype(np.float64) @ rights[turn[0]].astype(np.float64)
        return float(np.max(np.abs(out - wanted)) / np.max(np.abs(wanted)))

    return Prepared(run, error)


def _batched(backend: NumpyBackend, case: Case) -> Prepared:
    groups, m, n, k = case.size
    left, right = backend.normal(case, groups, m, k), backend.normal(case, groups, k, n)
    out = np.empty((groups, m, n), dtype=left.dtype)

    def error() -> float:
        wanted = left.astype(np.float64) @ right.astype(np.float64)
        return float(np.max(np.abs(out - wanted)) / np.max(np.abs(wanted)))

    return Prepared(lambda: np.matmul(left, right, out=out), error)


def _cold_read(backend: NumpyBackend, case: Case) -> Prepared:
    """Read one stretch after the other, of as many as no cache holds."""
    copies = host.copies_that_leave_the_cache(case.bytes)
    stretches = backend.rotated(case, copies, case.size[0])
    turn = [0]

    def run() -> None:
        turn[0] = (turn[0] + 1) % copies
        stretches[turn[0]].sum()

    return Prepared(run)


def _stream(backend: NumpyBackend, case: Case) -> Prepared:
    if case.operands == "cold":
        return _cold_read(backend, case)
    first, second = backend.normal(case, case.size[0]), backend.normal(case, case.size[0])
    out = np.empty_like(first)
    if case.kernel == "copy":
        return Prepared(lambda: np.copyto(out, first))
    if case.kernel == "read":
        return Prepared(first.sum)

    def triad() -> None:
        np.multiply(second, 3.0, out=out)
        np.add(out, first, out=out)

    return Prepared(triad)


def _add(backend: NumpyBackend, case: Case) -> Prepared:
    first, second = backend.normal(case, *case.size), backend.normal(case, *case.size)
    out = np.empty_like(first)
    return Prepared(lambda: np.add(first, second, out=out))


def _softmax(backend: NumpyBackend, case: Case) -> Prepared:
    values = backend.normal(case, *case.size)

    def run() -> np.ndarray:
        powers = np.exp(values - values.max(axis=-1, keepdims=True))
        share: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
        return share

    return Prepared(run)


def _layer_norm(backend: NumpyBackend, case: Case) -> Prepared:
    values = backend.normal(case, *case.size)

    def run() -> np.ndarray:
        centred = values - values.mean(axis=-1, keepdims=True)
        normed: np.ndarray = centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + 1e-5)
        return normed

    return Prepared(run)


def _launch(backend: NumpyBackend, case: Case) -> Prepared:
    value, out = backend.normal(case, 1), np.empty(1)
    return Prepared(lambda: np.add(value, value, out=out))


_MAKERS: dict[str, Callable[[NumpyBackend, Case], Prepared]] = {
    "matmul": _matmul,
    "batched": _batched,
    "grouped": _batched,
    "copy": _stream,
    "triad": _stream,
    "read": _stream,
    "add": _add,
    "softmax": _softmax,
    "layer-norm": _layer_norm,
    "launch": _launch,
}
