"""How two sets of catalogs differ: entries that only one has, and values that both have and do not agree on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from planner.catalog.entry import Entry
from planner.catalog.kinds import KINDS
from planner.catalog.lint import values
from planner.catalog.price import COLUMNS
from planner.catalog.stated import as_written
from planner.catalog.store import Catalog
from planner.record import record

ABSENT = "(absent)"


@record
class Difference:
    """One thing that differs; a whole entry where the path is empty."""

    kind: str
    id: str
    path: str
    here: str
    there: str


def differences(here: Catalog, there: Catalog) -> Iterator[Difference]:
    """Give what differs, by kind, id and path.

    Values are compared as quantities: 3350 GB/s and 3.35 TB/s are one. Prices are compared row by row.
    """
    for kind in KINDS:
        mine, theirs = set(here.ids(kind)), set(there.ids(kind))
        for name in sorted(mine | theirs):
            if name not in theirs:
                yield Difference(kind, name, "", "has it", ABSENT)
            elif name not in mine:
                yield Difference(kind, name, "", ABSENT, "has it")
            else:
                yield from _values(kind, name, here, there)
    for table in sorted(set(here.tables("prices")) | set(there.tables("prices"))):
        yield from _rows(table, here, there)


def _values(kind: str, name: str, here: Catalog, there: Catalog) -> Iterator[Difference]:
    sides = [(catalog.entry(kind, name), catalog.tree(kind, name)) for catalog in (here, there)]
    written = [{path: as_written(tree, trail) for path, trail in values(tree)} for _, tree in sides]
    for path in dict.fromkeys([*written[0], *written[1]]):
        first, second = (typed_value(entry, path) for entry, _ in sides)
        if first != second:
            yield Difference(kind, name, path, written[0].get(path, ABSENT), written[1].get(path, ABSENT))


def typed_value(entry: Entry, path: str) -> Any:
    """Give the value of an entry at a dotted path, in SI units; None where it has none."""
    value: Any = entry
    for step in path.split("."):
        if isinstance(value, BaseModel):
            value = getattr(value, step, None)
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _rows(table: str, here: Catalog, there: Catalog) -> Iterator[Difference]:
    sides = [_row_set(catalog, table) for catalog in (here, there)]
    for row in sorted(sides[0] - sides[1]):
        yield Difference("prices", table, "", row, ABSENT)
    for row in sorted(sides[1] - sides[0]):
        yield Difference("prices", table, "", ABSENT, row)


def _row_set(catalog: Catalog, table: str) -> set[str]:
    from planner.catalog import hosted, interruption
    from planner.catalog.lint_prices import TRANSFER_COLUMNS

    columns = {
        "hosted-models": hosted.COLUMNS,
        "spot-interruptions": interruption.COLUMNS,
        "data-transfer": TRANSFER_COLUMNS,
    }.get(table, COLUMNS)
    return {",".join(cells) for _, rows in catalog.table(f"prices/{table}", columns) for cells in rows.rows}
