"""The system of a measured run: what stands around its accelerators, and whether it was set for efficiency."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from planner.catalog.accelerator import Accelerator
from planner.catalog.power import NodePowerRule
from planner.record import record


@record
class Surroundings:
    """Beside the accelerators of a system.

    Parameters
    ----------
    host_w : of processors, memory, drives [W]. lost : share of the whole that fans, network and supplies take [1].
    """

    host_w: float
    lost: float


def surroundings(accelerator: Accelerator, count: int, rule: NodePowerRule) -> Surroundings:
    """Give what stands around so many accelerators, by the rules of the catalogs.

    Accelerators that a link of their own joins stand in hosts of their kind, with their network, of which the smallest
    is half a full one; cards in servers that grow with their number; a module that counts its processors is a computer
    by itself, and one whose limit without them is known has them beside it.
    """
    power, link, full = accelerator.power, accelerator.link, rule.rule
    module = power is not None and power.scope == "module"
    if link is not None and link.domain >= full.full_host_accelerators:
        share = max(count / full.full_host_accelerators, _SMALLEST) * (full.host_without_processors if module else 1.0)
        lost = full.overhead_air if link.domain == full.full_host_accelerators else full.overhead_liquid
        return Surroundings(full.host * share, lost)
    if power is not None and module:
        beside = power.tdp.mid - power.alone.mid if power.tdp and power.alone else 0.0
        return Surroundings((rule.cards.module + beside) * count, rule.cards.overhead)
    each = 0.0 if accelerator.kind == "cpu" else rule.cards.each
    return Surroundings(rule.cards.base + each * count, rule.cards.overhead)


_SMALLEST = 0.5  # of a full host


def for_efficiency(row: Mapping[str, Any]) -> bool:
    """Tell whether a row names a system that was set for work per joule, and not for work: MaxQ, in MLPerf's word.

    >>> for_efficiency({"system": "H200-SXM-141GBx8_TRT_MaxQ"}), for_efficiency({"system": "H200-SXM-141GBx8_TRT"})
    (True, False)
    """
    return any(_EFFICIENT.search(str(row.get(key) or "")) for key in ("id", "system", "locator"))


def most_efficient_w(accelerator: Accelerator) -> float:
    """Give the power to which an accelerator is set that does most for a joule, our estimate [W]; NaN where unknown."""
    limit = accelerator.power and (accelerator.power.alone or accelerator.power.tdp)
    return limit.mid * _MOST_EFFICIENT if limit else math.nan


_EFFICIENT = re.compile(r"max-?q", re.IGNORECASE)
# What waits in a chip, and what stands around it, draw s = 0.48 of its limit; the rest of the limit, 0.72, goes with
# the clock f as f^2.5. Work for a joule, f / (s + 0.72 f^2.5), is largest at f = 0.72, and the chip draws
# 0.28 + 0.72 x 0.44.
_MOST_EFFICIENT = 0.6
