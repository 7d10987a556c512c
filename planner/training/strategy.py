"""How a training run is spread over accelerators: arrays, one axis per degree.

A single plan is a strategy whose arrays hold one element each; a search gives every degree its own axis
and lets them broadcast. There is no other form.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.workload.operators import Sharding

Array = NDArray[np.float64]


@record
class Recompute:
    """What the backward pass computes again instead of keeping: shares from 0 to 1, or flags [1].

    Parameters
    ----------
    layers : share of the layers that keep their input only.
    attention : scores and softmax of plain attention (selective recomputation).
    norms : outputs of norms.
    activation : output of the feed-forward's activation function.
    feed_forward : all of the feed-forward part but its input, experts included.
    latent : queries, keys and values of latent attention, from their latents.
    other : share of the forward pass that is computed again for reasons not named above (XLA's and
        torchtitan's policies save by operator and not by module).
    operators : share of the layers that keep attention's results and every second product's, and nothing else
        (torchtitan's selective policy). It decides memory; the time is in `other`.
    """

    layers: Array
    attention: Array
    norms: Array
    activation: Array
    feed_forward: Array
    latent: Array
    other: Array
    operators: Array


@record
class Offload:
    """States kept outside device memory: 0 on the device, 1 in host memory, 2 on local drives [1]."""

    parameters: Array
    gradients: Array
    optimizer: Array
    activations: Array


@record
class Strategy:
    """Degrees and choices of a training run [1].

    Parameters
    ----------
    accelerators : devices used.
    tensor, pipeline, context : degrees.
    expert : ranks that share the experts of a layer; it divides data times context times tensor ranks.
    expert_tensor : tensor degree inside one expert.
    interleave : chunks of layers per pipeline stage.
    micro_batch : sequences of one micro-batch.
    sequence_parallel : 1 where norms and residuals are split over tensor ranks.
    sharding : 0 none, 1 optimizer states, 2 and gradients, 3 and parameters (ZeRO stages, FSDP is 3).
    sharding_group : ranks over which states are divided; the whole data-parallel group unless hybrid.
    schedule : 0 one forward one backward (interleaved where `interleave` > 1), 1 ZB-H1, 2 ZB-H2,
        3 DualPipe.
    embedding_slots, head_slots : layers' slots that embedding and head fill when layers are dealt to stages.
    recompute, offload : what is computed again, what is kept elsewhere.
    """

    accelerators: Array
    tensor: Array
    pipeline: Array
    context: Array
    expert: Array
    expert_tensor: Array
    interleave: Array
    micro_batch: Array
    sequence_parallel: Array
    sharding: Array
    sharding_group: Array
    schedule: Array
    embedding_slots: Array
    head_slots: Array
    recompute: Recompute
    offload: Offload

    @property
    def data(self) -> Array:
        """Data-parallel degree: what the other degrees leave of the accelerators [1]."""
        return self.accelerators / (self.tensor * self.pipeline * self.context)

    @property
    def state_group(self) -> Array:
        """Ranks that hold one copy of the dense states together [1]: data and context ranks."""
        return np.minimum(self.sharding_group, self.data * self.context)

    @property
    def expert_data(self) -> Array:
        """Copies of one expert's weights: ranks of a stage over expert and expert-tensor degree [1]."""
        return self.data * self.context * self.tensor / (self.expert * self.expert_tensor)

    @property
    def expert_state_group(self) -> Array:
        """Ranks that hold one copy of an expert's states together [1]."""
        return np.minimum(self.sharding_group, np.maximum(self.expert_data, 1.0))

    @property
    def sharding_of_layers(self) -> Sharding:
        """The degrees that divide one layer."""
        return Sharding(self.tensor, self.context, self.expert, self.expert_tensor, self.sequence_parallel)

    def micro_batches(self, global_batch: Array | float) -> Array:
        """Micro-batches that one pipeline runs per step, rounded up [1]."""
        return np.ceil(np.asarray(global_batch) / (self.data * self.micro_batch) - 1e-9)


def shape_of(strategy: Strategy) -> tuple[int, ...]:
    """Give the shape that all arrays of a strategy broadcast to."""
    arrays = [getattr(strategy, f.name) for f in fields(strategy)]
    flat = [a for a in arrays if isinstance(a, np.ndarray)]
    for part in (strategy.recompute, strategy.offload):
        flat += [getattr(part, f.name) for f in fields(part)]
    return np.broadcast_shapes(*(a.shape for a in flat))
