"""How many replicas a service needs, and under which layout: all layouts and rates at once, in arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError
from planner.planning.serving_answer import PERCENTILES, Answer, answer, answer_at
from planner.planning.serving_plan import ServingGround, require_links, unfit
from planner.planning.serving_requests import generates
from planner.planning.serving_steady import Steady
from planner.scenario.serving_load import Demand, Objectives, ServingLayout
from planner.serving.engine import Engine
from planner.serving.layout import Layout, divides, why_not
from planner.serving.queueing import held_tokens
from planner.units import duration

Array = NDArray[np.float64]

_RATES = 64  # shares of a replica's capacity that are tried
_BATCHES = 32  # between an idle replica and the full batch, before the best is found by halving
_HALVINGS = 14
_LEAST_BATCH = 0.02  # sequences at once, in the mean, of a replica that is as good as idle
_IDLE = 1e-3  # of its capacity, at which a replica is as good as idle
_HOURS = 24


@dataclass(frozen=True, slots=True)
class Size:
    """A service of a size.

    Parameters
    ----------
    layout : of a replica. replicas : that serve; `spare` ones stand by.
    nodes : that hold all of them. most : requests per second of one replica that keeps to what is asked.
    """

    layout: ServingLayout
    replicas: int
    nodes: int
    most: float


def layouts_of(ground: ServingGround) -> list[ServingLayout]:
    """Give the layouts worth trying: tensor degrees inside a domain, stages beyond, experts dealt out or divided."""
    node, shape = ground.fleet.node, ground.architecture
    domain = max(node.scale_up.domain, node.accelerators)
    powers = [2**k for k in range(int(math.log2(domain)) + 1)]
    experts = max((k.experts.count for s in shape.stacks for k in s.kinds if k.experts), default=1)
    found: list[ServingLayout] = []
    for tensor in powers:
        for data in powers if experts > 1 else (1,):
            ranks = tensor * data
            for expert in {1, ranks if ranks <= experts else 1}:
                for pipeline in (1, 2, 4, 8):
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


def runnable(ground: ServingGround, layouts: list[ServingLayout]) -> list[ServingLayout]:
    """Give the layouts that the model and the machine's links allow and whose memory holds one request."""
    arrays = as_arrays(layouts)
    machine, node = ground.fleet.machine, ground.fleet.node
    ranks = arrays.tensor * arrays.data
    linked = (ranks <= 1) | ~np.isnan(machine.domain_bandwidth_bytes_per_s[0])
    domain = max(node.scale_up.domain, node.accelerators)
    netted = (arrays.accelerators <= domain) | ~np.isnan(machine.fabric_bandwidth_bytes_per_s[0])
    divided = divides(ground.architecture, arrays) > 0
    fits = ground.replica(arrays).sequences_that_fit(ground.requests.context) >= 1.0
    kept = np.broadcast_to(linked & netted & divided & fits, ranks.shape)
    return [layout for layout, keep in zip(layouts, kept, strict=True) if keep]


def most_per_replica(ground: ServingGround, replica: Engine, *, rate: Array | float, patience: float) -> Array:
    """Most requests per second of one replica that keeps to the objectives; 0 where even an idle one does not.

    Parameters
    ----------
    ground, replica : the service, and its replicas under each layout.
    rate : of all replicas: the more of them share it, the less a request waits; leading axes of its own [1/s].
    patience : times the idle time to the first token that are allowed where no objective is stated [1].

    Notes
    -----
    The largest batch that keeps to all objectives is found between a grid of batches, then by halving.
    """
    if not generates(ground.architecture):
        return _most_encoded(ground, replica, patience=patience)
    steady, objectives = Steady(replica), ground.load.workload.objectives
    asked = np.asarray(rate, dtype=float)
    idle, _ = answer_at(ground, steady, _LEAST_BATCH, asked)
    stated = _stated(objectives)

    def good(batch: Array) -> tuple[NDArray[np.bool_], Array]:
        found, count = answer_at(ground, steady, batch, asked)
        kept = keeps(found, objectives)
        return kept if stated else kept & (found.ttft_s <= patience * idle.ttft_s), count

    variability = ground.load.workload.requests.output_variability
    full = np.maximum(steady.sequences_that_fit(held_tokens(ground.requests, variability)), 1.0) * np.ones_like(asked)
    steps = np.linspace(0.0, 1.0, _BATCHES).reshape(-1, *(1,) * np.ndim(full))
    batches = _LEAST_BATCH * np.exp(steps * np.log(full / _LEAST_BATCH))
    kept, _ = good(batches)
    kept = np.broadcast_to(kept, batches.shape)
    last = _BATCHES - 1 - np.argmax(kept[::-1], axis=0)
    low = np.take_along_axis(batches, last[None], axis=0)[0]
    high = np.take_along_axis(batches, np.minimum(last + 1, _BATCHES - 1)[None], axis=0)[0]
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        keep, _ = good(middle)
        low, high = np.where(keep, middle, low), np.where(keep, high, middle)
    _, count = good(low)
    most: Array = np.where(kept.any(axis=0), asked / count, 0.0)
    return most


