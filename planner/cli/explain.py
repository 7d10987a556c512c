"""`planner explain`: the parts of an estimate, what moves it, and where its inputs came from."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from planner.cli.outputs import Screen, emit, output_option
from planner.cli.project import current_books
from planner.cli.scenarios import changes_option, scenario_from
from planner.planning.dispatch import estimate
from planner.planning.estimate import Currency
from planner.planning.explain import Explanation, explain


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--metric", metavar="NAME", help="One result, such as cost_total_usd; the main ones if none is named.")
@click.option("--of", metavar="PART", help="A part of a composite, or a node of a place.")
@click.option("--variant", metavar="NAME", help="A variant of the scenario.")
@changes_option
@output_option("text", "json")
def command(
    scenario: Path,
    metric: str | None,
    of: str | None,
    variant: str | None,
    changes: dict[str, str],
    output: tuple[str, ...],
) -> None:
    """Show why the results of SCENARIO are what they are.

    The parts of each result, what each uncertain input does to it, and every input with its value, its source
    and how far it can be trusted.
    """
    books = current_books()
    resolved = scenario_from(scenario, variant=variant, changes=changes, asked={}, books=books)
    found = estimate(resolved, books)
    told = explain(found, books, wanted=metric, of=of)
    renderers = {"text": partial(_text, told, found.currency), "json": partial(_json, told)}
    emit(renderers, output, never=books.catalog.budget.files)


def _text(told: Explanation, currency: Currency, screen: Screen) -> str:
    from planner.report import explanation

    return explanation.render(told, currency, width=screen.width, ascii_only=screen.ascii_only)


def _json(told: Explanation, _: Screen) -> str:
    from planner.report import explanation_json

    return explanation_json.render(told)
