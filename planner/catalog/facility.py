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
)


class Grid(Record):
    """The grid behind the place. `method` is location-based unless it says otherwise."""

    intensity: UncertainCarbon
    date: Date
    method: Literal["location-based", "market-based", "life-cycle"] = "location-based"
    carbon_free_share: Share | None = None


class Electricity(Record):
    """What a kilowatt-hour costs there."""

    price: UncertainUsdPerKwh
    date: Date
    sector: Text = ""


class Facility(Entry):
    """A cloud region, or a place of one's own."""

    schema_: Annotated[Literal["planner/facility/v1"], Field(alias="schema")]
    provider: Id
    region: Text = ""
    location: Text = ""
    pue: UncertainPue
    grid: Grid | None = None
    electricity: Electricity | None = None
