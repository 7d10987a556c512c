"""The cheapest way to serve a demand: every kind of machine, layout and format as rows of the same arrays.

A row's replicas are sized by the same function as those of a single estimate, so that a search finds what a loop of
estimates finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from planner.catalog.node import Node
from planner.documents.reader import Tree
from planner.economics.energy import carbon_kg, energy_kwh
from planner.errors import Fault, InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.money import Money, money_of
from planner.planning.places import pue_of
from planner.planning.serving_answer import Answer, answer, power_w
from planner.planning.serving_efficiency import engine_memory
from planner.planning.serving_plan import ServingGround, ground_of, ground_on
from planner.planning.serving_sizing import as_arrays, hourly_rates, layouts_of, most_per_replica, runnable
from planner.scenario.resolve import Resolved
from planner.scenario.serving_load import ServingLayout, ServingLoad
from planner.serving.engine import Engine, engine_of
from planner.serving.room import EngineMemory
from planner.serving.speculation import Speculation

Array = NDArray[np.float64]
R = TypeVar("R")

OBJECTIVES = {"cost": "cost_per_hour_usd", "energy": "energy_kwh", "carbon": "carbon_kg"}
FORMATS = ("bf16", "fp8", "int8", "int4")
"""Formats of weights that are tried where the scenario does not state one; those that a part has no products in are
left out, as in single estimates."""
_MONTH_HOURS = 730.0


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to serve the demand, with what it comes to.

    Parameters
    ----------
    node, accelerator, weights, layout : what it is. replicas, nodes : how many, spares among the nodes.
    utilisation : in the busiest hour [1].
    results : by metric, in its unit; None where unknown.
    """

    node: str
    accelerator: str
    weights: str
    layout: ServingLayout
    replicas: int
    nodes: int
    utilisation: float
    results: Mapping[str, float | None]

    @property
    def accelerators(self) -> int:
        """Of one replica."""
        return self.layout.tensor * self.layout.data * self.layout.pipeline


@dataclass(frozen=True, slots=True)
class ServiceSearch:
    """What a search found.

    Parameters
    ----------
    name, title, minimise : what was asked. rate : of the busiest hour [requests/s].
    tried : rows that were sized. kept : rows that serve the rate within the objectives.
    top : the best few. best : of every kind of machine, the best first.
    refused : why a kind of machine has none.
    """

    name: str
    title: str
    minimise: str
    rate: float
    tried: int
    kept: int
    top: tuple[Choice, ...]
    best: tuple[Choice, ...]
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Site:
    """One kind of machine in one format: its rows, and what they are paid for by."""

    ground: ServingGround
    layouts: Sequence[ServingLayout]
    money: Money
    x: Mapping[str, float]


def search_services(
    resolved: Resolved, books: Books, *, minimise: str = "cost", nodes: Sequence[str] = (), top: int = 5
) -> ServiceSearch:
    """Find the best machines, format and layout for a demand.

    Parameters
    ----------
    resolved : a service under a rate or a demand. books : what it is looked up in.
    minimise : a key of `OBJECTIVES`. nodes : kinds to try; those with a price under the term where none is named.
    top : how many to list.

    Raises
    ------
    InputError : the load is no rate, or an option is wrong. InfeasibleError : nothing serves it; says why.
    """
    load, tree = resolved.document, resolved.tree
    if not isinstance(load, ServingLoad):
        raise AssertionError("a service is wanted")
    rates = _rates(load, tree)
    ledger = Ledger(books.catalog)
    first = ground_of(load, tree, books, ledger)
    sites, refused = _sites(first, nodes or _kinds(load, books, first), tree, books)
    groups: dict[str, list[_Site]] = {}
    for site in sites:
        groups.setdefault(site.ground.moves.memory_fraction_of, []).append(site)
    found: list[tuple[float, Choice]] = []
    tried = 0
    for group in groups.values():
        chosen, count = _priced(group, rates, minimise, books)
        found += chosen
        tried += count
    found.sort(key=lambda each: (each[0], each[1].node, each[1].weights, str(each[1].layout)))
    if not found:
        raise InfeasibleError(_nothing(refused, tried))
    best: dict[str, Choice] = {}
    for _, choice in found:
        best.setdefault(choice.node, choice)
    for site in sites:
        name = site.ground.fleet.node.id
        if name not in best:
            refused.setdefault(name, "no layout keeps the objectives")
    return ServiceSearch(
        name=resolved.name,
        title=load.title or load.name,
        minimise=minimise,
        rate=float(np.max(rates)),
        tried=tried,
        kept=len(found),
        top=tuple(choice for _, choice in found[:top]),
        best=tuple(best.values()),
        refused={name: why for name, why in refused.items() if name not in best},
    )


def _rates(load: ServingLoad, tree: Tree) -> Array:
    stated = load.workload.load
    if stated.demand is not None:
        return hourly_rates(stated.demand)
    if stated.rate is not None:
        return np.array([stated.rate])
    hint = "load: {rate: 5 requests/s}, or load: {demand: {mean: 5 requests/s, peak_to_mean: 2}}"
    raise InputError(
        tree.fault("search-load", "only a rate or a demand is searched for", ("workload", "load"), hint=hint)
    )


