"""Parameters that one accelerator holds before states are sharded: of a layer, and of what stands around the layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.training.stages import StageLoad
from planner.workload.architecture import Architecture, Layer
from planner.workload.operators import Sharding, Tokens, local_inputs, local_outputs
from planner.workload.projection import Projection

Array = NDArray[np.float64]


@record
class LayerUse:
    """One kind of layer with the tokens that it meets in one micro-batch.

    Parameters
    ----------
    layer, tokens : the kind and its input.
    trained : its weights train.
    shared : all layers of the kind use one set of weights (ALBERT).
    """

    layer: Layer
    tokens: Tokens
    trained: bool = True
    shared: bool = False

    def held(self, count: Array) -> Array:
        """Give the sets of weights of so many layers [1]."""
        return np.minimum(count, 1.0) if self.shared else count


@record
class Held:
    """Parameters on one accelerator [1]: those that data ranks share, and those that expert ranks share."""

    dense: Array
    expert: Array


def held_parameters(layer: Layer, sharding: Sharding) -> Held:
    """Give the parameters of one layer on one accelerator, before any sharding of states [1]."""
    dense = np.asarray(float(layer.norm_parameters + layer.other_parameters))
    held = (held_of(p, sharding.tensor) for p in (*layer.projections, *layer.per_sample))
    dense = dense + sum(held, start=np.asarray(0.0))
    if layer.scan:
        vectors = layer.scan.parameters + layer.scan.convolution_parameters
        dense = dense + vectors / np.minimum(sharding.tensor, float(layer.scan.heads))
    expert = np.asarray(0.0)
    if layer.experts:
        each = sum((held_of(p, sharding.expert_tensor) for p in layer.experts.projections), start=np.asarray(0.0))
        expert = layer.experts.count / sharding.expert * each
    return Held(dense, expert)


def held_of(projection: Projection, tensor: Array) -> Array:
    """Give the elements of a matrix, and of its bias, on one of `tensor` ranks [1]."""
    outputs = local_outputs(projection, tensor)
    return local_inputs(projection, tensor) * outputs + (outputs if projection.bias else 0.0)


@record
class EndParameters:
    """Parameters outside the layers on one accelerator [1].

    Parameters
    ----------
    embedding : before the first layer. head : behind the last one.
    shared : of both, the matrix that tied embeddings hold once where both are on one stage.
    """

    embedding: Array
    head: Array
    shared: Array

    def of(self, stage: StageLoad) -> Array:
        """Give those of one stage [1]."""
        held: Array = stage.embedding * self.embedding + stage.head * self.head
        return held - stage.embedding * stage.head * self.shared


def end_parameters(architecture: Architecture, sharding: Sharding) -> EndParameters:
    """Give the parameters of the embedding and of the head on one accelerator.

    The token table and the vocabulary's matrix are divided over tensor ranks; with tied embeddings the
    latter is a second copy of the table where the two are on different stages.
    """
    one = np.ones_like(sharding.tensor)
    matrix = sum((held_of(p, sharding.tensor) for p in architecture.head), start=np.asarray(0.0))
    pooled = sum((held_of(p, one) for p in architecture.pooled), start=np.asarray(0.0))
    norms = architecture.head_parameters + sum(s.final_norm_parameters for s in architecture.stacks)
    vocabulary = [p for p in architecture.head if p.name == "vocabulary"]
    tied = sum((p.weights / np.minimum(sharding.tensor, float(p.shards)) for p in vocabulary), start=np.asarray(0.0))
    return EndParameters(
        embedding=architecture.embedding_parameters / sharding.tensor + architecture.stem_parameters,
        head=matrix + pooled + float(norms),
        shared=tied if architecture.tied else np.asarray(0.0),
    )
