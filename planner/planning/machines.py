"""Catalog entries to a machine as numbers, refusing what a scenario needs and a machine has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.catalog.accelerator import Accelerator, PrecisionName
from planner.catalog.network import Network
from planner.catalog.node import Node
from planner.errors import Fault, InfeasibleError, listing
from planner.hardware.machine import Machine
from planner.planning.ledger import Ledger
from planner.planning.measured_hosts import warn_of_mixing
from planner.record import record
from planner.units.printing import gibibytes, scaled

Array = NDArray[np.float64]

_PEAK_OF: dict[str, tuple[PrecisionName, ...]] = {
    "fp32": ("fp32",),
    "tf32": ("tf32",),
    "bf16": ("bf16",),
    "fp16": ("fp16",),
    "fp8": ("fp8",),
    "mxfp8": ("fp8",),
    "nvfp4": ("fp4",),
    "int8": ("int8",),
}
_SIXTEEN: tuple[PrecisionName, ...] = ("bf16", "fp16", "tf32", "fp32")


@record
class Fleet:
    """A kind of node with its parts, and as numbers."""

    node: Node
    accelerator: Accelerator
    network: Network | None
    machine: Machine


def peak_flops_per_s(accelerator: Accelerator, precision: str) -> float:
    """Give the dense peak of an accelerator in a compute precision [FLOP/s].

    Raises
    ------
    InfeasibleError : the part does not multiply in that format.
    """
    for name in _PEAK_OF[precision]:
        if name in accelerator.peak:
            return accelerator.peak[name]
    known = [p for p, names in _PEAK_OF.items() if any(n in accelerator.peak for n in names)]
    raise InfeasibleError(
        Fault(
            "precision-missing",
            f"{accelerator.id} has no matrix products in {precision}",
            allowed=listing(known),
            hint="choose one of its precisions, or another accelerator",
        )
    )


def sixteen_bit_peak(accelerator: Accelerator) -> float:
    """Give the dense peak that attention and the head run at: 16 bits, or the nearest wider format [FLOP/s]."""
    return next(accelerator.peak[name] for name in _SIXTEEN if name in accelerator.peak)


def machine_of(
    node: Node,
    accelerator: Accelerator,
    network: Network | None,
    *,
    precision: str,
    ledger: Ledger,
    fabric_bandwidth_bytes_per_s: float | None = None,
    oversubscription: float = 1.0,
) -> Machine:
    """Give a machine as numbers.

    Parameters
    ----------
    node, accelerator, network : catalog entries; no network where the node has none.
    precision : of the layers' matrix products.
    ledger : notes what was used.
    fabric_bandwidth_bytes_per_s : of one node, over the catalog's.
    oversubscription : of the fabric [1].

    Returns
    -------
    Numbers of shape (1,): one machine. What the catalogs do not know is NaN.
    """
    peak = peak_flops_per_s(accelerator, precision)
    warn_of_mixing(accelerator, ledger)
    ledger.take(accelerator, f"peak.{_PEAK_OF[precision][0]}", scaled(peak, "FLOP/s", digits=4))
    sixteen = sixteen_bit_peak(accelerator)
    ledger.take(accelerator, "memory.capacity", gibibytes(accelerator.memory.capacity, digits=2))
    ledger.take(accelerator, "memory.bandwidth", scaled(accelerator.memory.bandwidth, "B/s"))
    link = node.scale_up.bandwidth or (accelerator.link.bandwidth if accelerator.link else None)
    if link is not None and node.scale_up.domain > 1:
        owner = node if node.scale_up.bandwidth else accelerator
        ledger.take(owner, "scale_up.bandwidth" if owner is node else "link.bandwidth", scaled(link, "B/s"))
    fabric = fabric_bandwidth_bytes_per_s or (node.network.bandwidth if node.network else None)
    if fabric_bandwidth_bytes_per_s:
        ledger.said("fabric bandwidth of one node", scaled(fabric_bandwidth_bytes_per_s, "B/s"))
    elif node.network:
        ledger.take(node, "network.bandwidth", scaled(node.network.bandwidth, "B/s"))
    host = node.host
    disk = host.storage
    per = float(node.accelerators)
    return Machine(
        memory_bytes=_one(accelerator.memory.capacity),
        memory_bandwidth_bytes_per_s=_one(accelerator.memory.bandwidth),
        matrix_flops_per_s=_one(peak),
        matrix_16bit_flops_per_s=_one(sixteen),
        units=_one(accelerator.units or UNITS_UNKNOWN),
        domain=_one(node.scale_up.domain),
        domain_bandwidth_bytes_per_s=_one(link if link is not None else (host.link.bandwidth if host.link else None)),
        torus=_one(accelerator.link.torus if accelerator.link else 0),
        node_accelerators=_one(per),
        fabric_bandwidth_bytes_per_s=_one(
            fabric / per / oversubscription * (network.efficiency if network else 1.0) if fabric else None
        ),
        fabric_latency_s=_one(network.latency if network else 0.0),
        host_link_bytes_per_s=_one(host.link.bandwidth if host.link else None),
        host_memory_bytes=_one(host.memory / per if host.memory else None),
        disk_read_bytes_per_s=_one(disk.read / per if disk and disk.read else None),
        disk_write_bytes_per_s=_one(disk.write / per if disk and disk.write else None),
        disk_bytes=_one(disk.capacity / per if disk else None),
    )


UNITS_UNKNOWN = 16  # few large units, as in TPU, Trainium and Gaudi chips: waves of tiles matter little


def _one(value: float | None) -> Array:
    return np.array([np.nan if value is None else float(value)])
