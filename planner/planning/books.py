"""What a run of the planner looks things up in: catalogs, prices, currencies, defaults; each read when first used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.catalog.defaults import Defaults
from planner.catalog.folders import built_in
from planner.catalog.power import NodePowerRule
from planner.catalog.price import PriceBook
from planner.catalog.store import Catalog
from planner.documents.files import ReadBudget
from planner.planning.ledger import PROJECT
from planner.planning.remembered import Remembered
from planner.scenario.amount import Amount
from planner.scenario.project import DefaultChanges, Project, ReadProject
from planner.units.interval import Interval

if TYPE_CHECKING:
    from planner.catalog.currency import ExchangeRates
    from planner.catalog.training_data import TrainingData


@dataclass
class Books:
    """Catalogs with their price book, exchange rates and defaults.

    Parameters
    ----------
    catalog : entries by kind and name, over all layers.
    project : the project's own choices; those of an empty project where there is none.
    root : the project's folder, which files that its documents name must not leave; none without a project.
    remembered : what pure functions gave in this run; books of one run may share it.
    """

    catalog: Catalog = field(default_factory=Catalog)
    project: Project = field(default_factory=lambda: Project.model_construct(schema_="planner/project/v1"))
    root: Path | None = None
    remembered: Remembered = field(default_factory=Remembered, repr=False)

    @staticmethod
    def of(read: ReadProject, budget: ReadBudget) -> Books:
        """Give the books of a project: its catalogs before the built-in ones; `budget` is what the run may read."""
        return Books(Catalog(layers=layers_of(read.catalogs), budget=budget), read.document, read.root)

    @property
    def prices_on(self) -> str:
        """Newest date of a price that may be used, "" for any."""
        return self.project.prices.on or ""

    @cached_property
    def prices(self) -> PriceBook:
        """Dated prices of nodes."""
        return PriceBook(self.catalog)

    @cached_property
    def power_rule(self) -> NodePowerRule:
        """How the power of a node is derived."""
        return self.catalog.sheet("node-power", NodePowerRule)

    @cached_property
    def training_data(self) -> TrainingData:
        """Forms of data, and lengths of requests in known data sets."""
        from planner.catalog.training_data import TrainingData  # only services name data sets

        return self.catalog.sheet("training-data", TrainingData)

    @cached_property
    def exchange_rates(self) -> ExchangeRates:
        """The catalogs' exchange rates, and over them the project's."""
        from planner.catalog.currency import ExchangeRates  # few plans are in other currencies

        rates = self.catalog.sheet("exchange-rates", ExchangeRates)
        pinned = self.project.exchange_rates
        if pinned is None:
            return rates
        merged = dict(rates.per_usd) | {str(code): rate for code, rate in pinned.per_usd.items()}
        return rates.model_copy(update={"per_usd": merged})

    @cached_property
    def defaults(self) -> Defaults:
        """What is assumed where a scenario does not say: the catalogs' defaults, and over them the project's."""
        return _changed(self.catalog.defaults(), self.project.defaults)

    def usd(self, stated: Amount) -> Interval:
        """Give an amount of money in US dollars.

        Raises
        ------
        InputError : a currency without a rate.
        """
        return stated.interval.scaled(1.0 / self.exchange_rates.rate(stated.currency))


def layers_of(folders: Sequence[Path]) -> tuple[Path, ...]:
    """Give folders of catalogs over the built-in one, which is named once."""
    below = built_in()
    return (*(folder for folder in folders if folder.resolve() != below.resolve()), below)


def _changed(defaults: Defaults, changes: DefaultChanges) -> Defaults:
    stated = {name: value for name in DefaultChanges.model_fields if (value := getattr(changes, name))}
    if not stated:
        return defaults
    update: dict[str, Any] = dict(stated)
    if changes.facility_of:
        update["facility_of"] = {**defaults.facility_of, **changes.facility_of}
    update["sources"] = {**defaults.sources, **dict.fromkeys(stated, PROJECT)}
    update["estimated"] = tuple(path for path in defaults.estimated if path not in stated)
    return defaults.model_copy(update=update)
