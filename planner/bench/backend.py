"""The protocol of a backend, and what it says where a device cannot run something."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Protocol

from planner.bench.suite import Case
from planner.bench.timers import Timer
from planner.errors import Fault, MeasurementError, did_you_mean, input_error, listing
from planner.record import record

BACKENDS = {
    "numpy": ("planner.bench.backends.numpy_backend", "numpy on the processor"),
    "torch-cpu": ("planner.bench.backends.torch_backend", "torch on the processor"),
    "torch-cuda": ("planner.bench.backends.torch_backend", "torch on a GPU of NVIDIA"),
    "torch-rocm": ("planner.bench.backends.torch_backend", "torch on a GPU of AMD"),
    "torch-xla": ("planner.bench.backends.xla_backend", "torch-xla on a TPU, torch-neuronx on Trainium"),
}
PROCESSOR_BACKENDS = frozenset({"numpy", "torch-cpu"})
"""Those that compute on the host's own cores, which others use too; the others have a device of their own."""
EMULATED = "emulated"
"""Of a format in a fingerprint's settings: the device has no products in it, and the library computes them in loops."""
DTYPES = ("fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "int8")


class NotRunnable(Exception):  # noqa: N818 - it is an answer, no failure
    """The device or the library has no such kernel; the text says why."""


@record
class Prepared:
    """A case ready to run.

    Parameters
    ----------
    run : one call; asynchronous on devices.
    error : of the last result against the same in 64 bits, relative to its largest element; NaN where the result
        is none. None where a kernel has no such check.
    """

    run: Callable[[], object]
    error: Callable[[], float] | None = None


class Backend(Protocol):
    """What a benchmark asks of a library."""

    name: str
    timer: Timer

    def dtypes(self) -> tuple[str, ...]:
        """Give the formats that the device multiplies."""
        ...

    def describe(self) -> tuple[str, float, dict[str, str], dict[str, str]]:
        """Give the device's name, its memory [B], versions of libraries and settings that change times."""
        ...

    def prepare(self, case: Case) -> Prepared:
        """Give a case with operands made: normal random numbers, no zeros, no denormals.

        Raises
        ------
        NotRunnable : the device has no such kernel.
        MemoryError : the operands do not fit.
        """
        ...

    def clock_share(self) -> float | None:
        """Give the clock as a share of the highest one, or None where nobody can say."""
        ...


def backend_named(name: str, *, threads: int | None = None) -> Backend:
    """Give a backend by name.

    Raises
    ------
    InputError : there is none of that name, or its library is not installed.
    MeasurementError : there is no such device here.
    """
    wanted = "torch-cpu" if name == "torch" else name
    if wanted not in BACKENDS:
        raise input_error(
            "unknown-backend", f"no backend '{name}'", allowed=listing([*BACKENDS]), hint=did_you_mean(name, BACKENDS)
        )
    module = importlib.import_module(BACKENDS[wanted][0])
    backend: Backend = module.open_backend(wanted, threads=threads)
    return backend


def checked_dtypes(backend: Backend, asked: tuple[str, ...]) -> tuple[str, ...]:
    """Give the formats to measure: those asked for, or 32 bits alone.

    Raises
    ------
    InputError : a name of no format. MeasurementError : the device multiplies none of them.
    """
    for dtype in asked:
        if dtype not in DTYPES:
            raise input_error(
                "unknown-dtype",
                f"no number format '{dtype}'",
                allowed=listing(DTYPES),
                hint=did_you_mean(dtype, DTYPES),
            )
    chosen = asked or ("fp32",)
    if not set(chosen) & set(backend.dtypes()):
        raise MeasurementError(
            Fault(
                "dtype-missing",
                f"{backend.name} has no products in {', '.join(chosen)}",
                allowed=listing(backend.dtypes()),
            )
        )
    return chosen
