"""Formats of kernels' operands as published timings name them: sizes, and the peak that they multiply at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.kernel_table import KernelTable
from planner.catalog.accelerator import Accelerator, PrecisionName
from planner.hardware.chip import Chip
from planner.planning.machines import UNITS_UNKNOWN, sixteen_bit_peak
from planner.record import record

Array = NDArray[np.float64]


@record
class OperandFormat:
    """A format by its name in timings.

    Parameters
    ----------
    first, weight : bytes of one element of a product's first operand and of its weights, scales included [B].
    peak : precision of the data sheet that it multiplies at.
    converted : the first operand is converted from 16 bits in the timed call.
    """

    first: float
    weight: float
    peak: PrecisionName
    converted: bool = False


_SCALED_4_BIT = 0.5625  # four bits, and one byte of scale for each sixteen elements (NVFP4)
_SHARED_4_BIT = 0.53125  # four bits, and one byte of scale for each thirty-two (OCP microscaling formats)

FORMATS: dict[str, OperandFormat] = {
    "bf16": OperandFormat(2.0, 2.0, "bf16"),
    "fp16": OperandFormat(2.0, 2.0, "fp16"),
    "fp8": OperandFormat(1.0, 1.0, "fp8", converted=True),
    "fp8_block": OperandFormat(1.0, 1.0, "fp8", converted=True),
    "nvfp4": OperandFormat(_SCALED_4_BIT, _SCALED_4_BIT, "fp4", converted=True),
    "sq": OperandFormat(1.0, 1.0, "int8"),
    "int8_wo": OperandFormat(2.0, 1.0, "fp16"),
    "int4_wo": OperandFormat(2.0, 0.5, "fp16"),
    "w4a8_mxfp4_mxfp8": OperandFormat(1.0, _SHARED_4_BIT, "fp8", converted=True),
    "w4a16_mxfp4": OperandFormat(2.0, _SHARED_4_BIT, "fp16"),
}
"""Formats of products; a chip without the peak multiplies in 16 bits and keeps just its weights in the format."""


def format_of(name: str, part: Accelerator) -> OperandFormat:
    """Give a format as one chip computes it."""
    stated = FORMATS[name]
    if stated.peak in part.peak:
        return stated
    return OperandFormat(2.0, stated.weight, "fp16")


def peak_of(name: str, part: Accelerator) -> float:
    """Give the dense peak at which a chip multiplies a format [FLOP/s]."""
    return part.peak.get(format_of(name, part).peak) or sixteen_bit_peak(part)


def chip_of(table: KernelTable, formats: Sequence[str] | None = None) -> Chip:
    """Give the accelerators of rows as numbers, at their 16-bit peak or at that of formats."""
    parts = [part for part in table.parts if part is not None]
    peaks = (
        [sixteen_bit_peak(part) for part in parts]
        if formats is None
        else [peak_of(name, part) for name, part in zip(formats, parts, strict=True)]
    )
    return Chip(
        peak_flops_per_s=np.array(peaks),
        bandwidth_bytes_per_s=np.array([part.memory.read_bandwidth for part in parts]),
        units=np.array([float(part.units or UNITS_UNKNOWN) for part in parts]),
        watts=np.array([part.power.tdp.mid if part.power else np.inf for part in parts]),  # inf: no limit is known
    )