def _kinds(load: ServingLoad, books: Books, first: ServingGround) -> list[str]:
    """Give the kinds of machines that can be had under the scenario's term: those of its provider, or all to own."""
    nodes = [entry for entry in books.catalog.entries("node") if isinstance(entry, Node)]
    if load.hardware.term == "owned":
        return [node.id for node in nodes if node.purchase_price is not None]
    return [node.id for node in nodes if node.provider == first.fleet.node.provider]


def _sites(first: ServingGround, nodes: Sequence[str], tree: Tree, books: Books) -> tuple[list[_Site], dict[str, str]]:
    load, precision = first.load, first.load.workload.precision
    formats = [precision.weights] if precision.weights else list(FORMATS)
    found: list[_Site] = []
    refused: dict[str, str] = {}
    for name in nodes:
        ledger = Ledger(books.catalog)
        for weights in formats:
            own = _on(load, name, weights)
            try:
                ground = ground_on(own, first.architecture, first.requests, tree, books, ledger)
                layouts = runnable(ground, layouts_of(ground) if load.layout == "auto" else [load.layout])
                if layouts:
                    found.append(_site(ground, layouts, tree, books, ledger))
                else:
                    refused.setdefault(name, "does not fit")
            except InfeasibleError as error:
                refused.setdefault(name, error.faults[0].message)
            except InputError as error:
                if error.faults[0].id == "unknown-name":
                    raise
                refused.setdefault(name, error.faults[0].message)
    return found, refused


def _on(load: ServingLoad, node: str, weights: str | None) -> ServingLoad:
    workload = load.workload
    # 16 bits are those that the part multiplies in.
    precision = workload.precision.model_copy(update={"weights": None if weights == "bf16" else weights})
    return load.model_copy(
        update={
            "hardware": load.hardware.model_copy(update={"node": node}),
            "workload": workload.model_copy(update={"precision": precision}),
        }
    )


def _site(ground: ServingGround, layouts: Sequence[ServingLayout], tree: Tree, books: Books, ledger: Ledger) -> _Site:
    node, facility = ground.fleet.node, ground.facility
    hardware = ground.load.hardware
    money = money_of(hardware, node, facility, nodes=1, tree=tree, books=books, ledger=ledger)
    grid = facility.grid if facility else None
    x = {name: interval.mid for name, interval in money.inputs.items()}
    x["PUE"] = pue_of(hardware.pue, facility, books=books, ledger=ledger).mid
    x["idle power"], x["busy power"] = ground.power.idle_w.mid, ground.power.busy_w.mid
    if grid is not None:
        x["grid carbon"] = grid.intensity.mid
    return _Site(ground, layouts, money, x)


def rows_of(grounds: Sequence[ServingGround], layouts: Sequence[Sequence[ServingLayout]]) -> Engine:
    """Give replicas of several machines side by side, one row for each layout of each of them.

    Parameters
    ----------
    grounds : of one model, under engines whose memory setting means the same. layouts : of each.
    """
    sizes = [len(each) for each in layouts]
    engines = [ground.replica(as_arrays([each[0]])) for ground, each in zip(grounds, layouts, strict=True)]
    first = grounds[0]
    memory = [engine_memory(g.moves, fraction=g.load.settings.memory_fraction) for g in grounds]

    def column(parts: Sequence[R]) -> R:
        return _stacked(parts, sizes)

    spoken = [engine.speculation for engine in engines if engine.speculation is not None]
    speculation: Speculation | None = column(spoken) if spoken else None
    return engine_of(
        first.architecture,
        layout=as_arrays([layout for each in layouts for layout in each]),
        formats=column([ground.formats for ground in grounds]),
        machine=column([ground.machine for ground in grounds]),
        efficiency=column([ground.efficiency for ground in grounds]),
        limits=column([engine.limits for engine in engines]),
        memory=EngineMemory(
            column([each.fraction for each in memory]),
            memory[0].of,
            column([each.reserve_bytes for each in memory]),
            column([each.block_tokens for each in memory]),
        ),
        speculation=speculation,
        adapters=first.adapters,
    )


def _stacked(parts: Sequence[R], sizes: Sequence[int]) -> R:
    """Give one record with the numbers of like records below each other, each as often as it has rows."""
    first = parts[0]
    if is_dataclass(first) and not isinstance(first, type):
        own = {f.name: _stacked([getattr(part, f.name) for part in parts], sizes) for f in fields(first)}
        return cast(R, type(first)(**own))
    numbers = np.array([float(np.ravel(np.asarray(part))[0]) for part in parts])
    return cast(R, np.repeat(numbers, sizes))


