"""Power of an accelerator that serves, from the bytes and operations of each phase and the time it waits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.serving.efficiency import ServingEfficiency
from planner.serving.machine import ServingMachine
from planner.serving.step import PassTime

Array = NDArray[np.float64]

_BELOW_LIMIT = 0.97
"""Of its limit, or of what it is set to, that an accelerator draws in the mean where this holds it back, which reacts
and does not foresee: 28 of 439 published runs stand there, at 0.96 to 0.97 on B200 and 0.96 to 0.99 on H100."""
_OF_USE = 0.7
"""Exponent of the use of products: their clock falls, and with it the voltage, before the limit is reached. Of 0.5 to
1 the best on runs left out; 0.6 to 1 differ by little."""
_WARMING_S = 30.0
"""Time in which a cooled chip comes to 0.63 of its way from rest to warm. Our estimate; 20 to 40 s do as well."""


def accelerator_power_w(
    machine: ServingMachine,
    efficiency: ServingEfficiency,
    decode: PassTime,
    prompt: PassTime,
    *,
    prefill_share: Array | float,
    lasting_s: Array | float = np.inf,
) -> Array:
    """Mean power of one accelerator that is never without a request.

    Parameters
    ----------
    machine : with the accelerator's limit.
    efficiency : the fitted shares of that limit, and the energies of a byte.
    decode, prompt : one decode step and one pass over prompts.
    prefill_share : of the time spent on prompts [1].
    lasting_s : time since it was at rest, endless for a service [s].

    Returns
    -------
    Mean over the phases of limit min(0.97, w + b d + c u^0.7 + (E x + F y) / limit - k z): d the share of a phase in
    which kernels run and neither host nor network is waited for, u that in which products would run if they did not
    wait for memory, x and y bytes of weights and of keys and values read a second, z the mean coolness [W].

    Notes
    -----
    A byte takes an energy, whatever the limit of its chip, so that memory that is fast for a limit takes more of it:
    8 TB/s at 1,000 W against 3.35 at 700. Keys and values take more than weights: one query's row is multiplied with
    them in a tile of 16 to 128 rows, so that each byte goes through many times the operations that count. Near its
    limit a chip lowers its clock, and with it the voltage; where it is set to less, that stands in for the
    limit. Rows
    that a product of weights is padded with are zeros: they switch next to nothing, and do not count as use. A chip
    that comes from rest is cool, and leaks less until it is warm.
    """
    share = np.asarray(prefill_share, dtype=float)
    saved = efficiency.power_cool * _coolness(np.asarray(lasting_s, dtype=float))
    decoding, reading = (_phase_w(machine, efficiency, time, saved) for time in (decode, prompt))
    watts: Array = (1.0 - share) * decoding + share * reading
    return watts


def rest_w(machine: ServingMachine, efficiency: ServingEfficiency) -> Array:
    """Power of one accelerator that holds a model and has no request [W]."""
    watts: Array = machine.power_limit_w * efficiency.power_idle
    return watts


def _coolness(lasting_s: Array) -> Array:
    """Mean of exp(-t / T) over a run: 1 for one that is over at once, 0 for one that lasts."""
    times = lasting_s / _WARMING_S
    cool: Array = -np.expm1(-times) / times
    return cool


def _phase_w(machine: ServingMachine, e: ServingEfficiency, time: PassTime, saved: Array) -> Array:
    limit = machine.power_limit_w
    running = 1.0 - (time.network + time.host) / time.total
    weights_j = e.byte_j * e.weight_bandwidth * (time.memory - time.cache)
    cache_j = e.cache_byte_j * e.cache_bandwidth * time.cache
    read_w = machine.machine.memory_bandwidth_bytes_per_s * (weights_j + cache_j) / time.total
    used = e.power_compute * (time.useful / time.total) ** _OF_USE
    wanted = e.power_waiting + e.power_busy * running + used - saved
    highest = _BELOW_LIMIT * np.minimum(limit, machine.power_cap_w)
    watts: Array = np.minimum(highest, limit * wanted + read_w)
    return watts
