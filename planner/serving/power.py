"""Power of an accelerator that serves, from the bytes and operations of each phase and the time it waits."""

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
    """Mean power of one accelerator that is never without a request.

    Parameters
    ----------
    machine : with the accelerator's limit.
    efficiency : the fitted shares of that limit, and the energy of a byte.
    decode, prompt : one decode step and one pass over prompts.
    prefill_share : of the time spent on prompts [1].

    Returns
    -------
    Mean over the phases of limit min(1, w + b d + c sqrt(u) + E x / limit): d the share of a phase in which kernels
    run and neither host nor network is waited for, u that of the peak in use, x the bytes read a second [W].

    Notes
    -----
    A byte takes an energy, whatever the limit of its chip, so that memory that is fast for a limit takes more of it:
    8 TB/s at 1,000 W against 3.35 at 700. Power rises steeply with the first products and ever less with more: near
    its limit a chip lowers its clock, and with it the voltage; where it is set to less, it draws no more than that. Of
    exponents that were tried the root fits best. Rows that a product is padded with are zeros: they switch next to
    nothing, and do not count as use.
    """
    share = np.asarray(prefill_share, dtype=float)
    watts: Array = (1.0 - share) * _phase_w(machine, efficiency, decode) + share * _phase_w(machine, efficiency, prompt)
    return watts


def rest_w(machine: ServingMachine, efficiency: ServingEfficiency) -> Array:
    """Power of one accelerator that holds a model and has no request [W]."""
    watts: Array = machine.power_limit_w * efficiency.power_idle
    return watts


def _phase_w(machine: ServingMachine, e: ServingEfficiency, time: PassTime) -> Array:
    limit = machine.power_limit_w
    running = 1.0 - (time.network + time.host) / time.total
    read_w = e.byte_j * machine.machine.memory_bandwidth_bytes_per_s * e.weight_bandwidth * time.memory / time.total
    wanted = e.power_waiting + e.power_busy * running + e.power_compute * np.sqrt(time.useful / time.total)
    watts: Array = np.minimum(np.minimum(limit, machine.power_cap_w), limit * wanted + read_w)
    return watts
