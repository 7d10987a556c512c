"""`planner accuracy`: measured results beside predictions."""

from __future__ import annotations

from functools import partial

import click

from planner.accuracy.formats import LEAVE_OUT
from planner.accuracy.row import Row
from planner.cli.outputs import Renderers, Screen, emit, output_option
from planner.cli.project import current_books
from planner.errors import input_error
from planner.planning.books import Books


@click.command()
@click.argument("cases", nargs=-1, metavar="[CASES]...")
@click.option(
    "--leave-out",
    type=click.Choice(LEAVE_OUT),
    help="Predict each row by a fit that saw nothing of its source, accelerator or model.",
)
@output_option("table", "json", "markdown", "scatter", "errors")
def command(cases: tuple[str, ...], leave_out: str | None, output: tuple[str, ...]) -> None:
    """Set measured results beside what the planner says of them; without CASES, all that it brings along.

    CASES are files in the forms of catalogs/measurements. A row that cannot be predicted is listed as refused, with
    the reason. markdown, scatter and errors are docs/accuracy.md and its plots: of all built-in measurements, in fit
    and left out.

    \b
      planner accuracy
      planner accuracy --leave-out source --output json=left-out.json
      planner accuracy my-runs.yaml
    """
    from planner.accuracy.formats import rows_of_files

    books = current_books()
    rows = rows_of_files(cases, books=books, leave_out=leave_out)
    page = _page(rows, books, wanted={text.partition("=")[0] for text in output}, whole=not (cases or leave_out))
    told: Renderers = {"table": partial(_table, rows, leave_out), "json": lambda _: _json(rows, leave_out)}
    emit({**told, **page}, output, never=books.catalog.budget.files)


def _page(rows: list[Row], books: Books, *, wanted: set[str], whole: bool) -> Renderers:
    """Give what renders docs/accuracy.md and its plots; the rows left out are predicted only where it is wanted."""
    names = ("markdown", "scatter", "errors")
    if not wanted & set(names):
        return dict.fromkeys(names, _nothing)
    if not whole:
        raise input_error(
            "accuracy-page", "the page is of all built-in measurements", hint="leave CASES and --leave-out"
        )
    from planner.accuracy.formats import built_in_files, rows_of_files
    from planner.accuracy.other_tools import read_other_tools
    from planner.catalog.folders import built_in
    from planner.report import accuracy_page, accuracy_plots

    files = built_in_files("planner.accuracy.training_family")
    source, accelerator = (rows_of_files(files, books=books, leave_out=name) for name in ("source", "accelerator"))
    views = accuracy_page.Views(rows, source, accelerator)
    told = accuracy_page.listed(views.training["source left out"])
    tools = read_other_tools(built_in() / "measurements" / "other-tools.yaml")
    profile, serving = (books.catalog.profile(name) for name in ("training", "serving"))
    return {
        "markdown": lambda _: accuracy_page.as_markdown(views, profile=profile, serving=serving, tools=tools),
        "scatter": lambda _: accuracy_plots.scatter(views.training["source left out"]),
        "errors": lambda _: accuracy_plots.errors(told),
    }


def _nothing(screen: Screen) -> str:
    raise AssertionError(f"asked for a page that nobody wanted, on {screen}")


def _table(rows: list[Row], leave_out: str | None, screen: Screen) -> str:
    from planner.report.accuracy_table import as_text

    return as_text(rows, leave_out=leave_out, width=screen.width)


def _json(rows: list[Row], leave_out: str | None) -> str:
    from planner.report.accuracy_json import as_json

    return as_json(rows, leave_out=leave_out)
