"""What the time of a pass is taken on: counts of one rank, how ranks stand, machine and engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.adapters import Adapters
from planner.serving.efficiency import ServingEfficiency
from planner.serving.layout import Layout
from planner.serving.machine import ServingMachine
from planner.serving.work import Counts, Weights

Array = NDArray[np.float64]

ACTIVATION_BYTES = 2.0
"""Of an element of an activation, which serving keeps in 16 bits."""


@record
class Setting:
    """What times are taken on: counts of one rank, how ranks stand, machine and engine.

    Parameters
    ----------
    counts, head : of one rank.
    layout, machine, efficiency : how ranks stand, what they run on, how far they stay below its data sheet.
    adapters : beside the weights, if any.
    eager : 1 where the host launches every operation by itself while the device works on earlier ones, and attention
        has no kernel for grouped heads; 0 where whole passes are launched at once.
    written_scores : 1 where attention over a prompt writes its scores to memory and reads them back; 0 where a fused
        kernel keeps them.
    overlapping : 1 where the host works on what a step gave each sequence while the device takes the next; 0 where
        the device waits for it.
    """

    counts: Counts
    head: Weights
    layout: Layout
    machine: ServingMachine
    efficiency: ServingEfficiency
    adapters: Adapters | None = None
    eager: Array | float = 0.0
    written_scores: Array | float = 0.0
    overlapping: Array | float = 0.0
