"""Power of a node at work, for the whole run."""

from __future__ import annotations

from planner.catalog.accelerator import Accelerator
from planner.catalog.node import Node
from planner.catalog.power import Draw, NodePowerEstimate, node_power
from planner.planning.books import Books
from planner.planning.estimate import Part
from planner.planning.ledger import Ledger
from planner.record import record
from planner.units.interval import Interval
from planner.units.printing import scaled

_PARTS = (
    ("accelerators", "accelerators"),
    ("host", "host: processors, memory, drives"),
    ("network_and_fans", "network, fans, supply losses"),
)


@record
class PowerParts:
    """Power of one node with its accelerators at their limit, while they train, and doing nothing [W]."""

    full_w: Interval
    busy_w: Interval
    idle_w: Interval
    estimate: NodePowerEstimate

    def parts(self, busy_share: float) -> tuple[Part, ...]:
        """Give what each part of a node draws when its accelerators train for a share of the time [W]."""
        return tuple(Part(key, label, _mean(getattr(self.estimate, key), busy_share)) for key, label in _PARTS)

    def parts_below_limit(self, share: float) -> tuple[Part, ...]:
        """Give what each part draws when accelerators go a share of the way from rest to their limit [W]."""
        draws = ((key, label, getattr(self.estimate, key)) for key, label in _PARTS)
        return tuple(Part(key, label, d.idle.mid + (d.full.mid - d.idle.mid) * share) for key, label, d in draws)


def power_of(node: Node, accelerator: Accelerator, *, books: Books, ledger: Ledger) -> PowerParts:
    """Give the power of a kind of node, noting the catalog values behind it."""
    estimate = node_power(node, accelerator, books.power_rule)
    part = node.accelerator_power or (accelerator.power.tdp if accelerator.power else None)
    shown = {
        "power.rated": scaled(estimate.rated.mid, "W"),
        "accelerator_power": scaled(part.mid, "W") if part else "",
        "power.tdp": scaled(part.mid, "W") if part else "",
    }
    for provenance in estimate.provenance:
        ledger.note(
            f"{provenance.path} of {provenance.entry}",
            shown.get(provenance.path, "host, network, fans, supplies"),
            source=provenance.source,
            standing=books.catalog.standing(provenance),
        )
    return PowerParts(estimate.full, estimate.busy, estimate.idle, estimate)


def _mean(draw: Draw, busy_share: float) -> float:
    return draw.idle.mid + (draw.busy.mid - draw.idle.mid) * busy_share
