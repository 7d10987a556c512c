"""A place with limits: how many nodes of each kind fit it, what they draw, cost and can do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.documents.types import Record, Text, UncertainPue, UncertainUsd, UncertainWatts, Whole
from planner.scenario.claim import Claim
from planner.scenario.hardware import Ownership, Term


class Place(Record):
    """Limits of a place.

    Parameters
    ----------
    power : that the place can draw, cooling included.
    pue : its overhead; the facility's where unsaid.
    racks, rack_power : space, and what one rack may draw.
    money : to spend on machines, or per month where they are rented.
    facility : where it stands.
    """

    power: UncertainWatts | None = None
    pue: UncertainPue | None = None
    racks: Whole | None = None
    rack_power: UncertainWatts | None = None
    nodes_per_rack: Whole | None = None
    money: UncertainUsd | None = None
    facility: Text | None = None


class CapacityWorkload(Record):
    """Which nodes are considered: those named, or all of the catalog that are sold as whole systems."""

    kind: Literal["capacity"]
    nodes: tuple[Text, ...] = ()
    term: Term = "owned"
    ownership: Ownership = Ownership()
    power_basis: Literal["rated", "typical"] = "rated"


class Capacity(Record):
    """A scenario that asks what a place can hold."""

    schema_: Annotated[Literal["planner/scenario/v1"], Field(alias="schema")]
    name: Text
    title: Text = ""
    notes: Text = ""
    tags: dict[Text, Text] = Field(default_factory=dict)
    workload: CapacityWorkload
    place: Place
    claim: Claim | None = None
