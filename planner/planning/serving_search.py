"""The cheapest way to serve a load: every kind of machine, layout and format as rows of the same arrays.

A row's replicas are sized by the same functions as those of a single estimate, so that a search finds what a loop of
estimates finds. Where requests come at a rate, replicas that read and decode stand beside pools that do one of the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.documents.typed import typed
from planner.errors import Fault, InfeasibleError
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.serving_answer import answer
from planner.planning.serving_choices import Choice, ServiceSearch
from planner.planning.serving_layouts import as_arrays, nodes_of
from planner.planning.serving_loops import sizes_in_a_loop
from planner.planning.serving_margins import half_would_do
from planner.planning.serving_objectives import FASTER, furthest, longer, require_objectives, stated
from planner.planning.serving_parts import load_words
from planner.planning.serving_plan import ServingGround, ground_of
from planner.planning.serving_pool_sizing import can_pool, pools_at, require_pools
from planner.planning.serving_pools import Workers, pooled, workers_of
from planner.planning.serving_prices import priced, wanted_by
from planner.planning.serving_rows import rows_of
from planner.planning.serving_service import rates_of, require_one_load
from planner.planning.serving_sites import Site, sites_of
from planner.planning.serving_sizing import Size, Sizes, sizes_at
from planner.record import record
from planner.scenario.resolve import Resolved
from planner.scenario.serving_load import ServingLoad
from planner.serving.engine import Engine
from planner.units.printing import duration

Array = NDArray[np.float64]


@record
class _Asked:
    """What is searched for: rates over the day, or None where the load is no rate; what is minimised."""

    rates: Array | None
    minimise: str
    patience: float


def search_services(
    resolved: Resolved, books: Books, *, minimise: str = "cost", nodes: Sequence[str] = (), top: int = 5
) -> ServiceSearch:
    """Find the best machines, format, layout and pools for a load.

    Parameters
    ----------
    resolved : a service. books : what it is looked up in.
    minimise : one of `planner.planning.serving_choices.OBJECTIVES`.
    nodes : kinds to try; those with a price under the term where none is named.
    top : how many to list.

    Raises
    ------
    InputError : the scenario is wrong. InfeasibleError : nothing serves it; says why.
    """
    load, tree = resolved.document, resolved.tree
    if not isinstance(load, ServingLoad):
        raise AssertionError("a service is wanted")
    require_one_load(load, tree)
    first = ground_of(load, tree, books, Ledger(books.catalog))
    require_objectives(first, tree)
    _require_pools(first, tree)
    asked = _Asked(rates_of(load.workload.load), minimise, books.defaults.patience)
    groups, refused = sites_of(first, nodes, tree, books)
    found: list[tuple[float, Choice, ServingGround]] = []
    unpriced: set[str] = set()
    tried, furthest_off = 0, []
    for group in groups:
        engine = rows_of([site.ground for site in group], [site.layouts for site in group])
        for sizes, workers in _sized(group[0].ground, engine, asked):
            of = np.repeat(np.arange(len(group)), [len(site.layouts) for site in group])
            found += _choices(group, of, engine, sizes, workers, asked)
            unpriced |= {group[place].ground.fleet.node.id for place in np.unique(of[sizes.can]).tolist()}
            tried += len(sizes.replicas)
        if not found and asked.rates is not None:
            idle = answer(group[0].ground, engine, replicas=1.0, rate=_IDLE)
            furthest_off.append(furthest(idle, load.workload.objectives))
    found.sort(key=lambda each: each[0])
    if not found:
        raise InfeasibleError(_nothing(load, refused, tried, min(furthest_off, default=None)))
    best: dict[str, Choice] = {}
    for _, choice, _ in found:
        best.setdefault(choice.node, choice)
    for node in (site.ground.fleet.node.id for group in groups for site in group):
        if node not in best:
            refused[node] = _why_none(load) if node not in unpriced else f"no price is known: {load.hardware.term}"
    return ServiceSearch(
        name=resolved.name,
        title=load.title or load.name,
        minimise=minimise,
        load=load_words(load.workload.load),
        rate=None if asked.rates is None else float(np.max(asked.rates)),
        tried=tried,
        kept=len(found),
        top=tuple(choice for _, choice, _ in found[:top]),
        best=tuple(best.values()),
        refused={name: why for name, why in refused.items() if name not in best},
        winner=_chosen(resolved.tree.value, found[0][1], first),
        notes=_notes(*found[0][1:], asked),
    )


def scenario_of(resolved: Resolved, found: ServiceSearch) -> Resolved:
    """Give the scenario of a search's winner, which estimates to what the search says of it."""
    tree = Tree(resolved.tree.source, dict(found.winner), resolved.tree.marks)
    return replace(resolved, document=typed(tree, ServingLoad), tree=tree)


def _require_pools(ground: ServingGround, tree: Tree) -> None:
    """Refuse pools that a load does not take; their counts may be left to the search where requests come at a rate."""
    pools, load = ground.load.disaggregation, ground.load.workload.load
    if pools is not None and (load.clients is not None or (pools.prefill and pools.decode)):
        require_pools(ground, tree)


