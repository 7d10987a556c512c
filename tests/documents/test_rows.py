"""CSV tables: a fixed header, whole rows, faults at their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.documents.files import ReadBudget
from planner.documents.rows import parse_table, read_table
from planner.errors import Fault, InputError

COLUMNS = ("node", "price", "note")


def the_fault(text: str) -> Fault:
    with pytest.raises(InputError) as caught:
        parse_table(text, columns=COLUMNS, name="prices.csv")
    (fault,) = caught.value.faults
    return fault


def test_cells_are_text_and_quotes_hold_commas() -> None:
    table = parse_table('node,price,note\np5,1e3,"a, ""b"""\n,,\n', columns=COLUMNS)
    assert [list(row) for row in table.rows] == [["p5", "1e3", 'a, "b"'], ["", "", ""]]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("node,prise,note", "did you mean 'price'?"),
        ("node,price", "'note' is missing"),
        ("price,node,note", "another order"),
        ("", "'node' is missing"),
        ("node;price;note", "unknown column"),
    ],
)
def test_the_header_is_the_wanted_one(header: str, says: str) -> None:
    fault = the_fault(f"{header}\n1,2,3\n")
    assert fault.id == "csv-header"
    assert says in fault.render()


@pytest.mark.parametrize(
    ("text", "line"),
    [("1,2\n", 2), ("1,2,3\n1,2,3,4\n", 3), ("1,2,3\n\n1,2,3\n", 3), ('1,"a\nb",3\n', 2)],
)
def test_every_row_has_a_line_and_as_many_cells_as_the_header(text: str, line: int) -> None:
    fault = the_fault("node,price,note\n" + text)
    assert fault.id == "csv-cells"
    assert fault.where is not None
    assert fault.where.line == line


@pytest.mark.parametrize("text", ['1,"2,3\n', '1,"2"x,3\n', "1,2," + "x" * 200_000 + "\n"])
def test_what_is_no_csv_is_refused(text: str) -> None:
    assert the_fault("node,price,note\n" + text).id == "csv-syntax"


def test_a_fault_of_a_value_stands_at_its_row() -> None:
    table = parse_table("node,price,note\np4,1,\np5,x,\n", columns=COLUMNS, name="prices.csv")
    fault = table.fault(1, "price-row", "no price")
    assert str(fault.where) == "prices.csv:3:1"
    assert fault.excerpt == "p5,x,"


def test_a_table_is_read_within_the_run_s_budget(tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("node,price,note\n")
    budget = ReadBudget(remaining_bytes=20)
    assert list(read_table(file, columns=COLUMNS, budget=budget).rows) == []
    with pytest.raises(InputError, match="files-too-large"):
        read_table(file, columns=COLUMNS, budget=budget)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_ends_in_whole_rows_or_in_a_fault(text: str) -> None:
    try:
        table = parse_table("node,price,note\n" + text, columns=COLUMNS)
    except InputError:
        return
    assert all(len(row) == 3 for row in table.rows)
