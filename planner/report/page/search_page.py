"""The page of a search: the winner, the front, the best of each kind of machine, what one change would do."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from planner.planning.estimate import Currency
from planner.planning.explain import SourcedInput
from planner.planning.search_result import OBJECTIVES, Candidate, Change, SearchResult
from planner.planning.search_words import degrees_words, offload_words, recompute_words
from planner.record import record
from planner.report.labels import label_of
from planner.report.numbers import shown
from planner.report.page import estimate_page as of_winner
from planner.report.page.parts import Cell, Column, Figure, Page, Section, Source, Table, number
from planner.report.page.sources import scenario_text
from planner.report.row_units import row_unit
from planner.units.printing import counted

_SHOWN = ("days", "cost_total_usd", "energy_kwh", "mfu", "peak_memory_gb")
_LIMITS = ("days", "cost_total_usd", "facility_power_kw")


@record
class Told:
    """What a page of a search is made of: what was found, the winner's inputs, the day that ages are counted to."""

    found: SearchResult
    inputs: Sequence[SourcedInput]
    on: datetime.date


_MOST_MOVED = 2.0  # a change that costs more than thrice as much would leave no bar of the others


def page_of(told: Told) -> Page:
    """Give the page of a search."""
    found = told.found
    winner = of_winner.page_of(of_winner.Told(found.estimate, told.inputs, (), told.on))
    kinds = dict.fromkeys(verdict.best.accelerator for verdict in found.machines if verdict.best is not None)
    return Page(
        title=found.title,
        lead=f"search over scenario {found.name}",
        facts=_facts(found),
        sections=(_choice(found), _machines(found), _changes(found), *winner.sections),
        choices=tuple((kind, kind) for kind in kinds),
        sources=(Source(f"{found.name}, the winner", scenario_text(found.estimate.scenario)),),
        notes=winner.notes,
    )


def _facts(found: SearchResult) -> tuple[tuple[str, str], ...]:
    winner, currency = found.winner, found.estimate.currency
    limits = [(name, getattr(found.limits, name)) for name in _LIMITS]
    kept = [f"{label_of(name)} at most {shown(name, value, currency)}" for name, value in limits if value is not None]
    valid, fit = counted(found.valid), counted(found.fit)
    tried = f"{counted(found.points)} points of the grid, {valid} can be carried out, {fit} fit"
    return (
        ("minimised", ", ".join([found.minimise, *kept])),
        ("searched", tried),
        ("winner", _machine_words(winner)),
        ("strategy", _strategy_words(winner)),
        ("held up by", winner.bound),
    )


def _machine_words(each: Candidate) -> str:
    return f"{each.accelerators:,} {each.accelerator} in {each.nodes:,} {each.node}, {each.framework}"


def _strategy_words(each: Candidate) -> str:
    return f"{degrees_words(each)}; recompute {recompute_words(each.recompute)}; offload {offload_words(each.offload)}"


def _choice(found: SearchResult) -> Section:
    intro = "Each point is a strategy on a number of machines; point at it for its name. The boxes above choose."
    best = [verdict.best for verdict in found.machines if verdict.best is not None]
    figure = _front_figure(found, best)
    tables = (_candidates_table("The front of time, money and energy, the fastest first", found.front, found),)
    return Section("choice", "What is worth a choice", intro, figures=(figure,) if figure else (), tables=tables)


def _front_figure(found: SearchResult, best: Sequence[Candidate]) -> Figure | None:
    currency = found.estimate.currency
    front = set(map(id, found.front))
    points = [each for each in (*found.front, *best) if each.results["days"] and each.results["cost_total_usd"]]
    if len(points) < 2:
        return None
    units = [row_unit(m, [each.results[m] for each in points], currency) for m in ("days", "cost_total_usd")]
    rows = []
    for each in points:
        days, cost = (each.results[m] or 0.0 for m in ("days", "cost_total_usd"))
        x, y = days / units[0].per, cost / units[1].per
        rows.append(
            {
                "label": f"{_machine_words(each)}; {degrees_words(each)}",
                "short": "",
                "choice": each.accelerator,
                **{"x": x, "x_low": x, "x_high": x, "y": y, "y_low": y, "y_high": y},
                "standing": "on the front" if id(each) in front else "best of its machine",
                "x_text": shown("days", days, currency),
                "y_text": shown("cost_total_usd", cost, currency),
            }
        )
    return Figure(
        "front",
        "Duration against cost",
        "Strategies that no other one beats in time, money and energy at once, and the best of each kind of machine.",
        "points",
        tuple(rows),
        _candidates_table("The points", points, found),
        x=f"duration [{units[0].unit}]",
        y=f"cost [{units[1].unit}]",
        more={"standings": ("on the front", "best of its machine"), "line": False},
        choices=tuple(str(row["choice"]) for row in rows),
    )


