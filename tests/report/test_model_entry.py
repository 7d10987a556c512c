"""A model written as YAML is the same model when it is read."""

from __future__ import annotations

import pytest

from planner.catalog.model import Model
from planner.catalog.store import Catalog
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.report.model_entry import entry_text

_MODELS = [entry for entry in Catalog().entries("model") if isinstance(entry, Model)]


@pytest.mark.parametrize("model", _MODELS, ids=lambda m: m.id)
def test_an_entry_reads_back_as_it_was_written(model: Model) -> None:
    assert typed(parse_yaml(entry_text(model)), Model) == model


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "on",
        "3.10",
        "a: b",
        "- x",
        "#1",
        "it's",
        "''",
        " x",
        "[a]",
        "{a}",
        "*a",
        "&a",
        "!t",
        "2024-05",
        "a #b",
        "é",
        "1e5",
    ],
)
def test_any_text_survives(text: str) -> None:
    model = Model(schema="planner/model/v1", id="m", name=text, family="f", notes=text, aliases=(text,))
    read = typed(parse_yaml(entry_text(model)), Model)

    assert (read.name, read.notes, read.aliases) == (text, text, (text,))


@pytest.mark.parametrize(
    ("tokens", "written"), [(15.6e12, "15.6 T"), (3e11, "300 B"), (402e9, "402 B"), (1234567, "1234567")]
)
def test_counts_are_shortened_only_where_nothing_is_lost(tokens: float, written: str) -> None:
    model = Model.model_validate(
        {"schema": "planner/model/v1", "id": "m", "name": "m", "family": "f", "training": {"tokens": tokens}}
    )

    assert f"training: {{tokens: {written}}}" in entry_text(model)
