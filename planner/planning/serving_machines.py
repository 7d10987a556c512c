"""Catalog entries to a machine that serves, as numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.catalog.accelerator import Accelerator, PrecisionName
from planner.errors import Fault, InfeasibleError, listing
from planner.hardware.machine import Machine
from planner.serving.machine import ServingMachine

Array = NDArray[np.float64]

_CACHED = ("gpu", "cpu")
_PEAKS: dict[int, tuple[PrecisionName, ...]] = {
    32: ("fp32_matrix", "fp32"),
    16: ("bf16", "fp16", "tf32", "fp32"),
    8: ("fp8", "int8"),
    4: ("fp4", "int4"),
}
_SHORT: PrecisionName = "fp16_acc16"  # cards for games have twice the rate where sums are kept in 16 bits


def serving_machine(
    machine: Machine, accelerator: Accelerator, *, power_limit_w: float | None, switched: bool
) -> ServingMachine:
    """Give a machine with the rates that serving asks for; what the catalogs do not know is NaN.

    Parameters
    ----------
    machine : memory, links and network.
    accelerator : its parts.
    power_limit_w : of one of them [W].
    switched : a link of its own joins them.
    """
    return ServingMachine(
        machine=machine,
        flops_per_s_32=_peak(accelerator, 32),
        flops_per_s_16=_peak(accelerator, 16),
        flops_per_s_8=_peak(accelerator, 8),
        flops_per_s_4=_peak(accelerator, 4),
        flops_per_s_short=np.asarray(accelerator.peak.get(_SHORT) or _peak(accelerator, 16)),
        power_limit_w=np.asarray(np.nan if power_limit_w is None else power_limit_w),
        chip_memory_bytes=np.asarray(0.0 if accelerator.kind in _CACHED else accelerator.cache or 0.0),
        switched=np.asarray(float(switched)),
    )


def has_rate(accelerator: Accelerator, bits: int) -> bool:
    """Tell whether a part has units for products in a width."""
    return not np.isnan(_peak(accelerator, bits))


def require_rate(accelerator: Accelerator, bits: int, *, wanted: str) -> None:
    """Refuse products in a width that a part has no units for.

    Raises
    ------
    InfeasibleError : the part does not multiply so; weights alone could still be kept in that format.
    """
    if has_rate(accelerator, bits):
        return
    known = [name for names in _PEAKS.values() for name in names if name in accelerator.peak]
    raise InfeasibleError(
        Fault(
            "precision-missing",
            f"{accelerator.id} has no matrix products in {wanted}",
            allowed=listing(known),
            hint="keep the weights alone in that format and multiply in 16 bits, or choose another accelerator",
        )
    )


def _peak(accelerator: Accelerator, bits: int) -> Array:
    for name in _PEAKS[bits]:
        if name in accelerator.peak:
            return np.asarray(accelerator.peak[name])
    return np.asarray(np.nan)
