"""What one accelerator brings to a single kernel: rates, multiprocessors, cache."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]


@record
class Chip:
    """One accelerator as a kernel sees it.

    Parameters
    ----------
    peak_flops_per_s : dense peak in the precision of the kernel's products [FLOP/s].
    bandwidth_bytes_per_s : device memory [B/s].
    units : multiprocessors that share the work [1].
    watts : power that the part may draw; None, or infinite, where no limit is told [W].
    """

    peak_flops_per_s: Array
    bandwidth_bytes_per_s: Array
    units: Array
    watts: Array | None = None
