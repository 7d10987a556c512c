"""How noisy samples are: quartiles, when to stop, whether two runs differ."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from planner.bench.document import Noise
from planner.record import record

SETTLED = 0.02  # half the interquartile range over the median and the root of the count; our choice
QUIET_FLOOR = 0.08  # median noise above which no target can be judged; our choice
MOST_CANARY = 0.4  # of a canary's interquartile range: times are brought to one pace, but not from any other


@record
class Spread:
    """Quartiles, least and count of samples [s]."""

    median: float
    low: float
    high: float
    least: float
    count: int

    @property
    def relative(self) -> float:
        """Half of the interquartile range over the median [1]."""
        return (self.high - self.low) / 2.0 / self.median

    def scaled(self, factor: float) -> Spread:
        """Give the same samples in other units, or at another pace."""
        return Spread(self.median * factor, self.low * factor, self.high * factor, self.least * factor, self.count)

    @property
    def settled(self) -> bool:
        """Whether the median is known well enough to stop."""
        return self.count >= _FEWEST and self.relative / self.count**0.5 < SETTLED


_FEWEST = 5


def spread_of(samples: Sequence[float]) -> Spread:
    """Give the quartiles of samples.

    >>> spread_of([1.0, 2.0, 3.0]).median
    2.0
    """
    low, median, high = (float(value) for value in np.quantile(samples, [0.25, 0.5, 0.75]))
    return Spread(median, low, high, float(min(samples)), len(samples))


def noise_of(
    spreads: Sequence[Spread], canaries: Sequence[float], preempted: Sequence[bool], *, memory: Sequence[float] = ()
) -> Noise:
    """Give how quiet a machine was during a run.

    Parameters
    ----------
    spreads : of the cases. canaries, memory : times of the product and of the stream before the samples; those that
        are not finite count for nothing [s]. preempted : whether a sample lost the processor.
    """
    floor = float(np.median([spread.relative for spread in spreads])) if spreads else 0.0
    (canary, canary_s), (stream, stream_s) = _pace(canaries), _pace(memory)
    noisy = floor > QUIET_FLOOR or max(canary, stream) > MOST_CANARY
    return Noise(
        floor=floor,
        canary=canary,
        canary_s=canary_s,
        memory_canary=stream,
        memory_canary_s=stream_s,
        preempted=float(np.mean(preempted)) if len(preempted) else 0.0,
        verdict="too noisy" if noisy else "quiet",
    )


def _pace(canaries: Sequence[float]) -> tuple[float, float]:
    """Give the interquartile range of canaries [1] and their median [s]; 0 without any."""
    finite = [seconds for seconds in canaries if math.isfinite(seconds)]
    spread = spread_of(finite) if finite else None
    return (2.0 * spread.relative, spread.median) if spread else (0.0, 0.0)


def compared(before: Spread, after: Spread, *, least_change: float = 0.03) -> str:
    """Say whether a case became `faster`, `slower`, stayed the `same`, or whether noise hides it: `unclear`.

    Medians differ where they are further apart than three standard errors and by more than `least_change`.

    >>> tight = Spread(1.0, 0.99, 1.01, 0.98, 25)
    >>> compared(tight, Spread(1.2, 1.19, 1.21, 1.18, 25)), compared(tight, tight)
    ('slower', 'same')
    """
    change = float(np.log(after.median / before.median))
    # A normal distribution's interquartile range is 1.349 deviations; its median's error 1.253 of the mean's.
    error = 1.253 / 0.6745 * float(np.hypot(before.relative / before.count**0.5, after.relative / after.count**0.5))
    if 3.0 * error > max(abs(change), 2.0 * least_change):
        return "unclear"
    if abs(change) <= max(least_change, 3.0 * error):
        return "same"
    return "slower" if change > 0 else "faster"
