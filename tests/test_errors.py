"""Errors: what a person sees of them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import errors
from planner.errors import Fault, InputError, Location, MissingExtraError, brief, nearest, visible


def test_exit_codes_are_those_of_the_documentation() -> None:
    codes = {
        "InputError": 2,
        "UnknownNameError": 2,
        "MissingExtraError": 2,
        "InfeasibleError": 3,
        "MeasurementError": 4,
        "PlannerError": 70,
    }
    found = {
        name: kind.exit_code
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.PlannerError)
    }
    assert found == codes


def test_a_fault_shows_its_line_and_points_at_the_column() -> None:
    fault = Fault("unknown-key", "unknown key 'b'", Location("f.yaml", 12, 5), "  a: b: c", "a, c", "did you mean 'a'?")
    assert fault.render().splitlines() == [
        "f.yaml:12:5: unknown key 'b' [unknown-key]",
        "   12 |   a: b: c",
        "      |     ^",
        "  allowed: a, c",
        "  did you mean 'a'?",
    ]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=400), st.data())
def test_the_caret_stands_under_the_column_of_long_lines_too(line: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(line)))
    fault = Fault("x", "x", Location("f", 1, column), line)
    if not line.strip():
        return
    _, shown, caret = fault.render().splitlines()
    assert len(shown) <= 80
    at = caret.index("^")
    assert shown[at : at + 1] == line[column - 1] or line.rstrip()[column - 1 :] == ""


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = visible(text)
    hidden = [ch for ch in shown if unicodedata.category(ch) in {"Cc", "Cs", "Zl", "Zp"}]
    assert hidden == []
    assert not set(shown) & set("\u200b\u200e\u200f\u202a\u202b\u202d\u202e\u2066\u2067\u2069\ufeff")
    assert visible(shown) == shown


@given(st.text(max_size=300))
def test_a_cut_text_says_that_it_was_cut(text: str) -> None:
    shown = brief(text, most=40)
    assert len(shown) <= 40
    assert shown == visible(text) or shown.endswith("…")


def test_user_text_cannot_colour_or_reorder_a_fault() -> None:
    shown = Fault("x", "a\x1b[31m", Location("f\u202e", 1, 1), "b\x1b]0;t\x07", "c\x9b", "d\u2066").render()
    assert not {"\x1b", "\x07", "\x9b", "\u2066"} & set(shown)


@pytest.mark.parametrize(
    ("name", "best"), [("memroy", "memory"), ("MEMORY", "memory"), ("bandwith", "bandwidth"), ("h100", "h100-sxm")]
)
def test_the_nearest_name_is_what_a_person_meant(name: str, best: str) -> None:
    assert nearest(name, ["memory", "power", "link", "bandwidth", "h100-sxm", "capacity"])[:1] == [best]


def test_nothing_near_is_nothing_offered() -> None:
    assert nearest("zebra", ["memory", "power"]) == []
    assert nearest("x" * 10_000_000, ["x" * 10, "memory"]) == []


def test_all_faults_of_an_error_are_in_its_text() -> None:
    error = InputError(Fault("one", "first"), Fault("two", "second"))
    assert str(error) == "first [one]\nsecond [two]"


def test_a_missing_extra_names_the_command_to_run() -> None:
    assert "pip install 'accelerator-planner[report]'" in str(MissingExtraError(extra="report", purpose="a chart"))
