"""How often spot machines are taken back."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Standing
from planner.catalog.store import Catalog
from planner.documents.types import Date, Record, Seconds, Text, UncertainShare
from planner.errors import Fault, InputError, listing
from planner.record import record
from planner.units.interval import Interval

COLUMNS = (
    "provider",
    "instance",
    "accelerator",
    "accelerators",
    "region",
    "saving_percent",
    "interrupted_percent_per_month",
    "date",
    "source",
)
_SECONDS_PER_MONTH = 2_628_000.0


class SpotPractice(Record):
    """How a provider takes spot machines back.

    Parameters
    ----------
    notice : from the warning to the end.
    interrupted_per_month : share of machines taken back within a month, where no row says it for the machine.
    """

    notice: Seconds
    interrupted_per_month: UncertainShare
    source: Text
    note: Text


class SpotRules(Record):
    """Bands of the share that is taken back in a month, and each provider's practice."""

    schema_: Annotated[Literal["planner/price-spot/v1"], Field(alias="schema")]
    date: Date
    bands: dict[Text, UncertainShare]
    practice: dict[Text, SpotPractice]


@record
class Interruption:
    """How often one kind of spot machine is taken back in one region.

    Parameters
    ----------
    per_month : share of machines taken back within a month [1].
    rate_per_s : of one machine [1/s].
    notice_s : from the warning to the end [s].
    region : that the band was seen in; "" where it is an estimate for the provider.
    """

    per_month: Interval
    rate_per_s: Interval
    notice_s: float
    region: str
    date: str
    source: str
    standing: Standing


def interruption(catalog: Catalog, node_id: str, *, region: str) -> Interruption:
    """Give how often a spot machine is taken back.

    Parameters
    ----------
    node_id : id or alias of a catalog node.
    region : as the provider names it.

    Returns
    -------
    The provider's band for the machine and region, as an interval; an estimate for the provider where it
    publishes none.

    Raises
    ------
    InputError : nobody rents the machine as spot, as far as is known.

    Notes
    -----
    A share p of machines that is gone after a month is a rate of -ln(1 - p) per month of each.
    """
    node = catalog.node(node_id)
    rules = catalog.sheet("prices/spot", SpotRules)
    practice = rules.practice.get(node.provider)
    if practice is None:
        known = listing(sorted(rules.practice))
        raise InputError(Fault("no-spot", f"{node.provider} is not known to rent spot machines", allowed=known))
    names = {name.casefold() for name in (node.id, *node.aliases)}
    for _, table in catalog.table("prices/spot-interruptions", COLUMNS):
        for row, cells in enumerate(table.rows):
            if cells[0] == node.provider and cells[4] == region and cells[1].casefold() in names:
                band = rules.bands.get(cells[6])
                if band is None:
                    allowed = listing(list(rules.bands))
                    raise InputError(table.fault(row, "spot-band", "no such band", allowed=allowed))
                return _interruption(band, practice.notice, region, cells[7], cells[8], Standing.READ)
    return _interruption(
        practice.interrupted_per_month, practice.notice, "", rules.date, practice.source, Standing.ESTIMATED
    )


def _interruption(
    share: Interval, notice_s: float, region: str, date: str, source: str, standing: Standing
) -> Interruption:
    rates = [-math.log1p(-value) / _SECONDS_PER_MONTH for value in (share.low, share.mid, share.high)]
    return Interruption(share, Interval(*rates), notice_s, region, date, source, standing)
