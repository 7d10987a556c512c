"""How many replicas read prompts and how many decode, where each has machines of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.errors import InputError
from planner.planning.serving_answer import PERCENTILES
from planner.planning.serving_layouts import as_arrays, layouts_of, no_layout, nodes_of, runnable
from planner.planning.serving_objectives import keeps, stated
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_pools import Pair, Workers, pools_of, workers_of
from planner.planning.serving_requests import generates
from planner.planning.serving_sizing import Size, Sizes
from planner.scenario.serving_load import Objectives
from planner.serving.engine import Engine

Array = NDArray[np.float64]

_KINDS = ("clients", "rate", "demand")
_BUSY = 0.95  # of its capacity, above which a pool is not sized: a queue in front of it has no end
_DOUBLINGS = 6  # of the fewest replicas that take the rate, until objectives are given up
_HALVINGS = 14


def require_pools(ground: ServingGround, tree: Tree) -> None:
    """Refuse pools of which nobody says how many replicas they have, or a load that they do not take.

    Raises
    ------
    InputError : the counts are missing or contradict `replicas`, the load is neither clients nor a rate, or the model
        leaves nothing that could be sent.
    """
    stated, load = ground.load.disaggregation, ground.load.workload.load
    if stated is None:
        return
    at = ("disaggregation",)
    if not can_pool(ground):
        message = f"{ground.architecture.name} has no cache that one replica could send to another"
        raise InputError(tree.fault("pools-model", message, at, hint="leave disaggregation out"))
    if stated.prefill is None or stated.decode is None:
        hint = "the split decides what waits; planner search finds the counts"
        raise InputError(tree.fault("pools-missing", "prefill and decode replicas are both needed", at, hint=hint))
    if not any(getattr(load, kind) for kind in _KINDS):
        hint = "load: {clients: 64}, or load: {rate: 5 requests/s}"
        raise InputError(tree.fault("pools-load", "pools of their own need clients or a rate", at, hint=hint))
    bounds = ground.load.workload.objectives.model_dump()
    unknown = [name for name, limit in bounds.items() if limit is not None and "_p" in name]
    if unknown and load.clients is not None:
        place = ("workload", "objectives", unknown[0])
        message = f"{unknown[0]} of pools of their own under clients in a loop is not known: they have means alone"
        raise InputError(tree.fault("percentile-unknown", message, place, hint="bound the mean"))
    both = stated.prefill + stated.decode
    if ground.load.replicas not in ("auto", both):
        message = f"{stated.prefill} and {stated.decode} replicas are {both}, not {ground.load.replicas}"
        raise InputError(tree.fault("contradiction", message, ("replicas",), hint="leave replicas out"))


def can_pool(ground: ServingGround) -> bool:
    """Whether a model's prompts leave keys and values alone, which another replica can go on from."""
    return generates(ground.architecture) and len(ground.architecture.stacks) == 1


def pools_sized(ground: ServingGround, tree: Tree) -> Size:
    """Give the size of pools: their replicas as stated, of the layout that is stated or the smallest that runs."""
    load = ground.load
    if load.disaggregation is None:
        raise AssertionError("pools are wanted")
    workers = workers_of(load.disaggregation)
    wanted = layouts_of(ground)
    kept = runnable(ground, wanted)
    if not kept:
        raise no_layout(ground, wanted, tree)
    least = min(kept, key=lambda each: (each.tensor * each.data * each.pipeline, each.pipeline))
    engine = ground.replica(as_arrays([least]))
    count = int(workers.prefill + workers.decode)
    if np.isnan(pools_of(engine, workers).transfer_bytes_per_s[0]):
        node = ground.fleet.node.id
        message = f"{node} has neither a link nor a network that is known, over which caches could be sent"
        raise InputError(tree.fault("fabric-unknown", message, ("hardware", "node"), hint="leave disaggregation out"))
    return Size(least, count, int(nodes_of(engine, float(count + load.spare))[0]))


def pools_at(ground: ServingGround, engine: Engine, *, rate: float, patience: float) -> tuple[Sizes, Workers]:
    """Give the fewest replicas of both pools that serve a rate within the objectives, in every row.

    Parameters
    ----------
    ground, engine : the service, and a replica in each row.
    rate : of all requests [1/s].
    patience : times the idle time to the first token that are allowed where no objective is stated [1].

    Notes
    -----
    A decode replica takes the largest batch that keeps the time of a token; then as few replicas read prompts as keep
    the time to the first token. Prompts do not delay tokens, so that the pair is the smallest.
    """
    pair, one, objectives = Pair(ground, engine), np.ones_like(engine.layout.tensor), ground.load.workload.objectives
    asked = np.asarray(rate)
    decode = _decoding(pair, objectives, rate) * one
    decoding = pair.settled(asked / decode)
    later = pair.token_percentiles(decoding)
    idle = pair.answer(Workers(one, one), 1e-6 * pair.capacity(Workers(one, one)), pair.at_batch(one))

    def good(prefill: Array) -> NDArray[np.bool_]:
        found = pair.answer(Workers(prefill, decode), asked, decoding, later)
        kept = keeps(found, objectives)
        return kept if stated(objectives) else kept & (found.ttft_s <= patience * idle.ttft_s)

    prefill = _fewest(np.ceil(asked / pair.most_read / _BUSY) * one, good)
    workers = Workers(prefill, decode)
    count = prefill + decode
    can = good(prefill) & np.isfinite(count)
    found = pair.answer(workers, asked, decoding, later)
    return Sizes(can, count, nodes_of(engine, count + ground.load.spare), rate / count, found), workers


def _decoding(pair: Pair, objectives: Objectives, rate: float) -> Array:
    """Give the fewest decode replicas whose batch keeps the time of a token; as many as the rate needs at least."""
    limits = {name: limit for name, limit in stated(objectives).items() if name.startswith("tpot")}
    low, high = np.minimum(1.0, pair.full), pair.full
    for _ in range(_HALVINGS if limits else 0):
        middle = 0.5 * (low + high)
        each = pair.at_batch(middle)
        percentiles = pair.token_percentiles(each)
        kept = np.ones_like(middle, dtype=bool)
        for name, limit in limits.items():
            _, _, percentile = name.partition("_")
            time = percentiles[PERCENTILES.index(percentile)] if percentile else each.token_s
            kept &= time <= limit
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    most = pair.made(pair.at_batch(low)) if limits else pair.most_made
    fewest: Array = np.ceil(rate / np.minimum(most, _BUSY * pair.most_made) - 1e-6)
    return np.maximum(fewest, 1.0)


def _fewest(least: Array, good: Callable[[Array], NDArray[np.bool_]]) -> Array:
    """Give the fewest of every row that are good, from the least that can be up to so many doublings of it."""
    low, high = least, least * 2.0**_DOUBLINGS
    for _ in range(_HALVINGS):
        middle = np.floor(0.5 * (low + high))
        enough = good(middle)
        low, high = np.where(enough, low, np.minimum(middle + 1.0, high)), np.where(enough, middle, high)
    return high