def _priced(
    sites: Sequence[_Site], rates: Array, minimise: str, books: Books
) -> tuple[list[tuple[float, Choice]], int]:
    """Size and price all rows of some sites; the choices that serve the rate, each with what is minimised."""
    ground = sites[0].ground
    engine = rows_of([site.ground for site in sites], [site.layouts for site in sites])
    peak, mean = float(np.max(rates)), float(np.mean(rates))
    most = most_per_replica(ground, engine, rate=peak, patience=books.defaults.patience)
    of = np.repeat(np.arange(len(sites)), [len(site.layouts) for site in sites])
    each = engine.layout.accelerators
    with np.errstate(divide="ignore"):
        replicas = np.where(most > 0, np.maximum(np.ceil(peak / np.maximum(most, 1e-300) - 1e-6), 1.0), np.inf)
    if ground.load.replicas != "auto":
        replicas = np.where(peak / float(ground.load.replicas) <= most, float(ground.load.replicas), np.inf)
    can = np.isfinite(replicas)
    counts = np.where(can, replicas, 1.0)
    per_node = np.array([float(site.ground.fleet.node.accelerators) for site in sites])[of]
    inside = np.ceil((counts + ground.load.spare) / np.maximum(np.floor(per_node / each), 1.0))
    nodes = np.where(each <= per_node, inside, (counts + ground.load.spare) * np.ceil(each / per_node))
    found = answer(ground, engine, replicas=counts, rate=peak)
    results = _results(sites, of, engine, found, nodes, mean=mean, ground=ground)
    wanted = results[OBJECTIVES[minimise]]
    # Of as good ones the fewest accelerators at work, then smaller replicas, then the faster, as in an estimate.
    order = np.lexsort((-most, each, each * counts, wanted))
    layouts = [layout for site in sites for layout in site.layouts]
    chosen = []
    for row in order.tolist():
        if can[row] and np.isfinite(wanted[row]):
            chosen.append(
                (float(wanted[row]), _choice(sites[of[row]], layouts[row], row, counts, nodes, found, results))
            )
    return chosen, len(layouts)


def _results(
    sites: Sequence[_Site],
    of: NDArray[np.intp],
    engine: Engine,
    found: Answer,
    nodes: Array,
    *,
    mean: float,
    ground: ServingGround,
) -> dict[str, Array]:
    """Give money, energy and carbon of an hour of every row, and by token; NaN where unknown."""
    x = {name: np.array([site.x.get(name, np.nan) for site in sites])[of] for name in {k for s in sites for k in s.x}}
    watts = power_w(engine, found)
    limit = engine.machine.power_limit_w
    idle = limit * engine.efficiency.power_idle
    busy = np.clip((watts - idle) / (limit - idle), 0.0, 1.0)
    node_w = x["idle power"] + (x["busy power"] - x["idle power"]) * busy
    energy = energy_kwh(node_w * nodes, 1.0, x["PUE"])
    cost = sites[0].money.total_usd(x, nodes=nodes, hours=1.0, energy_kwh=energy)
    hourly = np.full(len(of), np.nan) if cost is None else np.asarray(cost, dtype=float)
    tokens = mean * 3600.0 * float(np.ravel(ground.requests.output)[0]) / 1e6
    carbon = carbon_kg(energy, x["grid carbon"]) if "grid carbon" in x else np.full(len(of), np.nan)
    return {
        "cost_per_hour_usd": hourly,
        "cost_per_month_usd": hourly * _MONTH_HOURS,
        "cost_per_million_output_tokens_usd": hourly / tokens,
        "energy_kwh": np.asarray(energy),
        "carbon_kg": np.asarray(carbon),
        "energy_per_million_tokens_kwh": np.asarray(energy) / tokens,
        "carbon_per_million_tokens_kg": np.asarray(carbon) / tokens,
        "ttft_ms": np.asarray(found.ttft_s) * 1e3 * np.ones(len(of)),
        "tpot_ms": np.asarray(found.tpot_s) * 1e3 * np.ones(len(of)),
    }


def _choice(
    site: _Site,
    layout: ServingLayout,
    row: int,
    counts: Array,
    nodes: Array,
    found: Answer,
    results: Mapping[str, Array],
) -> Choice:
    fleet = site.ground.fleet
    values = {name: float(column[row]) for name, column in results.items()}
    return Choice(
        node=fleet.node.id,
        accelerator=fleet.accelerator.id,
        weights=site.ground.precision.weights or "bf16",
        layout=layout,
        replicas=int(counts[row]),
        nodes=int(nodes[row]),
        utilisation=float(np.broadcast_to(found.load, counts.shape)[row]),
        results={name: value if np.isfinite(value) else None for name, value in values.items()},
    )


def _nothing(refused: Mapping[str, str], tried: int) -> Fault:
    reasons = "; ".join(f"{name}: {why}" for name, why in list(refused.items())[:3])
    message = f"nothing serves the demand within the objectives: {tried:,} configurations were tried"
    hint = "looser objectives, other machines (--nodes), or a term under which they have a price"
    return Fault("search-nothing", message + (f" ({reasons})" if reasons else ""), hint=hint)
