"""States that a run keeps in host memory or on local drives: how many bytes, and whether a node has room for them."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from planner.documents.reader import Trail, Tree
from planner.errors import InfeasibleError
from planner.planning.evaluate import memory_by_stage
from planner.planning.training_inputs import TrainingPlan
from planner.record import record
from planner.units.printing import scaled

_HOST, _DISK = 1.0, 2.0
_HINT = "another node, or another place for the states"
_WHERE = {_HOST: "host memory", _DISK: "local drives"}


@record
class Elsewhere:
    """Bytes of the fullest node outside its devices [B]."""

    host_bytes: float
    disk_bytes: float


def kept_elsewhere(plan: TrainingPlan, tree: Tree) -> Elsewhere | None:
    """Give what a plan keeps outside device memory, on the fullest node; None where it keeps all there.

    Raises
    ------
    InfeasibleError : the node has no such memory, or too little of it.
    """
    strategy, machine = plan.strategy, plan.problem.machine
    places = {field.name: float(getattr(strategy.offload, field.name)[0]) for field in fields(strategy.offload)}
    if not any(places.values()):
        return None
    nowhere = replace(strategy.offload, **{name: np.zeros(1) for name in places})
    # What would stand on the device without offloading is what stands elsewhere with it.
    stages = memory_by_stage(plan.problem, replace(strategy, offload=nowhere))
    per_node = float(machine.node_accelerators[0])
    found: dict[float, float] = {}
    for place, room in ((_HOST, machine.host_memory_bytes), (_DISK, machine.disk_bytes)):
        names = ["weights" if name == "parameters" else name for name, at in places.items() if at == place]
        needed = max(sum(float(np.ravel(getattr(stage, name))[0]) for name in names) for stage in stages)
        found[place] = needed * per_node
        if names:
            _require_rate(place, plan, tree)
            _require_room(place, found[place], float(room[0]) * per_node, plan, tree)
    return Elsewhere(found[_HOST], found[_DISK])


def _require_rate(place: float, plan: TrainingPlan, tree: Tree) -> None:
    """Refuse to move states over a link or to drives whose rate nobody knows."""
    machine = plan.problem.machine
    rates = {"link to the host": machine.host_link_bytes_per_s}
    if place == _DISK:
        rates |= {"local drives": np.minimum(machine.disk_read_bytes_per_s, machine.disk_write_bytes_per_s)}
    for what, rate in rates.items():
        if np.isnan(rate[0]):
            message = f"{plan.fleet.node.id} has no {what} that the catalog knows of, and states are to be kept there"
            raise InfeasibleError(tree.fault("does-not-fit", message, _trail(tree), hint=_HINT))


def _require_room(place: float, needed: float, room: float, plan: TrainingPlan, tree: Tree) -> None:
    node, what = plan.fleet.node.id, _WHERE[place]
    if np.isnan(room):
        message = f"{node} has no {what} that the catalog knows of, and {scaled(needed, 'B')} are to be kept there"
        raise InfeasibleError(tree.fault("does-not-fit", message, _trail(tree), hint=_HINT))
    if needed > room:
        message = f"does not fit: each {node} is to keep {scaled(needed, 'B')} in its {what}, of {scaled(room, 'B')}"
        raise InfeasibleError(tree.fault("does-not-fit", message, _trail(tree), hint="more nodes, or another place"))


def _trail(tree: Tree) -> Trail:
    return ("offload",) if ("offload",) in tree.marks else ()
