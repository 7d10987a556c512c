"""Plain scalars: what other YAML readers turn into something else than was written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.documents.reader import parse_yaml
from planner.documents.scalars import scalar, spelled
from planner.errors import InputError


def read(text: str) -> object:
    return parse_yaml(f"value: {text}").value["value"]


def fault_id(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(text)
    (fault,) = caught.value.faults
    assert fault.where is not None
    assert (fault.where.line, fault.where.column) == (1, 8)
    return fault.id


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e12", 1e12), ("1.0e12", 1e12), ("1e+12", 1e12), ("989e12", 989e12), ("1.0e+12", 1e12), (".5", 0.5), ("-3", -3)],
)
def test_numbers_are_numbers_in_every_spelling_of_the_exponent(text: str, number: float) -> None:
    assert read(text) == number
    assert not isinstance(read(text), str)


@pytest.mark.parametrize(
    "text",
    ["12:30:45", "1:30", "1:59:59", "on", "no", "NO", "off", "yes", "y", "2026-01-01", "0x10", "0o17", "1.2.3"],
)
def test_what_yaml_1_1_converts_stays_text(text: str) -> None:
    assert read(text) == text


def test_sexagesimal_number_of_20_000_terms_stays_text() -> None:
    text = "1" + ":59" * 20_000
    assert read(text) == text


@pytest.mark.parametrize("text", ["010", "0777", "00", "-010"])
def test_leading_zeros_are_refused_since_they_are_octal_elsewhere(text: str) -> None:
    assert fault_id(text) == "yaml-number"


@pytest.mark.parametrize("text", ["1_000", "1_000.5", "-1_000"])
def test_underscores_are_refused_since_yaml_1_2_reads_text(text: str) -> None:
    assert fault_id(text) == "yaml-number"


@pytest.mark.parametrize("text", [".nan", ".NaN", ".inf", "-.inf", "+.INF"])
def test_not_finite_is_refused(text: str) -> None:
    assert fault_id(text) == "yaml-not-finite"


@pytest.mark.parametrize("text", ["1.0e+999", "1e400", "-1e400", "1e-400", "1" * 20, "9" * 5000, "1." + "0" * 5000])
def test_numbers_that_no_float_or_integer_holds_are_refused(text: str) -> None:
    assert fault_id(text) == "yaml-number"


def test_the_largest_integers_are_exact() -> None:
    assert read("9" * 19) == 10**19 - 1


@pytest.mark.parametrize(("text", "value"), [("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None)])
def test_constants_of_the_core_schema(text: str, value: object) -> None:
    assert read(text) is value


@pytest.mark.parametrize("text", ["3.10", "1e3", "+5", "-0", "1.", "12", "0.50"])
def test_a_number_keeps_its_spelling_for_fields_of_text(text: str) -> None:
    value = read(text)
    assert isinstance(value, (int, float))
    assert spelled(value) == text


@pytest.mark.parametrize("text", ["'1e12'", '"true"', "'010'", "'.inf'", "'2026-01-01'"])
def test_quoted_scalars_are_text(text: str) -> None:
    assert read(text) == text[1:-1]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_reads_as_itself(number: float) -> None:
    value = scalar(repr(number))
    assert isinstance(value, float)
    assert math.copysign(1, value) == math.copysign(1, number)
    assert value == number


@given(st.integers(-(10**18), 10**18))
def test_every_integer_reads_as_itself(number: int) -> None:
    value = scalar(str(number))
    assert value == number
    assert not isinstance(value, float)
