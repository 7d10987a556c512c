"""Which line of a scenario drives a result: what changed in it, or else what such results hang on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planner.documents.reader import Trail, Tree
from planner.errors import Location
from planner.metrics import METRICS

_MACHINES: tuple[Trail, ...] = (("hardware", "accelerators"), ("hardware", "nodes"), ("hardware", "node"))
_PLACES: tuple[Trail, ...] = (("place",), ("workload", "parts"), ("workload",))
_MONEY: tuple[Trail, ...] = (("hardware", "price"), ("hardware", "term"), ("hardware", "ownership"))
_SPREAD: tuple[Trail, ...] = (("parallelism",), ("recompute",), ("offload",))
_NOT_PLANS = ("name", "title", "notes", "tags", "claim", "schema")


def driver(metric: str, tree: Tree, before: Tree | None = None) -> Location:
    """Give the place in a scenario that drives a result.

    Parameters
    ----------
    metric : the result; "" where there is none.
    tree : the scenario. before : the scenario of the baseline.
    """
    if before is not None:
        changed = next(changes(before.value, tree.value), None)
        if changed is not None:
            return tree.location(changed, key=changed not in tree.marks)
    for trail in (*_likely(metric), *_MACHINES, *_PLACES):
        if trail in tree.marks:
            return tree.location(trail, key=True)
    return tree.location(())


def _likely(metric: str) -> tuple[Trail, ...]:
    unit = METRICS[metric].unit if metric else ""
    if unit.startswith("USD"):
        return _MONEY
    return _SPREAD if "memory" in metric or metric in ("mfu", "hfu") else ()


def changes(before: Any, after: Any, trail: Trail = ()) -> Iterator[Trail]:
    """Give the places at which two scenarios differ as plans, in the order of the new one.

    >>> list(changes({"hardware": {"nodes": 2}, "title": "a"}, {"hardware": {"nodes": 4}, "title": "b"}))
    [('hardware', 'nodes')]
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*after, *before)):
            if trail or (key not in _NOT_PLANS and not key.startswith("x-")):
                if key not in before or key not in after:
                    yield (*trail, key)
                else:
                    yield from changes(before[key], after[key], (*trail, key))
    elif before != after:
        yield trail
