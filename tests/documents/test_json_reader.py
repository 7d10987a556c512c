"""The JSON reader: as strict and as bounded as the one for YAML, with the places of all values."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.documents.json_reader import parse_json
from planner.documents.reader import MAX_DEPTH, MAX_FAULTS, MAX_NODES
from planner.errors import Fault, InputError

TEXTS = st.text(st.characters(codec="utf-8"))
LEAVES = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    LEAVES | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def faults(text: str) -> list[Fault]:
    with pytest.raises(InputError) as caught:
        parse_json(text, name="config.json")
    return list(caught.value.faults)


@given(VALUES, st.sampled_from([None, 1, 4]), st.booleans())
def test_what_python_writes_is_read_as_it_was(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert parse_json(text).value == value


def test_values_and_keys_have_their_places() -> None:
    tree = parse_json('{\n  "a": [1, {"b": null}],\n  "c": "x"\n}')
    assert str(tree.location(("a", 1, "b"))) == "<text>:2:18"
    assert str(tree.location(("a", 1, "b"), key=True)) == "<text>:2:13"
    assert str(tree.location(("c",), key=True)) == "<text>:3:3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "json-syntax"),
        ("  \n", "json-syntax"),
        ("{", "json-syntax"),
        ("[1,]", "json-syntax"),
        ("{'a': 1}", "json-syntax"),
        ('{"a": 1,}', "json-syntax"),
        ('{"a" 1}', "json-syntax"),
        ("[1] [2]", "json-syntax"),
        ("// comment\n1", "json-syntax"),
        ("[01]", "json-syntax"),
        ("[+1]", "json-syntax"),
        ("[1.]", "json-syntax"),
        ("[.5]", "json-syntax"),
        ("[0x10]", "json-syntax"),
        ("[tru]", "json-syntax"),
        ('["a\nb"]', "json-syntax"),
        ('["\\x41"]', "json-syntax"),
        ('["\\ud800"]', "json-syntax"),
        ('{"\\udc00": 1}', "json-syntax"),
        ('["a]', "json-syntax"),
        ("[NaN]", "json-not-finite"),
        ("[Infinity]", "json-not-finite"),
        ("[1e400]", "json-number"),
        ("[" + "9" * 20 + "]", "json-number"),
        ("[1." + "0" * 100 + "]", "json-number"),
        ('{"a": 1, "a": 2}', "json-duplicate-key"),
        ("[" * (MAX_DEPTH + 2), "json-too-deep"),
        ("[" * 1_000_000, "json-too-deep"),
        ("[" + "1," * MAX_NODES + "1]", "json-too-many"),
    ],
)
def test_what_is_not_read(text: str, expected: str) -> None:
    (fault,) = faults(text)
    assert fault.id == expected
    assert fault.where is not None
    assert len(fault.render()) < 400


def test_all_duplicate_keys_are_told_but_not_without_end() -> None:
    assert len(faults('{"a": 1, "a": 2, "b": {"c": 1, "c": 2}}')) == 2
    assert len(faults("{" + ",".join(['"a": 1'] * 1000) + "}")) in (MAX_FAULTS, MAX_FAULTS + 1)


def test_infinity_is_read_where_it_was_allowed() -> None:
    assert parse_json("[Infinity, -Infinity]", allow_infinity=True).value == [math.inf, -math.inf]
    with pytest.raises(InputError):
        parse_json("[NaN]", allow_infinity=True)


def test_a_byte_order_mark_is_allowed() -> None:
    assert parse_json('\ufeff{"a": 1}').value == {"a": 1}


def test_damaged_text_ends_in_values_or_in_an_input_error() -> None:
    good = json.dumps({"layers": [1, 2.5e3, None, True], "text": 'a"\\b\u00e9', "nested": {"x": [[], {}]}}, indent=1)
    generator = random.Random(20_261_121)
    refused = 0
    for _ in range(10_000):
        at = generator.randrange(len(good))
        piece = generator.choice([*'{}[]",:\\\n\t0-eE.', "", "NaN", "\\u", "\ud800", "1e999", "null"])
        text = good[:at] + piece + good[at + generator.randrange(4) :]
        try:
            parse_json(text)
        except InputError as error:
            refused += len(error.faults)
    assert refused > 5000
