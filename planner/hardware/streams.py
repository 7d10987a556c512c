"""Time of kernels that pass over memory once and compute little: norms, activations, additions, positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.hardware.chip import Chip
from planner.hardware.products import joined_by_fourth_powers
from planner.record import record

Array = NDArray[np.float64]


@record
class StreamRates:
    """How far passes over memory stay below the data sheet.

    Parameters
    ----------
    memory : share of the device memory's bandwidth [1].
    passes : bytes moved against reading every input and writing every result once [1].
    row_s : least time of one row on one multiprocessor [s].
    launch_s : fixed time [s].
    """

    memory: Array
    passes: Array
    row_s: Array
    launch_s: Array


def pass_time_s(moved_bytes: Array, rows: Array, chip: Chip, rates: StreamRates) -> Array:
    """Time of one pass over memory.

    Parameters
    ----------
    moved_bytes : inputs and results, once each [B].
    rows : that multiprocessors take one by one, as a norm takes tokens [1].
    chip, rates : the accelerator, and how far below its bandwidth software stays.

    Returns
    -------
    Seconds [s].
    """
    memory = moved_bytes * rates.passes / (chip.bandwidth_bytes_per_s * rates.memory)
    return rates.launch_s + joined_by_fourth_powers(memory, rows * rates.row_s / chip.units)
