"""`planner estimate`: one scenario, or one described by options."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import click

from planner.cli.outputs import Renderers, emit, output_option, table_of, text_of
from planner.cli.pages import estimate_page, html, svg
from planner.cli.project import current_books
from planner.cli.scenarios import changes_option, scenario_from
from planner.planning.claims import judged


@click.command()
@click.argument("scenario", required=False, type=click.Path(path_type=Path))
@click.option("--variant", metavar="NAME", help="A variant of the scenario.")
@changes_option
@click.option("--model", metavar="ID", help="Without a scenario: the model to train or to serve.")
@click.option("--tokens", metavar="COUNT", help="Tokens of the run, such as 15T.")
@click.option("--node", metavar="ID", help="Kind of node.")
@click.option("--accelerators", metavar="N", help="How many accelerators.")
@click.option("--sequence-length", metavar="TOKENS", help="Tokens of one sequence.")
@click.option("--global-batch", metavar="SEQUENCES", help="Sequences of one step.")
@click.option("--precision", metavar="FORMAT", help="Of the matrix products: bf16, fp8, ...")
@click.option("--facility", metavar="ID", help="Where the machines stand.")
@click.option("--term", metavar="TERM", help="on-demand, spot, reserved-1y, reserved-3y, owned, ...")
@click.option("--requests", metavar="RATE", help="Of a service: requests that come, such as '5 requests/s'.")
@click.option("--clients", metavar="N", help="Of a service: clients that each wait for their answer.")
@click.option("--input", metavar="TOKENS", help="Of a service: tokens of a prompt.")
@click.option("--output-tokens", metavar="TOKENS", help="Of a service: tokens of an answer.")
@click.option("--engine", metavar="NAME", help="Of a service: vllm, sglang, trtllm, ...")
@click.option("--framework", metavar="NAME", help="Software generation.")
@click.option("--simulate", is_flag=True, help="Of a service: simulate the engine's loop beside it.")
@output_option("table", "json", "html", "svg")
def command(
    scenario: Path | None,
    variant: str | None,
    changes: dict[str, str],
    output: tuple[str, ...],
    *,
    simulate: bool,
    **asked: str | None,
) -> None:
    """Time, memory, cost, energy and carbon of SCENARIO.

    Without a scenario file, describe the run by options:

    \b
      planner estimate --model llama-3.1-70b --tokens 15T --node p5.48xlarge --accelerators 512
      planner estimate --model llama-3.1-8b --node g6e.xlarge --requests "5 requests/s" --input 500 --output-tokens 200
    """
    books = current_books()
    if simulate and not any(path.partition(".")[0] == "simulate" for path in changes):
        changes = {**changes, "simulate": "{}"}
    resolved = scenario_from(scenario, variant=variant, changes=changes, asked=asked, books=books)
    result = judged(resolved, books)
    page = cache(partial(estimate_page, resolved, result, books))
    renderers: Renderers = {
        "table": table_of("table", result),
        "json": text_of("json_report", result),
        "html": partial(html, page),
        "svg": partial(svg, page),
    }
    emit(renderers, output, never=books.catalog.budget.files)
