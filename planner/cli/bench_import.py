"""`planner bench import`: what nccl-tests, nccom-test, mamf-finder or a CSV of kernels measured, as a run."""

from __future__ import annotations

import datetime
from pathlib import Path

import click


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--format", "format_", required=True, metavar="NAME", help="nccl-tests, nccom-test, mamf-finder, kernels-csv."
)
@click.option("--device", required=True, metavar="NAME", help="What it was measured on.")
@click.option("--date", metavar="YYYY-MM-DD", help="When it was measured. [default: the file's date]")
@click.option("--record", required=True, metavar="FILE", help="Where the run goes.")
def command(file: Path, format_: str, device: str, date: str | None, record: str) -> None:
    """Read what another program measured from FILE, its output.

    kernels-csv has the columns m, n, k, dtype, seconds.
    """
    from planner.bench.documents import run_text
    from planner.bench.importing import imported
    from planner.documents.files import ReadBudget, read_text
    from planner.report.write import write_text

    text = read_text(file, budget=ReadBudget(), name=str(file))
    day = date or datetime.date.fromtimestamp(file.stat().st_mtime).isoformat()
    run = imported(text, format_=format_, device=device, date=day)
    write_text(record, run_text(run), never=(file,))
    click.echo(f"{len(run.rows)} rows in {record}", err=True)
