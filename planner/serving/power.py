"""Power of an accelerator that serves, from how much of its memory's bandwidth and of its peak each phase uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.serving.efficiency import ServingEfficiency
from planner.serving.machine import ServingMachine
from planner.serving.step import PassTime

Array = NDArray[np.float64]


def accelerator_power_w(
    machine: ServingMachine,
    efficiency: ServingEfficiency,
    decode: PassTime,
    prompt: PassTime,
    *,
    prefill_share: Array | float,
) -> Array:
    """Mean power of one accelerator.

    Parameters
    ----------
    machine : with the accelerator's limit.
    efficiency : the fitted shares of that limit.
    decode, prompt : one decode step and one pass over prompts.
    prefill_share : of the time spent on prompts [1].

    Returns
    -------
    P = limit (i + (1 - i) min(1, a + b u_m + c u_c)), u_m and u_c the use of bandwidth and peak [W].
    """
    share = np.asarray(prefill_share, dtype=float)
    memory = (1.0 - share) * _used(decode, "memory") + share * _used(prompt, "memory")
    compute = (1.0 - share) * _used(decode, "compute") + share * _used(prompt, "compute")
    e = efficiency
    busy = np.minimum(1.0, e.power_busy + e.power_memory * memory + e.power_compute * compute)
    watts: Array = machine.power_limit_w * (e.power_idle + (1.0 - e.power_idle) * busy)
    return watts


def _used(time: PassTime, cause: str) -> Array:
    part: Array = getattr(time, cause)
    return part / time.total
