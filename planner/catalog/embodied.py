"""Carbon of making hardware, as far as it was published."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import Date, Id, Record, Whole, quantity
from planner.units.dimensions import GRAMS_CO2E

Grams = Annotated[float, quantity(GRAMS_CO2E)]


class EmbodiedRecord(Entry):
    """Carbon of making one thing.

    Parameters
    ----------
    carbon : of the whole thing.
    accelerator, accelerators : which, and how many, are in it; none in a chassis.
    """

    carbon: Grams
    accelerator: Id | None = None
    accelerators: Whole | None = None


class EmbodiedCarbon(Record):
    """The document `embodied-carbon.yaml`."""

    schema_: Annotated[Literal["planner/embodied-carbon/v1"], Field(alias="schema")]
    date: Date
    items: tuple[EmbodiedRecord, ...]
