"""Training problems out of the catalogs, for tests: any registered model on any registered node."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache

import numpy as np

from planner.catalog.model import Model
from planner.catalog.node import Node
from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine
from planner.planning.books import Books
from planner.planning.efficiencies import efficiency_of, framework_of
from planner.planning.evaluate import Problem
from planner.planning.ledger import Ledger
from planner.planning.machines import machine_of
from planner.training.implementation import MEGATRON
from planner.training.memory import MemoryRules, StateBytes
from planner.workload.architecture import Architecture
from planner.workload.build import architecture

BOOKS = Books()
CATALOG = BOOKS.catalog
MODELS = sorted(e.id for e in CATALOG.entries("model") if isinstance(e, Model) and e.architecture is not None)
STATES = StateBytes(weights=2.0, gradients=4.0, optimizer=12.0)
RULES = MemoryRules(MEGATRON, logits_copies=1.0, head_gradient_bytes=4.0, reserve_bytes=0.0, fragmentation=0.0)


@cache
def model(name: str) -> Architecture:
    found = CATALOG.model(name).architecture
    assert found is not None
    return architecture(found, name)


def sixteen_bits(node_name: str) -> str:
    """Give the 16-bit format that a node's accelerators multiply in."""
    peak = CATALOG.accelerator(CATALOG.node(node_name).accelerator).peak
    return "bf16" if "bf16" in peak else "fp16"


@cache
def machine(node_name: str) -> Machine:
    node = CATALOG.node(node_name)
    network = CATALOG.network(node.network.fabric) if node.network else None
    chip = CATALOG.accelerator(node.accelerator)
    return machine_of(node, chip, network, precision=sixteen_bits(node_name), ledger=Ledger(CATALOG))


@cache
def efficiency(node_name: str, framework: str = "megatron-core") -> Efficiency:
    profile = CATALOG.profile("training")
    chip = CATALOG.accelerator(CATALOG.node(node_name).accelerator)
    _, moves = framework_of(profile, framework)
    return efficiency_of(profile, chip, precision=sixteen_bits(node_name), framework=moves)[0]


NODES = sorted(e.id for e in CATALOG.entries("node") if isinstance(e, Node))
# Nodes whose accelerators are joined by something known, and joined to other nodes.
CLUSTERS = [
    name
    for name in NODES
    if not np.isnan(machine(name).domain_bandwidth_bytes_per_s + machine(name).fabric_bandwidth_bytes_per_s)
]


def problem(model_name: str | Architecture, node_name: str = "dgx-h100", **changes: object) -> Problem:
    """Give a problem: 16 sequences of 2,048 tokens in 16 bits, unless changed."""
    built = model(model_name) if isinstance(model_name, str) else model_name
    usual = Problem(
        architecture=built,
        length=2048.0,
        source_length=None,
        global_batch=16.0,
        states=STATES,
        rules=RULES,
        trained=True,
        machine=machine(node_name),
        efficiency=efficiency(node_name),
        bytes_per_element=2.0,
        quantised=False,
    )
    return replace(usual, **changes)


def changed(record: Machine | Efficiency, **values: float) -> Machine | Efficiency:
    """Give a machine or efficiencies with other numbers."""
    known = {f.name for f in fields(record)}
    assert values.keys() <= known
    return replace(record, **{name: np.array([float(value)]) for name, value in values.items()})
