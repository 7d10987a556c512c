"""`planner search` of a service: what its options mean there, and what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial

from planner.cli.outputs import Renderers, Screen
from planner.cli.pages import html, services_page, svg
from planner.errors import did_you_mean, input_error
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.serving_choices import OBJECTIVES, ServiceSearch
from planner.planning.serving_search import search_services
from planner.scenario.resolve import Resolved

_OF_TRAINING = ("deadline", "budget", "power", "accelerators", "keep")
_MOST_TOP = 1000


def services(resolved: Resolved, books: Books, asked: Mapping[str, str | bool | None]) -> Renderers:
    """Search a service and give what is shown of it by format."""
    for name in _OF_TRAINING:
        if asked.get(name) is not None:
            raise input_error("search-option", f"--{name} is of a training run, and this is a service")
    if asked.get("wide"):
        raise input_error("search-option", "--wide is of a training run, and this is a service")
    minimise, top = str(asked.get("minimise") or "cost"), str(asked.get("top") or "5")
    if minimise not in OBJECTIVES:
        hint = did_you_mean(minimise, OBJECTIVES) or "times are objectives of the scenario"
        raise input_error("search-option", f"--minimise {minimise}", allowed=", ".join(OBJECTIVES), hint=hint)
    if not top.isdecimal() or not 0 < int(top[:10]) <= _MOST_TOP:
        raise input_error("search-option", f"--top {top}: not a number of choices", allowed=f"1 to {_MOST_TOP}")
    nodes = [part.strip() for part in str(asked.get("nodes") or "").split(",") if part.strip()]
    found = search_services(resolved, books, minimise=minimise, nodes=nodes, top=int(top))
    page = cache(partial(services_page, resolved, found, books))
    return {
        "table": partial(_table, found, books),
        "json": partial(_json, found),
        "csv": partial(_csv, found),
        "scenario": partial(_scenario, found),
        "html": partial(html, page),
        "svg": partial(svg, page),
    }


def _table(found: ServiceSearch, books: Books, screen: Screen) -> str:
    from planner.report.serving_search_table import render

    return render(found, shown_currency(books), width=screen.width, ascii_only=screen.ascii_only)


def _json(found: ServiceSearch, _: Screen) -> str:
    from planner.report.serving_search_records import render_json

    return render_json(found)


def _csv(found: ServiceSearch, _: Screen) -> str:
    from planner.report.serving_search_records import render_csv

    return render_csv(found)


def _scenario(found: ServiceSearch, _: Screen) -> str:
    from planner.report import scenario_yaml

    return scenario_yaml.render(found.winner)
