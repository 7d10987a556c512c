"""How many replicas a service at a rate needs, and under which layout: all layouts and rates at once, in arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.planning.serving_answer import Answer, answer, answer_at
from planner.planning.serving_layouts import as_arrays, layouts_of, no_layout, nodes_of, runnable
from planner.planning.serving_objectives import keeps, stated, too_slow
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_requests import generates
from planner.planning.serving_steady import Steady
from planner.record import record
from planner.scenario.serving_load import Demand, ServingLayout
from planner.serving.batching import at_once
from planner.serving.engine import Engine
from planner.serving.settling import held_tokens

Array = NDArray[np.float64]

_RATES = 64  # shares of a replica's capacity that are tried
_BATCHES = 32  # between an idle replica and the full batch, before the best is found by halving
_HALVINGS = 14
_LEAST_BATCH = 0.02  # sequences at once, in the mean, of a replica that is as good as idle
_ALWAYS = 0.5  # of the sequences that run at once, in the mean; our estimate
_IDLE = 1e-3  # of its capacity, at which a replica is as good as idle
_HOURS = 24


@record
class Size:
    """A service of a size.

    Parameters
    ----------
    layout : of a replica. replicas : that serve; `spare` ones stand by.
    nodes : that hold all of them.
    """

    layout: ServingLayout
    replicas: int
    nodes: int


@record
class Sizes:
    """Services of a size, one in every row.

    Parameters
    ----------
    can : rows that serve the load within what is asked.
    replicas : whole ones; 1 where there is no answer. nodes : that hold them and the spare ones.
    most : requests per second of one replica that keeps to what is asked; 0 where there is no answer.
    found : what clients see of each row.
    """

    can: NDArray[np.bool_]
    replicas: Array
    nodes: Array
    most: Array
    found: Answer

    def order(self, engine: Engine, wanted: Array) -> list[int]:
        """Give rows with an answer, the least of what is wanted first.

        Of as good ones that with fewer accelerators at work, then with smaller replicas, then that whose requests are
        answered sooner at this load, then that which takes more of them.
        """
        each = engine.layout.accelerators
        latency = np.broadcast_to(self.found.latency_s, self.replicas.shape)
        order = np.lexsort((-self.most, np.nan_to_num(latency, nan=np.inf), each, each * self.replicas, wanted))
        return [row for row in order.tolist() if self.can[row] and np.isfinite(wanted[row])]


def sizes_at(ground: ServingGround, engine: Engine, *, rate: float, patience: float) -> Sizes:
    """Give the fewest replicas of every row that serve a rate within the objectives.

    Parameters
    ----------
    ground, engine : the service, and a replica in each row.
    rate : of all replicas [1/s]. patience : see `most_per_replica`.
    """
    load = ground.load
    most = np.broadcast_to(most_per_replica(ground, engine, rate=rate, patience=patience), engine.layout.tensor.shape)
    can = most > 0
    with np.errstate(divide="ignore"):
        replicas = np.where(can, np.maximum(np.ceil(rate / np.maximum(most, 1e-300) - 1e-6), 1.0), 1.0)
    if load.replicas != "auto":
        replicas = np.full_like(replicas, float(load.replicas))
        can = can & (rate / replicas <= most * (1.0 + 1e-6))
    found = answer(ground, engine, replicas=replicas, rate=rate)
    return Sizes(can, replicas, nodes_of(engine, replicas + load.spare), most, found)


def most_per_replica(ground: ServingGround, replica: Engine, *, rate: Array | float, patience: float) -> Array:
    """Most requests per second of one replica that keeps to the objectives; 0 where even an idle one does not.

    Parameters
    ----------
    ground, replica : the service, and its replicas under each layout.
    rate : of all replicas: the more of them share it, the less a request waits; leading axes of its own [1/s].
    patience : times the idle time to the first token that are allowed where no objective is stated [1].

    Notes
    -----
    The largest batch that keeps to all objectives, and leaves places for more sequences but for a hundredth of the time
    (`planner.serving.crowding`), is found between a grid of batches, then by halving. Where few sequences run at once a
    queue in front of them is what keeps them busy, and half of them may be.
    """
    if not generates(ground.architecture):
        return _most_encoded(ground, replica, patience=patience)
    steady, objectives = Steady(replica), ground.load.workload.objectives
    asked = np.asarray(rate, dtype=float)
    idle, _ = answer_at(ground, steady, _LEAST_BATCH, asked)
    bounded = bool(stated(objectives))

    def good(batch: Array) -> tuple[NDArray[np.bool_], Array]:
        found, count = answer_at(ground, steady, batch, asked)
        kept = keeps(found, objectives) & ((found.crowded <= 1.0) | (batch <= _ALWAYS * full))
        return kept if bounded else kept & (found.ttft_s <= patience * idle.ttft_s), count

    variability = ground.load.workload.requests.output_variability
    held = held_tokens(ground.requests, variability)
    fit = at_once(steady, ground.requests, held)
    full = np.maximum(fit, 1.0) * np.ones_like(asked)
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
    if not stated(ground.load.workload.objectives):
        kept = kept & (found.ttft_s <= patience * idle.ttft_s)
    most: Array = np.max(np.where(kept, rates, 0.0), axis=0)
    return most


def sized(ground: ServingGround, rate: float, tree: Tree, *, patience: float) -> Size:
    """Give the fewest machines that serve a rate within the objectives.

    Raises
    ------
    InfeasibleError : no layout fits, or none is fast enough even idle, and by how much.
    """
    wanted = layouts_of(ground)
    layouts = runnable(ground, wanted)
    if not layouts:
        raise no_layout(ground, wanted, tree)
    engine = ground.replica(as_arrays(layouts))
    found = sizes_at(ground, engine, rate=rate, patience=patience)
    order = found.order(engine, found.nodes)
    if not order and ground.load.replicas != "auto":
        # As many as are stated are told of all the same, with what they miss.
        order = replace(found, can=found.most > 0).order(engine, found.nodes)
    if not order:
        idle = answer(ground, engine, replicas=1.0, rate=_IDLE)
        raise too_slow(ground, idle, max(each.tensor for each in layouts), tree)
    best = order[0]
    return Size(layouts[best], int(found.replicas[best]), int(found.nodes[best]))


def hourly_rates(demand: Demand) -> Array:
    """Give the rate of each hour of the day: as stated, or a sine with that mean and that peak [requests/s]."""
    mean = demand.mean * demand.growth
    if demand.by_hour is not None:
        return mean * np.array(demand.by_hour)
    hours = np.arange(float(_HOURS))
    rise = min(demand.peak_to_mean - 1.0, 1.0)
    wave = 1.0 + rise * np.sin((hours - 8.0) / _HOURS * 2.0 * np.pi)  # the busiest hour is at 14
    busiest = int(np.argmax(wave))
    others = np.delete(wave, busiest)
    wave = wave * (_HOURS - demand.peak_to_mean) / np.sum(others)  # what the peak adds, other hours lack
    wave[busiest] = demand.peak_to_mean
    return mean * wave


def by_hour(ground: ServingGround, size: Size, rates: Array, *, patience: float) -> tuple[int, ...]:
    """Give the replicas that each hour of the day needs, at most those that there are."""
    replica = ground.replica(as_arrays([size.layout]))
    each = np.maximum(np.asarray(rates, dtype=float), _IDLE)[:, None]
    most = np.broadcast_to(most_per_replica(ground, replica, rate=each, patience=patience), each.shape)
    with np.errstate(divide="ignore"):
        needed = np.ceil(each / most - 1e-6)
    return tuple(int(count) for count in np.clip(needed[:, 0], 1.0, float(size.replicas)))
