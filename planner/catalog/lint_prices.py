"""What can be wrong in the tables of prices: rows, dates, sources, repeated rows, spot above on-demand."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from planner.catalog import hosted, interruption
from planner.catalog.price import COLUMNS, HISTORIC, UNUSABLE, PriceBook, earliest
from planner.catalog.store import Catalog
from planner.documents.rows import Table
from planner.errors import Fault, InputError, did_you_mean

TRANSFER_COLUMNS = (
    "provider",
    "region",
    "to",
    "from_tb_per_month",
    "to_tb_per_month",
    "usd_per_gb",
    "date",
    "source",
)
_ROUNDED = 1.001  # tables round; a spot price may equal the on-demand price


def price_findings(catalog: Catalog, unreadable: list[Fault]) -> list[Fault]:
    """Give what is wrong in all tables of prices; rows that cannot be read are added to `unreadable`."""
    findings: list[Fault] = []
    book = PriceBook(catalog)
    for provider in book.providers():
        try:
            list(book.list_prices(provider))
            for _, table in catalog.table(f"prices/{provider}", COLUMNS):
                findings += _offers(catalog, table)
        except InputError as error:
            unreadable += error.faults
    try:
        hosted.hosted_models(catalog)
        for _, table in catalog.table("prices/spot-interruptions", interruption.COLUMNS):
            findings += _dated(catalog, table, date=7, source=8)
        for _, table in catalog.table("prices/data-transfer", TRANSFER_COLUMNS):
            findings += _dated(catalog, table, date=6, source=7)
    except InputError as error:
        unreadable += error.faults
    return findings


def _offers(catalog: Catalog, table: Table) -> Iterator[Fault]:
    yield from _dated(catalog, table, date=7, source=8)
    seen: set[tuple[str, ...]] = set()
    on_demand: dict[tuple[str, ...], float] = {}
    for row, cells in enumerate(table.rows):
        key = (cells[0].casefold(), *cells[3:5], *cells[6:9], cells[11])
        if key in seen:
            yield table.fault(row, "price-twice", "the same offer of the same day stands above")
        seen.add(key)
        if cells[4] == "on-demand":
            on_demand[(cells[0], cells[3], cells[7], cells[8])] = float(cells[5])
    for row, cells in enumerate(table.rows):
        beside = on_demand.get((cells[0], cells[3], cells[7], cells[8]))
        above = beside is not None and float(cells[5]) > beside * _ROUNDED
        if cells[4] == "spot" and above and cells[10] not in (UNUSABLE, HISTORIC):
            message = f"spot costs {cells[5]}, on-demand {beside}"
            yield table.fault(row, "price-spot", message, hint=f"flag the row '{UNUSABLE}' if the source says so")


def _dated(catalog: Catalog, table: Table, *, date: int, source: int) -> Iterator[Fault]:
    known: set[str] = set()
    for row, cells in enumerate(table.rows):
        if not _is_date(cells[date]):
            yield table.fault(
                row, "price-date", f"'{cells[date]}' is not a date", allowed="YYYY, YYYY-MM or YYYY-MM-DD"
            )
        if cells[source] not in known:
            if catalog.source(cells[source]) is None:
                hint = did_you_mean(cells[source], catalog.source_keys())
                yield table.fault(row, "source-unknown", f"no source '{cells[source]}'", hint=hint)
            known.add(cells[source])


def _is_date(text: str) -> bool:
    try:
        day = datetime.date.fromisoformat(earliest(text))
    except ValueError:
        return False
    return len(text) in (4, 7, 10) and 2010 <= day.year <= 2035
