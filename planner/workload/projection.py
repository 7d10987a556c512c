"""One weight matrix of a model, and how tensor parallelism divides it.

Parameters, FLOPs, matrix products, sharding and saved activations are all read off the projections of a layer, so
that none of them can disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from planner.record import record


class Split(Enum):
    """How tensor parallelism divides a weight matrix."""

    COLUMN = "column"
    ROW = "row"
    NONE = "none"


@record
class Projection:
    """One weight matrix, applied to every token that reaches it.

    Parameters
    ----------
    name : what it is, unique in its layer.
    inputs, outputs : its shape [1].
    split : how tensor parallelism divides it.
    shards : number of pieces it can be divided into at most (the heads behind it); with a larger tensor
        degree every piece is held more than once.
    bias : whether it has a bias vector.
    kernel : projections of one kernel name run as one matrix product (query, key and value).
    rows : of the product for each token: 1, or of a convolution the positions of its map for one of the last map.
    """

    name: str
    inputs: int
    outputs: int
    split: Split
    shards: int = 2**31
    bias: bool = False
    kernel: str = ""
    rows: float = 1.0

    @property
    def weights(self) -> int:
        """Elements of the matrix."""
        return self.inputs * self.outputs

    @property
    def parameters(self) -> int:
        """Elements of the matrix and its bias."""
        return self.weights + (self.outputs if self.bias else 0)


def kernels(projections: Sequence[Projection]) -> list[tuple[str, tuple[Projection, ...]]]:
    """Give the matrix products that a layer's projections run as: those of one kernel name are one."""
    groups: dict[str, list[Projection]] = {}
    for projection in projections:
        groups.setdefault(projection.kernel or projection.name, []).append(projection)
    return [(name, tuple(group)) for name, group in groups.items()]
