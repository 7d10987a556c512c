"""Columns of a terminal: nothing is wider than it may be, whatever the characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.report.columns import cut, fold, left, right, table, width

texts = st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), max_size=60)


@pytest.mark.parametrize(("text", "columns"), [("Llama", 5), ("모델", 4), ("é", 1), ("", 0), ("…█", 2)])
def test_the_width_of_known_texts(text: str, columns: int) -> None:
    assert width(text) == columns


@given(texts, st.integers(1, 40))
def test_a_cell_is_exactly_as_wide_as_it_should_be(text: str, columns: int) -> None:
    assert width(cut(text, columns)) <= columns
    assert width(left(text, columns)) == columns
    assert width(right(text, columns)) == columns


@given(texts, st.integers(1, 40))
def test_what_fits_is_not_cut_and_what_is_cut_ends_in_an_ellipsis(text: str, columns: int) -> None:
    shown = cut(text, columns)
    assert shown == text if width(text) <= columns else shown.endswith("…")


@given(texts, st.integers(12, 80))
def test_folding_loses_no_character_and_no_line_is_too_wide(text: str, columns: int) -> None:
    lines = fold(text, columns, indent="  note: ", hanging="        ")
    assert all(width(line) <= columns for line in lines)
    assert lines[0].startswith("  note: ")
    told = "".join(line.removeprefix("  note: ").removeprefix("        ") for line in lines)
    assert "".join(told.split()) == "".join(text.split())


def test_words_stay_whole_where_they_fit() -> None:
    assert fold("does not fit by much", 10) == ["does not", "fit by", "much"]


def test_a_table_stands_on_one_grid() -> None:
    lines = table(["", "nodes", "power"], [["dgx-h100", "6", "10.2 kW"], ["모델", "51", "1.2 kW"]], first=12, each=10)
    assert {width(line) for line in lines} == {32}
    assert [line.endswith(("power", "kW")) for line in lines] == [True] * 3
