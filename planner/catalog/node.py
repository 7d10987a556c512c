"""One machine that can be rented or bought: accelerators, how they are joined, host, network, power."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import (
    Bytes,
    BytesOrZero,
    BytesPerSecond,
    Id,
    Record,
    Text,
    UncertainUsd,
    UncertainWatts,
    Whole,
)

Topology = Literal["switch", "mesh", "torus-2d", "torus-3d", "ring", "pcie", "socket", "single"]


class ScaleUp(Record):
    """How the accelerators of one machine are joined.

    `domain` counts the accelerators that reach each other over the scale-up link: 8 in a DGX H100, 72 in
    a GB200 NVL72, 4096 in a TPU v4 pod. `bandwidth` overrides the accelerator's own link where the
    machine wires fewer of its lanes; one direction, per accelerator.
    """

    domain: Whole
    topology: Topology
    bandwidth: BytesPerSecond | None = None
    detail: Text = ""


class HostLink(Record):
    """Link between host memory and one accelerator, one direction."""

    kind: Text
    bandwidth: BytesPerSecond


class LocalStorage(Record):
    """Drives inside the machine."""

    capacity: BytesOrZero
    read: BytesPerSecond | None = None
    write: BytesPerSecond | None = None


class Host(Record):
    """The machine around the accelerators."""

    vcpus: Whole | None = None
    memory: Bytes | None = None
    link: HostLink | None = None
    storage: LocalStorage | None = None


class NodeNetwork(Record):
    """The network that leaves the machine: all its ports together, one direction."""

    fabric: Id
    bandwidth: BytesPerSecond
    interfaces: Whole | None = None


class NodePower(Record):
    """Power of the whole machine. `rated` is its limit; `typical` what it draws under a training load."""

    rated: UncertainWatts
    typical: UncertainWatts | None = None


class Node(Entry):
    """One machine type. Its prices stand in the price book, under its id."""

    schema_: Annotated[Literal["planner/node/v1"], Field(alias="schema")]
    provider: Id
    accelerator: Id
    accelerators: Whole
    scale_up: ScaleUp
    host: Host = Host()
    network: NodeNetwork | None = None
    power: NodePower | None = None
    purchase_price: UncertainUsd | None = None
