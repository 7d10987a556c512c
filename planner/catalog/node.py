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
    """Link between host memory and one accelerator, one direction; `shared_by` accelerators use one link."""

    kind: Text
    bandwidth: BytesPerSecond
    shared_by: Whole = 1


class LocalStorage(Record):
    """Drives inside the machine."""

    capacity: BytesOrZero
    read: BytesPerSecond | None = None
    write: BytesPerSecond | None = None


class Host(Record):
    """The machine around the accelerators; `block_storage` is its rate to network drives, one direction."""

    vcpus: Whole | None = None
    memory: Bytes | None = None
    link: HostLink | None = None
    storage: LocalStorage | None = None
    block_storage: BytesPerSecond | None = None


class NodeNetwork(Record):
    """The network that leaves the machine, one direction.

    Parameters
    ----------
    fabric : id of the network.
    bandwidth : all ports that accelerators can use, together.
    with_host_ports : the same with the ports that only the host uses, where the provider counts them in.
    interfaces : number of ports.
    """

    fabric: Id
    bandwidth: BytesPerSecond
    with_host_ports: BytesPerSecond | None = None
    interfaces: Whole | None = None


class NodePower(Record):
    """Power of the whole machine. `rated` is its limit; `typical` what it draws under a training load."""

    rated: UncertainWatts
    typical: UncertainWatts | None = None


class Node(Entry):
    """One machine type. Its prices stand in the price book, under its id.

    Parameters
    ----------
    provider : who rents or sells it.
    accelerator, accelerators : which parts compute, and how many; CPU sockets count as accelerators.
    hosts : host machines inside: 18 in an NVL72 rack, which is one node here.
    network : absent where nobody says which fabric the machine has: it is then refused for work that
        needs several machines.
    cooling : liquid saves most of the fans' power.
    power : published figures; where there are none, `planner.catalog.power` derives them.
    accelerator_power : limit of one accelerator, where this machine has another than the part's own.
    purchase_price : of the whole machine.
    reported_memory : device memory of one accelerator as the provider's interface reports it; some
        interfaces report the number in the part's name, so plans are sized with the accelerator's own.
    """

    schema_: Annotated[Literal["planner/node/v1"], Field(alias="schema")]
    provider: Id
    accelerator: Id
    accelerators: Whole
    hosts: Whole = 1
    scale_up: ScaleUp
    host: Host = Host()
    network: NodeNetwork | None = None
    cooling: Literal["air", "liquid"] = "air"
    power: NodePower | None = None
    accelerator_power: UncertainWatts | None = None
    purchase_price: UncertainUsd | None = None
    reported_memory: Bytes | None = None
