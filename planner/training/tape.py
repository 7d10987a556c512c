"""What operations keep for their backward pass: a tape on which each kept tensor stands once.

A layer is walked through as it runs. Each operation saves what its gradient is computed from: a product its
input, a norm its input and statistics, a smooth activation its input, a rectifier its result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.training.implementation import Implementation, RmsNorm

Array = NDArray[np.float64]


class Kept(Enum):
    """Groups of saved tensors; each is dropped by one kind of recomputation."""

    INPUT = "input"
    """A layer's input: all that is left of a layer that is computed again whole."""
    BOUNDARY = "boundary"
    """The same where no operation keeps it: kept only where the layer is computed again."""
    NORM = "norm"
    LATENT = "latent"
    PROJECTION = "projection"
    SCORES = "scores"
    FEED_FORWARD = "feed-forward"
    INNER = "inner"
    """Results of the feed-forward part's first product; their gradients are the largest that are alive together."""
    ACTIVATION = "activation"


@record
class SavedTensor:
    """One tensor kept on one device for one micro-batch [B]."""

    name: str
    group: Kept
    size_bytes: Array


# Activations whose gradient is computed from their result; all others keep their input.
_FROM_RESULT = frozenset({"relu", "sigmoid", "tanh", "relu2", "relu_squared", "squared_relu"})
_SQUARED = frozenset({"relu2", "relu_squared", "squared_relu"})


@dataclass(slots=True)
class Tape:
    """Tensors that were saved, by name.

    Parameters
    ----------
    implementation : what the framework saves.
    """

    implementation: Implementation
    saved: dict[str, SavedTensor] = field(default_factory=dict)

    def save(self, *tensors: SavedTensor) -> None:
        """Keep tensors; one that is kept already is not kept twice."""
        for tensor in tensors:
            self.saved.setdefault(tensor.name, tensor)

    def norm(
        self,
        name: str,
        tensor: SavedTensor,
        *,
        rows: Array,
        kind: str,
        group: Kept = Kept.NORM,
        normed_bytes: Array | None = None,
    ) -> SavedTensor:
        """Save what a norm keeps and give its result.

        Parameters
        ----------
        name : of the norm.
        tensor : its input.
        rows : vectors that are normed, each by itself [1].
        kind : "rms", or a norm that subtracts the mean.
        group : of the result.
        normed_bytes : size of what is normed, where that is a part cut out of `tensor` [B].
        """
        how = self.implementation
        size = tensor.size_bytes if normed_bytes is None else normed_bytes
        result = SavedTensor(f"{name} result", group, size)
        if kind != "rms":
            self.save(tensor, SavedTensor(f"{name} statistics", Kept.NORM, 2.0 * self._statistic_bytes * rows))
            return result
        self.save(SavedTensor(f"{name} statistics", Kept.NORM, 4.0 * rows))
        if how.rms_norm is RmsNorm.FUSED:
            self.save(tensor)
            return result
        wider = max(4.0 / how.element_bytes, 1.0)
        if wider > 1.0:
            self.save(SavedTensor(f"{name} copy", Kept.NORM, wider * size))
            if tensor.group is Kept.INPUT:
                self.save(SavedTensor(tensor.name, Kept.BOUNDARY, tensor.size_bytes))
        else:
            self.save(tensor)
        values = wider if how.rms_norm is RmsNorm.WIDE else 1.0
        self.save(SavedTensor(f"{name} values", Kept.NORM, values * size))
        return result

    @property
    def _statistic_bytes(self) -> float:
        return self.implementation.statistic_bytes or self.implementation.element_bytes

    def normed_input(self, tensor: SavedTensor) -> None:
        """Save a norm's result as the next product's input, where it is not computed again."""
        if self.implementation.norm_outputs_kept:
            self.save(tensor)

    def feed_forward(self, name: str, *, inner_bytes: Array, gated: bool, activation: str) -> None:
        """Save what lies between the two products of a feed-forward part, the second one's input included.

        Parameters
        ----------
        name : of the part.
        inner_bytes : one tensor of its inner width [B].
        gated, activation : what stands between.
        """
        up = SavedTensor(f"{name} up", Kept.INNER, inner_bytes)
        product = SavedTensor(f"{name} activation", Kept.ACTIVATION, inner_bytes)
        from_result = activation in _FROM_RESULT
        if gated:
            gate = SavedTensor(f"{name} gate", Kept.INNER, inner_bytes)
            if self.implementation.fused_gate:
                self.save(gate, up)
            else:
                if not from_result:
                    self.save(gate)
                self.save(SavedTensor(f"{name} activated gate", Kept.FEED_FORWARD, inner_bytes), up)
        elif not from_result or activation in _SQUARED:
            self.save(up)
        if self.implementation.inner_dropout:
            if from_result and not gated:
                self.save(SavedTensor(f"{name} rectified", Kept.FEED_FORWARD, inner_bytes))
            self.save(SavedTensor(f"{name} inner mask", Kept.FEED_FORWARD, self._mask_bytes(inner_bytes)))
        self.save(product)

    def dropout(self, name: str, tensor_bytes: Array) -> None:
        """Save a dropout mask for a tensor of that size, where there is dropout."""
        if self.implementation.dropout:
            self.save(SavedTensor(f"{name} mask", Kept.PROJECTION, self._mask_bytes(tensor_bytes)))

    def _mask_bytes(self, tensor_bytes: Array) -> Array:
        element = self.implementation.element_bytes
        return self.implementation.mask_bytes(element) / element * tensor_bytes
