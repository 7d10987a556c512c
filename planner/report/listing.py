"""Rows of like things as a table for a terminal, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence

from rich.cells import cell_len, set_cell_size

from planner.errors import did_you_mean, input_error, listing
from planner.record import record
from planner.report.escape import for_csv, for_terminal

Cell = str | float | int | None
_SIGNIFICANT = 9
_NARROWEST_ELASTIC = 8
_GAP = "  "


@record
class Column:
    """One column.

    Parameters
    ----------
    name : in JSON and CSV; ends in its unit where it has one.
    header : in the table.
    show : a number as the table prints it; texts print as they are, nothing as "-".
    elastic : a text that the table may cut where it lacks room.
    wide : only in JSON and CSV: the table has no room for it.
    """

    name: str
    header: str = ""
    show: Callable[[float], str] | None = None
    elastic: bool = False
    wide: bool = False


@record
class Listing:
    """Rows with one cell for each column."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def sorted_by(self, field: str) -> Listing:
        """Give the rows in the order of a column, falling with `-` before it; unknown cells last.

        Parameters
        ----------
        field : a column's name, or its header in the table.

        Raises
        ------
        InputError : there is no such column.
        """
        falling = field.startswith("-")
        name = field.removeprefix("-")
        names = [column.name for column in self.columns]
        headers = {column.header.casefold(): column.name for column in self.columns if column.header}
        name = headers.get(name.casefold(), name)
        if name not in names:
            raise input_error(
                "sort-field",
                f"nothing is listed as '{name}'",
                allowed=listing(names, most=24),
                hint=did_you_mean(name, names),
            )
        at = names.index(name)
        known = [row for row in self.rows if row[at] is not None]
        unknown = [row for row in self.rows if row[at] is None]
        known.sort(key=lambda row: _order(row[at]), reverse=falling)
        return Listing(self.title, self.columns, [*known, *unknown])


def as_table(rows: Listing, *, width: int) -> str:
    """Give a listing as text of a width [columns]; elastic columns are cut where it is too narrow."""
    shown = [(at, column) for at, column in enumerate(rows.columns) if not column.wide]
    lines = [[column.header for _, column in shown]]
    lines += [[_shown(row[at], column) for at, column in shown] for row in rows.rows]
    widths = [max(cell_len(line[number]) for line in lines) for number in range(len(shown))]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
    elastic = [number for number, (_, column) in enumerate(shown) if column.elastic]
    while excess > 0 and elastic:
        widest = max(elastic, key=lambda number: widths[number])
        if widths[widest] <= _NARROWEST_ELASTIC:
            break
        widths[widest] -= 1
        excess -= 1
    text = []
    for line in lines:
        cells = [_fitted(cell, widths[n], right=shown[n][1].show is not None) for n, cell in enumerate(line)]
        text.append(_GAP.join(cells).rstrip() + "\n")
    return "".join(text)


def _fitted(text: str, width: int, *, right: bool) -> str:
    """Give a text as wide as its column, cut with an ellipsis where it is longer."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - length) + text if right else text + " " * (width - length)


def as_json(rows: Listing) -> str:
    """Give a listing as one JSON document: an object with the rows as objects."""
    names = [column.name for column in rows.columns]
    document = {
        "schema": "planner/listing/v1",
        "title": rows.title,
        "rows": [dict(zip(names, [_rounded(cell) for cell in row], strict=True)) for row in rows.rows],
    }
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def as_csv(rows: Listing) -> str:
    """Give a listing as CSV; texts that a spreadsheet would run are made harmless."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([column.name for column in rows.columns])
    for row in rows.rows:
        cells = [_rounded(cell) for cell in row]
        writer.writerow([for_csv(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in cells])
    return stream.getvalue()


def _order(cell: Cell) -> tuple[int, float, str]:
    return (0, float(cell), "") if isinstance(cell, (int, float)) else (1, 0.0, str(cell).casefold())


def _shown(cell: Cell, column: Column) -> str:
    if cell is None or cell == "":
        return "-"
    if isinstance(cell, str):
        return for_terminal(cell)
    return column.show(float(cell)) if column.show else str(cell)


def _rounded(cell: Cell) -> Cell:
    """Give a number to nine digits, so that the last bits of a machine's arithmetic do not show."""
    return float(f"{cell:.{_SIGNIFICANT}g}") if isinstance(cell, float) else cell
