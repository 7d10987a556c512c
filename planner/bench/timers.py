"""Timers that suit a device: processor time on shared hosts, events on GPUs, synchronised wall time elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from planner.record import record

_JUMP = 1.5  # clocks that should tell the same differ by more than this many seconds or times: one of them jumped
_LONGEST_S = 600.0


class ClockJump(Exception):  # noqa: N818 - a state of a sample
    """Clocks do not agree about a sample, which therefore counts for nothing."""


@record
class Lap:
    """One sample.

    Parameters
    ----------
    seconds : what counts, of one call [s].
    wall, cpu : of all its calls together, and of all threads [s].
    preempted : others had the processor meanwhile.
    """

    seconds: float
    wall: float
    cpu: float
    preempted: bool


class Timer(Protocol):
    """Times a number of calls."""

    name: str

    def lap(self, run: Callable[[], object], calls: int) -> Lap:
        """Give the time of so many calls, one after the other."""
        ...


def checked(seconds: float, *, wall: float) -> float:
    """Give a time that a clock told, if it can be one.

    Raises
    ------
    ClockJump : it is negative, not finite, longer than any sample, or far longer than the wall's clock says.

    >>> checked(0.25, wall=0.25)
    0.25
    """
    if not math.isfinite(seconds) or seconds <= 0.0 or seconds > _LONGEST_S or seconds > wall * _JUMP + _JUMP:
        raise ClockJump(f"a clock told {seconds:.3g} s where another told {wall:.3g} s")
    return seconds


@dataclass(slots=True)
class ProcessorTimer:
    """Processor time of one thread where one is used; else the wall's, samples that lost the processor marked.

    With several threads the processor time would count a thread that waits in a loop for another one, and would
    divide by threads that a kernel does not use; the wall's does neither.
    """

    threads: int
    name: str = "processor time"
    preempted_above: float = 1.05
    wall_clock: Callable[[], float] = time.perf_counter
    cpu_clock: Callable[[], float] = time.process_time

    def __post_init__(self) -> None:
        if self.threads > 1:
            self.name = "wall time"

    def lap(self, run: Callable[[], object], calls: int) -> Lap:
        wall, cpu = self.wall_clock(), self.cpu_clock()
        for _ in range(calls):
            run()
        cpu, wall = self.cpu_clock() - cpu, self.wall_clock() - wall
        checked(wall, wall=wall)
        if self.threads == 1:
            # A process has one thread here: its processor time cannot be more than the wall's.
            preempted = wall > cpu * self.preempted_above
            return Lap(checked(cpu, wall=wall) / calls, wall, cpu, preempted)
        return Lap(wall / calls, wall, cpu, preempted=wall > cpu * self.preempted_above)


@dataclass(slots=True)
class EventTimer:
    """Events on a GPU's own stream, with the wall's clock as a witness.

    Parameters
    ----------
    device : the library's module of the device: events, and waiting for it (`torch.cuda`, also on ROCm).
    """

    device: Any
    name: str = "device events"

    def lap(self, run: Callable[[], object], calls: int) -> Lap:
        begin, end = (self.device.Event(enable_timing=True) for _ in range(2))
        self.device.synchronize()
        wall = time.perf_counter()
        begin.record()
        for _ in range(calls):
            run()
        end.record()
        self.device.synchronize()
        wall = time.perf_counter() - wall
        milliseconds = float(begin.elapsed_time(end))
        return Lap(checked(milliseconds / 1e3, wall=wall) / calls, wall, 0.0, preempted=False)


@dataclass(slots=True)
class WallTimer:
    """The wall's clock around calls that are waited for: devices without events of their own."""

    wait: Callable[[], object]
    name: str = "synchronised wall time"

    def lap(self, run: Callable[[], object], calls: int) -> Lap:
        self.wait()
        wall = time.perf_counter()
        for _ in range(calls):
            run()
        self.wait()
        wall = time.perf_counter() - wall
        return Lap(checked(wall, wall=wall) / calls, wall, 0.0, preempted=False)
