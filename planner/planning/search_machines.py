"""The machines that a search looks at: every fitting kind in numbers, and why others cannot take part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.catalog.node import Node
from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.elsewhere import hardware_on
from planner.planning.ledger import Ledger
from planner.planning.search_sites import Site
from planner.planning.training_inputs import Wanted, ground_of
from planner.record import record
from planner.scenario.training_run import TrainingRun

_TRAINS = ("gpu", "neuron", "tpu", "gaudi")  # kinds of accelerators that models are trained on
_COUNTS = tuple(8 * 2**k for k in range(10))  # tried where neither the scenario nor the command says how many
_AROUND = (0.5, 1.0, 2.0)  # of the accelerators that a scenario names


@record
class Field:
    """Sites of a search, and the kinds of machines that have none: by node, why not."""

    sites: tuple[Site, ...]
    refused: dict[str, str]


def field_of(
    run: TrainingRun,
    wanted: Wanted,
    tree: Tree,
    books: Books,
    *,
    nodes: Sequence[str],
    accelerators: Sequence[int],
    priced: bool,
) -> Field:
    """Give the sites of a search.

    Parameters
    ----------
    run, wanted : what is trained. tree : of the scenario, for errors.
    nodes : kinds of machines; every kind of the catalog that trains where none is named.
    accelerators : numbers of them; about as many as the scenario names where none are given.
    priced : a machine without a known price cannot take part.

    Raises
    ------
    InputError : a node is unknown. InfeasibleError : no machine can take part.
    """
    kinds = [books.catalog.node(name) for name in nodes] or list(_all(books))
    around = () if accelerators else _around(run, books)
    sites: list[Site] = []
    refused: dict[str, str] = {}
    for node in kinds:
        counts = accelerators or tuple(dict.fromkeys(_whole_nodes(count, node) for count in around))
        found, reason = _sites(node, counts, run, wanted, tree, books, priced=priced)
        sites += found
        if not found:
            refused[node.id] = reason
    return Field(tuple(sites), refused)


def _all(books: Books) -> Iterator[Node]:
    for entry in books.catalog.entries("node"):
        if isinstance(entry, Node):
            accelerator = books.catalog.accelerator(entry.accelerator)
            if accelerator.trains and accelerator.kind in _TRAINS:
                yield entry


def _around(run: TrainingRun, books: Books) -> tuple[int, ...]:
    """Give numbers of accelerators about as large as a scenario's, or from eight on where it names none."""
    hardware = run.hardware
    said = hardware.accelerators
    if said is None and hardware.nodes is not None:
        said = hardware.nodes * books.catalog.node(hardware.node).accelerators
    if said is None:
        return _COUNTS
    return tuple(dict.fromkeys(int(said * factor) for factor in _AROUND if said * factor >= 1.0))


def _whole_nodes(count: int, node: Node) -> int:
    """Give about so many accelerators as whole nodes have."""
    each = node.accelerators
    return count if count < each else max(round(count / each), 1) * each


def _sites(
    node: Node, counts: Sequence[int], run: TrainingRun, wanted: Wanted, tree: Tree, books: Books, *, priced: bool
) -> tuple[list[Site], str]:
    """Give a kind of machine in all numbers in which it can take part, and the last reason why it cannot."""
    found: list[Site] = []
    reason = ""
    for count in counts:
        if count > node.accelerators and count % node.accelerators:
            reason = reason or f"{node.accelerators} accelerators in a node do not divide {count:,}"
            continue
        try:
            ground = ground_of(_on(run, node, count, books), wanted, tree, books, Ledger(books.catalog))
        except (InputError, InfeasibleError) as error:
            reason = error.faults[0].message
            continue
        if priced and not {"node price", "node-hour price"} & ground.inputs.uncertain.keys():
            reason = f"no price is known: {run.hardware.term}"
            continue
        found.append(Site(node.id, ground))
    return found, reason


def _on(run: TrainingRun, node: Node, count: int, books: Books) -> TrainingRun:
    """Give a run on other machines: what a scenario says of its own kind of machine alone is not said of others."""
    own = books.catalog.node(run.hardware.node)
    hardware = hardware_on(run.hardware, own, node)
    framework = run.framework
    kind, own_kind = (books.catalog.accelerator(each.accelerator).kind for each in (node, own))
    if kind != own_kind:
        framework = None  # what such chips are usually trained with
    counted = hardware.model_copy(update={"accelerators": count, "nodes": None})
    return run.model_copy(update={"hardware": counted, "framework": framework})
