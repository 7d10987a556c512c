"""One kind of network between machines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import BytesPerSecond, Seconds, Share, Text

FabricKind = Literal["infiniband", "roce", "efa", "ethernet", "omni-path", "scale-up"]


class Network(Entry):
    """A fabric.

    Parameters
    ----------
    kind : `scale-up` is a link between accelerators that also leaves the machine, as in a TPU pod.
    port : rate of one port, one direction.
    latency : one small message from one accelerator to another, across the fabric, software included.
    efficiency : share of the line rate that large collectives reach when nothing else is known.
    full_bisection : share of the accelerators' line rate that the top of the fabric carries; 1 is
        non-blocking.
    """

    schema_: Annotated[Literal["planner/network/v1"], Field(alias="schema")]
    kind: FabricKind
    vendor: Text = ""
    port: BytesPerSecond | None = None
    latency: Seconds
    efficiency: Share
    full_bisection: Share = 1.0
