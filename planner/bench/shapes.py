"""Small transformers as the planner's own architectures, and a host as the planner's own machine."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.bench.models import Shape
from planner.catalog.shape import ArchitectureSpec, AttentionSpec, ExpertsSpec, FeedForwardSpec
from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine
from planner.planning.evaluate import Problem, setting_of, step_of
from planner.planning.training_plan import layers_of
from planner.record import record
from planner.serving.efficiency import ServingEfficiency
from planner.serving.engine import Engine, EngineLimits, engine_of
from planner.serving.formats import Formats
from planner.serving.layout import Layout
from planner.serving.machine import ServingMachine
from planner.serving.room import EngineMemory, FractionOf
from planner.training.implementation import PLAIN_TORCH
from planner.training.layer_time import LayerTime, layer_time
from planner.training.memory import MemoryRules, StateBytes
from planner.training.strategy import Offload, Recompute, Strategy
from planner.workload.architecture import Architecture
from planner.workload.build import architecture

Array = NDArray[np.float64]

_BYTES = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0}
_ROOM_FOR_A_TEST = 4096.0  # sequences and tokens of a pass: more than any model here is given


@record
class HostRates:
    """What a host reached: the catalog entry that is written for it holds the same.

    Parameters
    ----------
    peak_flops_per_s : fastest product. bandwidth_bytes_per_s : fastest stream. memory_bytes : of the device.
    units : cores that were used. dtype : the format that all of it was measured in.
    """

    peak_flops_per_s: float
    bandwidth_bytes_per_s: float
    memory_bytes: float
    units: float
    dtype: str

    def machine(self) -> Machine:
        """Give the host as a node of one accelerator; it has no links, network or drives of that name."""
        unknown = np.array([np.nan])
        one = np.array([1.0])
        return Machine(
            memory_bytes=np.array([self.memory_bytes]),
            memory_bandwidth_bytes_per_s=np.array([self.bandwidth_bytes_per_s]),
            matrix_flops_per_s=np.array([self.peak_flops_per_s]),
            matrix_16bit_flops_per_s=np.array([self.peak_flops_per_s]),
            units=np.array([self.units]),
            domain=one,
            domain_bandwidth_bytes_per_s=unknown,
            torus=np.array([0.0]),
            node_accelerators=one,
            fabric_bandwidth_bytes_per_s=unknown,
            fabric_latency_s=np.array([0.0]),
            host_link_bytes_per_s=unknown,
            host_memory_bytes=unknown,
            disk_read_bytes_per_s=unknown,
            disk_write_bytes_per_s=unknown,
            disk_bytes=unknown,
        )


@cache
def architecture_of(shape: Shape) -> Architecture:
    """Give a model built by `planner.bench.models` as the planner counts it."""
    feed_forward: dict[str, Any] = {}
    bias = not shape.gated
    if shape.experts:
        feed_forward["experts"] = ExpertsSpec(
            count=shape.experts, top_k=shape.top_k, width=shape.width, gated=shape.gated, bias=bias
        )
    else:
        feed_forward["feed_forward"] = FeedForwardSpec(width=shape.width, gated=shape.gated, bias=bias)
    spec = ArchitectureSpec(
        hidden=shape.hidden,
        layers=shape.layers,
        vocabulary=shape.vocabulary,
        attention=AttentionSpec(heads=shape.heads, kv_heads=shape.key_values, bias="all" if bias else "none"),
        normalization="rms" if shape.gated else "layer",
        positions="rotary" if shape.gated else "learned",
        max_sequence=shape.longest,
        causal=shape.causal,
        **feed_forward,
    )
    return architecture(spec, shape.name)


def single_strategy(*, micro_batch: float) -> Strategy:
    """Give the strategy of one device: nothing is divided, nothing computed again, nothing kept elsewhere."""
    one, none = np.array([1.0]), np.array([0.0])
    again = Recompute(none, none, none, none, none, none, none, none)
    return Strategy(
        accelerators=one, tensor=one, pipeline=one, context=one, expert=one, expert_tensor=one, interleave=one,
        micro_batch=np.array([micro_batch]), sequence_parallel=none, sharding=none, sharding_group=one, schedule=none,
        embedding_slots=none, head_slots=none, recompute=again, offload=Offload(none, none, none, none),
    )  # fmt: skip


def problem_of(
    shape: Shape, host: HostRates, efficiency: Efficiency, *, sequences: int, length: int
) -> tuple[Problem, Strategy]:
    """Give one training step of one micro-batch on a host, as the planner's estimate would have it."""
    element = _BYTES[host.dtype]
    # All states are of the parameters' own format: torch's AdamW keeps its moments in it.
    states = StateBytes(element, element, 2.0 * element)
    implementation = replace(PLAIN_TORCH, element_bytes=element)
    rules = MemoryRules(implementation, 3.0, element, 0.0, 0.0, False)  # noqa: FBT003 - nothing is sent
    problem = Problem(
        architecture=architecture_of(shape),
        length=float(length),
        source_length=None,
        global_batch=float(sequences),
        states=states,
        rules=rules,
        trained=True,
        machine=host.machine(),
        efficiency=efficiency,
        bytes_per_element=element,
        quantised=False,
    )
    return problem, single_strategy(micro_batch=float(sequences))


