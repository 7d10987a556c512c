"""`planner calibrate`: a serving profile of one's own, fitted to one's own measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.catalog_folders import own_catalogs
from planner.cli.project import current_books

if TYPE_CHECKING:
    from planner.accuracy.serving_calibration import Calibration

_COMMENT = """Efficiencies of serving engines and chips, moved from the built-in ones by own measurements.
Written by planner calibrate; delete this file to go back."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--output", metavar="PATH", type=click.Path(path_type=Path), help="Profile to write.")
@click.option("--date", help="Of the fit, YYYY-MM-DD, for its report; today's where unsaid.")
@click.option("--dry-run", is_flag=True, help="Show the errors and write nothing.")
def command(files: tuple[str, ...], output: Path | None, date: str | None, dry_run: bool) -> None:
    """Fit the serving profile to your own measurements, and show the error before and after.

    FILES have the forms of catalogs/measurements: inference tables, runs at a fixed concurrency, traces. The profile
    goes to catalogs/profiles/serving.yaml of the project, where estimates find it before the built-in one.

    \b
      planner calibrate mine.csv
      planner calibrate mine.yaml --dry-run
    """
    from datetime import UTC, datetime

    from planner.accuracy.formats import read_file
    from planner.accuracy.serving_calibration import calibrate
    from planner.calibration.profile_text import profile_text
    from planner.report.write import write_text

    books = current_books()
    read = [read_file(name, books.catalog.budget) for name in files]
    found = calibrate(read, books=books, date=date or datetime.now(UTC).date().isoformat())
    click.echo(_text(found), nl=False)
    if dry_run:
        return
    path = output or own_catalogs() / "profiles" / "serving.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(str(path), profile_text(found.profile, comment=_COMMENT), never=[file.path for file in read])
    click.echo(f"wrote {path}", err=True)


def _text(found: Calibration) -> str:
    from planner.report.listing import Cell, Column, Listing, as_table

    def percent(value: float) -> str:
        return f"{100 * value:.1f}%"

    columns = (
        Column("metric", "median |ln(predicted/measured)|", elastic=True),
        Column("before", "before", percent),
        Column("after", "after", percent),
        Column("unseen", "rows unseen", percent),
    )
    rows: list[list[Cell]] = [[metric, *errors] for metric, errors in found.errors.items()]
    lines = [
        as_table(Listing("errors", columns, rows), width=80).rstrip("\n"),
        f"\n{found.rows} measured numbers fitted.",
    ]
    if found.refused:
        lines.append(f"{len(found.refused)} rows refused, such as {found.refused[0][0]}: {found.refused[0][1]}")
    return "\n".join(lines) + "\n"
