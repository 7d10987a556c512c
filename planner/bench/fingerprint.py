"""What a run was made on, told so that another one can be compared with it."""

from __future__ import annotations

import hashlib
import os
import platform

from planner.bench import host
from planner.bench.backend import Backend
from planner.bench.document import Fingerprint
from planner.bench.suite import canary_case
from planner.bench.timers import Lap
from planner.errors import Fault, MeasurementError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def fingerprint_of(backend: Backend, *, threads: int) -> Fingerprint:
    """Give the fingerprint of this machine, its software and the settings that change times."""
    device, memory, libraries, settings = backend.describe()
    settings = settings | {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    return Fingerprint(
        device=device,
        cores=host.cores(),
        threads=threads,
        memory_bytes=memory,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        libraries=libraries,
        settings=settings,
    )


def short_id(fingerprint: Fingerprint) -> str:
    """Give a few letters that stand for a machine and its software."""
    told = fingerprint.model_dump_json(exclude={"settings"})
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def differences(one: Fingerprint, other: Fingerprint) -> list[str]:
    """Give what differs between two fingerprints, in words; times of both should not be mixed where something does."""
    found = []
    for name in ("device", "cores", "threads", "system", "python"):
        first, second = getattr(one, name), getattr(other, name)
        if first != second:
            found.append(f"{name}: {first} and {second}")
    for name in sorted(set(one.libraries) | set(other.libraries)):
        first, second = one.libraries.get(name, "none"), other.libraries.get(name, "none")
        if first != second:
            found.append(f"{name}: {first} and {second}")
    return found


def refuse_oversubscription(threads: int) -> None:
    """Refuse to measure with more threads than cores: they would wait for each other.

    Raises
    ------
    MeasurementError : more threads than cores.
    """
    cores = host.cores()
    if threads > cores:
        raise _oversubscribed(f"{threads} threads on {cores} cores", allowed=f"1 to {cores}")


def verify_threads(backend: Backend, *, threads: int) -> None:
    """Run a large product and see that it keeps no more cores busy than it was told to.

    A setting that came after the library was loaded has no effect; that shows here.

    Raises
    ------
    MeasurementError : more threads compute than were asked for.
    """
    prepared = backend.prepare(canary_case(768))
    prepared.run()
    busy = min(_busy(backend.timer.lap(prepared.run, 3)) for _ in range(3))
    if busy > threads + _HALF_A_CORE:
        raise _oversubscribed(f"{busy:.1f} cores are busy where {threads} were asked for", allowed=f"{threads}")


_HALF_A_CORE = 0.5


def _busy(lap: Lap) -> float:
    return lap.cpu / lap.wall


def _oversubscribed(message: str, *, allowed: str) -> MeasurementError:
    hint = "set OMP_NUM_THREADS before the start, or give --threads"
    return MeasurementError(Fault("threads-oversubscribed", message, allowed=allowed, hint=hint))
