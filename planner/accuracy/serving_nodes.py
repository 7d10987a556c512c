"""What a node draws beside its accelerators, for serving rows that metered it whole."""

from __future__ import annotations

import math
from statistics import median

from planner.accuracy.serving_cases import ServingCase
from planner.catalog.node import Node
from planner.catalog.power import node_power
from planner.errors import InputError
from planner.planning.books import Books


def node_around_w(case: ServingCase, books: Books) -> float:
    """Give the power of host, network, fans and supplies of the catalogs' nodes with a case's accelerators [W].

    The median over nodes of as many such accelerators; NaN where there is none: what stands around one card differs
    too much between machines to be taken from another.
    """
    accelerators = round(case.devices / case.cores)
    found = []
    for node in books.catalog.entries("node"):
        if isinstance(node, Node) and node.accelerator == case.accelerator.id and node.accelerators == accelerators:
            try:
                power = node_power(node, case.accelerator, books.power_rule)
            except InputError:
                continue
            found.append(power.host.busy.mid + power.network_and_fans.busy.mid)
    return median(found) if found else math.nan
