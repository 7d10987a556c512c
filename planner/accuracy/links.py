"""What joins the accelerators of a measured training run: scale-up links, bridges between cards, and their slots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.catalog.accelerator import Accelerator


def scale_up_domain(row: Mapping[str, Any], accelerator: Accelerator, per_node: int, accelerators: int) -> int:
    """Give how many accelerators the scale-up link joins: a TPU slice, a rack of NVL72, a bridge, or the node."""
    parallel = row.get("parallelism") or {}
    if accelerator.kind == "tpu":
        return max(1, accelerators // int(parallel.get("dcn_dp") or 1))
    if accelerator.id in ("gb200", "gb300"):
        return min(72, accelerators) if accelerators < 72 else 64
    if accelerator.link is not None and is_bridged(accelerator, per_node):
        return min(accelerator.link.domain, accelerators)
    return min(per_node, accelerators)


def is_bridged(accelerator: Accelerator, per_node: int) -> bool:
    """Tell whether bridges join pairs of cards in a node of more; those over half of a node hold what needs a link."""
    link = accelerator.link
    return link is not None and "bridge" in link.kind.lower() and link.domain == _PAIR < per_node


_PAIR = 2
# PCIe with 16 lanes, one direction [PCI-SIG]: bridged cards before the H100 PCIe are of generation 4.
PCIE_4_BYTES_PER_S, _PCIE_5_BYTES_PER_S = 31.5e9, 63e9
_FIRST_PCIE_5 = "2022-09"


def slot_bytes_per_s(accelerator: Accelerator) -> float:
    """Give what a bridged card's slot carries to the other cards of its node, one direction [B/s]."""
    is_fifth = accelerator.released is not None and str(accelerator.released) >= _FIRST_PCIE_5
    return _PCIE_5_BYTES_PER_S if is_fifth else PCIE_4_BYTES_PER_S
