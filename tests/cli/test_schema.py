"""JSON Schemas: they hold for what the reader reads, and the published ones are those of the code."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from planner.catalog.folders import built_in
from planner.catalog.kinds import KINDS
from planner.cli import run
from planner.cli.schema import schemas
from planner.documents.reader import parse_yaml, read_yaml
from planner.documents.types import Record
from tests.conftest import ROOT, Planner
from tests.entries import entries_of

PUBLISHED = ROOT / "docs" / "schemas"


@cache
def made() -> dict[str, dict[str, Any]]:
    """Give the schemas that the code makes."""
    return schemas()


def validator(kind: str) -> Any:
    return jsonschema_rs.Draft202012Validator(made()[kind])


def plain(value: Any) -> Any:
    """Give a document as JSON holds it."""
    return json.loads(json.dumps(value))


@pytest.mark.unmeasured
def test_every_schema_is_one() -> None:
    for kind, schema in made().items():
        jsonschema_rs.meta.validate(schema)
        assert schema["$id"] == f"urn:planner:{kind}"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_catalog_entry_that_the_reader_reads_holds_to_its_schema(kind: str) -> None:
    files = entries_of(kind)
    assert files
    check = validator(kind)
    broken = {f.name: [e.message for e in check.iter_errors(plain(read_yaml(f).value))] for f in files}
    assert {name: messages for name, messages in broken.items() if messages} == {}


def test_every_scenario_holds_to_its_schema() -> None:
    files = sorted((ROOT / "scenarios").rglob("*.yaml"))
    assert files
    check = validator("scenario")
    broken = {f.name: [e.message for e in check.iter_errors(plain(read_yaml(f).value))] for f in files}
    assert {name: messages for name, messages in broken.items() if messages} == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("schema: planner/scenario/v1\nextends: base.yaml\nhardware: {accelerators: 8}\n", True),
        ("schema: planner/scenario/v1\nname: a\n", False),
        ("schema: planner/scenario/v1\nname: a\nworkload: {kind: trainng}\n", False),
        ("schema: planner/node/v1\nname: a\nworkload: {kind: training}\n", False),
    ],
)
def test_a_scenario_is_whole_unless_it_extends_another(text: str, expected: bool) -> None:
    assert validator("scenario").is_valid(plain(parse_yaml(text).value)) is expected


@pytest.mark.unmeasured
def test_every_other_document_of_the_catalogs_holds_to_its_schema() -> None:
    entries = {built_in() / kind.folder for kind in KINDS.values()}
    files = [file for file in sorted(built_in().rglob("*.yaml")) if file.parent not in entries]
    assert len(files) > 5
    for file in files:
        document = plain(read_yaml(file).value)
        if "schema" not in document:  # measured rows, as they were published
            assert "measurements" in file.parts
            continue
        kind = document["schema"].split("/")[1]
        assert [e.message for e in validator(kind).iter_errors(document)] == [], file.name


@pytest.mark.parametrize("file", sorted((ROOT / "scenarios" / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_json_of_an_estimate_holds_to_the_published_schema(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["estimate", str(file), "--output", "json=-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [error.message for error in validator("estimate").iter_errors(document)] == []


def entry() -> dict[str, Any]:
    return dict(plain(read_yaml(built_in() / "accelerators" / "h100-sxm.yaml").value))


def test_an_editor_sees_unknown_keys_and_lets_the_user_s_own_be() -> None:
    check = validator("accelerator")
    assert check.is_valid({**entry(), "x-owner": "me"})
    assert check.is_valid({**entry(), "memory": {**entry()["memory"], "x-note": 1}})
    assert not check.is_valid({**entry(), "memroy": {}})
    assert not check.is_valid({**entry(), "memory": {**entry()["memory"], "capcity": "1 GB"}})
    assert not check.is_valid({key: value for key, value in entry().items() if key != "memory"})


def test_a_property_is_described_as_in_its_class_and_has_examples() -> None:
    properties = made()["accelerator"]["properties"]
    assert "dense" in properties["peak"]["description"]
    assert "Parameters" not in made()["accelerator"]["description"]
    assert made()["accelerator"]["$defs"]["Memory"]["properties"]["bandwidth"]["examples"]


def test_the_command_prints_one_document_or_the_list(planner: Planner) -> None:
    assert json.loads(planner("schema", "node").stdout) == plain(made()["node"])
    assert planner("schema").stdout.split() == sorted(made())


def test_the_command_writes_into_a_folder(planner: Planner, tmp_path: Path) -> None:
    done = planner("schema", "--output", str(tmp_path / "made" / "here"))
    assert done.returncode == 0
    assert done.stdout == ""
    assert sorted(path.stem for path in (tmp_path / "made" / "here").iterdir()) == sorted(made())
    (tmp_path / "file").write_text("")
    assert planner("schema", "--output", str(tmp_path / "file")).returncode == 2


def test_the_published_schemas_are_those_of_the_code() -> None:
    """`make schemas` writes them anew."""
    published = {path.stem: json.loads(path.read_text("utf-8")) for path in PUBLISHED.glob("*.json")}
    assert published == plain(made())


def test_every_document_class_is_closed() -> None:
    """A record that took unknown keys would swallow misspelt ones."""

    def subclasses(record: type[Record]) -> set[type[Record]]:
        return {s for direct in record.__subclasses__() for s in (direct, *subclasses(direct))}

    ours = [record for record in subclasses(Record) if record.__module__.startswith("planner.")]
    assert len(ours) > 10
    assert [record for record in ours if record.model_config.get("extra") != "forbid"] == []
    assert [record for record in ours if not record.model_config.get("frozen")] == []
