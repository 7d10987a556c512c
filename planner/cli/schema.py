"""`planner schema`: the JSON Schemas of the documents, for editors."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from planner.errors import did_you_mean, input_error, listing

if TYPE_CHECKING:
    from pydantic import BaseModel


def schemas() -> dict[str, dict[str, Any]]:
    """Give the JSON Schema of every document kind by its name, sorted."""
    return {kind: make() for kind, make in makers().items()}


def makers() -> dict[str, Callable[[], dict[str, Any]]]:
    """Give what makes the JSON Schema of each document kind, by its name, sorted."""
    from planner.accuracy.other_tools import OtherTools
    from planner.accuracy.serving_words import ServingRules
    from planner.accuracy.software import Rules
    from planner.bench.document import BenchRun, Suite
    from planner.catalog.entry import SourceList
    from planner.catalog.kinds import KINDS
    from planner.catalog.lint import SHEETS
    from planner.documents.schema import json_schema
    from planner.report.accuracy_json import accuracy_schema
    from planner.report.check_baseline import baseline_schema
    from planner.report.check_schema import check_schema
    from planner.report.compare_json import comparison_schema
    from planner.report.estimate_schema import estimate_schema
    from planner.report.explanation_json import explanation_schema
    from planner.report.search_json import search_schema
    from planner.report.sensitivity_json import sensitivity_schema
    from planner.scenario.checked_project import CheckedProject

    documents: list[type[BaseModel]] = [kind.document for kind in KINDS.values()]
    documents += [*SHEETS.values(), SourceList, CheckedProject, Rules, ServingRules, OtherTools, BenchRun, Suite]
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "accuracy": accuracy_schema,
        "baseline": baseline_schema,
        "check": check_schema,
        "comparison": comparison_schema,
        "scenario": _scenario,
        "estimate": estimate_schema,
        "explanation": explanation_schema,
        "search": search_schema,
        "sensitivity": sensitivity_schema,
    }
    for document in documents:
        kind = _kind_of(document)
        found[kind] = partial(json_schema, document, kind=kind)
    return dict(sorted(found.items()))


def _kind_of(document: type[BaseModel]) -> str:
    """Give the kind of a document from the one value that its `schema` key takes: planner/KIND/v1."""
    (value,) = get_args(document.model_fields["schema_"].annotation)
    return str(value).split("/")[1]


def _scenario() -> dict[str, Any]:
    """Give the schema of a scenario file: of the kind that its workload says.

    A file that extends another one need not be whole, so that only its schema key is checked.
    """
    from planner.documents.schema import DIALECT, json_schema
    from planner.scenario.kinds import KINDS, document_class
    from planner.scenario.resolve import SCHEMA

    kinds: list[dict[str, Any]] = []
    shared: dict[str, Any] = {}
    for name in KINDS:
        schema = json_schema(document_class(name), kind="scenario")
        shared |= schema.pop("$defs", {})
        schema = {key: value for key, value in schema.items() if not key.startswith("$")}
        schema["properties"]["variants"] = {"type": "object", "additionalProperties": {"type": "object"}}
        kinds.append({"if": _says(name), "then": schema})
    return {
        "$schema": DIALECT,
        "$id": "urn:planner:scenario",
        "title": "Scenario",
        "type": "object",
        "required": ["schema"],
        "properties": {"schema": {"const": SCHEMA}},
        "if": {"required": ["extends"]},
        "then": {"properties": {"extends": {"type": "string"}}},
        "else": {"required": ["workload"], "properties": {"workload": _has_kind(list(KINDS))}, "allOf": kinds},
        "$defs": shared,
    }


def _says(kind: str) -> dict[str, Any]:
    return {"required": ["workload"], "properties": {"workload": _has_kind([kind])}}


def _has_kind(kinds: list[str]) -> dict[str, Any]:
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": kinds}}}


@click.command()
@click.argument("kind", required=False)
@click.option("--output", metavar="DIR", help="Write KIND.json there; all kinds if none is named.")
def command(kind: str | None, output: str | None) -> None:
    """Print the JSON Schema of a document KIND; the list of kinds if none is named.

    An editor checks a file against a schema that its first line names:

    \b
      # yaml-language-server: $schema=schemas/scenario.json
    """
    known = makers()
    if kind is not None and kind not in known:
        raise input_error(
            "unknown-kind",
            f"no document kind '{kind}'",
            allowed=listing(list(known), most=24),
            hint=did_you_mean(kind, known),
        )
    chosen = [kind] if kind else list(known)
    if output is not None:
        _write({name: known[name]() for name in chosen}, Path(output))
    elif kind is not None:
        click.echo(_json(known[kind]()), nl=False)
    else:
        click.echo("\n".join(chosen))


def _write(chosen: dict[str, dict[str, Any]], folder: Path) -> None:
    from planner.report.write import write_text

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise input_error("output-unwritable", f"{folder}: {reason}", hint="name a folder") from None
    for name, schema in chosen.items():
        write_text(str(folder / f"{name}.json"), _json(schema))
    click.echo(f"{len(chosen)} schemas in {folder}", err=True)


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
