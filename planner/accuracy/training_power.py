"""Power of a node while it trains, for rows that metered it: of the catalogs' nodes of the same accelerators."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from planner.accuracy.cases import TrainingCase
from planner.catalog.node import Node
from planner.catalog.power import NodePowerEstimate, node_power
from planner.errors import InputError
from planner.planning.books import Books
from planner.units.interval import Interval

# Of the time, accelerators at work; the rest they wait for links and hosts. Our estimate from parts of steps.
_BUSY_SHARE = (0.6, 0.85, 1.0)
_NODE = 8


def node_power_w(case: TrainingCase, books: Books) -> Interval | None:
    """Give the mean power of a node of the case's accelerators at work [W]; None where no catalog node has them."""
    found = list(_estimates(case, books))
    if not found:
        return None

    def between(end: str, share: float) -> float:
        idle = float(median(getattr(each.idle, end) for each in found))
        return idle + (float(median(getattr(each.busy, end) for each in found)) - idle) * share

    low, mid, high = (between(end, share) for end, share in zip(("low", "mid", "high"), _BUSY_SHARE, strict=True))
    return Interval(min(low, mid), mid, max(mid, high))


def _estimates(case: TrainingCase, books: Books) -> Iterator[NodePowerEstimate]:
    accelerators = min(_NODE, case.accelerators)
    for node in books.catalog.entries("node"):
        if isinstance(node, Node) and node.accelerator == case.accelerator.id and node.accelerators == accelerators:
            try:
                yield node_power(node, case.accelerator, books.power_rule)
            except InputError:
                continue
