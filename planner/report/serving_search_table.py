"""A search for the best way to serve, as a table for a terminal of 80 columns or more, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from planner.planning.estimate import Currency
from planner.planning.serving_search import Choice, ServiceSearch
from planner.report.columns import fold, table
from planner.report.escape import for_terminal
from planner.report.numbers import shown

_FIRST = 20
_EACH = 10
_DEGREES = ("tensor", "data", "expert", "pipeline")
_SHORT = {"tensor": "t", "data": "d", "expert": "e", "pipeline": "p"}
_ASCII = {ord("…"): "~", ord("–"): "-"}
_FORMAT = "planner/service-search/v1"


def render(found: ServiceSearch, currency: Currency, *, width: int = 80, ascii_only: bool = False) -> str:
    """Give a search as plain text."""
    lines = [line.rstrip() for line in _lines(found, currency, max(width, 80))]
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def render_json(found: ServiceSearch) -> str:
    """Give a search as JSON; money in US dollars, null where unknown."""
    document = {
        "schema": _FORMAT,
        "name": found.name,
        "title": found.title,
        "minimise": found.minimise,
        "requests_per_s": found.rate,
        "tried": found.tried,
        "kept": found.kept,
        "top": [_record(choice) for choice in found.top],
        "machines": [_record(choice) for choice in found.best],
        "refused": dict(found.refused),
    }
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n"


def _record(choice: Choice) -> dict[str, object]:
    return {
        "node": choice.node,
        "accelerator": choice.accelerator,
        "weights": choice.weights,
        "layout": {name: getattr(choice.layout, name) for name in _DEGREES},
        "replicas": choice.replicas,
        "nodes": choice.nodes,
        "utilisation": float(f"{choice.utilisation:.9g}"),
        "results": {k: None if v is None else float(f"{v:.9g}") for k, v in choice.results.items()},
    }


def _lines(found: ServiceSearch, currency: Currency, width: int) -> Iterator[str]:
    yield from fold(for_terminal(found.title), width)
    yield f"{found.tried:,} configurations for {found.rate:,.4g} requests/s, {found.kept:,} keep the objectives"
    yield ""
    yield f"The best by {found.minimise}"
    yield from _rows(found.top, currency)
    yield ""
    yield "The best of each kind of machine"
    yield from _rows(found.best, currency)
    if found.refused:
        yield ""
        yield "What cannot serve it"
        for name, why in found.refused.items():
            yield from fold(for_terminal(why), width, indent=f"  {for_terminal(name):20} ", hanging=" " * 23)


def _rows(choices: tuple[Choice, ...], currency: Currency) -> list[str]:
    headers = ["", "layout", "replicas", "used", "tokens", "a month", "M tokens"]
    rows = [
        [
            for_terminal(choice.node),
            " ".join([choice.weights, *_degrees(choice)]),
            f"{choice.replicas}/{choice.nodes}n",
            f"{choice.utilisation:.0%}",
            shown("tpot_ms", choice.results["tpot_ms"]),
            shown("cost_per_month_usd", choice.results["cost_per_month_usd"], currency).removesuffix("/month"),
            shown("cost_per_million_output_tokens_usd", choice.results["cost_per_million_output_tokens_usd"], currency),
        ]
        for choice in choices
    ]
    return table(headers, rows, first=_FIRST, each=_EACH)


def _degrees(choice: Choice) -> list[str]:
    return [f"{_SHORT[name]}{getattr(choice.layout, name)}" for name in _DEGREES if getattr(choice.layout, name) > 1]
