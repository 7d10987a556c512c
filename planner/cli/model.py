"""`planner model`: list and show models, import Hugging Face configurations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.catalog import catalogs_option, output_option
from planner.cli.catalog_folders import catalog_of
from planner.errors import Fault, InputError, Location, input_error, visible

if TYPE_CHECKING:
    from planner.catalog.model import Model
    from planner.catalog.store import Catalog
    from planner.report.model_sheet import ModelSheet, Quoted
    from planner.workload.huggingface import Imported

_LONGEST_COUNTED = 8192
_ENTRY = (".yaml", ".yml")
IMPORTED_SOURCE = "imported-configuration"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List and show models, import Hugging Face configurations.

    \b
    planner model show llama-3.1-405b
    planner model list --family decoder-moe
    planner model import config.json --id my-model --output my-model.yaml
    """


@command.command("show")
@click.argument("name")
@click.option("--sequence", type=click.IntRange(1, 10**9), metavar="TOKENS", help="Tokens of each sample.")
@click.option("--samples", type=click.IntRange(1, 10**9), default=1, metavar="N", help="Samples.  [default: 1]")
@click.option(
    "--source", type=click.IntRange(1, 10**9), metavar="TOKENS", help="Tokens of the encoder.  [default: as --sequence]"
)
@click.option(
    "--as", "class_name", default="", metavar="CLASS", help="Of a configuration: the class, its head with it."
)
@catalogs_option
@output_option("table", "json")
def show(
    name: str,
    sequence: int | None,
    samples: int,
    source: int | None,
    class_name: str,
    folders: tuple[Path, ...],
    output: tuple[str, str],
) -> None:
    """Shape, parameters, FLOPs by convention, cache and publication of one model.

    NAME is a model of the catalogs, an entry's file (.yaml), or a Hugging Face configuration (config.json).
    """
    from planner.report.json_report import dumps
    from planner.report.model_sheet import document
    from planner.report.model_table import render

    catalog = catalog_of(folders)
    sheet = _sheet(catalog, name, sequence=sequence, samples=samples, source=source, class_name=class_name)
    form, path = output
    _emit(dumps(document(sheet)) if form == "json" else render(sheet), path)


@command.command("list")
@click.option("--family", default="", metavar="NAME", help="Only of this family: decoder, decoder-moe, encoder, ...")
@catalogs_option
@output_option("table", "json")
def list_models(family: str, folders: tuple[Path, ...], output: tuple[str, str]) -> None:
    """List models with their parameters, as computed from their shapes."""
    from planner.report.json_report import dumps
    from planner.report.model_list import as_document, as_text, row_of

    entries = [entry for entry in _models(catalog_of(folders)) if family in ("", entry.family)]
    if not entries:
        known = sorted({entry.family for entry in _models(catalog_of(folders))})
        raise input_error("unknown-name", f"no model of family '{visible(family)[:60]}'", allowed=", ".join(known))
    rows = [row_of(entry) for entry in entries]
    form, path = output
    _emit(dumps(as_document(rows)) if form == "json" else as_text(rows), path)


@command.command("import")
@click.argument("configuration", type=click.Path(path_type=Path))
@click.option("--id", "name", default="", metavar="ID", help="Id of the entry.  [default: from the file]")
@click.option("--as", "class_name", default="", metavar="CLASS", help="The model's class, and its head with it.")
@click.option("--output", "-o", default="-", metavar="PATH", help="File of the entry; - is stdout.  [default: -]")
def import_configuration(configuration: Path, name: str, class_name: str, output: str) -> None:
    """Turn a Hugging Face configuration (config.json) into a catalog entry.

    The entry is usable at once: planner estimate --model PATH, or put it into catalogs/models/ of the project.
    """
    from planner.report.model_entry import entry_text
    from planner.report.model_list import count_text
    from planner.workload.build import architecture

    imported, given = _imported(configuration, class_name)
    model = _entry(imported, name or _id_from(configuration, given, output))
    if output != "-" and Path(output).stem != model.id:
        raise input_error(
            "id-file-name",
            f"an entry called {model.id} is wanted in {visible(output)}",
            hint=f"name the file {model.id}.yaml, or leave --id out",
        )
    text = entry_text(model)
    built = architecture(imported.spec, model.id)
    _emit(text, output, never=(configuration,))
    click.echo(f"{model.id}: {count_text(built.parameters, digits=4)} parameters ({built.parameters:,})", err=True)
    for note in imported.notes:
        click.echo(f"  {note}", err=True)


