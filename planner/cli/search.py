"""`planner search`: the best strategy and machines for a training run, and why the others lost."""

from __future__ import annotations

import math
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.outputs import Renderers, emit, output_option, table_of, text_of
from planner.cli.pages import html, search_page, svg
from planner.cli.project import current_books
from planner.cli.scenarios import changes_option, scenario_from
from planner.errors import did_you_mean, input_error
from planner.units.dimensions import SECONDS, WATTS, Dimension, money
from planner.units.reading import parse
from planner.units.symbols import UnitError

if TYPE_CHECKING:
    from planner.planning.search import Request
    from planner.planning.search_run import Engine

_OBJECTIVES = ("time", "cost", "energy", "carbon")
_DAY_S = 86400.0
_MOST_TOP = 1000


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--variant", metavar="NAME", help="A variant of the scenario.")
@changes_option
@click.option("--minimise", metavar="WHAT", default="cost", show_default=True, help="time, cost, energy or carbon.")
@click.option("--deadline", metavar="TIME", help="Longest run, such as 30d.")
@click.option("--budget", metavar="MONEY", help="Most money, such as 5MUSD.")
@click.option("--power", metavar="POWER", help="Most mean power from the grid, such as 2MW.")
@click.option("--nodes", metavar="ID,ID", help="Kinds of nodes to try; every kind that trains if none is named.")
@click.option("--accelerators", metavar="N,N", help="Numbers of accelerators; half to twice the scenario's if unsaid.")
@click.option("--keep", metavar="KEY,KEY", help="Leave as the scenario has it: recompute, offload, tensor, ...")
@click.option("--wide", is_flag=True, help="Every combination of what to recompute and what to offload.")
@click.option("--top", metavar="N", default="5", show_default=True, help="How many strategies to list.")
@click.option("--engine", metavar="NAME", default="local", show_default=True, help="local, or dask.")
@click.option("--scheduler", metavar="ADDRESS", help="Of the Dask cluster, such as tcp://10.0.0.1:8786.")
@output_option("table", "json", "csv", "scenario", "html", "svg")
def command(
    scenario: Path,
    variant: str | None,
    changes: dict[str, str],
    engine: str,
    scheduler: str | None,
    output: tuple[str, ...],
    **asked: str | bool | None,
) -> None:
    """Find the best way to train SCENARIO, and the best machines for it.

    Every combination of degrees, schedules, micro-batches, sharding, recomputation, offloading, numbers of
    accelerators and kinds of machines is priced; what the scenario says of them is only where it starts from.

    \b
      planner search run.yaml --minimise cost --deadline 30d
      planner search run.yaml --nodes p5.48xlarge,trn1.32xlarge --output scenario=best.yaml
    """
    from planner.planning.search import search

    books = current_books()
    resolved = scenario_from(scenario, variant=variant, changes=changes, asked={}, books=books)
    if resolved.document.workload.kind == "serving":
        from planner.cli.search_services import services

        emit(services(resolved, books, asked), output, never=books.catalog.budget.files)
        return
    request = _request(asked)
    carry_out = _engine(engine, scheduler)
    found = search(resolved, books, request, engine=carry_out)
    page = cache(partial(search_page, found, books))
    renderers: Renderers = {
        "table": table_of("search_table", found),
        **{name: text_of(f"search_{name}", found) for name in ("json", "csv")},
        "scenario": text_of("scenario_yaml", found.estimate.scenario),
        "html": partial(html, page),
        "svg": partial(svg, page),
    }
    emit(renderers, output, never=books.catalog.budget.files)


def _request(asked: dict[str, str | bool | None]) -> Request:
    from planner.planning.search import Request

    said = {name: value for name, value in asked.items() if isinstance(value, str)}
    if said["minimise"] not in _OBJECTIVES:
        raise input_error(
            "search-option",
            f"--minimise {said['minimise']}: not something to minimise",
            allowed=", ".join(_OBJECTIVES),
            hint=did_you_mean(said["minimise"], _OBJECTIVES),
        )
    deadline, power = _quantity("deadline", said, SECONDS), _quantity("power", said, WATTS)
    return Request(
        minimise=said["minimise"],
        deadline_days=deadline / _DAY_S if deadline is not None else None,
        budget_usd=_quantity("budget", said, money()),
        power_kw=power / 1e3 if power is not None else None,
        nodes=_names(said.get("nodes", "")),
        accelerators=tuple(_whole("accelerators", text) for text in _names(said.get("accelerators", ""))),
        top=min(_whole("top", said["top"]), _MOST_TOP),
        kept=_names(said.get("keep", "")),
        wide=asked["wide"] is True,
    )


def _quantity(name: str, said: dict[str, str], dimension: Dimension) -> float | None:
    if name not in said:
        return None
    try:
        value = parse(said[name], dimension)
    except UnitError as error:
        raise input_error("search-option", f"--{name} {error}", allowed=error.allowed, hint=error.hint) from None
    if not (0 < value < math.inf):
        raise input_error("search-option", f"--{name} {said[name]}: out of range", allowed="more than 0")
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _whole(name: str, text: str) -> int:
    if not text.isdecimal() or not text.isascii() or not 0 < int(text[:10]) <= _MOST_WHOLE:
        raise input_error(
            "search-option", f"--{name} {text[:40]}: not a number of them", allowed=f"1 to {_MOST_WHOLE:,}"
        )
    return int(text)


_MOST_WHOLE = 1_000_000


def _engine(name: str, scheduler: str | None) -> Engine:
    if name not in ("local", "dask"):
        raise input_error("search-option", f"--engine {name}: no such engine", allowed="local, dask")
    if name == "local":
        if scheduler is not None:
            raise input_error("search-option", "--scheduler without --engine dask", hint="add --engine dask")
        from planner.planning.search_run import here

        return here
    if scheduler is None:
        raise input_error("search-option", "--engine dask needs the address of its scheduler", allowed="--scheduler")
    from planner.planning.search_cluster import on_dask

    return on_dask(scheduler)
