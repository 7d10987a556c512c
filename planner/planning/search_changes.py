"""What one change would do to the winner of a search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from planner.planning.search_points import PricedPoint, priced
from planner.planning.search_run import Plan
from planner.planning.search_sites import Site
from planner.planning.search_space import Space
from planner.planning.search_tally import Point
from planner.planning.search_words import offload_words, pipelining_words, recompute_words, sharding_words
from planner.record import record

_DEGREES = {"tensor": "tensor", "stages": "pipeline", "context": "context", "expert": "expert"}


@record
class Changed:
    """The winner with one thing changed: what, from what to what, and what it then is."""

    axis: str
    before: str
    after: str
    found: PricedPoint


def changes_of(winner: Point, plan: Plan, sites: Sequence[Site]) -> list[Changed]:
    """Give the winner with every other value of every axis, where degrees still divide; and with other numbers."""
    told = list(_neighbours(winner, plan.space, sites))
    group = next(group for group in plan.groups if winner.site in group.numbers)
    found = priced([point for *_, point in told], plan.space, group) if told else []
    return [
        Changed(axis, before, after, each)
        for (axis, before, after, _), each in zip(told, found, strict=True)
        if each.possible
    ]


def _with(winner: Point, name: str, value: int) -> Point:
    changes: dict[str, Any] = {name: value}
    return replace(winner, **changes)


def _neighbours(winner: Point, space: Space, sites: Sequence[Site]) -> Iterator[tuple[str, str, str, Point]]:
    here = sites[winner.site]
    for number, site in enumerate(sites):
        if site.node == here.node and number != winner.site:
            point = replace(winner, site=number)
            yield "accelerators", f"{here.accelerators:,}", f"{site.accelerators:,}", point
    for name, axis in (*_DEGREES.items(), ("micro_batch", "micro_batch")):
        before = getattr(winner, name)
        for value in getattr(space, axis):
            if value != before:
                point = _with(winner, name, value)
                if winner.expert_tensor > 1:
                    point = replace(point, expert_tensor=point.tensor)
                yield axis.replace("_", "-"), str(before), str(value), point
    if winner.tensor > 1 and len(space.split_experts) > 1:
        other = winner.tensor if winner.expert_tensor == 1 else 1
        yield "expert tensor", str(winner.expert_tensor), str(other), replace(winner, expert_tensor=other)
    kinds = {
        "pipelining": [pipelining_words(way) for way in space.pipelining],
        "sharding": [sharding_words(kind) for kind in space.sharding],
        "recompute": [recompute_words(kind) for kind in space.recompute],
        "offload": [offload_words(choice) for choice in space.offload],
    }
    for axis, words in kinds.items():
        at = getattr(winner, axis)
        for number, word in enumerate(words):
            if number != at:
                yield axis, words[at], word, _with(winner, axis, number)