def training_step_s(shape: Shape, host: HostRates, efficiency: Efficiency, *, sequences: int, length: int) -> float:
    """Predict one training step: forward, backward, optimizer [s]."""
    problem, strategy = problem_of(shape, host, efficiency, sequences=sequences, length=length)
    return float(np.ravel(step_of(problem, strategy).total)[0])


def block_time(shape: Shape, host: HostRates, efficiency: Efficiency, *, sequences: int, length: int) -> LayerTime:
    """Predict one layer, forward and backward."""
    problem, strategy = problem_of(shape, host, efficiency, sequences=sequences, length=length)
    layers = layers_of(
        problem.architecture, sequences=strategy.micro_batch, length=problem.length, source_length=None, trained=True
    )
    return layer_time(layers.uses[0], setting_of(problem, strategy))


def engine_on(shape: Shape, host: HostRates, efficiency: ServingEfficiency) -> Engine:
    """Give a model as one replica on a host, with room for every batch that is tried."""
    many = np.asarray(_ROOM_FOR_A_TEST)
    peak = np.asarray(host.peak_flops_per_s)
    machine = ServingMachine(
        machine=host.machine(),
        flops_per_s_32=peak,
        flops_per_s_16=peak,
        flops_per_s_short=peak,
        flops_per_s_8=np.asarray(np.nan),
        flops_per_s_4=np.asarray(np.nan),
        power_limit_w=np.asarray(np.nan),
        chip_memory_bytes=np.asarray(0.0),
        switched=np.asarray(0.0),
    )
    return engine_of(
        architecture_of(shape),
        layout=Layout.of(),
        formats=Formats.of(host.dtype, cache=host.dtype, head=host.dtype),
        machine=machine,
        efficiency=efficiency,
        limits=EngineLimits(sequences=many, pass_tokens=many * many, chunked=np.asarray(0.0)),
        memory=EngineMemory(np.asarray(0.9), FractionOf("total"), np.asarray(0.0), np.asarray(1.0)),
    )


def prefill_s(shape: Shape, host: HostRates, efficiency: ServingEfficiency, *, sequences: int, length: int) -> float:
    """Predict reading prompts that pass together [s]."""
    return float(
        np.ravel(engine_on(shape, host, efficiency).prompts(float(length), requests=float(sequences)).total)[0]
    )


def decode_s(shape: Shape, host: HostRates, efficiency: ServingEfficiency, *, sequences: int, context: int) -> float:
    """Predict one decode step at a context [s]."""
    return float(np.ravel(engine_on(shape, host, efficiency).decode_step_s(float(sequences), float(context)))[0])
