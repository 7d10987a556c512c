"""The whole run: steps, checkpoints, failures, data, from the time of one step.

Scalars or arrays; a run's uncertain inputs are varied one at a time by the caller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]


@record
class Hazards:
    """What interrupts a run and what an interruption costs.

    Parameters
    ----------
    failures_per_s : interruptions of the whole run, failures and reclaimed spot nodes together [1/s].
    restart_s : from an interruption to the next step, besides reading the checkpoint [s].
    checkpoint_write_s : time to write one checkpoint [s].
    checkpoint_read_s : time to read one [s].
    checkpoint_hidden : share of the writing that hides behind training [1].
    checkpoint_interval_s : between two checkpoints; 0 for the best one [s].
    """

    failures_per_s: Array | float
    restart_s: Array | float
    checkpoint_write_s: Array | float
    checkpoint_read_s: Array | float
    checkpoint_hidden: Array | float
    checkpoint_interval_s: Array | float


@record
class RunTime:
    """Wall-clock time of a run by cause [s]. `total` is infinite where failures leave no time to work."""

    steps_s: Array
    waiting_for_data_s: Array
    checkpoints_s: Array
    lost_work_s: Array
    restarts_s: Array
    interval_s: Array
    failures: Array

    @property
    def total_s(self) -> Array:
        """All of it [s]."""
        total: Array = self.steps_s + self.waiting_for_data_s + self.checkpoints_s + self.lost_work_s + self.restarts_s
        return total

    @property
    def goodput(self) -> Array:
        """Share of the time that is spent on steps that count [1]."""
        share: Array = self.steps_s / self.total_s
        return share


def best_interval_s(failures_per_s: Array | float, pause_s: Array | float) -> Array:
    """Interval between checkpoints that loses least time: Young's rule, sqrt(2 d / lambda) [s].

    Parameters
    ----------
    failures_per_s : interruptions of the run [1/s].
    pause_s : time that one checkpoint stops training [s].

    Returns
    -------
    Infinite without failures, and at least a minute: no framework pays for checkpoints more often [s].

    References
    ----------
    .. [1] J. W. Young, CACM 17(9), 1974; J. T. Daly, FGCS 22(3), 2006.

    >>> float(best_interval_s(1e-4, 50.0))
    1000.0
    """
    rate = np.asarray(failures_per_s, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(rate > 0, np.sqrt(2.0 * np.asarray(pause_s) / rate), np.inf)
    interval: Array = np.maximum(best, _SHORTEST_INTERVAL_S)
    return interval


_SHORTEST_INTERVAL_S = 60.0


def run_time(
    *, steps: Array | float, step_s: Array | float, data_bound_step_s: Array | float, hazards: Hazards
) -> RunTime:
    """Give the wall-clock time of a run.

    Parameters
    ----------
    steps : optimizer steps [1].
    step_s : time of one step [s].
    data_bound_step_s : time in which storage delivers one step's data [s]; a step waits for it where it is
        longer.
    hazards : failures and checkpoints.

    Returns
    -------
    Time by cause [s].

    Notes
    -----
    Each failure costs the restart, reading the checkpoint, and on average half an interval of work that is
    done again. While that goes on failures go on too: with productive time U the total is
    T = U (1 + d/tau) / (1 - lambda (R + tau/2)), first order in lambda [1]_.

    References
    ----------
    .. [1] J. T. Daly, A higher order estimate of the optimum checkpoint interval, FGCS 22(3), 2006.
    """
    working = np.asarray(steps, dtype=float) * step_s
    waiting = np.asarray(steps, dtype=float) * np.maximum(np.asarray(data_bound_step_s) - step_s, 0.0)
    rate = np.asarray(hazards.failures_per_s, dtype=float)
    pause = np.asarray(hazards.checkpoint_write_s) * (1.0 - np.asarray(hazards.checkpoint_hidden))
    given = np.asarray(hazards.checkpoint_interval_s, dtype=float)
    interval = np.where(given > 0, given, best_interval_s(rate, pause))
    useful = working + waiting
    checkpoints = np.where(np.isfinite(interval), useful * pause / interval, 0.0)
    again = np.where(rate > 0, np.minimum(interval, useful) / 2.0, 0.0)
    restart = np.asarray(hazards.restart_s) + hazards.checkpoint_read_s
    share = rate * (restart + again)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.where(share < 1.0, (useful + checkpoints) / (1.0 - share), np.inf)
        failures = rate * total
        lost, down = failures * again, failures * restart
    return RunTime(working, waiting, np.asarray(checkpoints), lost, down, interval, failures)
