"""CSV text to rows of cells: one header, as many cells in every row as it has, one line each."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from planner.documents.files import ReadBudget, read_text
from planner.errors import Fault, InputError, Location, brief, did_you_mean
from planner.record import record

MAX_ROWS = 200_000
_HEADER_LINES = 1


@record
class Table:
    """The rows of one CSV file.

    Parameters
    ----------
    name : the file's name as shown to people.
    rows : cells in the order of the wanted columns.
    """

    name: str
    rows: Sequence[Sequence[str]]

    def fault(self, row: int, id: str, message: str, *, allowed: str = "", hint: str = "") -> Fault:  # noqa: A002
        """Give a fault at a row, counted from 0."""
        where = Location(self.name, row + 1 + _HEADER_LINES, 1)
        return Fault(id, message, where, ",".join(self.rows[row]), allowed, hint)


def read_table(path: Path, *, columns: Sequence[str], budget: ReadBudget, name: str = "") -> Table:
    """Read a CSV file.

    Parameters
    ----------
    path : a regular UTF-8 file of at most 4 MiB.
    columns : the header that it must have.
    budget : what this run may still read.
    name : how the file is called in errors; its path if empty.

    Raises
    ------
    InputError : the file cannot be read, its header differs, or a row has another number of cells.
    """
    return parse_table(read_text(path, budget=budget, name=name), columns=columns, name=name or str(path))


def parse_table(text: str, *, columns: Sequence[str], name: str = "<text>") -> Table:
    """Parse the text of a CSV file; see `read_table`.

    >>> parse_table("region,price\\nus-east-1,55.04\\n", columns=["region", "price"]).rows
    [['us-east-1', '55.04']]
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    wanted = len(columns)
    try:
        header = next(reader, [])
        if header != list(columns):
            raise InputError(_header_fault(header, columns, name))
        for cells in reader:
            if len(cells) != wanted or reader.line_num != len(rows) + 1 + _HEADER_LINES:
                message = f"{len(cells)} cells where the header has {wanted}"
                raise InputError(_fault(name, len(rows) + 1 + _HEADER_LINES, "csv-cells", message, cells))
            rows.append(cells)
            if len(rows) > MAX_ROWS:
                raise InputError(_fault(name, reader.line_num, "csv-too-long", f"more than {MAX_ROWS:,} rows", cells))
    except csv.Error as error:
        raise InputError(_fault(name, reader.line_num, "csv-syntax", f"not CSV: {error}", [])) from None
    return Table(name, rows)


def _header_fault(header: Sequence[str], columns: Sequence[str], name: str) -> Fault:
    strange = [column for column in header if column not in columns]
    missing = [column for column in columns if column not in header]
    if strange:
        message, hint = f"unknown column '{brief(strange[0])}'", did_you_mean(strange[0], columns)
    elif missing:
        message, hint = f"column '{missing[0]}' is missing", ""
    else:
        message, hint = "the columns stand in another order", ""
    return Fault("csv-header", message, Location(name, 1, 1), ",".join(header)[:4096], ",".join(columns), hint)


def _fault(name: str, line: int, id: str, message: str, cells: Sequence[str]) -> Fault:  # noqa: A002
    hint = "quote cells that hold a comma; no cell spans lines" if id == "csv-cells" else ""
    return Fault(id, message, Location(name, line, 1), ",".join(cells)[:4096], hint=hint)
