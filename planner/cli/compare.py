"""`planner compare`: scenarios side by side."""

from __future__ import annotations

from functools import cache, partial

import click

from planner.cli.alternatives import alternatives_from
from planner.cli.outputs import Renderers, emit, output_option, table_of, text_of
from planner.cli.pages import comparison_page, html, svg
from planner.cli.project import current_books
from planner.cli.scenarios import changes_option
from planner.planning.comparison import compare


@click.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--variants", is_flag=True, help="Every variant of each scenario beside the scenario itself.")
@click.option("--nodes", metavar="ID,ID,...", help="Each scenario on each of these kinds of node.")
@changes_option
@output_option("table", "markdown", "csv", "json", "html", "svg")
def command(
    scenarios: tuple[str, ...], variants: bool, nodes: str | None, changes: dict[str, str], output: tuple[str, ...]
) -> None:
    """Set SCENARIOs side by side: time, cost, energy, carbon, memory, and what bounds each.

    FILE@VARIANT names a variant. A file of alternatives, or of a place, is compared part by part. A winner is
    named where it is ahead over the whole range of the ratio to every other scenario.

    \b
      planner compare scenarios/examples/llama-3.1-405b-pretrain.yaml --variants
      planner compare run.yaml other.yaml run.yaml@spot
      planner compare run.yaml --nodes p5.48xlarge,p4d.24xlarge,trn2.48xlarge --set parallelism=auto
    """
    books = current_books()
    asked = alternatives_from(scenarios, variants=variants, nodes=nodes, changes=changes, books=books)
    found = compare([each.estimate for each in asked], [each.utilisation for each in asked])
    page = cache(partial(comparison_page, found, books))
    renderers: Renderers = {
        "table": table_of("compare_table", found),
        **{name: text_of(f"compare_{name}", found) for name in ("markdown", "csv", "json")},
        "html": partial(html, page),
        "svg": partial(svg, page),
    }
    emit(renderers, output, never=books.catalog.budget.files)
