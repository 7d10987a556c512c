"""`planner bench show`: a run as a table, with its roofline picture."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.outputs import Renderers, Screen, emit, output_option

if TYPE_CHECKING:
    from planner.bench.document import BenchRun


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@output_option("table", "svg", "html")
def command(run: Path, output: tuple[str, ...]) -> None:
    """Show RUN: every case, what could not be measured and why, and the roofline picture."""
    from planner.bench.documents import read_run
    from planner.report import bench_picture

    read = read_run(run)
    renderers: Renderers = {
        "table": partial(_table, read),
        "svg": lambda _: bench_picture.svg(read),
        "html": lambda _: bench_picture.html(read),
    }
    emit(renderers, output, never=(run,))


def _table(run: BenchRun, screen: Screen) -> str:
    from planner.report import bench_table

    return bench_table.render(run, width=screen.width, ascii_only=screen.ascii_only)
