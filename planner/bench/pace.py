"""How fast a shared machine is at a moment, by two canaries: a product in a core's own cache, a stream from memory.

A neighbour on the same core slows the one, a neighbour on the same memory the other. A time is brought to one pace by
each canary as far as its work is bound by what that canary stands for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from planner.bench import host
from planner.bench.backend import PROCESSOR_BACKENDS, Backend, NotRunnable
from planner.bench.document import BenchRun
from planner.bench.suite import Case, canary_case, memory_canary_case
from planner.bench.timers import ClockJump
from planner.record import record

# Operands of 300 kB stay in a core's own cache; together about a millisecond on one core. As much runs untimed before:
# behind a case that filled caches and units the first millisecond is up to a third slower than the second.
_CORE_CALLS, _CORE_UNTIMED, _CORE_EDGE = 8, 8, 160
# 4 MB at a time, of a stretch that no cache holds: about half a millisecond on one core; the first is 10 % slower.
_STREAM_CALLS, _STREAM_UNTIMED, _STREAM_NUMBERS = 1, 2, 1_000_000
_CORE, _MEMORY = canary_case(_CORE_EDGE), memory_canary_case(_STREAM_NUMBERS)
_NEIGHBOURS = 9  # canaries whose median tells the pace: about a tenth of a second; our choice


@record
class Canary:
    """What the two canaries took, one call of each [s]; NaN for one that cannot run.

    Parameters
    ----------
    core : a product whose operands stay in a core's own cache. memory : reading 4 MB that no cache holds.
    """

    core: float
    memory: float = math.nan


def is_shared(backend: Backend) -> bool:
    """Say whether a backend runs on the host's own cores, which others use too."""
    return backend.name in PROCESSOR_BACKENDS


def canary_of(backend: Backend) -> Callable[[], Canary]:
    """Give the measure of how fast the machine is right now; a device of its own has no stream for it."""
    core = _timed(backend, _CORE, calls=_CORE_CALLS, untimed=_CORE_UNTIMED)
    memory = _timed(backend, _MEMORY, calls=_STREAM_CALLS, untimed=_STREAM_UNTIMED) if is_shared(backend) else _nothing
    return lambda: Canary(core(), memory())


def _nothing() -> float:
    return math.nan


def _timed(backend: Backend, case: Case, *, calls: int, untimed: int) -> Callable[[], float]:
    try:
        prepared = backend.prepare(case)
        for _ in range(3):
            prepared.run()
    except (NotRunnable, RuntimeError, MemoryError):
        return _nothing

    def measure() -> float:
        try:
            for _ in range(untimed):
                prepared.run()
            return backend.timer.lap(prepared.run, calls).seconds
        except (ClockJump, RuntimeError):
            return math.nan

    return measure


def memory_share(flops: float, memory_bytes: float, usual: Canary) -> float:
    """Give the share of memory in the time of some work, both at the canaries' own rates [1].

    Parameters
    ----------
    flops : operations. memory_bytes : that no cache holds. usual : the canaries of a machine, which tell its rates.

    >>> memory_share(1e9, 0.0, Canary(1e-4, 1e-3)), memory_share(0.0, 1e9, Canary(1e-4, 1e-3))
    (0.0, 1.0)
    >>> memory_share(1e9, 1e9, Canary(1e-4))
    0.0
    """
    if not (math.isfinite(usual.memory) and math.isfinite(usual.core)) or not memory_bytes:
        return 0.0
    memory_s = memory_bytes * usual.memory / _MEMORY.bytes
    return memory_s / (memory_s + flops * usual.core / _CORE.flops)


def memory_share_of(case: Case, usual: Canary) -> float:
    """Give the share of memory in the time of a case [1]: operands are in the cache if they are hot and fit in half."""
    cached = case.operands == "hot" and case.memory_bytes < host.cache_bytes() / 2.0
    return 0.0 if cached else memory_share(case.flops, case.memory_bytes, usual)


def slowdown(now: Canary, usual: Canary, share: float) -> float:
    """Give how much longer work takes at one pace than at another [1].

    Parameters
    ----------
    now, usual : the two paces. share : of the time that is memory's at the usual pace [1].

    >>> slowdown(Canary(1.5, 1.0), Canary(1.0, 1.0), 0.0), slowdown(Canary(1.5, 1.0), Canary(1.0, 1.0), 1.0)
    (1.5, 1.0)
    """
    core, memory = now.core / usual.core, now.memory / usual.memory
    if math.isnan(memory):
        return core
    return core if not share else (1.0 - share) * core + share * memory


class Pace:
    """How fast a machine was over time, by its canaries.

    Parameters
    ----------
    canaries : time since the begin [s] and canaries of each moment.
    scaled : whether times are scaled by them: on shared processors, and not on devices with a clock of their own.
    """

    def __init__(self, canaries: Sequence[tuple[float, Canary]], *, scaled: bool) -> None:
        finite = sorted((pair for pair in canaries if math.isfinite(pair[1].core)), key=lambda pair: pair[0])
        self.scaled = scaled and len(finite) > _NEIGHBOURS
        self._at = np.array([at for at, _ in finite])
        self._seconds = np.array([(each.core, each.memory) for _, each in finite]).reshape(-1, 2)
        self.usual = _median(self._seconds)

    def around(self, at: float) -> Canary:
        """Give the medians of the canaries nearest in time; NaN without any."""
        middle = int(np.searchsorted(self._at, at))
        low = max(0, min(middle - _NEIGHBOURS // 2, len(self._at) - _NEIGHBOURS))
        return _median(self._seconds[low : low + _NEIGHBOURS])

    def factor(self, at: float, share: float) -> float:
        """Give what a time taken then is multiplied with to be at the usual pace [1]; `share` of it is memory's."""
        return 1.0 / slowdown(self.around(at), self.usual, share) if self.scaled else 1.0


def _median(seconds: np.ndarray) -> Canary:
    core, memory = (column[np.isfinite(column)] for column in seconds.T)
    return Canary(
        float(np.median(core)) if len(core) else math.nan, float(np.median(memory)) if len(memory) else math.nan
    )


def pace_of(run: BenchRun) -> Canary | None:
    """Give the pace that the times of a run are at; None where its device has a clock of its own."""
    if not run.noise.canary_s or run.backend not in PROCESSOR_BACKENDS:
        return None
    return Canary(run.noise.canary_s, run.noise.memory_canary_s or math.nan)


def median_of(canaries: Sequence[Canary]) -> Canary:
    """Give the medians of both canaries."""
    return _median(np.array([(each.core, each.memory) for each in canaries]).reshape(-1, 2))
