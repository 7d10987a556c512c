"""JSON is read with positions, and what is no JSON, or too much of it, is refused in one line."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.documents.json_reader import parse_json, read_json
from planner.errors import InputError

_PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_PLAIN)
def test_what_python_writes_is_read_back(value: object) -> None:
    assert parse_json(json.dumps(value)).value == value
    assert parse_json(json.dumps(value, ensure_ascii=False, indent=3)).value == value


@given(st.text(alphabet='{}[]",:0123456789eE+-.truefalsn \n\\u', max_size=30))
def test_agrees_with_python_on_what_is_json(text: str) -> None:
    """Python's reader also takes NaN, Infinity and duplicate keys; the alphabet cannot spell the first two."""
    try:
        expected = json.loads(text)
        duplicate = _has_duplicates(text)
    except ValueError:
        with pytest.raises(InputError):
            parse_json(text)
        return
    if duplicate or _is_out_of_bounds(expected):
        return
    assert parse_json(text).value == expected


def _has_duplicates(text: str) -> bool:
    found = []

    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        found.append(len(items) != len(dict(items)))
        return dict(items)

    json.loads(text, object_pairs_hook=pairs)
    return any(found)


def _is_out_of_bounds(value: object) -> bool:
    if isinstance(value, dict):
        return any(_is_out_of_bounds(item) for item in value.values())
    if isinstance(value, list):
        return any(_is_out_of_bounds(item) for item in value)
    return isinstance(value, (int, float)) and (not math.isfinite(value) or abs(value) >= 10**19)


@pytest.mark.parametrize(
    ("text", "fault", "place"),
    [
        ("", "json-syntax", "1:1"),
        ("  \n ", "json-syntax", "1:1"),
        ('{"a": 1,\n "a": 2}', "json-duplicate-key", "2:2"),
        ('{"a": NaN}', "json-not-finite", "1:7"),
        ('{"a": [1, -Infinity]}', "json-not-finite", "1:11"),
        ('{"a": 1e999}', "json-number", "1:7"),
        ('{"a": ' + "9" * 20 + "}", "json-number", "1:7"),
        ('{"a": 01}', "json-syntax", "1:8"),
        ('{"a" 1}', "json-syntax", "1:6"),
        ("[1,]", "json-syntax", "1:4"),
        ("[1 2]", "json-syntax", "1:4"),
        ("{a: 1}", "json-syntax", "1:2"),
        ('"abc', "json-syntax", "1:1"),
        ('"a\x01b"', "json-syntax", "1:3"),
        ("{} {}", "json-syntax", "1:4"),
        ("// no\n1", "json-syntax", "1:1"),
    ],
)
def test_a_fault_tells_where_it_is(text: str, fault: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_json(text, name="config.json")

    assert [found.id for found in caught.value.faults] == [fault]
    assert str(caught.value.faults[0].where) == f"config.json:{place}"


def test_every_duplicate_key_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_json('{"a": 1, "a": 2, "b": {"c": 1, "c": 2}}')

    assert len(caught.value.faults) == 2


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    spent = []
    for _ in range(3):  # one of them may meet the collection of a long test run's garbage
        started = time.process_time()
        with pytest.raises(InputError) as caught:
            parse_json(text)
        spent.append(time.process_time() - started)
        assert caught.value.faults[0].id == "json-too-deep"
    assert min(spent) < 0.1


@pytest.mark.unmeasured
def test_too_many_values_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        parse_json("[" + "0," * 200_000 + "0]")

    assert caught.value.faults[0].id == "json-too-many"


def test_infinity_is_read_where_it_is_allowed() -> None:
    assert parse_json('{"limit": [0.0, Infinity]}', allow_infinity=True).value == {"limit": [0.0, math.inf]}
    with pytest.raises(InputError):
        parse_json("NaN", allow_infinity=True)


def test_values_know_their_place() -> None:
    tree = parse_json('{\n  "layers": [\n    {"width": 7}\n  ]\n}', name="c.json")

    assert str(tree.location(("layers", 0, "width"))) == "c.json:3:15"
    assert str(tree.location(("layers", 0, "width"), key=True)) == "c.json:3:6"


def test_a_file_with_a_byte_order_mark_is_read(tmp_path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')

    assert read_json(path).value == {"a": 1}


def test_a_folder_is_no_file(tmp_path) -> None:
    with pytest.raises(InputError) as caught:
        read_json(tmp_path)

    assert caught.value.faults[0].id == "not-a-file"
