"""The layout of a measured row that states none: what a submitter who wants throughput would choose."""

from __future__ import annotations

import numpy as np

from planner.accuracy.serving_cases import Degrees
from planner.catalog.accelerator import Accelerator
from planner.serving.formats import Formats
from planner.serving.layout import Layout, divides
from planner.serving.room import held_weight_bytes
from planner.workload.architecture import Architecture

_FOR_WEIGHTS = 0.6  # of device memory at most, so that a cache of some size is left; our estimate
_MOST = 0.9  # where no layout leaves that much
_DEGREES = 8


def searched_degrees(
    shape: Architecture, formats: Formats, accelerator: Accelerator, *, devices: int, cores: int
) -> Degrees:
    """Give the fewest ranks of one replica whose weights leave room for a cache, and as many replicas as there can be.

    Parameters
    ----------
    shape, formats : the model.
    accelerator : what it runs on. devices : ranks that there are. cores : ranks on one accelerator.

    Notes
    -----
    Fewer ranks need fewer collectives for each token, so that whoever wants throughput takes no more than memory asks
    for. Where nothing fits, all devices are one replica: the memory check then says by how much.
    """
    memory = accelerator.memory.capacity / cores
    tensor = np.minimum(2.0 ** np.arange(_DEGREES), devices)
    layout = Layout.of(tensor=tensor)
    share = held_weight_bytes(shape, layout, formats) / memory
    able = divides(shape, layout, pads=accelerator.kind == "neuron") > 0
    for most in (_FOR_WEIGHTS, _MOST):
        found = np.flatnonzero(able & (share <= most))
        if len(found):
            ranks = int(tensor[found[0]])
            return Degrees(tensor=ranks, replicas=max(1, devices // ranks), searched=True)
    ranks = int(np.max(tensor[able], initial=1.0))
    return Degrees(tensor=ranks, replicas=max(1, devices // ranks), searched=True)