def _candidates_table(caption: str, candidates: Sequence[Candidate], found: SearchResult) -> Table:
    currency = found.estimate.currency
    rows = tuple(
        (
            Cell(each.node),
            Cell(each.accelerator),
            Cell(f"{each.accelerators:,}", each.accelerators),
            *_numbers(each, currency),
            Cell(_strategy_words(each)),
        )
        for each in candidates
    )
    columns = (
        *(Column("machine"), Column("accelerator"), number("how many"), *_headers()),
        Column("strategy", is_long=True),
    )
    return Table(caption, columns, rows, choices=tuple(each.accelerator for each in candidates))


def _headers() -> tuple[Column, ...]:
    return tuple(number(label_of(metric)) for metric in _SHOWN)


def _numbers(each: Candidate, currency: Currency) -> tuple[Cell, ...]:
    values = [(metric, each.results.get(metric)) for metric in _SHOWN]
    return tuple(Cell(shown(metric, value, currency), "" if value is None else value) for metric, value in values)


def _machines(found: SearchResult) -> Section:
    taking = [verdict for verdict in found.machines if verdict.best is not None]
    best = [verdict.best for verdict in taking if verdict.best is not None]
    table = _candidates_table("The best of each kind of machine", best, found)
    columns = (*table.columns, Column("why it lost", is_long=True))
    rows = [(*row, Cell(verdict.reason or "the winner")) for row, verdict in zip(table.rows, taking, strict=True)]
    tables = [Table(table.caption, columns, tuple(rows), choices=table.choices)]
    without = tuple((Cell(v.node), Cell(v.reason)) for v in found.machines if v.best is None)
    if without:
        tables.append(Table("What cannot take part", (Column("machine"), Column("why", is_long=True)), without))
    return Section("machines", "Machines", tables=tuple(tables))


def _changes(found: SearchResult) -> Section:
    metric, currency = OBJECTIVES[found.minimise], found.estimate.currency
    base = found.winner.results[metric]
    rows = []
    for change in found.changes:
        value = change.results.get(metric)
        moved = value / base - 1.0 if value is not None and base else None
        rows.append(
            (
                Cell(change.axis),
                Cell(change.before),
                Cell(change.after),
                Cell(shown(metric, value, currency) if change.results else "", "" if value is None else value),
                Cell("", "") if moved is None else Cell(_change(moved), moved),
                Cell(change.why_not),
            )
        )
    columns = (
        *(Column("what"), Column("now"), Column("instead"), number(label_of(metric)), number("change")),
        Column("why not", is_long=True),
    )
    table = Table("The winner with one thing changed", columns, tuple(rows))
    figure = _changes_figure(found.changes, metric, base, table)
    title = "What one change would do"
    return Section("changes", title, figures=(figure,)) if figure else Section("changes", title, tables=(table,))


def _change(share: float) -> str:
    return f"{share * 100:+.1f} %".replace("-", "−")


def _changes_figure(changes: Sequence[Change], metric: str, base: float | None, table: Table) -> Figure | None:
    """Give what each change that works does to the objective, the best first."""
    known = [(c, value / base - 1.0) for c in changes if base and (value := c.results.get(metric)) is not None]
    if not known:
        return None
    rows = tuple(
        {
            "label": f"{change.axis}: {change.after}",
            "low": 0.0,
            "high": min(moved, _MOST_MOVED),
            "text": _change(moved),
        }
        for change, moved in sorted(known, key=lambda pair: pair[1])
    )
    label = label_of(metric)
    says = "Each bar changes one thing of the winner and leaves the rest; what cannot be carried out is in the table."
    if any(moved > _MOST_MOVED for _, moved in known):
        says += f" Bars end at {_change(_MOST_MOVED)}; the numbers go on."
    return Figure(
        "changes-chart", f"The {label} after one change", says, "tornado", rows, table, x=f"change of the {label}"
    )
