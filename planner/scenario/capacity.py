"""A place with limits: how many nodes of each kind fit it, what they draw, cost and can do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.documents.types import Record, Share, Text, UncertainPue, UncertainWatts, Whole
from planner.scenario.amount import Money
from planner.scenario.claim import Claim
from planner.scenario.hardware import Ownership, Term


class Place(Record):
    """Limits of a place; one of them at least.

    Parameters
    ----------
    facility : where it stands: PUE, price of electricity, and the power that it has where `power` is unsaid.
    power : that the place can draw, cooling included.
    pue : its overhead; the facility's where unsaid.
    racks : space for them.
    rack_power : that the machines in one rack may draw; the facility's usual one where racks are counted.
    nodes_per_rack : most that are put into one rack, where space limits them before power does.
    nodes : most that fit for any other reason.
    money : to spend on machines where they are owned; per month where they are rented.
    """

    facility: Text | None = None
    power: UncertainWatts | None = None
    pue: UncertainPue | None = None
    racks: Whole | None = None
    rack_power: UncertainWatts | None = None
    nodes_per_rack: Whole | None = None
    nodes: Whole | None = None
    money: Money | None = None


class Hold(Record):
    """A model whose copies the machines are to hold in device memory, ready to answer.

    Parameters
    ----------
    model : catalog id or alias.
    precision : format of the weights.
    cache_precision : format of keys and values.
    context : tokens of one sequence.
    reserve : share of device memory for everything else: driver, work space, activations.
    """

    model: Text
    precision: Literal["fp32", "bf16", "fp16", "fp8", "int8", "int4", "fp4"] = "bf16"
    cache_precision: Literal["fp32", "bf16", "fp16", "fp8", "int8"] = "bf16"
    context: Whole = 2048
    reserve: Share = 0.1


class CapacityWorkload(Record):
    """Which nodes are considered, and what for.

    Parameters
    ----------
    nodes : catalog ids or aliases; where none is named, every system that is sold (term `owned`), or every
        machine with a known price of the term.
    term : how they are paid for.
    ownership : what owning them costs, over the defaults.
    power_basis : whether the place's power must carry what the nodes may draw, or what they usually do.
    hold : a model that they are to hold.
    """

    kind: Literal["capacity"]
    nodes: tuple[Text, ...] = ()
    term: Term = "owned"
    ownership: Ownership = Ownership()
    power_basis: Literal["rated", "typical"] = "rated"
    hold: Hold | None = None


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
