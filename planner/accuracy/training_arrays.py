"""Measured training runs as arrays: cases of one architecture stand side by side and are predicted at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import TrainingCase
from planner.accuracy.training_degrees import Again, filled, strategy_of_degrees
from planner.accuracy.training_search import degrees_of_searched
from planner.catalog.profile import Profile
from planner.hardware.efficiency import NAMES, Efficiency
from planner.hardware.machine import Machine
from planner.planning.evaluate import Problem, evaluate
from planner.planning.machines import UNITS_UNKNOWN, peak_flops_per_s, sixteen_bit_peak
from planner.record import record
from planner.training.implementation import MEGATRON, TORCH_CUDA, Implementation
from planner.training.memory import MemoryRules, StateBytes
from planner.training.strategy import Strategy

Array = NDArray[np.float64]

_ELEMENT = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "mxfp8": 1.0, "nvfp4": 0.5, "int8": 1.0}
_QUANTISED = ("fp8", "mxfp8", "nvfp4", "int8")
_SLACK = 0.92  # share of device memory that recipes fill before they recompute


@record
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
    # In bf16 DeepSpeed adds gradients up in 32 bits beside the 16-bit ones that the backward pass makes.
    more = 4.0 if case.software.framework == "megatron-deepspeed" and case.precision == "bf16" else 0.0
    return StateBytes(2.0, gradients, 12.0, share, more)


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
        adapted="attention",  # as the recipes of MLPerf, NeMo and Megatron-Bridge have it
    )
    if first.spread.searched:
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
    return Efficiency(**{name: np.array([profile.parameters[name].prior]) for name in NAMES})


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
        torus=each(lambda case: case.accelerator.link.torus if case.accelerator.link else 0),
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
