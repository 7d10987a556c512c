"""The winner of a search as a closed scenario: what it was searched for, with the choices made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planner.documents.reader import Tree
from planner.documents.typed import typed
from planner.planning.search_result import Candidate
from planner.scenario.hardware import HardwareChoice
from planner.scenario.resolve import Resolved
from planner.scenario.training_run import RecomputeChoice, TrainingRun


def scenario_of(resolved: Resolved, machines: HardwareChoice, found: Candidate) -> Resolved:
    """Give the scenario of a strategy that was found, which estimates to what the search says of it.

    Parameters
    ----------
    resolved : the scenario that was searched. machines : those of the strategy. found : the strategy.
    """
    value = {key: each for key, each in resolved.tree.value.items() if key not in ("offload", "claim")}
    value["hardware"] = _hardware(value["hardware"], machines)
    value["framework"] = found.framework
    value["parallelism"] = found.parallelism.model_dump(exclude_defaults=True)
    value["parallelism"]["sharding"] = found.parallelism.sharding
    value["recompute"] = found.recompute
    if isinstance(found.recompute, RecomputeChoice):
        value["recompute"] = found.recompute.model_dump(mode="json", exclude_defaults=True)
    offload = found.offload.model_dump(exclude_defaults=True)
    if offload:
        value["offload"] = offload
    tree = Tree(resolved.tree.source, value, resolved.tree.marks)
    return replace(resolved, document=typed(tree, TrainingRun), tree=tree)


def _hardware(said: Mapping[str, Any], machines: HardwareChoice) -> dict[str, Any]:
    """Give what a scenario says of its machines, without what it says of its own kind alone."""
    fields = HardwareChoice.model_fields
    kept = {
        key: value
        for key, value in said.items()
        if key not in fields or getattr(machines, key) != fields[key].get_default()
    }
    kept |= {"node": machines.node, "accelerators": machines.accelerators}
    if machines.ownership is not None and machines.ownership.price is None and "ownership" in kept:
        kept["ownership"] = {key: value for key, value in kept["ownership"].items() if key != "price"}
    return kept
