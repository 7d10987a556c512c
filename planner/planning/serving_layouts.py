"""Layouts of a replica: those worth trying, which of them run where, and the nodes that replicas stand on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError
from planner.planning.serving_plan import ServingGround, require_links, unfit
from planner.scenario.serving_load import ServingLayout
from planner.serving.batching import Requests, at_once
from planner.serving.engine import Engine
from planner.serving.layout import Layout, divides, why_not

Array = NDArray[np.float64]

_STAGES = (1, 2, 4, 8)


def layouts_of(ground: ServingGround) -> list[ServingLayout]:
    """Give the layouts to choose from: the stated one, or those worth trying.

    Tensor degrees inside a domain, stages beyond, experts dealt out or divided.
    """
    stated = ground.load.layout
    if isinstance(stated, ServingLayout):
        return [stated]
    node, shape = ground.fleet.node, ground.architecture
    domain = max(node.scale_up.domain, node.accelerators)
    powers = [2**k for k in range(int(math.log2(domain)) + 1)]
    experts = max((k.experts.count for s in shape.stacks for k in s.kinds if k.experts), default=1)
    found: list[ServingLayout] = []
    for tensor in powers:
        for data in powers if experts > 1 else (1,):
            ranks = tensor * data
            for expert in {1, ranks if ranks <= experts else 1}:
                for pipeline in _STAGES:
                    if (data == 1 or expert > 1) and ranks <= domain:
                        found.append(ServingLayout(tensor=tensor, data=data, pipeline=pipeline, expert=expert))
    return found


def as_arrays(layouts: list[ServingLayout]) -> Layout:
    """Give layouts side by side on one axis."""
    return Layout.of(
        tensor=np.array([float(each.tensor) for each in layouts]),
        data=np.array([float(each.data) for each in layouts]),
        pipeline=np.array([float(each.pipeline) for each in layouts]),
        expert=np.array([float(each.expert) for each in layouts]),
    )


def runs(engine: Engine, requests: Requests) -> NDArray[np.bool_]:
    """Tell which rows the model and the machine's links allow, and have memory for one request."""
    layout, machine = engine.layout, engine.machine.machine
    ranks = layout.stage_ranks
    near = layout.accelerators <= np.maximum(machine.domain, machine.node_accelerators)
    lone = (ranks <= 1) & ((layout.pipeline <= 1) | ~near)  # stages beyond a domain send over the network alone
    linked = lone | ~np.isnan(machine.domain_bandwidth_bytes_per_s)
    netted = near | ~np.isnan(machine.fabric_bandwidth_bytes_per_s)
    divided = divides(engine.architecture, layout) > 0
    fits = at_once(engine, requests) >= 1.0
    return np.broadcast_to(linked & netted & divided & fits, ranks.shape)


def runnable(ground: ServingGround, layouts: list[ServingLayout]) -> list[ServingLayout]:
    """Give the layouts that run; see `runs`."""
    kept = runs(ground.replica(as_arrays(layouts)), ground.requests)
    return [layout for layout, keep in zip(layouts, kept, strict=True) if keep]


def nodes_of(engine: Engine, replicas: Array | float) -> Array:
    """Give the nodes that hold so many replicas of every row: several to a node, or several nodes to one [1]."""
    per_node, each = engine.machine.machine.node_accelerators, engine.layout.accelerators
    inside = np.ceil(replicas / np.maximum(np.floor(per_node / each), 1.0))
    across = replicas * np.ceil(each / per_node)
    nodes: Array = np.where(each <= per_node, inside, across)
    return nodes


def filling(engine: Engine, nodes: Array | float) -> Array:
    """Give the replicas that so many nodes hold, 1 at least [1]."""
    per_node, each = engine.machine.machine.node_accelerators, engine.layout.accelerators
    inside = np.floor(per_node / each) * nodes
    across = np.floor(nodes / np.ceil(each / per_node))
    held: Array = np.maximum(np.where(each <= per_node, inside, across), 1.0)
    return held


def no_layout(ground: ServingGround, layouts: list[ServingLayout], tree: Tree) -> InfeasibleError | InputError:
    """Give the reason why no layout can run: what does not divide, or the memory of the one that needs least."""
    if len(layouts) == 1:
        only = layouts[0]
        reason = why_not(
            ground.architecture, tensor=only.tensor, data=only.data, pipeline=only.pipeline, expert=only.expert
        )
        if reason:
            working = _tensor_degrees(ground, only)
            allowed = f"tensor: {', '.join(map(str, working))}" if working else ""
            return InputError(tree.fault("contradiction", reason, ("layout",), allowed=allowed, hint="layout: auto"))
        require_links(ground, only, tree)
    arrays = as_arrays(layouts)
    divided = divides(ground.architecture, arrays) > 0
    engine = ground.replica(arrays)
    fits = divided & (at_once(engine, ground.requests) >= 1.0)
    if fits.any():  # memory would do, and what fails is a link between those that share the model
        least = min((each for each, fit in zip(layouts, fits, strict=True) if fit), key=_ranks)
        require_links(ground, least, tree)
    room = np.broadcast_to(engine.room.cache_room_bytes, divided.shape)
    best = int(np.argmax(np.where(divided, room, -np.inf)))
    return unfit(ground, ground.replica(as_arrays([layouts[best]])), tree)


def _tensor_degrees(ground: ServingGround, layout: ServingLayout) -> list[int]:
    """Give the tensor degrees that a layout could have, its other degrees as they are."""
    data, pipeline, expert = layout.data, layout.pipeline, layout.expert
    return [
        tensor
        for tensor in range(1, _MOST_TENSOR + 1)
        if not why_not(ground.architecture, tensor=tensor, data=data, pipeline=pipeline, expert=expert)
    ]


_MOST_TENSOR = 64


def _ranks(layout: ServingLayout) -> int:
    return layout.tensor * layout.data * layout.pipeline
