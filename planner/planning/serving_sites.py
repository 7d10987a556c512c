"""Where a service could run: every kind of machine in every format, with what it is paid for by, or why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planner.catalog.node import Node
from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.elsewhere import hardware_on
from planner.planning.ledger import Ledger
from planner.planning.money import Money, money_of
from planner.planning.places import pue_of
from planner.planning.serving_layouts import layouts_of, runs
from planner.planning.serving_plan import ServingGround, ground_on, in_format
from planner.planning.serving_power import LIMIT, REST
from planner.planning.serving_rows import rows_of
from planner.record import record
from planner.scenario.serving_load import ServingLayout, ServingLoad, WeightFormat

FORMATS: tuple[WeightFormat, ...] = ("bf16", "fp8", "int8", "int4")
"""Formats of weights that are tried where the scenario does not state one; those that a part has no products in are
left out, as in single estimates."""


@record
class Site:
    """One kind of machine in one format: its rows, and what they are paid for by."""

    ground: ServingGround
    layouts: Sequence[ServingLayout]
    money: Money
    x: Mapping[str, float]


def sites_of(
    first: ServingGround, nodes: Sequence[str], tree: Tree, books: Books
) -> tuple[list[list[Site]], dict[str, str]]:
    """Give the sites whose replicas run, in groups that stand side by side, and why kinds of machines have none.

    Parameters
    ----------
    first : the service on the machine that the scenario names. nodes : kinds of machines to try.
    """
    refused: dict[str, str] = {}
    groups: dict[tuple[str, bool], list[Site]] = {}
    for name in nodes or _kinds(first, books):
        for site in _on_node(first, name, tree, books, refused):
            groups.setdefault(_alike(site), []).append(site)
    running = [_running(group, refused) for group in groups.values()]
    return [group for group in running if group], refused


def _kinds(first: ServingGround, books: Books) -> list[str]:
    """Give the kinds of machines that can be had under the scenario's term: those of its provider, or all to own."""
    nodes = [entry for entry in books.catalog.entries("node") if isinstance(entry, Node)]
    if first.load.hardware.term == "owned":
        return [node.id for node in nodes if node.purchase_price is not None]
    return [node.id for node in nodes if node.provider == first.fleet.node.provider]


def _on_node(first: ServingGround, name: str, tree: Tree, books: Books, refused: dict[str, str]) -> list[Site]:
    """Give a kind of machine in every format that it can multiply in."""
    stated = first.load.workload.precision.weights
    found: list[Site] = []
    ledger = Ledger(books.catalog)
    try:
        ground = ground_on(_moved(first, name, books), first.architecture, first.lengths, tree, books, ledger)
        money, x = _paid(ground, tree, books, ledger)
    except (InfeasibleError, InputError) as error:
        if error.faults[0].id == "unknown-name":
            raise
        refused[name] = error.faults[0].message
        return []
    layouts = layouts_of(ground)
    lacking = ""
    for weights in [stated] if stated else FORMATS:
        try:
            # 16 bits are those that the part multiplies in.
            own = ground if weights in (stated, "bf16") else in_format(ground, weights, tree)
            found.append(Site(own, layouts, money, x))
        except InfeasibleError as error:
            lacking = lacking or error.faults[0].message
    if not found:
        refused[name] = lacking
    return found


def _moved(first: ServingGround, name: str, books: Books) -> ServingLoad:
    own, node = first.fleet.node, books.catalog.node(name)
    update: dict[str, object] = {"hardware": hardware_on(first.load.hardware, own, node)}
    if books.catalog.accelerator(node.accelerator).kind != first.fleet.accelerator.kind:
        update["engine"] = None  # what such chips are usually served with
    return first.load.model_copy(update=update)


def _alike(site: Site) -> tuple[str, bool]:
    """Give what sites that stand side by side in arrays have in common: their memory setting, and compiled graphs."""
    return site.ground.moves.memory_fraction_of, site.ground.limits.graphs is None


def _running(sites: Sequence[Site], refused: dict[str, str]) -> list[Site]:
    """Give the sites with the layouts that run there, all of them looked at together."""
    engine = rows_of([site.ground for site in sites], [site.layouts for site in sites])
    kept = runs(engine, sites[0].ground.requests)
    found: list[Site] = []
    start = 0
    for site in sites:
        own = kept[start : start + len(site.layouts)]
        start += len(site.layouts)
        layouts = [layout for layout, runs_here in zip(site.layouts, own, strict=True) if runs_here]
        if layouts:
            found.append(Site(site.ground, layouts, site.money, site.x))
        else:
            refused.setdefault(site.ground.fleet.node.id, "does not fit")
    return found


def _paid(ground: ServingGround, tree: Tree, books: Books, ledger: Ledger) -> tuple[Money, dict[str, float]]:
    """Give how machines are paid for, and the middle of every uncertain input."""
    node, facility = ground.fleet.node, ground.facility
    hardware = ground.load.hardware
    money = money_of(hardware, node, facility, nodes=1, tree=tree, books=books, ledger=ledger)
    grid = facility.grid if facility else None
    x = {name: interval.mid for name, interval in money.inputs.items()}
    x["PUE"] = pue_of(hardware.pue, facility, books=books, ledger=ledger).mid
    x[REST], x[LIMIT] = ground.power.idle_w.mid, ground.power.full_w.mid
    if grid is not None:
        x["grid carbon"] = grid.intensity.mid
    return money, x
