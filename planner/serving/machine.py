"""What a machine brings to serving beside its memory and links: rates by width of the format, and power."""

from __future__ import annotations

from dataclasses import field, replace

import numpy as np
from numpy.typing import NDArray

from planner.hardware.machine import Machine
from planner.record import record

Array = NDArray[np.float64]

VECTOR_SHARE = 1.0 / 16.0  # vector units against the 16-bit matrix peak, as in planner.hardware.kernels


def _endless() -> Array:
    return np.asarray(np.inf)


@record
class ServingMachine:
    """One kind of node under a served model; NaN where a part has no such format.

    Parameters
    ----------
    machine : memory, links and network.
    flops_per_s_32, flops_per_s_16, flops_per_s_8, flops_per_s_4 : dense peak of products in that many bits
        [FLOP/s].
    flops_per_s_short : the same of 16-bit products that are summed in 16 bits too [FLOP/s].
    power_limit_w : of one accelerator, as made; `power_cap_w` as set for a run, endless where it is not [W].
    chip_memory_bytes : memory on the chip that software manages; 0 where a cache stands in for it [B].
    switched : 1 where a link of its own joins the accelerators, 0 where they reach each other over PCIe [1].
    """

    machine: Machine
    flops_per_s_32: Array
    flops_per_s_16: Array
    flops_per_s_8: Array
    flops_per_s_4: Array
    flops_per_s_short: Array
    power_limit_w: Array
    chip_memory_bytes: Array
    switched: Array
    power_cap_w: Array = field(default_factory=_endless)

    def flops_per_s(self, bits: Array) -> Array:
        """Give the dense peak of products in a width [FLOP/s]; NaN where the part lacks it."""
        wide = np.where(bits >= 32.0, self.flops_per_s_32, self.flops_per_s_16)
        narrow = np.where(bits >= 8.0, self.flops_per_s_8, self.flops_per_s_4)
        peak: Array = np.where(bits >= 16.0, wide, narrow)
        return peak

    @property
    def vector_flops_per_s(self) -> Array:
        """Peak of vector units: the 32-bit one, or the usual share of the 16-bit one where none is stated [FLOP/s]."""
        stated = self.flops_per_s_32
        peak: Array = np.where(np.isnan(stated), self.flops_per_s_16 * VECTOR_SHARE, stated)
        return peak

    def summing(self, short: Array | float) -> ServingMachine:
        """Give the machine under an engine that sums 16-bit products in 16 bits, where `short` is 1."""
        return replace(
            self, flops_per_s_16=np.where(np.asarray(short) > 0, self.flops_per_s_short, self.flops_per_s_16)
        )


_RATE_OF_POWER = 0.6
"""Exponent of a peak by the power that is left for it, as clocks and with them the voltage fall: an H100 of 500 W in
place of 700 W trains at about (5/7)^0.6 of the rate in published runs."""


def capped(machine: ServingMachine, cap_w: float) -> ServingMachine:
    """Give a machine whose accelerators are set to a power: products run slower, memory keeps its clock.

    Parameters
    ----------
    machine : with the limit as made. cap_w : as set [W]; at least that limit changes nothing.
    """
    slower = np.minimum(cap_w / machine.power_limit_w, 1.0) ** _RATE_OF_POWER
    return replace(
        machine,
        flops_per_s_32=machine.flops_per_s_32 * slower,
        flops_per_s_16=machine.flops_per_s_16 * slower,
        flops_per_s_8=machine.flops_per_s_8 * slower,
        flops_per_s_4=machine.flops_per_s_4 * slower,
        flops_per_s_short=machine.flops_per_s_short * slower,
        power_cap_w=np.asarray(cap_w),
    )
