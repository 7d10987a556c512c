"""Measured training runs as arrays: cases of one architecture stand side by side and are predicted at once.

What a row does not state is filled by the rules of its framework, told in docs/accuracy.md: degrees that
are 1, the data degree that is left, interleaving of NVIDIA's recipes, recomputation where memory lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import TrainingCase
from planner.catalog.profile import Profile
from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine
from planner.planning.evaluate import Problem, evaluate
from planner.planning.machines import UNITS_UNKNOWN, peak_flops_per_s, sixteen_bit_peak
from planner.training.implementation import MEGATRON, TORCH_CUDA, Implementation
from planner.training.memory import MemoryRules, StateBytes
from planner.training.strategy import Offload, Recompute, Strategy

Array = NDArray[np.float64]

_ELEMENT = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "mxfp8": 1.0, "nvfp4": 0.5, "int8": 1.0}
_QUANTISED = ("fp8", "mxfp8", "nvfp4", "int8")
_INTERLEAVED = ("megatron-core", "megatron-bridge", "megatron-bridge-graphs", "mlperf")
_SHARDED = ("fsdp", "torchtitan", "maxtext")
_NO_SHARDING = ("megatron-2021", "megatron-deepspeed", "apex")
_NO_SEQUENCE_PARALLEL = ("megatron-2021", "megatron-deepspeed", "neuron")
_ALWAYS_RECOMPUTES = ("megatron-deepspeed", "megatron-2021")
_SLACK = 0.92  # share of device memory that recipes fill before they recompute


@dataclass(frozen=True, slots=True)
class Again:
    """Recomputation of a case as shares of habits: `layers` whole, `operators`, `minimal` and `custom` policies."""

    layers: float = 0.0
    operators: float = 0.0
    minimal: float = 0.0
    custom: float = 0.0
    norms: float = 0.0
    latent: float = 0.0
    unstated: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """Degrees of a case with nothing left open."""

    tensor: float
    pipeline: float
    context: float
    expert: float
    interleave: float
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
        interleave,
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
    """NVIDIA's dense recipes cut a stage into as many chunks as divide its layers, up to eight."""
    each = case.architecture.layers / pipeline
    if pipeline == 1 or case.group == "moe" or case.software.framework not in _INTERLEAVED or each % 1:
        return 1
    return max(chunks for chunks in range(1, 9) if each % chunks == 0)


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


@dataclass(frozen=True, slots=True)
class Group:
    """Cases of one architecture and one set of memory rules, as arrays over the cases.

    Parameters
    ----------
    rows : number of each case in the list that was grouped.
    problem : what they share; its efficiency is put in by whoever predicts.
    strategy : degrees, without the recomputation that depends on fitted habits.
    again : that recomputation's shares, each an array.
    deficit : share of the layers' activations that memory lacks, where recomputation is not stated.
    """

    rows: NDArray[np.int64]
    problem: Problem
    strategy: Strategy
    again: dict[str, Array]
    deficit: Array


def groups_of(cases: Sequence[TrainingCase], profile: Profile) -> list[Group]:
    """Give cases as groups of arrays.

    Parameters
    ----------
    cases : what was measured.
    profile : tells what frameworks add to memory, and with its priors the degrees of rows that state none.
    """
    found: dict[object, list[int]] = {}
    for number, case in enumerate(cases):
        key = (
            id(case.architecture),
            case.trained,
            case.precision in _QUANTISED,
            _rules(case, profile),
            states_of_case(case),
            case.spread.searched,
        )
        found.setdefault(key, []).append(number)
    return [_group([cases[n] for n in numbers], np.asarray(numbers), profile) for numbers in found.values()]


def states_of_case(case: TrainingCase) -> StateBytes:
    """Give the bytes per parameter that the row's framework keeps."""
    gradients = case.gradient_bytes
    if case.software.framework in _NARROW_GRADIENTS:
        gradients = 2.0
    share = 1.0 if case.trained else _ADAPTER_SHARE
    return StateBytes(2.0, gradients, 12.0, share)


_NARROW_GRADIENTS = ("megatron-deepspeed", "fsdp", "maxtext", "apex", "internevo")
_ADAPTER_SHARE = 0.0006  # rank 16 on attention of Llama-2-70B, as MLPerf's LoRA reference has it


