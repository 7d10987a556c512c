"""One place where machines stand: overhead, electricity, carbon of the grid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import (
    Date,
    Id,
    Record,
    Share,
    Text,
    UncertainCarbon,
    UncertainPue,
    UncertainUsdPerKwh,
    UncertainWatts,
    quantity,
)
from planner.units.dimensions import LITRES_PER_JOULE

WaterUse = Annotated[float, quantity(LITRES_PER_JOULE, open_low=False)]


class LifeCycle(Record):
    """Carbon of a whole country's electricity, with fuel supply and construction counted in."""

    intensity: UncertainCarbon
    date: Date


class Grid(Record):
    """The grid behind the place.

    Parameters
    ----------
    intensity : carbon of what is generated there, counted by `method`.
    date : year that it holds for; the last one where it spans several.
    carbon_free_share : share of the provider's use that carbon-free generation covers, hour by hour.
    life_cycle : the country's, for comparison.
    """

    intensity: UncertainCarbon
    date: Date
    method: Literal["location-based", "market-based", "life-cycle"] = "location-based"
    carbon_free_share: Share | None = None
    life_cycle: LifeCycle | None = None


class Electricity(Record):
    """What a kilowatt-hour costs there; `quoted` is the price in the currency that it was stated in."""

    price: UncertainUsdPerKwh
    date: Date
    sector: Text = ""
    quoted: Text = ""


class Facility(Entry):
    """A cloud region, or a place of one's own.

    Parameters
    ----------
    provider : the cloud, or `own`.
    pue : power of the whole place over power of its machines.
    water : water used for one unit of the machines' energy.
    power_limit : what all machines and their cooling may draw, where that is known.
    rack_power : usual power of one rack.
    """

    schema_: Annotated[Literal["planner/facility/v1"], Field(alias="schema")]
    provider: Id
    region: Text = ""
    location: Text = ""
    pue: UncertainPue
    water: WaterUse | None = None
    power_limit: UncertainWatts | None = None
    rack_power: UncertainWatts | None = None
    grid: Grid | None = None
    electricity: Electricity | None = None
