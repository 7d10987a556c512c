"""`planner lint`: what is wrong in documents and catalogs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from planner.cli.catalog import catalogs_option, output_option
from planner.cli.catalog_folders import catalog_of, project_folder
from planner.errors import EXIT_FINDING, EXIT_INPUT, EXIT_PASS, Fault, InputError

SCENARIOS = "scenarios"


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@catalogs_option
@output_option("text", "json")
@click.pass_context
def command(ctx: click.Context, files: tuple[Path, ...], folders: tuple[Path, ...], output: tuple[str, str]) -> None:
    """Check documents and catalogs.

    FILE is a scenario, a catalog entry or another document, told apart by its `schema`, or a folder of catalogs.
    Without one, all catalogs are checked and every scenario of the project.

    Each value of a catalog must name its source, each spelling have one owner, dense peaks, memory sizes and
    dates be possible, and price rows be whole. Exits with 0 if nothing is wrong, 1 on a finding, 2 if a document
    cannot be read. docs/errors.md lists every id.
    """
    unreadable: list[Fault] = []
    findings: list[Fault] = []
    for file in files or (Path(),):
        if files and not file.is_dir():
            _document(file, folders, unreadable, findings)
        else:
            _catalogs((*folders, *([file] if files else [])), unreadable, findings)
            if not files:
                for scenario in sorted((project_folder() / SCENARIOS).rglob("*.yaml")):
                    _document(scenario, folders, unreadable, findings)
    form, path = output
    _emit(_as_json(unreadable, findings) if form == "json" else _as_text([*unreadable, *findings]), path)
    wrong = len(unreadable) + len(findings)
    click.echo(f"{wrong:,} finding{'' if wrong == 1 else 's'}" if wrong else "nothing is wrong", err=True)
    ctx.exit(EXIT_INPUT if unreadable else EXIT_FINDING if findings else EXIT_PASS)


def _catalogs(folders: Sequence[Path], unreadable: list[Fault], findings: list[Fault]) -> None:
    from planner.catalog.lint import lint_catalog

    result = lint_catalog(catalog_of(tuple(folders)))
    unreadable += result.unreadable
    findings += result.findings


def _document(file: Path, folders: tuple[Path, ...], unreadable: list[Fault], findings: list[Fault]) -> None:
    from planner.cli.documents import check_document

    try:
        findings += check_document(catalog_of(folders), file)
    except InputError as error:
        unreadable += error.faults


def _as_text(faults: Sequence[Fault]) -> str:
    return "".join(fault.render() + "\n" for fault in faults)


def _as_json(unreadable: Sequence[Fault], findings: Sequence[Fault]) -> str:
    document = {
        "schema": "planner/lint/v1",
        "unreadable": [_object(fault) for fault in unreadable],
        "findings": [_object(fault) for fault in findings],
    }
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _object(fault: Fault) -> dict[str, str | int | None]:
    where = fault.where
    return {
        "id": fault.id,
        "message": fault.message,
        "file": where.file if where else None,
        "line": where.line if where else None,
        "column": where.column if where else None,
        "allowed": fault.allowed,
        "hint": fault.hint,
    }


def _emit(text: str, path: str) -> None:
    if path == "-":
        click.echo(text, nl=False)
        return
    from planner.report.write import write_text

    write_text(path, text)