def _group(cases: Sequence[TrainingCase], rows: NDArray[np.int64], profile: Profile) -> Group:
    first = cases[0]
    problem = Problem(
        architecture=first.architecture,
        length=np.array([float(case.length) for case in cases]),
        source_length=None,
        global_batch=np.array([case.batch for case in cases]),
        states=states_of_case(first),
        rules=_rules(first, profile),
        trained=first.trained,
        machine=machine_of_cases(cases),
        efficiency=prior_efficiency(profile),
        bytes_per_element=np.array([_ELEMENT[case.precision] for case in cases]),
        quantised=first.precision in _QUANTISED,
    )
    if first.spread.searched:
        from planner.accuracy.training_search import degrees_of_searched

        degrees = [
            degrees_of_searched(case, replace(problem, machine=machine_of_cases([case]), **_sizes(case)))
            for case in cases
        ]
    else:
        degrees = [filled(case) for case in cases]
    again = {f.name: np.array([float(getattr(d.again, f.name)) for d in degrees]) for f in fields(Again)}
    strategy = strategy_of_degrees(degrees, [float(case.devices) for case in cases])
    unstated = again["unstated"] > 0
    deficit = np.where(unstated, _deficit(problem, strategy), 0.0) if np.any(unstated) else np.zeros(len(cases))
    return Group(rows, problem, strategy, again, deficit)


def _sizes(case: TrainingCase) -> dict[str, Any]:
    return {
        "length": np.array([float(case.length)]),
        "global_batch": np.array([case.batch]),
        "bytes_per_element": np.array([_ELEMENT[case.precision]]),
    }


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
        expert_tensor=nothing + 1.0,
        interleave=column("interleave"),
        micro_batch=column("micro_batch"),
        sequence_parallel=column("sequence_parallel"),
        sharding=column("sharding"),
        sharding_group=column("sharding_group"),
        schedule=nothing,
        embedding_slots=column("embedding_slots"),
        head_slots=column("head_slots"),
        recompute=Recompute(again("layers"), nothing, again("norms"), nothing, nothing, again("latent"), nothing),
        offload=Offload(nothing, nothing, nothing, nothing),
    )


def _deficit(problem: Problem, strategy: Strategy) -> Array:
    """Share of what layers keep that memory lacks, at most all of it [1]."""
    memory = evaluate(problem, strategy)
    activations = np.maximum(memory.stages[0].activations, 1.0)
    for stage in memory.stages[1:]:
        activations = np.maximum(activations, stage.activations)
    lacking = memory.memory_bytes - _SLACK * problem.machine.memory_bytes
    share: Array = np.clip(lacking / activations, 0.0, 1.0)
    return share


def prior_efficiency(profile: Profile) -> Efficiency:
    """Give the efficiencies that are believed without any row."""
    names = [field.name for field in fields(Efficiency)]
    return Efficiency(**{name: np.array([profile.parameters[name].prior]) for name in names})


def _rules(case: TrainingCase, profile: Profile) -> MemoryRules:
    framework = profile.frameworks[case.software.framework]
    return MemoryRules(
        _implementation(case),
        framework.logits_copies,
        framework.head_gradient_bytes,
        framework.reserve_gib * 2.0**30,
        framework.fragmentation,
        framework.keeps_sent,
    )


def _implementation(case: TrainingCase) -> Implementation:
    """How the row's framework computes a layer: fused or plain kernels, attention with or without its scores."""
    framework = case.software.framework
    base = TORCH_CUDA if framework in _PLAIN_MODULES else MEGATRON
    return replace(base, flash=framework not in _PLAIN_ATTENTION)


_PLAIN_MODULES = ("fsdp", "apex")
_PLAIN_ATTENTION = ("megatron-2021", "megatron-deepspeed")


def machine_of_cases(cases: Sequence[TrainingCase]) -> Machine:
    """Give the machines of cases as arrays; a device is an accelerator, or a core of a chip whose cores are counted."""
    share = np.array([case.accelerators / case.devices for case in cases])

    def each(value: Callable[[TrainingCase], float]) -> Array:
        return np.array([value(case) for case in cases])

    unknown = np.full(len(cases), np.nan)
    return Machine(
        memory_bytes=each(lambda case: case.accelerator.memory.capacity) * share,
        memory_bandwidth_bytes_per_s=each(lambda case: case.accelerator.memory.bandwidth) * share,
        matrix_flops_per_s=each(lambda case: peak_flops_per_s(case.accelerator, case.precision)) * share,
        matrix_16bit_flops_per_s=each(lambda case: sixteen_bit_peak(case.accelerator)) * share,
        units=each(lambda case: case.accelerator.units or UNITS_UNKNOWN) * share,
        domain=each(lambda case: case.domain),
        domain_bandwidth_bytes_per_s=each(_link_bandwidth) * share,
        node_accelerators=each(lambda case: min(case.domain, 8)),
        fabric_bandwidth_bytes_per_s=each(lambda case: case.fabric_bytes_per_s),
        fabric_latency_s=np.zeros(len(cases)),
        host_link_bytes_per_s=unknown,
        host_memory_bytes=unknown,
        disk_read_bytes_per_s=unknown,
        disk_write_bytes_per_s=unknown,
        disk_bytes=unknown,
    )


def _link_bandwidth(case: TrainingCase) -> float:
    link = case.accelerator.link
    return link.bandwidth if link and link.bandwidth else _PCIE_BYTES_PER_S


_PCIE_BYTES_PER_S = 16e9  # PCIe 3.0 x16, where a part has no link of its own
