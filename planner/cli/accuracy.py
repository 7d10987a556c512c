"""`planner accuracy`: measured results beside predictions."""

from __future__ import annotations

from functools import partial

import click

from planner.accuracy.row import Row
from planner.cli.outputs import Renderers, Screen, emit, output_option
from planner.cli.project import current_books


@click.command()
@click.argument("cases", nargs=-1, metavar="[CASES]...")
@output_option("table", "json")
def command(cases: tuple[str, ...], output: tuple[str, ...]) -> None:
    """Set measured results beside what the planner says of them; without CASES, all that it brings along.

    CASES are files in the forms of catalogs/measurements. A row that cannot be predicted is listed as refused, with
    the reason.

    \b
      planner accuracy
      planner accuracy --output json=accuracy.json
      planner accuracy my-runs.yaml
    """
    from planner.accuracy.formats import rows_of_files

    books = current_books()
    rows = rows_of_files(cases, books=books, leave_out=None)
    renderers: Renderers = {"table": partial(_table, rows, None), "json": lambda _: _json(rows, None)}
    emit(renderers, output, never=books.catalog.budget.files)


def _table(rows: list[Row], leave_out: str | None, screen: Screen) -> str:
    from planner.report.accuracy_table import as_text

    return as_text(rows, leave_out=leave_out, width=screen.width)


def _json(rows: list[Row], leave_out: str | None) -> str:
    from planner.report.accuracy_json import as_json

    return as_json(rows, leave_out=leave_out)
