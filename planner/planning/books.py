"""What a run of the planner looks things up in: catalogs, prices, currencies, defaults; each read when first used."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from planner.catalog.defaults import Defaults
from planner.catalog.power import NodePowerRule
from planner.catalog.price import PriceBook
from planner.catalog.store import Catalog


@dataclass
class Books:
    """Catalogs with their price book and defaults.

    Parameters
    ----------
    catalog : entries by kind and name, over all layers.
    prices_on : newest date of a price that may be used, "" for any.
    """

    catalog: Catalog = field(default_factory=Catalog)
    prices_on: str = ""

    @cached_property
    def prices(self) -> PriceBook:
        """Dated prices of nodes."""
        return PriceBook(self.catalog)

    @cached_property
    def power_rule(self) -> NodePowerRule:
        """How the power of a node is derived."""
        return self.catalog.sheet("node-power", NodePowerRule)

    @cached_property
    def defaults(self) -> Defaults:
        """What is assumed where a scenario does not say."""
        return self.catalog.defaults()