def _sized(ground: ServingGround, engine: Engine, asked: _Asked) -> Iterator[tuple[Sizes, Workers | None]]:
    """Size every row: as replicas that do both, and as pools of which each does one."""
    pools = ground.load.disaggregation
    rate = None if asked.rates is None else float(np.max(asked.rates))
    if pools is not None and pools.prefill and pools.decode:
        workers, one = workers_of(pools), np.ones_like(engine.layout.tensor)
        both = Workers(workers.prefill * one, workers.decode * one)
        found = pooled(ground, engine, both, rate)
        count = both.prefill + both.decode
        sizes = Sizes(np.isfinite(found.ttft_s), count, nodes_of(engine, count + ground.load.spare), one, found)
        yield _within(ground, engine, sizes), both
        return
    if pools is None:
        if rate is None:
            yield _within(ground, engine, sizes_in_a_loop(ground, engine)), None
        else:
            yield _within(ground, engine, sizes_at(ground, engine, rate=rate, patience=asked.patience)), None
    if rate is not None and can_pool(ground) and ground.load.replicas == "auto":
        sizes, workers = pools_at(ground, engine, rate=rate, patience=asked.patience)
        yield _within(ground, engine, sizes), workers


def _within(ground: ServingGround, engine: Engine, sizes: Sizes) -> Sizes:
    """Give sizes on the machines that the scenario states: no more of them, and all of them paid for."""
    hardware = ground.load.hardware
    can = np.broadcast_to(sizes.can, sizes.replicas.shape)
    if hardware.accelerators:
        can = can & ((sizes.replicas + ground.load.spare) * engine.layout.accelerators <= hardware.accelerators)
    if hardware.nodes:
        can = can & (sizes.nodes <= hardware.nodes)
    return replace(sizes, can=can, nodes=np.maximum(sizes.nodes, hardware.nodes or 0.0))


def _choices(
    group: Sequence[Site],
    of: NDArray[np.intp],
    engine: Engine,
    sizes: Sizes,
    workers: Workers | None,
    asked: _Asked,
) -> list[tuple[float, Choice, ServingGround]]:
    """Price all rows; the choices that serve the load, each with what is minimised."""
    results = priced(group, of, engine, sizes, workers, rates=asked.rates)
    wanted = results[wanted_by(group[0].ground, asked.minimise)]
    layouts = [layout for site in group for layout in site.layouts]
    load = np.broadcast_to(sizes.found.load, wanted.shape)
    columns = {name: column.tolist() for name, column in results.items()}
    chosen = []
    for row in sizes.order(engine, wanted):
        ground = group[of[row]].ground
        values = {name: column[row] for name, column in columns.items()}
        choice = Choice(
            node=ground.fleet.node.id,
            accelerator=ground.fleet.accelerator.id,
            engine=ground.load.engine or ground.engine.id,
            weights=ground.precision.weights or "bf16",
            layout=layouts[row],
            replicas=int(sizes.replicas[row]),
            nodes=int(sizes.nodes[row]),
            utilisation=float(load[row]),
            results={name: value if np.isfinite(value) else None for name, value in values.items()},
            prefill=0 if workers is None else int(workers.prefill[row]),
            decode=0 if workers is None else int(workers.decode[row]),
        )
        chosen.append((float(wanted[row]), choice, ground))
    return chosen


def _notes(best: Choice, ground: ServingGround, asked: _Asked) -> tuple[str, ...]:
    """Give what the reader of a search should know of the best choice."""
    if best.prefill or asked.rates is None:
        return ()
    size = Size(best.layout, best.replicas, best.nodes)
    hair = half_would_do(ground, ground.replica(as_arrays([best.layout])), size, float(np.max(asked.rates)))
    return () if hair is None else (hair,)


def _chosen(scenario: Any, choice: Choice, first: ServingGround) -> Mapping[str, object]:
    """Give the scenario's document with a choice made."""
    document = dict(scenario)
    own = choice.node == first.fleet.node.id
    hardware = {key: value for key, value in dict(document["hardware"]).items() if own or key not in _OF_ITS_OWN}
    document["hardware"] = {**hardware, "node": choice.node}
    workload = dict(document["workload"])
    workload["precision"] = {**dict(workload.get("precision") or {}), "weights": choice.weights}
    document |= {"workload": workload, "engine": choice.engine, "layout": choice.layout.model_dump()}
    if choice.prefill:
        document["disaggregation"] = {"prefill": choice.prefill, "decode": choice.decode}
    else:
        document["replicas"] = choice.replicas
    return document


_OF_ITS_OWN = ("price", "fabric_bandwidth", "oversubscription")


def _why_none(load: ServingLoad) -> str:
    limits = " and ".join(f"{name} of {duration(limit)}" for name, limit in stated(load.workload.objectives).items())
    there = load.hardware.accelerators or load.hardware.nodes
    return f"no layout keeps {limits or 'up with the load'}" + (" on so many machines" if there else "")


def _nothing(
    load: ServingLoad, refused: Mapping[str, str], tried: int, nearest: tuple[float, str, float] | None
) -> Fault:
    """Give the reason why nothing serves a load: by how much the fastest misses, or why machines have no row."""
    times, name, fastest = nearest or (0.0, "", 0.0)
    if times > 1.0:
        message = (
            f"{name} of {duration(stated(load.workload.objectives)[name])} is below what is possible: the fastest of "
            f"{tried:,} configurations takes {duration(fastest)} when idle, {longer(times)}"
        )
        return Fault("search-nothing", message, hint=FASTER)
    reasons = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:3])
    message = f"nothing serves the demand within the objectives: {tried:,} configurations were tried"
    hint = "looser objectives, other machines (--nodes), or a term under which they have a price"
    return Fault("search-nothing", message + (f" ({reasons})" if reasons else ""), hint=hint)


_IDLE = 1e-3  # requests/s, of a replica that is as good as idle
