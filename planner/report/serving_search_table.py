"""A search for the best way to serve, as a table for a terminal of 80 columns or more."""

from __future__ import annotations

from collections.abc import Iterator

from planner.planning.estimate import Currency
from planner.planning.serving_choices import Choice, ServiceSearch
from planner.report.columns import fold, table
from planner.report.escape import for_terminal
from planner.report.numbers import shown

_FIRST = 20
_EACH = 10
_DEGREES = ("tensor", "data", "expert", "pipeline")
_SHORT = {"tensor": "t", "data": "d", "expert": "e", "pipeline": "p"}
_ASCII = {ord("…"): "~", ord("–"): "-"}


def render(found: ServiceSearch, currency: Currency, *, width: int = 80, ascii_only: bool = False) -> str:
    """Give a search as plain text."""
    lines = [line.rstrip() for line in _lines(found, currency, max(width, 80))]
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _lines(found: ServiceSearch, currency: Currency, width: int) -> Iterator[str]:
    yield from fold(for_terminal(found.title), width)
    yield from fold(for_terminal(f"{found.tried:,} ways for {found.load}: {found.kept:,} keep the objectives"), width)
    yield ""
    yield f"The best by {found.minimise}" + ("" if found.rate is not None else ", by token")
    yield from _rows(found.top, currency)
    for note in found.notes:
        yield from fold(for_terminal(f"note, of the best: {note}"), width, indent="  ", hanging="    ")
    yield ""
    yield "The best of each kind of machine"
    yield from _rows(found.best, currency)
    if found.refused:
        yield ""
        yield "What cannot serve it"
        by_reason: dict[str, list[str]] = {}
        for name, why in found.refused.items():
            by_reason.setdefault(why, []).append(name)
        for why, names in by_reason.items():
            yield from fold(for_terminal(why), width, indent="  ", hanging="    ")
            yield from fold(for_terminal(", ".join(names)), width, indent="    ", hanging="    ")


def _rows(choices: tuple[Choice, ...], currency: Currency) -> list[str]:
    made = bool(choices) and "tpot_ms" in choices[0].results
    time = "tpot_ms" if made else "ttft_ms"
    money = "cost_per_million_tokens_usd"
    headers = ["", "layout", "replicas", "used", "a token" if made else "a request", "a month", "M tokens"]
    rows = [
        [
            for_terminal(choice.node),
            " ".join([choice.weights, *_degrees(choice)]),
            f"{copies_of(choice)}/{choice.nodes}n",
            f"{choice.utilisation:.0%}",
            shown(time, choice.results[time]),
            shown("cost_per_month_usd", choice.results["cost_per_month_usd"], currency).removesuffix("/month"),
            shown(money, choice.results[money], currency),
        ]
        for choice in choices
    ]
    return table(headers, rows, first=_FIRST, each=_EACH)


def copies_of(choice: Choice) -> str:
    """Give how many replicas: all alike, or those that read prompts and those that decode."""
    return f"{choice.prefill}+{choice.decode}" if choice.prefill else f"{choice.replicas}"


def _degrees(choice: Choice) -> list[str]:
    return [f"{_SHORT[name]}{getattr(choice.layout, name)}" for name in _DEGREES if getattr(choice.layout, name) > 1]
