"""Which machines a scenario uses, where they stand, and on what terms."""

from __future__ import annotations

from typing import Annotated, Literal

from planner.documents.types import (
    Bytes,
    BytesPerSecond,
    Flag,
    Ratio,
    Record,
    Seconds,
    Text,
    UncertainFailureRate,
    UncertainPue,
    UncertainSeconds,
    UncertainShare,
    Whole,
    quantity,
)
from planner.scenario.amount import Money, MoneyPerHour, MoneyPerKwh
from planner.units.dimensions import SECONDS

Term = Literal["on-demand", "spot", "capacity-block", "reserved-1y", "reserved-3y", "savings-plan", "owned"]
Years = Annotated[float, quantity(SECONDS)]


class Ownership(Record):
    """What owning a machine costs besides its electricity.

    Parameters
    ----------
    price : of one node; the catalog's where unsaid.
    life : over which it is written off.
    residual : share of the price that is left at the end.
    utilisation : share of its life in which it works; the rest is paid for too.
    upkeep : per year, as a share of the price: space, staff, spares.
    electricity : per kWh; the facility's where unsaid.
    """

    price: Money | None = None
    life: Years | None = None
    residual: UncertainShare | None = None
    utilisation: UncertainShare | None = None
    upkeep: UncertainShare | None = None
    electricity: MoneyPerKwh | None = None


class HardwareChoice(Record):
    """Machines of one kind.

    Parameters
    ----------
    node : catalog id or alias.
    accelerators, nodes : how many; one of the two, or neither where the planner is to choose.
    facility : where they stand: PUE, grid and region of the price; the provider's default where unsaid.
    term : what is paid. seller : who rents them out, such as aws-sagemaker; the node's own provider where unsaid.
    price : of one node-hour, over the price book's. free : a price of 0 is meant: the machines are paid for.
    fabric_bandwidth : of one node, one direction, over the catalog's.
    oversubscription : of the fabric; 2 halves what crosses it.
    storage : that data is read from and checkpoints are written to; a share per node where unsaid.
    storage_size : what is provisioned of it, and paid for.
    """

    node: Text
    accelerators: Whole | None = None
    nodes: Whole | None = None
    facility: Text | None = None
    term: Term = "on-demand"
    seller: Text | None = None
    price: MoneyPerHour | None = None
    free: Flag = False
    pue: UncertainPue | None = None
    ownership: Ownership | None = None
    fabric_bandwidth: BytesPerSecond | None = None
    oversubscription: Ratio = 1.0
    storage: Text | None = None
    storage_size: Bytes | None = None


class Operations(Record):
    """What keeps a run from its steps.

    Parameters
    ----------
    failure_rate : per accelerator and hour; the catalog's published rate where unsaid.
    restart : from a failure to the next step that counts, besides reading the checkpoint.
    checkpoint_interval : between two checkpoints; the best one by Young's rule where unsaid.
    checkpoint_overlap : share of a checkpoint's writing that hides behind training.
    """

    failure_rate: UncertainFailureRate | None = None
    restart: UncertainSeconds | None = None
    checkpoint_interval: Seconds | None = None
    checkpoint_overlap: UncertainShare | None = None
