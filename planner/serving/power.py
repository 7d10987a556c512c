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
    Mean over the phases of limit (i + (1 - i) min(1, a + b u_m + c sqrt(u_c))), u_m and u_c a phase's use of bandwidth
    and peak [W].

    Notes
    -----
    Power rises steeply with the first products and ever less with more: near its limit a chip lowers its clock, and
    with it the voltage. Of exponents that were tried the root fits best. Rows that a product is padded with are zeros:
    they switch next to nothing, and do not count as use.
    """
    share = np.asarray(prefill_share, dtype=float)
    watts: Array = (1.0 - share) * _phase_w(machine, efficiency, decode) + share * _phase_w(machine, efficiency, prompt)
    return watts


def _phase_w(machine: ServingMachine, e: ServingEfficiency, time: PassTime) -> Array:
    memory, compute = time.memory / time.total, time.useful / time.total
    busy = np.minimum(1.0, e.power_busy + e.power_memory * memory + e.power_compute * np.sqrt(compute))
    watts: Array = machine.power_limit_w * (e.power_idle + (1.0 - e.power_idle) * busy)
    return watts
