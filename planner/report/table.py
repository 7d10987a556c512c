"""An estimate as a table for a terminal of 80 columns or more.

All sections stand on one grid: labels from the left edge, values up to column 46, and from column 48 on the
range, or the share and its bar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.catalog.entry import Standing
from planner.planning.estimate import Breakdown, Currency, Estimate, Part, Result, StageMemory
from planner.planning.ledger import Input
from planner.report.columns import cut, fold, left, right
from planner.report.escape import for_terminal
from planner.report.numbers import money, percent, shown, shown_range
from planner.units.printing import duration, gibibytes, scaled

NARROWEST = 80
_LABEL = 32
_VALUE = 14
_EDGE = _LABEL + _VALUE
_SHARE = 8
_STANDING = 10
_PLAN = 14
_SHOWN_STAGES = 6
_NEGLIGIBLE = 5e-4
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
_SERVING: tuple[tuple[str, str], ...] = (
    ("ttft_ms", "time to first token"),
    ("ttft_p50_ms", "  median"),
    ("ttft_p90_ms", "  90th percentile"),
    ("ttft_p99_ms", "  99th percentile"),
    ("tpot_ms", "time per output token"),
    ("tpot_p50_ms", "  median"),
    ("tpot_p90_ms", "  90th percentile"),
    ("tpot_p99_ms", "  99th percentile"),
    ("e2e_latency_ms", "time of a whole request"),
    ("requests_per_s", "requests"),
    ("goodput_requests_per_s", "requests within objectives"),
    ("output_tokens_per_s", "output tokens"),
    ("utilisation", "utilisation"),
    ("replicas", "replicas"),
    ("max_batch", "most sequences on a replica"),
    ("max_context_tokens", "longest context"),
    ("cost_total_usd", "cost"),
    ("cost_per_hour_usd", "cost per hour"),
    ("cost_per_month_usd", "cost per month"),
    ("cost_per_million_tokens_usd", "cost per million tokens"),
    ("cost_per_million_input_tokens_usd", "  of input, by time"),
    ("cost_per_million_output_tokens_usd", "  of output, by time"),
    ("cost_per_request_usd", "cost per request"),
    ("joules_per_token", "accelerators' energy per token"),
    ("node_power_kw", "power of a node"),
    ("facility_power_kw", "power from the grid"),
    ("energy_kwh", "energy"),
    ("carbon_kg", "carbon"),
)
_ASCII = {ord("█"): "#", ord("░"): ".", ord("–"): "-", ord("…"): "~", ord("·"): "-"}


def render(estimate: Estimate, *, width: int = NARROWEST, ascii_only: bool = False) -> str:
    """Give an estimate as plain text of a width of at least 80 [columns]."""
    lines = [line.rstrip() for line in _lines(estimate, max(width, NARROWEST))]
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _lines(estimate: Estimate, width: int) -> Iterator[str]:
    yield from fold(for_terminal(estimate.title), width)
    for what, value in estimate.plan:
        yield from fold(for_terminal(value), width, indent=left(what, _PLAN), hanging=" " * _PLAN)
    if estimate.why_not:
        yield from fold(for_terminal(estimate.why_not), width, indent=left("does not fit", _PLAN), hanging=" " * _PLAN)
    if estimate.results:
        yield ""
        yield from _headlines(estimate)
    step = estimate.breakdown("step")
    if step:
        yield ""
        yield from _bars(step, f"Where one step of {duration(step.total)} goes", estimate.currency, width)
    if estimate.memory:
        yield ""
        yield from _memory(estimate, width)
    for key, title in (("decode", "Where a decode step of {} goes"), ("prompt", "Where reading a prompt, {}, goes")):
        found = estimate.breakdown(key)
        if found:
            yield ""
            yield from _bars(found, title.format(duration(found.total)), estimate.currency, width)
    hours = estimate.breakdown("hours")
    if hours:
        yield ""
        yield from _hours(hours, width)
    for key, title in (
        ("run", "Where the time goes"),
        ("phases", "Power of an accelerator by phase"),
        ("power", "Power of a node"),
        ("cost", "Where the money goes"),
    ):
        found = estimate.breakdown(key)
        if found:
            yield ""
            yield from _bars(found, title, estimate.currency, width)
    simulated = estimate.children.get("simulated") if estimate.kind == "serving" else None
    if simulated:
        yield ""
        yield from fold(f"Simulated: {for_terminal(simulated.title)}", width)
        yield from _headlines(simulated)
    elif estimate.children:
        from planner.report.table_parts import part_lines

        yield from part_lines(estimate, width)
    if estimate.judgement:
        from planner.report.table_claim import claim_lines

        yield ""
        yield from claim_lines(estimate.judgement, estimate.currency, width)
    yield ""
    yield from _rests_on(estimate, width)


def _headlines(estimate: Estimate) -> Iterator[str]:
    for name, label in _SERVING if estimate.kind in ("serving", "hosted") else _HEADLINES:
        result = estimate.results.get(name)
        if result:
            value = shown(name, result.mid, estimate.currency)
            yield left(label, _LABEL) + right(value, _VALUE) + "  " + _range(result, estimate.currency)


def _range(result: Result, currency: Currency) -> str:
    if result.mid is None:
        return "an input is unknown"
    if result.low == result.high:
        return ""
    return shown_range(result.metric, result.low, result.high, currency)


def _bars(breakdown: Breakdown, title: str, currency: Currency, width: int) -> Iterator[str]:
    yield title
    total = breakdown.total
    for part in breakdown.parts:
        share = part.value / total if total else 0.0
        if share >= _NEGLIGIBLE:
            yield _bar_line(for_terminal(part.label), _amount(part, breakdown.unit, currency), share, width)


def _hours(replicas: Breakdown, width: int) -> Iterator[str]:
    """Give the hours of a day beside the busiest one: their sum is of no use to anybody."""
    yield "Replicas by hour of the day, and as a share of the busiest hour's"
    most = max(part.value for part in replicas.parts)
    for part in replicas.parts:
        yield _bar_line(part.label, f"{part.value:.0f}", part.value / most, width)


def _bar_line(label: str, value: str, share: float, width: int, *, empty: str = "") -> str:
    room = width - _EDGE - _SHARE - 2
    filled = bar(share, room)
    rest = empty * (room - len(filled))
    return left(label, _LABEL) + right(value, _VALUE) + right(percent(share), _SHARE) + "  " + filled + rest


def bar(share: float, columns: int) -> str:
    """Give a share as a bar of that many columns.

    >>> bar(0.5, 4)
    '██'
    """
    return "█" * max(1, round(min(share, 1.0) * columns)) if share > 0 else ""


def _amount(part: Part, unit: str, currency: Currency) -> str:
    if unit == "s":
        return duration(part.value)
    return money(part.value, currency) if unit == "USD" else scaled(part.value, unit)


def _memory(estimate: Estimate, width: int) -> Iterator[str]:
    capacity = estimate.memory_capacity_bytes
    yield f"Memory of an accelerator, of {gibibytes(capacity)}"
    fullest = max(estimate.memory, key=lambda stage: stage.total_bytes)
    for stage in _chosen(estimate.memory):
        label = "all" if len(estimate.memory) == 1 else f"stage {stage.stage}"
        if stage is fullest and len(estimate.memory) > 1:
            label += ", the fullest"
        share = stage.total_bytes / capacity
        yield _bar_line(label, gibibytes(stage.total_bytes), share, width, empty="░")
        if stage is fullest:
            for part in stage.parts:
                share = part.value / capacity
                if share >= _NEGLIGIBLE:
                    yield (
                        left(f"  {part.label}", _LABEL)
                        + right(gibibytes(part.value), _VALUE)
                        + right(percent(share), _SHARE)
                    )


def _chosen(stages: Sequence[StageMemory]) -> Iterator[StageMemory]:
    """Give the first stages, the fullest and the last where there are too many to show."""
    if len(stages) <= _SHOWN_STAGES:
        yield from stages
        return
    fullest = max(stages, key=lambda stage: stage.total_bytes).stage
    wanted = sorted({0, 1, 2, fullest, len(stages) - 2, len(stages) - 1})
    yield from (stages[number] for number in wanted)


def _rests_on(estimate: Estimate, width: int) -> Iterator[str]:
    yield "What this rests on"
    if estimate.basis:
        yield from fold(for_terminal(estimate.basis), width, indent="  ")
    weak = [item for item in estimate.inputs if item.standing.is_weak]
    if not weak:
        yield f"  {len(estimate.inputs)} inputs, each read in its source or quoted by one that was read"
    else:
        counts = [
            (each, sum(item.standing is each for item in weak)) for each in (Standing.RECALLED, Standing.ESTIMATED)
        ]
        words = ", ".join(f"{count} {standing.value}" for standing, count in counts if count)
        yield f"  {len(estimate.inputs)} inputs, of which weak: {words}"
        yield from (_weak_line(item, width) for item in weak)
    for warning in estimate.warnings:
        yield from fold(for_terminal(warning), width, indent="  note: ", hanging="        ")
    yield "  ranges hold 80 % of cases; planner explain shows every part and its source"


def _weak_line(item: Input, width: int) -> str:
    value = cut(for_terminal(item.value), width - _EDGE - 2 - _STANDING - 1)
    name = left(f"    {for_terminal(item.name)}", _EDGE)
    return f"{name}  {left(value, width - _EDGE - 2 - _STANDING)}{item.standing.value}"