def _most_encoded(ground: ServingGround, replica: Engine, *, patience: float) -> Array:
    idle = answer(ground, replica, replicas=1.0, rate=_IDLE)
    rates = np.linspace(_IDLE, 1.0 - _IDLE, _RATES)[:, None] * idle.capacity
    found = answer(ground, replica, replicas=1.0, rate=rates)
    kept = keeps(found, ground.load.workload.objectives)
    if not _stated(ground.load.workload.objectives):
        kept = kept & (found.ttft_s <= patience * idle.ttft_s)
    most: Array = np.max(np.where(kept, rates, 0.0), axis=0)
    return most


def keeps(found: Answer, objectives: Objectives) -> NDArray[np.bool_]:
    """Whether an answer keeps to the objectives."""
    kept = np.isfinite(found.ttft_s)
    for name, limit in _stated(objectives).items():
        kept = kept & (value_of(found, name) <= limit)
    return kept


def value_of(found: Answer, objective: str) -> Array:
    """Give the time that an objective bounds [s].

    Raises
    ------
    KeyError : a percentile that the load does not have.
    """
    phase, _, percentile = objective.partition("_")
    if not percentile:
        value: Array = getattr(found, f"{phase}_s")
        return value
    values = getattr(found, f"{phase}_percentiles_s")
    if values is None:
        raise KeyError(objective)
    chosen: Array = values[PERCENTILES.index(percentile)]
    return chosen


def _stated(objectives: Objectives) -> dict[str, float]:
    return {name: value for name, value in objectives.model_dump().items() if value is not None}


def require_percentiles(ground: ServingGround, tree: Tree) -> None:
    """Refuse percentiles of a load that has no spread: clients in a loop, one batch, all at once."""
    load = ground.load.workload.load
    if load.rate is not None or load.demand is not None:
        return
    asked = [name for name in _stated(ground.load.workload.objectives) if "_" in name]
    if asked:
        raise InputError(
            tree.fault(
                "percentile-unknown",
                f"{asked[0]} needs requests that come at a rate: this load has means alone",
                ("workload", "objectives", asked[0]),
                hint="load: {rate: 5 requests/s}, or an objective on the mean",
            )
        )


def sized(ground: ServingGround, rate: float, tree: Tree, *, patience: float) -> Size:
    """Give the fewest machines that serve a rate within the objectives.

    Raises
    ------
    InfeasibleError : no layout fits, or none is fast enough even idle, and by how much.
    """
    load = ground.load
    wanted = layouts_of(ground) if load.layout == "auto" else [load.layout]
    layouts = runnable(ground, wanted)
    if not layouts:
        raise no_layout(ground, wanted, tree)
    replica = ground.replica(as_arrays(layouts))
    most = most_per_replica(ground, replica, rate=rate, patience=patience)
    if not np.any(most > 0):
        raise _too_slow(ground, replica, layouts, tree)
    with np.errstate(divide="ignore"):
        replicas = np.where(most > 0, np.maximum(np.ceil(rate / np.maximum(most, 1e-300) - 1e-6), 1.0), np.inf)
    if load.replicas != "auto":
        replicas = np.where(most > 0, float(load.replicas), np.inf)
    nodes = nodes_of(ground, as_arrays(layouts), replicas + load.spare)
    # Of as many machines the service with fewer accelerators at work, then with smaller replicas, then the faster.
    each = as_arrays(layouts).accelerators
    best = int(np.lexsort((-most, each, each * replicas, nodes))[0])
    return Size(layouts[best], int(replicas[best]), int(nodes[best]), float(most[best]))


