"""How many replicas serve clients in a loop, a batch, or all requests at once: loads that are no rate.

Machines are paid for whole, so that what is compared is the requests of a node; clients in a loop, and requests that
are all there from the start, use every accelerator of the machines that they need.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.planning.serving_answer import answer
from planner.planning.serving_layouts import as_arrays, filling, layouts_of, no_layout, nodes_of, runnable
from planner.planning.serving_objectives import keeps, stated, too_slow
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_requests import generates
from planner.planning.serving_sizing import Size, Sizes
from planner.scenario.serving_load import ServingLayout
from planner.serving.batching import at_once
from planner.serving.engine import Engine

Array = NDArray[np.float64]


def sizes_in_a_loop(ground: ServingGround, engine: Engine) -> Sizes:
    """Give the replicas of every row that serve a load which is no rate, within the objectives.

    Parameters
    ----------
    ground, engine : the service, and a replica in each row.

    Notes
    -----
    As many as are stated, or as the accelerators that are stated hold. Else clients get the fewest machines on which
    the objectives are kept and, without objectives, none of them waits for a place; a batch and a stream get one
    replica.
    """
    load = ground.load
    one = np.ones_like(engine.layout.tensor)
    per_node = engine.machine.machine.node_accelerators
    said = load.hardware.accelerators or load.hardware.nodes
    there = load.hardware.accelerators or (load.hardware.nodes or 0) * per_node
    if load.replicas != "auto":
        replicas = one * float(load.replicas)
    elif said:
        replicas = np.maximum(np.floor(there / engine.layout.accelerators), 1.0)
    else:
        replicas = _needed(ground, engine)
    found = answer(ground, engine, replicas=replicas, rate=None)
    can = np.broadcast_to(keeps(found, load.workload.objectives), one.shape)
    if said:
        fewer = engine.layout.accelerators <= there
        can = can & fewer if fewer.any() else can
    return Sizes(can, replicas, nodes_of(engine, replicas + load.spare), found.requests_per_s * one / replicas, found)


def _needed(ground: ServingGround, engine: Engine) -> Array:
    load, one = ground.load.workload.load, np.ones_like(engine.layout.tensor)
    if load.offline:
        return filling(engine, nodes_of(engine, one))
    if load.clients is None:
        return one
    clients = float(load.clients)
    low, high = one, one * clients
    # Fewer clients of a replica never wait longer: the fewest replicas are found by halving, over whole numbers.
    for _ in range(int(np.ceil(np.log2(clients + 1.0)))):
        middle = np.floor(0.5 * (low + high))
        enough = _enough(ground, engine, clients, middle)
        low, high = np.where(enough, low, np.minimum(middle + 1.0, clients)), np.where(enough, middle, high)
    needed: Array = np.minimum(filling(engine, nodes_of(engine, high)), clients)
    return needed


def _enough(ground: ServingGround, engine: Engine, clients: float, replicas: Array) -> NDArray[np.bool_]:
    objectives = ground.load.workload.objectives
    if stated(objectives):
        return keeps(answer(ground, engine, replicas=replicas, rate=None), objectives)
    if not generates(ground.architecture):
        return replicas >= 1.0
    return clients / replicas <= at_once(engine, ground.requests)


def sized_in_a_loop(ground: ServingGround, tree: Tree) -> Size:
    """Give the layout and replicas that serve the most requests of a node.

    Raises
    ------
    InfeasibleError : no layout fits, or none keeps to the objectives however many replicas there are.
    """
    wanted = layouts_of(ground)
    layouts = runnable(ground, wanted)
    if not layouts:
        raise no_layout(ground, wanted, tree)
    engine = ground.replica(as_arrays(layouts))
    sizes = sizes_in_a_loop(ground, engine)
    best = next(iter(sizes.order(engine, sizes.nodes / sizes.found.requests_per_s)), None)
    if best is None:
        if _is_left_open(ground):
            lone = answer(ground, engine, replicas=np.maximum(sizes.replicas, _clients(ground)), rate=None)
            who = "a replica with one client" if _clients(ground) > 1 else "the fastest replica"
            raise too_slow(ground, lone, max(each.tensor for each in layouts), tree, who=who)
        # What is stated is told of all the same, with what it misses.
        best = int(np.argmin(np.broadcast_to(sizes.found.ttft_s, sizes.replicas.shape)))
    return Size(layouts[best], int(sizes.replicas[best]), int(sizes.nodes[best]))


def _is_left_open(ground: ServingGround) -> bool:
    load = ground.load
    chosen = isinstance(load.layout, ServingLayout) and load.workload.load.clients is None
    return load.replicas == "auto" and not (load.hardware.accelerators or load.hardware.nodes or chosen)


def _clients(ground: ServingGround) -> float:
    return float(ground.load.workload.load.clients or 1)
