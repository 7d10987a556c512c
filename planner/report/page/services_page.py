"""The page of a search for the best way to serve a demand: the best few, the best of each machine, who cannot."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from planner.planning.estimate import Currency, Estimate
from planner.planning.explain import SourcedInput
from planner.planning.serving_choices import Choice, ServiceSearch
from planner.record import record
from planner.report.labels import label_of
from planner.report.numbers import percent, shown
from planner.report.page import estimate_page as of_winner
from planner.report.page.parts import Cell, Column, Figure, Page, Section, Source, Table, number
from planner.report.page.sources import scenario_text
from planner.report.row_units import row_unit
from planner.report.serving_search_table import copies_of

_SHOWN = ("ttft_ms", "tpot_ms", "cost_per_month_usd", "cost_per_million_output_tokens_usd", "energy_kwh")
_X, _Y = "tpot_ms", "cost_per_month_usd"
_DEGREES = ("tensor", "data", "expert", "pipeline")


@record
class Told:
    """What a page is made of: what was found, the winner's estimate and inputs, the day that ages are counted to."""

    found: ServiceSearch
    winner: Estimate
    inputs: Sequence[SourcedInput]
    on: datetime.date


def page_of(told: Told) -> Page:
    """Give the page of a search of a service."""
    found = told.found
    winner = of_winner.page_of(of_winner.Told(told.winner, told.inputs, (), told.on))
    kinds = dict.fromkeys(choice.accelerator for choice in (*found.best, *found.top))
    return Page(
        title=found.title,
        lead=f"search over service {found.name}",
        facts=(
            ("minimised", found.minimise),
            ("load", found.load),
            ("searched", f"{found.tried:,} configurations, {found.kept:,} keep the objectives"),
        ),
        sections=(*_sections(found, told.winner.currency), *winner.sections),
        choices=tuple((kind, kind) for kind in kinds),
        sources=(Source(f"{found.name}, the winner", scenario_text(found.winner)),),
        notes=winner.notes,
    )


def _sections(found: ServiceSearch, currency: Currency) -> tuple[Section, ...]:
    figure = _figure(found, currency)
    top = _table(f"The best by {found.minimise}", found.top, currency)
    tables = [_table("The best of each kind of machine", found.best, currency)]
    if found.refused:
        rows = tuple((Cell(name), Cell(why)) for name, why in found.refused.items())
        tables.append(Table("What cannot serve it", (Column("machine"), Column("why", is_long=True)), rows))
    return (
        Section("choice", "What is worth a choice", figures=(figure,) if figure else (), tables=(top,)),
        Section("machines", "Machines", tables=tuple(tables)),
    )


def _table(caption: str, choices: Sequence[Choice], currency: Currency) -> Table:
    rows = tuple(
        (
            *(Cell(choice.node), Cell(choice.accelerator), Cell(_layout(choice))),
            Cell(copies_of(choice), choice.replicas),
            Cell(f"{choice.nodes:,}", choice.nodes),
            Cell(percent(choice.utilisation), choice.utilisation),
            *(_number(choice, metric, currency) for metric in _SHOWN),
        )
        for choice in choices
    )
    columns = (
        *(Column("machine"), Column("accelerator"), Column("layout")),
        *(number("replicas"), number("nodes"), number("in use")),
        *(number(label_of(metric)) for metric in _SHOWN),
    )
    return Table(caption, columns, rows, choices=tuple(choice.accelerator for choice in choices))


def _layout(choice: Choice) -> str:
    degrees = [f"{name} {getattr(choice.layout, name)}" for name in _DEGREES if getattr(choice.layout, name) > 1]
    return ", ".join([choice.weights, *degrees])


def _number(choice: Choice, metric: str, currency: Currency) -> Cell:
    value = choice.results.get(metric)
    return Cell(shown(metric, value, currency), "" if value is None else value)


def _figure(found: ServiceSearch, currency: Currency) -> Figure | None:
    """Give the time of a token against the money of a month, of the best few and the best of each machine."""
    points = [c for c in (*found.top, *found.best) if c.results.get(_X) and c.results.get(_Y)]
    if len(points) < 2:
        return None
    units = [row_unit(metric, [c.results[metric] for c in points], currency) for metric in (_X, _Y)]
    rows = tuple(_point(choice, units[0].per, units[1].per, currency, found) for choice in points)
    return Figure(
        "front",
        "Time per output token against cost per month",
        "The best few, and the best of each kind of machine; all keep the objectives.",
        "points",
        rows,
        _table("The points", points, currency),
        x=f"{label_of(_X)} [{units[0].unit}]",
        y=f"{label_of(_Y)} [{units[1].unit}]",
        more={"standings": ("one of the best", "best of its machine"), "line": False},
        choices=tuple(choice.accelerator for choice in points),
    )


def _point(
    choice: Choice, x_per: float, y_per: float, currency: Currency, found: ServiceSearch
) -> dict[str, float | str]:
    first, second = (choice.results[metric] or 0.0 for metric in (_X, _Y))
    x, y = first / x_per, second / y_per
    return {
        "label": f"{choice.replicas:,} replicas on {choice.nodes:,} {choice.node}; {_layout(choice)}",
        "short": "",
        "choice": choice.accelerator,
        **{"x": x, "x_low": x, "x_high": x, "y": y, "y_low": y, "y_high": y},
        "standing": "one of the best" if choice in found.top else "best of its machine",
        "x_text": shown(_X, first),
        "y_text": shown(_Y, second, currency),
    }
