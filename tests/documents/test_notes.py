"""Notes: spellings that are read, with a word about them."""

from __future__ import annotations

from planner.documents.notes import spelling_notes
from planner.documents.reader import parse_yaml


def test_flops_as_a_rate_is_noted_at_its_place() -> None:
    tree = parse_yaml("peak: {bf16: 989.4 TFLOPS, int8: 1979 TOPS}\nlist: [5 PFLOPS]\n", name="f.yaml")
    notes = [(str(note.where), note.hint) for note in spelling_notes(tree)]
    assert notes == [
        ("f.yaml:1:14", "write TFLOP/s"),
        ("f.yaml:1:34", "write TOP/s"),
        ("f.yaml:2:8", "write PFLOP/s"),
    ]


def test_right_spellings_counts_and_sentences_are_not_noted() -> None:
    tree = parse_yaml("a: 989.4 TFLOP/s\nb: 3e25 FLOP\nc: a chip of 5 TFLOPS or so\nd: STOPS\n")
    assert spelling_notes(tree) == []
