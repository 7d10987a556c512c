"""The YAML reader: places of values, faults told all at once, and what it refuses to read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.documents.reader import MAX_DEPTH, MAX_FAULTS, MAX_NODES, parse_yaml, read_yaml
from planner.errors import InputError


def faults(text: str) -> list[tuple[str, int, int]]:
    """Give the id, line and column of every fault that reading a text gives."""
    with pytest.raises(InputError) as caught:
        parse_yaml(text)
    return [(f.id, f.where.line, f.where.column) for f in caught.value.faults if f.where]


def test_values_and_keys_have_their_places() -> None:
    tree = parse_yaml("a:\n  b: [1, two]\n'c d': {e: 3 GB}\n", name="f.yaml")
    assert tree.value == {"a": {"b": [1, "two"]}, "c d": {"e": "3 GB"}}
    assert str(tree.location(("a", "b", 1))) == "f.yaml:2:10"
    assert str(tree.location(("c d", "e"))) == "f.yaml:3:12"
    assert str(tree.location(("c d", "e"), key=True)) == "f.yaml:3:9"


def test_a_value_that_is_not_there_has_the_place_of_what_would_hold_it() -> None:
    tree = parse_yaml("a:\n  b: 1\n")
    assert str(tree.location(("a", "missing", 3))) == "<text>:2:3"


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=20))
def test_columns_count_characters_whatever_stands_before(before: str) -> None:
    quoted = before.replace("\\", "\\\\").replace('"', '\\"').replace("\ufeff", "").replace("\ufffe", "")
    line = f'["{quoted}", here]'
    tree = parse_yaml(line)
    assert line[tree.location((1,)).column - 1 :] == "here]"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_excerpts_show_the_faulty_line_after_any_line_end(end: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(f"a: 1{end}b: 010{end}c: 3")
    (fault,) = caught.value.faults
    assert fault.excerpt == "b: 010"
    assert fault.where is not None
    assert (fault.where.line, fault.where.column) == (2, 4)


def test_all_faults_of_a_text_are_told_at_once() -> None:
    text = "a: 010\na: 2\nb: .inf\n1: x\nc: 1_000\n"
    assert faults(text) == [
        ("yaml-number", 1, 4),
        ("yaml-duplicate-key", 2, 1),
        ("yaml-not-finite", 3, 4),
        ("yaml-key", 4, 1),
        ("yaml-number", 5, 4),
    ]


def test_a_text_full_of_faults_is_not_read_to_its_end() -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml("- 010\n" * 1000)
    assert len(caught.value.faults) == MAX_FAULTS + 1
    assert caught.value.faults[-1].id == "more-faults"


def test_a_duplicate_key_names_both_lines() -> None:
    with pytest.raises(InputError, match="price") as caught:
        parse_yaml("price: 1\nother: 2\nprice: 3\n")
    (fault,) = caught.value.faults
    assert fault.where is not None
    assert fault.where.line == 3
    assert "line 1" in fault.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "yaml-empty"),
        ("---", "yaml-empty"),
        ("---\n...\n", "yaml-empty"),
        ("# nothing\n", "yaml-empty"),
        ("null", "yaml-empty"),
        ("a: 1\n---\nb: 2\n", "yaml-documents"),
        ("a: &x 1\n", "yaml-anchor"),
        ("&a [*a]", "yaml-anchor"),
        ("a: *x\n", "yaml-anchor"),
        ("a: 1\n<<: {b: 2}\n", "yaml-merge"),
        ("a: !!python/object/apply:os.system ['true']\n", "yaml-tag"),
        ("a: !!str 1\n", "yaml-tag"),
        ("!mine {a: 1}\n", "yaml-tag"),
        ("? [1]\n: 2\n", "yaml-key"),
        ("? {a: 1}\n: 2\n", "yaml-key"),
        ("true: 1\n", "yaml-key"),
        ("1.5: 1\n", "yaml-key"),
        ("~: 1\n", "yaml-key"),
        ("%YAML 1.2\n---\na: 1\n", "yaml-directive"),
        ("a: 1\n...\n%TAG ! x\n---\n", "yaml-directive"),
        ("a: [1, 2\n", "yaml-syntax"),
        ("a: b: c\n", "yaml-syntax"),
        ("a:\n\t- 1\n", "yaml-syntax"),
        ('a: "x\n', "yaml-syntax"),
        ("a: @x\n", "yaml-syntax"),
        ("a: \0\n", "yaml-characters"),
        ("a: \x07\n", "yaml-characters"),
        ("a: \ud800\n", "yaml-characters"),
    ],
)
def test_what_is_not_read(text: str, expected: str) -> None:
    assert [fault[0] for fault in faults(text)] == [expected]


def test_a_tab_is_told_as_such() -> None:
    with pytest.raises(InputError, match="spaces, not tabs"):
        parse_yaml("a:\n\t- 1\n")


def test_a_quoted_key_may_look_like_a_number_or_a_merge() -> None:
    assert parse_yaml("'1': a\n'<<': b\n").value == {"1": "a", "<<": "b"}


def test_depth_is_bounded_and_the_bound_is_readable() -> None:
    deepest = "[" * (MAX_DEPTH) + "1" + "]" * (MAX_DEPTH)
    value = parse_yaml(deepest).value
    for _ in range(MAX_DEPTH):
        (value,) = value
    assert value == 1
    assert [f[0] for f in faults("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1))] == ["yaml-too-deep"]


@pytest.mark.unmeasured
def test_values_are_counted() -> None:
    assert [f[0] for f in faults("- 1\n" * MAX_NODES)] == ["yaml-too-many"]


def test_a_byte_order_mark_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "marked.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    tree = read_yaml(file)
    assert tree.value == {"a": 1}
    assert tree.location(("a",)).column == 4


@pytest.mark.parametrize("data", [b"a: \xff\n", b"\xff\xfea\x00:\x00 \x001\x00", b"a: \xed\xa0\x80\n", b"\xc0\x80"])
def test_bytes_that_are_not_utf_8_are_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "bytes.yaml"
    file.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_yaml(file)
    assert [fault.id for fault in caught.value.faults] == ["not-utf8"]


def test_control_characters_of_the_text_do_not_reach_the_terminal() -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml('"\\e[31m\u202e": 1\n"\\e[31m\u202e": 2\n')
    shown = str(caught.value)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[31m\\u202e" in shown
