"""Listings: the same rows as a table of a width, as one JSON document and as harmless CSV."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from planner.errors import InputError
from planner.report.listing import Column, Listing, as_csv, as_json, as_table

COLUMNS = (
    Column("name", "name", elastic=True),
    Column("rate_bytes_per_s", "GB/s", lambda value: f"{value / 1e9:.1f}"),
    Column("note", wide=True),
)
ROWS = Listing("things", COLUMNS, [["b", 2e9, "x"], ["a", None, None], ["C", 10e9, "y"]])


def test_a_table_shows_what_has_room() -> None:
    assert as_table(ROWS, width=80).splitlines() == ["name  GB/s", "b      2.0", "a        -", "C     10.0"]


TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@pytest.mark.unmeasured
@given(st.lists(st.tuples(TEXT, st.floats(0, 1e15)), max_size=6), st.integers(30, 120))
def test_no_line_is_wider_than_asked_and_no_text_reaches_the_terminal_raw(
    rows: list[tuple[str, float]], width: int
) -> None:
    table = as_table(Listing("t", COLUMNS, [[name, rate, ""] for name, rate in rows]), width=width)
    lines = table.split("\n")
    assert len(lines) == len(rows) + 2
    assert all(cell_len(line) <= width for line in lines)
    assert not set(table) & set("\x1b\x07\x9b\u202e\u2066\r\t")


@pytest.mark.parametrize(
    ("field", "order"),
    [
        ("name", ["a", "b", "C"]),
        ("-name", ["C", "b", "a"]),
        ("rate_bytes_per_s", ["b", "C", "a"]),
        ("-gb/s", ["C", "b", "a"]),
    ],
)
def test_sorting_puts_the_unknown_last_either_way(field: str, order: list[str]) -> None:
    assert [row[0] for row in ROWS.sorted_by(field).rows] == order


def test_an_unknown_field_offers_the_nearest() -> None:
    with pytest.raises(InputError) as caught:
        ROWS.sorted_by("rate_byte_per_s")
    assert "did you mean 'rate_bytes_per_s'?" in str(caught.value)


def test_json_is_one_document_without_what_json_lacks() -> None:
    document = json.loads(as_json(ROWS))
    assert document["rows"][0] == {"name": "b", "rate_bytes_per_s": 2e9, "note": "x"}
    assert document["rows"][1]["rate_bytes_per_s"] is None
    with pytest.raises(ValueError, match="JSON"):
        as_json(Listing("t", COLUMNS, [["a", math.nan, ""]]))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@a", "＝1"])
def test_no_cell_of_a_csv_file_is_a_formula(cell: str) -> None:
    text = as_csv(Listing("t", COLUMNS, [[cell, 1e9, ""]]))
    row = list(csv.reader(io.StringIO(text, newline="")))[1]
    assert row[0] == "'" + cell
    assert float(row[1]) == 1e9


@given(st.lists(TEXT, min_size=1, max_size=5))
def test_csv_has_one_line_for_a_row_whatever_the_text(cells: list[str]) -> None:
    text = as_csv(Listing("t", COLUMNS, [[cell, 1e9, ""] for cell in cells]))
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert len(rows) == len(cells)
    assert not any(row[0].startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows)
