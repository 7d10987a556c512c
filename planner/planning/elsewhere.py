"""A scenario's choice of hardware on a machine of another kind: what is said of its own is not said of others."""

from __future__ import annotations

from planner.catalog.node import Node
from planner.scenario.hardware import HardwareChoice


def hardware_on(choice: HardwareChoice, own: Node, node: Node) -> HardwareChoice:
    """Give a choice of hardware on another kind of machine.

    Parameters
    ----------
    choice : as the scenario has it. own : the machine that it names. node : the other one.
    """
    if node.id == own.id:
        return choice.model_copy(update={"node": node.id})
    changes: dict[str, object] = {"node": node.id, "price": None, "fabric_bandwidth": None, "oversubscription": 1.0}
    if choice.ownership is not None:
        changes["ownership"] = choice.ownership.model_copy(update={"price": None})
    if node.provider != own.provider and choice.term != "owned":
        changes |= {"facility": None, "seller": None}
    return choice.model_copy(update=changes)
