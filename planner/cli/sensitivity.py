"""`planner sensitivity`: what moves the answer, as a tornado."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from planner.cli.outputs import Renderers, Screen, emit, output_option, table_of, text_of
from planner.cli.project import current_books
from planner.cli.scenarios import changes_option, scenario_from
from planner.planning.sensitivity import Sensitivity, sensitivity


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--metric", metavar="NAME", help="The result to move, such as days; the cost if none is named.")
@click.option("--variant", metavar="NAME", help="A variant of the scenario.")
@changes_option
@output_option("table", "json", "svg")
def command(
    scenario: Path, metric: str | None, variant: str | None, changes: dict[str, str], output: tuple[str, ...]
) -> None:
    """Show what moves a result of SCENARIO, the strongest first.

    Every uncertain input goes between the ends of its 80 % range by itself, and every choice that could be made
    otherwise is changed by itself: accelerators, batch, precision, term, recomputation, parallelism.
    """
    books = current_books()
    resolved = scenario_from(scenario, variant=variant, changes=changes, asked={}, books=books)
    found = sensitivity(resolved, books, wanted=metric)
    renderers: Renderers = {
        "table": table_of("tornado", found),
        "json": text_of("sensitivity_json", found),
        "svg": partial(_svg, found),
    }
    emit(renderers, output, never=books.catalog.budget.files)


def _svg(found: Sensitivity, _: Screen) -> str:
    from planner.report import tornado

    return tornado.render_svg(found)
