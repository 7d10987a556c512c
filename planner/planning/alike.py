"""Which uncertain inputs two scenarios share: those that cancel when their results are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.planning.estimate import Estimate

Scenarios = tuple[Mapping[str, Any], ...]

_MACHINE = ("hardware.node",)
_PLACE = ("hardware.facility", "place.facility")
_OWNERSHIP = "hardware.ownership"
# The error of the model is the same where accelerators, software, model and number format are; between others its
# errors are as good as independent, since profiles are fitted per machine and framework.
_MODEL = ("workload.model", "workload.precision", "workload.kind", "framework", "engine")
_ACCELERATOR = "accelerator"  # not a scenario's own word: it follows from the node

_DECIDED_BY: dict[str, tuple[str, ...]] = {
    "step time": (_ACCELERATOR, *_MODEL),
    "token time": (_ACCELERATOR, *_MODEL),
    "first token": (_ACCELERATOR, *_MODEL),
    "tokens": ("workload.tokens",),
    "failure rate": ("operations.failure_rate",),
    "restart": ("operations.restart",),
    "checkpoint overlap": ("operations.checkpoint_overlap",),
    "storage read": ("hardware.storage",),
    "storage write": ("hardware.storage",),
    "PUE": ("hardware.pue", "place.pue", *_PLACE),
    "grid carbon": _PLACE,
    "electricity": (f"{_OWNERSHIP}.electricity", "workload.ownership.electricity", *_PLACE),
    "full power": _MACHINE,
    "power limit": _MACHINE,
    "accelerator power": (_ACCELERATOR, *_MODEL),
    "busy power": _MACHINE,
    "idle power": _MACHINE,
    "node price": (*_MACHINE, f"{_OWNERSHIP}.price", "workload.ownership.price"),
    "node-hour price": (*_MACHINE, "hardware.term", "hardware.seller", "hardware.price", *_PLACE),
    "residual": (f"{_OWNERSHIP}.residual", "workload.ownership.residual"),
    "utilisation": (f"{_OWNERSHIP}.utilisation",),
    "upkeep": (f"{_OWNERSHIP}.upkeep", "workload.ownership.upkeep"),
}
"""Paths of a scenario that decide an input's value; where all of them are alike, it is one and the same input."""

_ANYTHING = ("hardware", "workload", "framework", "engine", "place")


def scenarios_of(estimate: Estimate) -> Scenarios:
    """Give the closed scenarios that an estimate rests on, its own or those of its parts, each with its accelerator."""
    return tuple(_leaves(estimate))


def alike(name: str, one: Scenarios, other: Scenarios) -> bool:
    """Whether an uncertain input is the same in two scenarios, and not merely called the same.

    Parameters
    ----------
    name : of the input. one, other : the closed scenarios, see `scenarios_of`.

    >>> a, b = {"hardware": {"node": "dgx-h100"}}, {"hardware": {"node": "dgx-a100"}}
    >>> alike("node price", (a,), (b,)), alike("restart", (a,), (b,))
    (False, True)
    """
    found = {repr(_deciding(name, scenario)) for scenario in (*one, *other)}
    return len(found) == 1


def _deciding(name: str, scenario: Mapping[str, Any]) -> list[object]:
    paths = _DECIDED_BY.get(name, _ANYTHING)
    values = [_at(scenario, path) for path in paths]
    if any(path in _PLACE for path in paths) and all(_at(scenario, path) is None for path in _PLACE):
        # Where no place is named, the node's provider decides it.
        values.append(_at(scenario, "hardware.node"))
    return [_sorted(value) for value in values]


def _at(scenario: Mapping[str, Any], path: str) -> object:
    value: object = scenario
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _sorted(value: object) -> object:
    """Give a value whose text does not depend on the order of keys."""
    return sorted((key, _sorted(inner)) for key, inner in value.items()) if isinstance(value, Mapping) else value


def _leaves(estimate: Estimate) -> Iterator[Mapping[str, Any]]:
    if not estimate.children:
        yield {**estimate.scenario, _ACCELERATOR: _accelerators(estimate)}
    for child in estimate.children.values():
        yield from _leaves(child)


def _accelerators(estimate: Estimate) -> list[str]:
    """Give the accelerators that an estimate rests on: those whose memory is among its inputs."""
    names = (item.name.partition(" of ") for item in estimate.inputs)
    return sorted({owner for path, _, owner in names if path == "memory.capacity"})