def nodes_of(ground: ServingGround, layout: Layout, replicas: Array | float) -> Array:
    """Give the nodes that hold so many replicas: several to a node, or several nodes to one [1]."""
    per_node = float(ground.fleet.node.accelerators)
    each = layout.accelerators
    inside = np.ceil(replicas / np.maximum(np.floor(per_node / each), 1.0))
    across = replicas * np.ceil(each / per_node)
    nodes: Array = np.where(each <= per_node, inside, across)
    return nodes


def hourly_rates(demand: Demand) -> Array:
    """Give the rate of each hour of the day: as stated, or a sine through mean and peak [requests/s]."""
    mean = demand.mean * demand.growth
    if demand.by_hour is not None:
        return mean * np.array(demand.by_hour)
    hours = np.arange(float(_HOURS))
    rise = min(demand.peak_to_mean - 1.0, 1.0)
    wave = 1.0 + rise * np.sin((hours - 8.0) / _HOURS * 2.0 * np.pi)  # the busiest hour is at 14
    wave[np.argmax(wave)] = demand.peak_to_mean
    return mean * wave


def by_hour(ground: ServingGround, size: Size, rates: Array, *, patience: float) -> tuple[int, ...]:
    """Give the replicas that each hour of the day needs, at most those that there are."""
    replica = ground.replica(as_arrays([size.layout]))
    each = np.maximum(np.asarray(rates, dtype=float), _IDLE)[:, None]
    most = np.broadcast_to(most_per_replica(ground, replica, rate=each, patience=patience), each.shape)
    with np.errstate(divide="ignore"):
        needed = np.ceil(each / most - 1e-6)
    return tuple(int(count) for count in np.clip(needed[:, 0], 1.0, float(size.replicas)))


def no_layout(ground: ServingGround, layouts: list[ServingLayout], tree: Tree) -> InfeasibleError | InputError:
    """Give the reason why no layout can run: what does not divide, or the memory of the one that needs least."""
    if len(layouts) == 1:
        only = layouts[0]
        reason = why_not(
            ground.architecture, tensor=only.tensor, data=only.data, pipeline=only.pipeline, expert=only.expert
        )
        if reason:
            return InputError(tree.fault("contradiction", reason, ("layout",), hint="layout: auto"))
        require_links(ground, only, tree)
    arrays = as_arrays(layouts)
    divided = divides(ground.architecture, arrays) > 0
    room = np.broadcast_to(ground.replica(arrays).room.cache_room_bytes, divided.shape)
    best = int(np.argmax(np.where(divided, room, -np.inf)))
    return unfit(ground, ground.replica(as_arrays([layouts[best]])), tree)


def _too_slow(ground: ServingGround, replica: Engine, layouts: list[ServingLayout], tree: Tree) -> InfeasibleError:
    """Give the error of objectives below what an idle service does, with by how much."""
    idle = answer(ground, replica, replicas=1.0, rate=_IDLE)
    worst, name, best = 0.0, "", 0.0
    for objective, limit in _stated(ground.load.workload.objectives).items():
        least = float(np.min(value_of(idle, objective)))
        if least / limit > worst:
            worst, name, best = least / limit, objective, least
    limit = _stated(ground.load.workload.objectives).get(name, 0.0)
    most = max(layouts, key=lambda layout: layout.tensor)
    return InfeasibleError(
        tree.fault(
            "objective-unreachable",
            f"{name} of {duration(limit)} is below what is possible: an idle replica takes {duration(best)}, "
            f"{worst - 1.0:.0%} more, on up to {most.tensor} accelerators a replica",
            ("workload", "objectives", name),
            hint="a faster accelerator, weights in fewer bits, a shorter prompt, or a looser objective",
        )
    )
