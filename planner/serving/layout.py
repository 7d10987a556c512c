"""How one replica of a model is spread over accelerators: arrays, one axis per degree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.workload.architecture import Architecture
from planner.workload.operators import Sharding

Array = NDArray[np.float64]


@record
class Layout:
    """Degrees of one replica, each at least 1 [1].

    Parameters
    ----------
    tensor : ranks that share one attention and one dense part.
    data : groups of such ranks with sequences of their own; all of them share the experts.
    pipeline : stages of layers.
    expert : ranks that share out whole experts; it divides tensor times data, and what is left of that divides
        each expert.
    """

    tensor: Array
    data: Array
    pipeline: Array
    expert: Array

    @staticmethod
    def of(
        *,
        tensor: Array | float = 1.0,
        data: Array | float = 1.0,
        pipeline: Array | float = 1.0,
        expert: Array | float = 1.0,
    ) -> Layout:
        """Give a layout from numbers.

        >>> float(Layout.of(tensor=8.0, pipeline=2.0).accelerators)
        16.0
        """
        return Layout(*(np.asarray(degree, dtype=float) for degree in (tensor, data, pipeline, expert)))

    @property
    def stage_ranks(self) -> Array:
        """Ranks of one stage: all of them hold a share of its experts."""
        return self.tensor * self.data

    @property
    def accelerators(self) -> Array:
        """Ranks of the replica."""
        return self.tensor * self.data * self.pipeline

    @property
    def sharding(self) -> Sharding:
        """Degrees of one layer, as the operators of the workload count them."""
        one = np.asarray(1.0)
        return Sharding(
            tensor=self.tensor,
            context=one,
            expert=self.expert,
            expert_tensor=self.stage_ranks / self.expert,
            sequence_parallel=np.asarray(0.0),
        )


def divides(architecture: Architecture, layout: Layout, *, pads: bool = False) -> Array:
    """Tell which layouts a model can have: 1 where it can, 0 where a degree does not divide what it deals out.

    Parameters
    ----------
    architecture : the model.
    layout : degrees.
    pads : the engine pads heads until they can be dealt out.

    Returns
    -------
    1 or 0 [1].

    Notes
    -----
    Query heads are dealt to the tensor ranks whole; key-value heads too, or each of them to the same number of
    ranks. Experts are dealt to their ranks whole, and there are no more stages than layers.
    """
    fits = layout.pipeline <= architecture.layers
    fits = fits & (np.mod(layout.stage_ranks, layout.expert) == 0)
    for stack in architecture.stacks:
        for kind in stack.kinds:
            for core in kind.cores if not pads else ():
                fits = fits & (np.mod(core.heads, layout.tensor) == 0)
                larger = np.maximum(layout.tensor, float(core.kv_heads))
                fits = fits & (np.mod(larger, np.minimum(layout.tensor, float(core.kv_heads))) == 0)
            if kind.experts:
                fits = fits & (layout.expert <= kind.experts.count)
    answer: Array = np.asarray(fits, dtype=float)
    return answer


def why_not(
    architecture: Architecture, *, tensor: int, data: int, pipeline: int, expert: int, pads: bool = False
) -> str:
    """Say in words why a model cannot have a layout; an empty text where it can."""
    if pipeline > architecture.layers:
        return f"{pipeline} stages are more than the {architecture.layers} layers"
    if (tensor * data) % expert:
        return f"{expert} expert ranks do not divide the {tensor * data} ranks of a stage"
    for stack in architecture.stacks:
        for kind in stack.kinds:
            for core in kind.cores if not pads else ():
                if core.heads % tensor:
                    return f"{core.heads} heads are not divisible by a tensor degree of {tensor}"
                if max(tensor, core.kv_heads) % min(tensor, core.kv_heads):
                    return f"{core.kv_heads} key-value heads and a tensor degree of {tensor} do not divide each other"
            if kind.experts and expert > kind.experts.count:
                return f"{expert} expert ranks are more than the {kind.experts.count} experts"
    return ""
