"""Where machines stand: the facility that a scenario names or its provider's default, and that place's overhead."""

from __future__ import annotations

from planner.catalog.facility import Facility
from planner.catalog.node import Node
from planner.documents.reader import Tree
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.scenario.hardware import HardwareChoice
from planner.units.interval import Interval


def facility_of(choice: HardwareChoice, node: Node, *, tree: Tree, books: Books, ledger: Ledger) -> Facility | None:
    """Give the facility of a scenario's machines; None where nobody says and the provider has no default."""
    if choice.facility is not None:
        return books.catalog.facility(choice.facility, tree=tree, trail=("hardware", "facility"))
    default = books.defaults.facility_of.get(node.provider)
    if default is None:
        ledger.warn(f"no facility is named: PUE and price of electricity are those of defaults '{books.defaults.id}'")
        return None
    ledger.take(books.defaults, "facility_of", default)
    return books.catalog.facility(default)


def pue_of(stated: Interval | None, facility: Facility | None, *, books: Books, ledger: Ledger) -> Interval:
    """Give the overhead of a place: what the scenario states, the facility's, or the default [1]."""
    if stated is not None:
        ledger.said("PUE", f"{stated.mid:g}")
        return stated
    if facility is not None:
        ledger.take(facility, "pue", f"{facility.pue.mid:g}")
        return facility.pue
    ledger.take(books.defaults, "pue", f"{books.defaults.pue.mid:g}")
    return books.defaults.pue
