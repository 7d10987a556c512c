"""One run of the suite, from the choice of a backend to the document and its samples."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from planner.bench.backend import backend_named, checked_dtypes
from planner.bench.collectives import KERNELS as COLLECTIVES
from planner.bench.collectives import collective_rows
from planner.bench.document import BenchRun
from planner.bench.documents import digest, samples_text
from planner.bench.fingerprint import fingerprint_of, refuse_oversubscription, verify_threads
from planner.bench.noise import noise_of
from planner.bench.pace import is_shared
from planner.bench.runner import run_cases
from planner.bench.suite import cases_of, read_suite
from planner.errors import Fault, MeasurementError
from planner.record import record

QUICK_S, FULL_S = 18.0, 330.0


@record
class Wish:
    """What is to be measured: see `planner bench run --help`; `date` is today's."""

    backend: str
    level: Literal["quick", "full"]
    dtypes: tuple[str, ...]
    budget_s: float
    threads: int
    date: str
    seed: int = 0


def measure(
    wish: Wish, *, samples_name: str, progress: Callable[[int, int], None] = lambda *_: None
) -> tuple[BenchRun, str]:
    """Measure the suite.

    Returns
    -------
    The document, and the text of its samples.

    Raises
    ------
    MeasurementError : no such device, no such format on it, too many threads, or nothing could be measured.
    """
    begun = time.perf_counter()
    refuse_oversubscription(wish.threads)
    backend = backend_named(wish.backend, threads=wish.threads)
    dtypes = checked_dtypes(backend, wish.dtypes)
    if is_shared(backend):
        verify_threads(backend, threads=wish.threads)
    suite = read_suite()
    cases = cases_of(suite, level=wish.level, dtypes=dtypes)
    alone = [case for case in cases if case.kernel not in COLLECTIVES]
    together = [case for case in cases if case.kernel in COLLECTIVES]
    # Loading a library is part of what was asked for; half of the time is for measuring all the same.
    left = max(wish.budget_s - (time.perf_counter() - begun), wish.budget_s / 2.0)
    measured = run_cases(backend, alone, budget_s=left, seed=wish.seed, progress=progress)
    rows = [*measured.rows, *collective_rows(together, backend=backend.name)]
    preempted = [sample.lap.preempted for taken in measured.samples.values() for sample in taken]
    cores, streams = ([getattr(each, name) for each in measured.canaries] for name in ("core", "memory"))
    noise = noise_of(measured.spreads, cores, preempted, memory=streams)
    samples = samples_text(measured.samples)
    run = BenchRun.model_construct(
        schema_="planner/bench-run/v1",
        suite=suite.version,
        backend=backend.name,
        level=wish.level,
        date=wish.date,
        seconds=measured.seconds,
        complete=measured.complete,
        timer=backend.timer.name,
        fingerprint=fingerprint_of(backend, threads=wish.threads),
        noise=noise,
        samples=samples_name,
        samples_sha256=digest(samples),
        rows=tuple(rows),
    )
    kept = measured.interrupted and measured.samples  # who stops a run early has what it took, if too little to fit
    if not kept and not any(row.state == "measured" for row in rows):
        reasons = sorted({f"{row.state}: {row.reason}" for row in rows})
        raise MeasurementError(Fault("nothing-measured", "no case could be measured", hint="; ".join(reasons[:3])))
    return run, samples
