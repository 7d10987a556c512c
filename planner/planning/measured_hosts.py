"""Machines that `planner bench fit` wrote into a catalog, each under its fingerprint."""

from __future__ import annotations

from planner.catalog.accelerator import Accelerator
from planner.planning.ledger import Ledger

FAMILY = "measured-host"
"""Of every accelerator that is a measured machine in one number format: `host-FINGERPRINT-FORMAT`."""

_MOST_NAMED = 3


def warn_of_mixing(accelerator: Accelerator, ledger: Ledger) -> None:
    """Warn where a measured machine stands beside fits of other fingerprints: times of several should not be mixed."""
    if accelerator.family != FAMILY:
        return
    own = _fingerprint(accelerator.id)
    every = [name for name in ledger.catalog.ids("accelerator") if name.startswith("host-")]
    others = sorted({_fingerprint(name) for name in every} - {own})
    if others:
        named = ", ".join(others[:_MOST_NAMED]) + (
            f" and {len(others) - _MOST_NAMED} more" * (len(others) > _MOST_NAMED)
        )
        ledger.warn(
            f"{accelerator.id} is one of several measured machines in the catalogs, beside {named}: times of different "
            "fingerprints should not be mixed"
        )


def _fingerprint(name: str) -> str:
    return name.rsplit("-", 1)[0]
