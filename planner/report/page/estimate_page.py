"""The page of one estimate: key numbers, where time and money go, memory, what moves the results, inputs."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

from planner.planning.comparison import Comparison, compare, letters, parts_of
from planner.planning.estimate import Estimate, Result
from planner.planning.explain import SourcedInput
from planner.planning.scaling import Scaled
from planner.record import record
from planner.report.labels import label_of
from planner.report.misfit import misfit
from planner.report.numbers import percent, shown, shown_range
from planner.report.page import figures as fig
from planner.report.page.compare_figures import choices_of, ranged_figures
from planner.report.page.compare_figures import front as front_of
from planner.report.page.cost_time import cost_figure
from planner.report.page.parts import Card, Cell, Column, Figure, Page, Section, Source, Table, number
from planner.report.page.scaling_figure import scaling_figure
from planner.report.page.sources import scenario_text
from planner.report.page.tables import inputs_table, results_table

_CARDS = (
    *("days", "nodes_that_fit", "ttft_ms", "tpot_ms", "output_tokens_per_s"),
    *("cost_total_usd", "cost_per_million_tokens_usd", "cost_per_million_output_tokens_usd", "cost_per_request_usd"),
    *("mfu", "energy_kwh", "carbon_kg", "facility_power_kw", "memory_headroom_gb"),
)
_MOST_CARDS = 8
_MOVED = ("cost_total_usd", "days", "cost_per_month_usd", "cost_per_million_output_tokens_usd", "tpot_ms", "ttft_ms")
_MOST_MOVED = 2
_SPREAD = (
    *("days", "step_time_s", "ttft_ms", "tpot_ms", "output_tokens_per_s", "cost_total_usd", "cost_per_month_usd"),
    *("cost_per_million_output_tokens_usd", "energy_kwh", "carbon_kg", "facility_power_kw"),
)
# Cards show ranges between a quarter of the middle and four times it.
_CARD_SPAN = math.log(4.0)
_BREAKDOWNS = (
    ("step", "seconds", "Where the seconds of one step go"),
    ("decode", "decode", "Where the time of a decode step goes"),
    ("prompt", "prompt", "Where the time of reading a prompt goes"),
    ("run", "run", "Where the days of the run go"),
    ("cost", "dollars", "Where the money goes"),
    ("power", "power", "Where the power of a node goes"),
    ("hours", "hours", "Replicas by the hour of the day"),
)


@record
class Told:
    """What a page of an estimate is made of.

    Parameters
    ----------
    estimate : the answer. inputs : with their sources. scaled : the same run on more and fewer accelerators.
    on : the day that ages are counted to.
    """

    estimate: Estimate
    inputs: Sequence[SourcedInput]
    scaled: Sequence[Scaled]
    on: datetime.date


def page_of(told: Told) -> Page:
    """Give the page of an estimate."""
    estimate = told.estimate
    beside = parts_beside(estimate)
    sections = [_answer(estimate), _beside(beside), _where(estimate), _sure(estimate), _over_time(told), _tables(told)]
    return Page(
        title=estimate.title,
        lead=f"{estimate.kind} scenario {estimate.name}",
        facts=estimate.plan,
        sections=tuple(section for section in sections if section is not None),
        choices=choices_of(beside) if beside else (),
        sources=(Source(f"{estimate.name}.yaml", scenario_text(estimate.scenario)),),
        notes=_notes(estimate),
    )


def cards_of(estimate: Estimate) -> tuple[Card, ...]:
    """Give the key numbers of an estimate."""
    found = [estimate.results[metric] for metric in _CARDS if metric in estimate.results]
    return tuple(_card(result, estimate) for result in found[:_MOST_CARDS])


def _card(result: Result, estimate: Estimate) -> Card:
    value = shown(result.metric, result.mid, estimate.currency)
    label = label_of(result.metric)
    if result.mid is None:
        return Card(label, value, "an input is unknown")
    if result.metric == "memory_headroom_gb" and estimate.memory_capacity_bytes:
        return Card(label, value, f"{percent(result.mid * 1e9 / estimate.memory_capacity_bytes)} of an accelerator")
    if result.low is None or result.low == result.high:
        return Card(label, value)
    span = shown_range(result.metric, result.low, result.high, estimate.currency)
    low = _place(result.low / result.mid) if result.mid else 0.0
    high = 100.0 if result.high is None or not result.mid else _place(result.high / result.mid)
    return Card(label, value, span, (low, 50.0, 100.0 - high))


def _place(ratio: float) -> float:
    """Give where a value stands on its card, its middle at the half, in per cent of the card's width."""
    if ratio <= 0:
        return 0.0
    share = 0.5 + 0.5 * math.log(ratio) / _CARD_SPAN
    return round(100.0 * min(max(share, 0.0), 1.0), 1)


