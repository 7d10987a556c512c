"""Degrees of measured training runs: what a row does not state is filled by the rules of its framework.

docs/accuracy.md tells them: degrees that are 1, the data degree that is left, interleaving of NVIDIA's recipes,
recomputation where memory lacks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import TrainingCase
from planner.record import record
from planner.training.stages import DUAL_PIPE, ONE_F_ONE_B
from planner.training.strategy import Offload, Recompute, Strategy

Array = NDArray[np.float64]

_INTERLEAVED = ("megatron-core", "megatron-bridge", "megatron-bridge-graphs", "mlperf")
_SHARDED = ("fsdp", "torchtitan", "maxtext")
_NO_SHARDING = ("megatron-2021", "megatron-deepspeed", "apex")
_NO_SEQUENCE_PARALLEL = ("megatron-2021", "megatron-deepspeed", "neuron")
_ALWAYS_RECOMPUTES = ("megatron-deepspeed", "megatron-2021")


@record
class Again:
    """Recomputation of a case as shares of habits: `layers` whole, `operators`, `minimal` and `custom` policies."""

    layers: float = 0.0
    operators: float = 0.0
    minimal: float = 0.0
    custom: float = 0.0
    norms: float = 0.0
    latent: float = 0.0
    unstated: bool = False


@record
class Filled:
    """Degrees of a case with nothing left open."""

    tensor: float
    pipeline: float
    context: float
    expert: float
    expert_tensor: float
    interleave: float
    schedule: float
    micro_batch: float
    sharding: float
    sharding_group: float
    sequence_parallel: float
    embedding_slots: float
    head_slots: float
    again: Again


def filled(case: TrainingCase) -> Filled:
    """Give a case's degrees, with what its row does not state filled by the rules of its framework."""
    s, framework = case.spread, case.software.framework
    tensor, pipeline = float(s.tensor or 1), float(s.pipeline or 1)
    ranks = case.devices / (tensor * pipeline)
    context = float(s.context or 1)
    if s.context is None and case.group == "lora":
        context = max(1.0, ranks / case.batch)  # a batch of fewer sequences than ranks is split along the sequence
    data = ranks / context
    interleave = float(s.interleave or _interleave(case, pipeline))
    micro = s.micro_batch or (case.batch / data if framework == "maxtext" else 1.0)
    micro = min(micro, case.batch / data)
    slots = pipeline * interleave
    sharding = s.sharding
    if sharding is None:
        sharding = 3 if framework in _SHARDED else 0 if framework in _NO_SHARDING else 1
    sequence_parallel = s.sequence_parallel
    if sequence_parallel is None:
        sequence_parallel = tensor > 1 and framework not in _NO_SEQUENCE_PARALLEL
    return Filled(
        tensor,
        pipeline,
        context,
        float(s.expert or 1),
        float(s.expert_tensor or 1),
        interleave,
        DUAL_PIPE if s.dual_pipe else ONE_F_ONE_B,
        micro,
        float(sharding),
        float(s.sharding_group or 1e12),
        1.0 if sequence_parallel else 0.0,
        *_end_slots(case, slots),
        _again(case),
    )


def _end_slots(case: TrainingCase, chunks: float) -> tuple[float, float]:
    """Slots of embedding and head when layers are dealt: none where layers divide, else one each, or a balance.

    Recipes whose layers do not divide lay their stages out so that the head's work counts as layers.
    """
    layers = case.architecture.layers
    if layers % chunks == 0:
        return 0.0, 0.0
    if (layers + 2) % chunks == 0:
        return 1.0, 1.0
    head = sum(p.weights for p in case.architecture.head)
    each = (case.architecture.active_parameters - head) / layers
    return 0.0, float(round(head / each))


def _interleave(case: TrainingCase, pipeline: float) -> int:
    """NVIDIA's dense recipes cut a stage into as many chunks as divide its layers, up to twelve."""
    each = case.architecture.layers / pipeline
    if pipeline == 1 or case.group == "moe" or case.software.framework not in _INTERLEAVED or each % 1:
        return 1
    return max(chunks for chunks in range(1, 13) if each % chunks == 0)


def _again(case: TrainingCase) -> Again:
    text, framework = case.spread.recompute, case.software.framework
    if text is None:
        return Again(layers=1.0) if framework in _ALWAYS_RECOMPUTES else Again(unstated=True)
    if text.startswith("full") and text != "full/custom":
        return Again(layers=1.0)
    if text == "none":
        return Again()
    if text.startswith("selective (RMSNorm"):
        return Again(norms=1.0, latent=1.0)
    if text.startswith("selective"):
        return Again(operators=1.0) if framework == "torchtitan" else Again()
    if text.startswith("minimal"):
        return Again(minimal=1.0)
    return Again(custom=1.0)


def strategy_of_degrees(degrees: Sequence[Filled], devices: Sequence[float]) -> Strategy:
    """Give degrees as one strategy of arrays."""

    def column(name: str) -> Array:
        return np.array([float(getattr(d, name)) for d in degrees])

    def again(name: str) -> Array:
        return np.array([float(getattr(d.again, name)) for d in degrees])

    nothing = np.zeros(len(degrees))
    return Strategy(
        accelerators=np.array(devices),
        tensor=column("tensor"),
        pipeline=column("pipeline"),
        context=column("context"),
        expert=column("expert"),
        expert_tensor=column("expert_tensor"),
        interleave=column("interleave"),
        micro_batch=column("micro_batch"),
        sequence_parallel=column("sequence_parallel"),
        sharding=column("sharding"),
        sharding_group=column("sharding_group"),
        schedule=column("schedule"),
        embedding_slots=column("embedding_slots"),
        head_slots=column("head_slots"),
        recompute=Recompute(
            layers=again("layers"),
            attention=nothing,
            norms=again("norms"),
            activation=nothing,
            feed_forward=nothing,
            latent=again("latent"),
            other=nothing,
            operators=again("operators"),
        ),
        offload=Offload(nothing, nothing, nothing, nothing),
    )
