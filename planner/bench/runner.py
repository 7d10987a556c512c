"""Running cases: checked once, then sampled in a new random order every round, until noise settles or time is up.

A few cases at a time have their fewest samples first, so that a run which is stopped has told something; the rounds
that follow go over all of them, which spreads each case's samples over the run.
Two canaries run before every sample and tell the machine's pace, to which times are brought: `planner.bench.pace`.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from planner.bench.backend import Backend, NotRunnable, Prepared
from planner.bench.document import RunRow, State
from planner.bench.noise import Spread, spread_of
from planner.bench.pace import Canary, Pace, canary_of, is_shared, memory_share_of, slowdown
from planner.bench.suite import PRODUCTS, Case
from planner.bench.timers import ClockJump, Lap

SAMPLE_S = 4e-3  # a thousand times the resolution of any clock used, and more
_MOST_SAMPLES = 40
_FEWEST_SAMPLES = 5
_THROTTLED_BELOW = 0.75  # of the highest clock
_STRAY = 1.15  # canaries that are slower than those around them by this were disturbed, and the sample with them
# Largest error of a product against 64 bits, relative to its largest element: about 20 roundings of the format.
_TOLERANCE = {"fp64": 1e-12, "fp32": 1e-4, "tf32": 2e-2, "bf16": 5e-2, "fp16": 1e-2, "fp8": 1e-1, "int8": 1e-12}


@dataclass(slots=True)
class Sample:
    """One lap of a case, with the canaries before it and the time since the run began [s]."""

    at: float
    lap: Lap
    canary: Canary


@dataclass(slots=True)
class _Running:
    case: Case
    prepared: Prepared | None = None
    calls: int = 1
    sample_s: float = 0.0
    state: State = "measured"
    reason: str = ""
    error: float | None = None
    rounds: int = 0
    samples: list[Sample] = field(default_factory=list)

    def failed(self, state: State, reason: str) -> None:
        self.state, self.reason, self.prepared = state, " ".join(reason.split())[:300], None


@dataclass(slots=True)
class Measured:
    """What a run of cases gave.

    Parameters
    ----------
    rows : one for each case. samples : by the case's name. seconds : that it took. complete : whether every case
        had its samples. interrupted : whether a person stopped it.
    """

    rows: list[RunRow]
    samples: dict[str, list[Sample]]
    spreads: list[Spread]
    seconds: float
    complete: bool
    interrupted: bool
    canaries: list[Canary]


def run_cases(
    backend: Backend,
    cases: Sequence[Case],
    *,
    budget_s: float,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Measured:
    """Measure cases within a budget of time.

    Parameters
    ----------
    backend, cases : what runs where. budget_s : after which no sample begins [s]. seed : of the order.
    progress : told samples taken and wanted.

    Returns
    -------
    A row for every case: measured, or why it was not. Ctrl-C ends the run and keeps what was measured.
    """
    run = _Run(backend, canary_of(backend), random.Random(seed), time.perf_counter(), budget_s)  # noqa: S311 - an order
    running = [_Running(case) for case in cases]

    def told() -> None:
        progress(sum(len(each.samples) for each in running), _MOST_SAMPLES * len(running))

    interrupted = False
    try:
        for first in range(0, len(running), _TOGETHER):
            some = running[first : first + _TOGETHER]
            _prepare_in_time(some, run)
            _rounds(some, run, _FEWEST_SAMPLES, told)
        _rounds(running, run, _MOST_SAMPLES, told)
    except KeyboardInterrupt:
        interrupted = True
    return _told(running, seconds=run.seconds, interrupted=interrupted, scaled=is_shared(backend))


@dataclass(slots=True)
class _Run:
    """What all cases of a run share: where they run, their order, and the time that they have."""

    backend: Backend
    canary: Callable[[], Canary]
    order: random.Random
    begun: float
    budget_s: float

    @property
    def seconds(self) -> float:
        """Time since the run began [s]."""
        return time.perf_counter() - self.begun


_TOGETHER = 16  # cases that have their fewest samples before the next are prepared: some seconds' worth; our choice
_AND_CANARY = 2.0  # of a sample's time: the canaries before it, and others who have the processor; our estimate


def _prepare_in_time(some: list[_Running], run: _Run) -> None:
    for each in some:
        sampling = _FEWEST_SAMPLES * _AND_CANARY * sum(other.sample_s for other in some)
        if run.seconds + sampling < run.budget_s:
            _prepare(each, run.backend)
        else:
            each.failed("interrupted", f"the budget of {run.budget_s:.0f} s was spent before its turn")


def _rounds(running: list[_Running], run: _Run, most: int, told: Callable[[], None]) -> None:
    """Sample each case once a round, until all have that many samples or are settled, or the time is spent."""
    while waiting := [each for each in running if each.prepared and each.rounds < most and not _is_settled(each)]:
        if most <= _FEWEST_SAMPLES:
            waiting = _in_time(waiting, run)
        run.order.shuffle(waiting)
        for each in waiting:
            if run.seconds > run.budget_s:
                return
            each.rounds += 1
            _sample(each, run.backend, run.canary(), at=run.seconds)
            told()


def _in_time(waiting: list[_Running], run: _Run) -> list[_Running]:
    """Give the first cases that come to their fewest samples: rather those than all of them with too few."""
    left, kept = run.budget_s - run.seconds, 0
    for each in waiting:
        left -= (_FEWEST_SAMPLES - each.rounds) * _AND_CANARY * each.sample_s
        kept += left > 0.0
    return waiting[: max(1, kept)]


def _is_settled(each: _Running) -> bool:
    kept = [sample.lap.seconds for sample in each.samples]
    return len(kept) >= 2 * _FEWEST_SAMPLES and spread_of(kept).settled


def _prepare(each: _Running, backend: Backend) -> None:
    """Make operands, warm up, check the result and choose how many calls make one sample."""
    case = each.case
    try:
        prepared = backend.prepare(case)
        prepared.run()
        lap = backend.timer.lap(prepared.run, 1)
        once = lap.seconds
        each.calls = max(1, min(math.ceil(SAMPLE_S / once), 100_000))
        each.sample_s = max(lap.wall, once) * each.calls
        if case.kernel in PRODUCTS and prepared.error:
            each.error = prepared.error()
            if not each.error <= _TOLERANCE[case.dtype]:  # NaN too
                each.failed(
                    "wrong-result", f"a product differs from 64 bits by {each.error:.2g} of its largest element"
                )
                return
        each.prepared = prepared
    except NotRunnable as reason:
        each.failed("unsupported", str(reason))
    except (MemoryError, RuntimeError, NotImplementedError, OSError, ClockJump) as error:
        each.failed(*_state_of(error))


def _sample(each: _Running, backend: Backend, canary: Canary, *, at: float) -> None:
    if each.prepared is None:
        return
    try:
        share = backend.clock_share()
        if share is not None and share < _THROTTLED_BELOW:
            each.reason = f"samples at {share:.0%} of the highest clock were dropped"
            return
        each.samples.append(Sample(at, backend.timer.lap(each.prepared.run, each.calls), canary))
    except ClockJump as jump:
        each.reason = str(jump)  # the sample is dropped; others may still tell the time
    except (MemoryError, RuntimeError, OSError) as error:
        each.failed(*_state_of(error))


def _state_of(error: Exception) -> tuple[State, str]:
    """Give the state of a case that failed: out of memory, or a device that went away, or what else was said."""
    text = str(error) or type(error).__name__
    lower = text.lower()
    if isinstance(error, MemoryError) or "out of memory" in lower or "can't allocate memory" in lower:
        return "out-of-memory", text
    if isinstance(error, ClockJump):
        return "clock-jump", text
    if any(word in lower for word in ("device-side", "no longer", "device lost", "unspecified launch", "ecc error")):
        return "device-lost", text
    if "not implemented" in lower or "unsupported" in lower or isinstance(error, NotImplementedError):
        return "unsupported", text
    return "failed", text


def _told(running: list[_Running], *, seconds: float, interrupted: bool, scaled: bool) -> Measured:
    canaries = [s.canary for each in running for s in each.samples]
    pairs = [(s.at, s.canary) for each in running for s in each.samples]
    pace = Pace(pairs, scaled=scaled)
    rows, spreads = [], []
    for each in running:
        row, spread = _row(each, pace, interrupted=interrupted)
        rows.append(row)
        if spread:
            spreads.append(spread)
    samples = {each.case.name: each.samples for each in running if each.samples}
    complete = not interrupted and all(row.state != "interrupted" for row in rows)
    return Measured(rows, samples, spreads, seconds, complete, interrupted, canaries)


def accepted(samples: Sequence[Sample], pace: Pace, *, share: float = 0.0) -> list[float]:
    """Give the times that count, at the machine's usual pace [s].

    Samples beside which the canaries were far slower than around them are dropped, unless too few are left; the others
    are scaled by how fast the canaries ran around them. A shared core is 20 to 40 % slower while a neighbour works.

    Parameters
    ----------
    samples, pace : of a case and of its run. share : of the case's time that is memory's [1].
    """
    good = [s for s in samples if not slowdown(s.canary, pace.around(s.at), share) > _STRAY]
    chosen = good if len(good) >= _FEWEST_SAMPLES else samples
    return [s.lap.seconds * pace.factor(s.at, share) for s in chosen]


def _row(each: _Running, pace: Pace, *, interrupted: bool) -> tuple[RunRow, Spread | None]:
    case = each.case
    told = {
        "case": case.name, "kernel": case.kernel, "family": case.family, "size": case.size, "dtype": case.dtype,
        "layout": case.layout if case.kernel == "matmul" else "", "operands": case.operands,
        "left_out": case.left_out, "reason": each.reason,
    }  # fmt: skip
    times = accepted(each.samples, pace, share=memory_share_of(case, pace.usual))
    if each.state == "measured" and len(times) < _FEWEST_SAMPLES:
        state: State = "interrupted"
        if "clock" in each.reason and not interrupted:
            state = "throttled" if "highest clock" in each.reason else "clock-jump"
        told["reason"] = each.reason or f"{len(times)} samples, fewer than {_FEWEST_SAMPLES}"
        return RunRow(**told, state=state), None
    if each.state != "measured":
        return RunRow(**told, state=each.state), None
    spread = spread_of(times)
    row = RunRow(
        **told, state="measured", median_s=spread.median, low_s=spread.low, high_s=spread.high, least_s=spread.least,
        samples=spread.count, flops=case.flops, bytes=case.bytes, error=each.error,
    )  # fmt: skip
    return row, spread