def _answer(estimate: Estimate) -> Section | None:
    lines = [misfit(estimate.why_not)] if estimate.why_not else []
    tables = (_children(estimate),) if estimate.children else ()
    cards = cards_of(estimate)
    if not (lines or tables or cards):
        return None
    intro = "The bar under a number holds 80 % of cases, on the same scale for all numbers." if cards else ""
    return Section("answer", "The answer", intro, tuple(lines), cards, tables=tables)


_CHILD_METRICS = (
    *("nodes_that_fit", "peak_16bit_flops_per_s", "days", "cost_total_usd", "cost_per_month_usd", "capital_usd"),
    *("energy_kwh", "carbon_kg", "facility_rated_power_kw", "accelerator_hours"),
)


def _children(estimate: Estimate) -> Table:
    """Give the parts of a composite, or the nodes of a place, one a row."""
    children = estimate.children
    metrics = [m for m in _CHILD_METRICS if any(m in child.results for child in children.values() if not child.why_not)]
    rows = []
    for name, child in children.items():
        cells = [_child_cell(child, metric) for metric in metrics]
        rows.append((Cell(name), *cells, Cell(child.why_not or dict(child.plan).get("binds", ""))))
    columns = (Column("part"), *(number(label_of(m)) for m in metrics), Column("bound by, or why not", is_long=True))
    choices = letters(len(children)) if parts_beside(estimate) else []
    return Table("The parts", columns, tuple(rows), choices=tuple(choices))


def parts_beside(estimate: Estimate) -> Comparison | None:
    """Give the nodes of a place, or alternatives, side by side; None where parts are added up, or there is one."""
    if estimate.results or len([child for child in estimate.children.values() if not child.why_not]) < 2:
        return None
    return compare(list(parts_of(estimate).values()))


def _beside(found: Comparison | None) -> Section | None:
    if found is None:
        return None
    figures = ranged_figures(found)
    front = front_of(found)
    drawn = (front, *figures) if front else figures
    return Section("beside", "Side by side", figures=drawn) if drawn else None


def _child_cell(child: Estimate, metric: str) -> Cell:
    result = child.results.get(metric)
    if result is None or child.why_not:
        return Cell("")
    return Cell(shown(metric, result.mid, child.currency), "" if result.mid is None else result.mid)


def _where(estimate: Estimate) -> Section | None:
    drawn = [
        fig.parts_figure(key, title, _says(estimate, name), found, estimate.currency)
        for name, key, title in _BREAKDOWNS
        if (found := estimate.breakdown(name)) is not None and found.total
    ]
    memory = fig.memory_figure(estimate)
    figures = (*drawn, memory) if memory else tuple(drawn)
    return Section("where", "Where it goes", figures=figures) if figures else None


def _says(estimate: Estimate, name: str) -> str:
    found = estimate.breakdown(name)
    if found is None or not found.parts:
        return ""
    largest = max(found.parts, key=lambda part: part.value)
    if found.unit == "replicas":
        return f"At most {largest.value:,.0f} at once, from {largest.label} on."
    whole = fig.amount(found.total, found.unit, estimate.currency)
    return f"{whole} in all; the largest part is {largest.label}, {percent(largest.value / found.total)}."


def _sure(estimate: Estimate) -> Section | None:
    metrics = [metric for metric in _MOVED if metric in estimate.contributions][:_MOST_MOVED]
    found: list[Figure | None] = [fig.spread_figure(estimate, _SPREAD)]
    found += [fig.effects_figure(estimate, metric) for metric in metrics]
    drawn = tuple(figure for figure in found if figure is not None)
    intro = f"Times: {estimate.basis}." if estimate.basis else ""
    return Section("sure", "How sure it is, and why", intro, figures=drawn) if drawn else None


def _over_time(told: Told) -> Section | None:
    cost = cost_figure([("charged to the run", "", told.estimate)])
    curve = scaling_figure(told.scaled, told.estimate)
    drawn = tuple(figure for figure in (curve, cost) if figure is not None)
    return Section("scale", "Over machines and over time", figures=drawn) if drawn else None


def _tables(told: Told) -> Section:
    estimate = told.estimate
    tables = [results_table(list(estimate.results.values()), estimate.currency)] if estimate.results else []
    if told.inputs:
        tables.append(inputs_table(told.inputs, told.on))
    return Section("numbers", "All numbers and what they rest on", tables=tuple(tables))


def _notes(estimate: Estimate) -> tuple[str, ...]:
    claim = estimate.judgement
    told = [] if claim is None else [f"The claim {'holds' if claim.holds else 'does not hold'}: {claim.says}"]
    return (*told, *estimate.warnings)