def _models(catalog: Catalog) -> list[Model]:
    from planner.catalog.model import Model

    return [entry for entry in catalog.entries("model") if isinstance(entry, Model)]


def _sheet(
    catalog: Catalog, name: str, *, sequence: int | None, samples: int, source: int | None, class_name: str
) -> ModelSheet:
    from planner.report.model_sheet import model_sheet
    from planner.workload.build import architecture
    from planner.workload.flops import Samples

    notes: tuple[str, ...] = ()
    if name.endswith(".json"):
        imported, given = _imported(Path(name), class_name)
        model, notes = _entry(imported, _id_from(Path(name), given, "")), imported.notes
    elif class_name:
        raise input_error("option", "--as is for Hugging Face configurations", hint="name a config.json")
    elif name.endswith(_ENTRY):
        model = catalog.model(catalog.adopt("model", Path(name)))
    else:
        model = catalog.model(name)
    built = architecture(model.architecture, model.id) if model.architecture else None
    longest = (built.max_sequence if built else 0) or _LONGEST_COUNTED
    length = sequence or min(longest, _LONGEST_COUNTED)
    has_encoder = built is not None and len(built.stacks) > 1
    counted = Samples(samples, length, source or (length if has_encoder else 0))
    return model_sheet(model, built, counted, sources=_quoted(catalog, model), notes=notes)


def _quoted(catalog: Catalog, model: Model) -> list[Quoted]:
    from planner.report.model_sheet import Quoted

    found: list[Quoted] = []
    for path, key in model.sources.items():
        source = catalog.source(key)
        if source:
            found.append(Quoted(path, source.title, source.standing))
    return found


def _imported(path: Path, class_name: str) -> tuple[Imported, str]:
    """Read a configuration; give it with the name that it gives itself."""
    from planner.documents.json_reader import read_json
    from planner.workload.huggingface import read_configuration

    tree = read_json(path, allow_infinity=True)
    if not isinstance(tree.value, dict):
        raise InputError(tree.fault("not-a-map", "a configuration is a map of fields and values", ()))

    def locate(trail: tuple[str, ...]) -> Location:
        return tree.location(trail)

    try:
        imported = read_configuration(tree.value, class_name=class_name, locate=locate)
    except InputError as error:
        raise InputError(*(_with_excerpt(fault, tree.source.line) for fault in error.faults)) from None
    given = tree.value.get("_name_or_path")
    return imported, given if isinstance(given, str) else ""


def _with_excerpt(fault: Fault, line: object) -> Fault:
    from dataclasses import replace

    return replace(fault, excerpt=line(fault.where.line)) if fault.where and callable(line) else fault


def _id_from(path: Path, given: str, output: str) -> str:
    """Give an id: the output's name, the repository that the configuration names, or the file's or folder's name."""
    if output not in ("", "-"):
        return Path(output).stem
    stem = path.stem if path.stem != "config" else (given.rsplit("/", 1)[-1] or path.resolve().parent.name)
    return re.sub(r"[^a-z0-9._+-]+", "-", stem.casefold()).strip("-._+")[:100] or "imported"


def _entry(imported: Imported, name: str) -> Model:
    from pydantic import ValidationError

    from planner.catalog.model import Model

    try:
        return Model.model_validate(
            {
                "schema": "planner/model/v1",
                "id": name,
                "name": name,
                "family": imported.family,
                "architecture": imported.spec,
                "sources": {"default": IMPORTED_SOURCE},
                "notes": " ".join(imported.notes),
            }
        )
    except ValidationError:
        raise input_error(
            "id", f"'{visible(name)[:60]}' is not an id", allowed="a-z, 0-9, '.', '_', '+', '-', at most 100"
        ) from None


def _emit(text: str, path: str, *, never: tuple[Path, ...] = ()) -> None:
    if path == "-":
        click.echo(text, nl=False)
        return
    from planner.report.write import write_text

    write_text(path, text, never=never)
