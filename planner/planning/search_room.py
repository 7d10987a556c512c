"""Which strategies of a block find room for what they keep outside device memory, in arrays."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from planner.hardware.machine import Machine
from planner.planning.evaluate import Problem, memory_of_candidates
from planner.training.memory import Memory
from planner.training.strategy import Strategy

Array = NDArray[np.float64]

_HOST, _DISK = 1.0, 2.0


def room_elsewhere(problem: Problem, strategy: Strategy) -> NDArray[np.bool_] | None:
    """Give which strategies find room, and a link, for what they keep in host memory or on drives.

    Parameters
    ----------
    problem, strategy : as for `evaluate`; what is offloaded varies along the last axis alone.

    Returns
    -------
    Flags that broadcast over the strategy; None where nothing is kept elsewhere. What would stand on the device
    without offloading is what stands elsewhere with it.
    """
    places = {f.name: np.ravel(getattr(strategy.offload, f.name)) for f in fields(strategy.offload)}
    count = max(map(len, places.values()))
    places = {name: np.broadcast_to(at, count) for name, at in places.items()}
    if not any(np.any(at > 0) for at in places.values()):
        return None
    nothing = replace(strategy.offload, **{name: np.zeros((1,) * strategy.tensor.ndim) for name in places})
    stages = memory_of_candidates(problem, replace(strategy, offload=nothing))
    found = [_has_room({name: at[n] for name, at in places.items()}, stages, problem.machine) for n in range(count)]
    every = np.broadcast_arrays(*found)
    joined: NDArray[np.bool_] = np.concatenate(every, axis=-1)
    return joined


def _has_room(places: dict[str, float], stages: tuple[Memory, ...], machine: Machine) -> NDArray[np.bool_]:
    good = np.ones_like(machine.memory_bytes, dtype=bool)
    for place, room in ((_HOST, machine.host_memory_bytes), (_DISK, machine.disk_bytes)):
        names = ["weights" if name == "parameters" else name for name, at in places.items() if at == place]
        if not names:
            continue
        needed = [sum((getattr(stage, name) for name in names), start=np.asarray(0.0)) for stage in stages]
        most = needed[0]
        for other in needed[1:]:
            most = np.maximum(most, other)
        # Whole nodes are compared, as one plan is: the last bits of the two then agree.
        good = good & (most * machine.node_accelerators <= room * machine.node_accelerators)
        good = good & ~np.isnan(machine.host_link_bytes_per_s)
        if place == _DISK:
            good = good & ~np.isnan(np.minimum(machine.disk_read_bytes_per_s, machine.disk_write_bytes_per_s))
    return good
