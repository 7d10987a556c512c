"""An estimate as a table for a terminal of 80 columns or more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from planner.catalog.entry import Standing
from planner.planning.estimate import Breakdown, Estimate, Part, Result, StageMemory
from planner.report.escape import for_terminal
from planner.report.numbers import shown, shown_range
from planner.units import duration, gibibytes, scaled, significant

_BAR = 24
_LABEL = 30
_SHOWN_STAGES = 6
_HEADLINES: tuple[tuple[str, str], ...] = (
    ("step_time_s", "time of a step"),
    ("tokens_per_s_per_accelerator", "tokens/s per accelerator"),
    ("mfu", "model FLOPs utilisation"),
    ("days", "duration"),
    ("goodput", "time that counts"),
    ("accelerator_hours", "accelerator-hours"),
    ("cost_total_usd", "cost"),
    ("cost_per_hour_usd", "cost per hour"),
    ("cost_per_million_tokens_usd", "cost per million tokens"),
    ("node_power_kw", "power of a node"),
    ("facility_power_kw", "power from the grid"),
    ("energy_kwh", "energy"),
    ("carbon_kg", "carbon"),
)


def table(estimate: Estimate) -> RenderableType:
    """Give an estimate as something that a rich console prints."""
    return Group(*_sections(estimate))


def render(estimate: Estimate, *, width: int, ascii_only: bool = False) -> str:
    """Give an estimate as plain text of a width [columns]."""
    console = Console(
        width=width, markup=False, emoji=False, highlight=False, color_system=None, legacy_windows=False, record=False
    )
    with console.capture() as capture:
        console.print(table(estimate))
    text = capture.get()
    if ascii_only:
        text = text.translate(_ASCII)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


_ASCII = {ord("█"): "#", ord("░"): ".", ord("–"): "-", ord("…"): "~", ord("·"): "-", ord("─"): "-"}


def _sections(estimate: Estimate) -> Iterator[RenderableType]:
    yield Text(for_terminal(estimate.title), style="bold")
    yield from _plan(estimate)
    yield Text("")
    yield _headlines(estimate)
    step = estimate.breakdown("step")
    if step:
        yield Text("")
        yield _bars(step, f"Where one step of {duration(step.total)} goes")
    if estimate.memory:
        yield Text("")
        yield _memory(estimate)
    for key, title in (("run", "Where the time goes"), ("power", "Power of a node"), ("cost", "Where the money goes")):
        found = estimate.breakdown(key)
        if found:
            yield Text("")
            yield _bars(found, title)
    yield Text("")
    yield from _rests_on(estimate)


def _plan(estimate: Estimate) -> Iterator[RenderableType]:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=11)
    grid.add_column(overflow="fold")
    for what, value in estimate.plan:
        grid.add_row(what, for_terminal(value))
    yield grid


def _headlines(estimate: Estimate) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, min_width=_LABEL)
    grid.add_column(justify="right", no_wrap=True, style="bold")
    grid.add_column(no_wrap=True, style="dim")
    for name, label in _HEADLINES:
        result = estimate.results.get(name)
        if result:
            grid.add_row(label, shown(name, result.mid), _range(result))
    return grid


def _range(result: Result) -> str:
    if result.mid is None:
        return "an input is unknown"
    if result.low == result.high:
        return ""
    return shown_range(result.metric, result.low, result.high)


def _bars(breakdown: Breakdown, title: str) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, min_width=_LABEL, max_width=34, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    total = breakdown.total
    grid.add_row(Text(title, style="bold"), "", "", "")
    for part in breakdown.parts:
        share = part.value / total if total else 0.0
        if share < _NEGLIGIBLE:
            continue
        grid.add_row(part.label, _amount(part, breakdown.unit), f"{share:.1%}", bar(share, _BAR))
    return grid


_NEGLIGIBLE = 5e-4


def bar(share: float, width: int) -> str:
    """Give a share as a bar of that many columns.

    >>> bar(0.5, 4)
    '██'
    """
    return "█" * max(1, round(min(share, 1.0) * width)) if share > 0 else ""


def _amount(part: Part, unit: str) -> str:
    if unit == "s":
        return duration(part.value)
    if unit == "USD":
        return "$" + significant(part.value, 4)
    return scaled(part.value, unit)


def _memory(estimate: Estimate) -> RenderableType:
    capacity = estimate.memory_capacity_bytes
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, min_width=_LABEL)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_row(Text(f"Memory of an accelerator, of {gibibytes(capacity)}", style="bold"), "", "", "")
    stages = list(_chosen(estimate.memory))
    for stage in stages:
        share = stage.total_bytes / capacity
        label = "all" if len(estimate.memory) == 1 else f"stage {stage.stage}"
        filled = bar(share, _BAR)
        grid.add_row(label, gibibytes(stage.total_bytes), f"{share:.1%}", filled + "░" * (_BAR - len(filled)))
    fullest = max(estimate.memory, key=lambda stage: stage.total_bytes)
    for part in fullest.parts:
        if part.value / capacity >= _NEGLIGIBLE:
            grid.add_row(f"  {part.label}", gibibytes(part.value), f"{part.value / capacity:.1%}", "")
    return grid


def _chosen(stages: Sequence[StageMemory]) -> Iterator[StageMemory]:
    """Give the first stages, the fullest and the last where there are too many to show."""
    if len(stages) <= _SHOWN_STAGES:
        yield from stages
        return
    fullest = max(stages, key=lambda stage: stage.total_bytes).stage
    wanted = sorted({0, 1, 2, fullest, len(stages) - 2, len(stages) - 1})
    yield from (stages[number] for number in wanted)


def _rests_on(estimate: Estimate) -> Iterator[RenderableType]:
    yield Text("What this rests on", style="bold")
    yield Text(f"  {for_terminal(estimate.basis)}")
    weak = [item for item in estimate.inputs if item.standing.is_weak]
    if weak:
        counted = {
            standing: sum(item.standing is standing for item in weak)
            for standing in (Standing.RECALLED, Standing.ESTIMATED)
        }
        words = ", ".join(f"{count} {standing.value}" for standing, count in counted.items() if count)
        yield Text(f"  {len(estimate.inputs)} inputs, of which weak: {words}")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, max_width=44, overflow="ellipsis")
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=22)
        grid.add_column(no_wrap=True, style="dim")
        for item in weak:
            grid.add_row(f"    {for_terminal(item.name)}", for_terminal(item.value), item.standing.value)
        yield grid
    else:
        yield Text(f"  {len(estimate.inputs)} inputs, each read in its source or quoted by one that was read")
    for warning in estimate.warnings:
        yield Text(f"  note: {for_terminal(warning)}")
    yield Text("  ranges hold 80 % of cases; planner explain shows every part and its source", style="dim")
