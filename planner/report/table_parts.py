"""The nodes of a place, and the parts of a composite, in a table: one line for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planner.planning.estimate import Currency, Estimate
from planner.record import record
from planner.report.columns import fold, left, table
from planner.report.escape import for_terminal
from planner.report.numbers import shown

_WITH_RANGE = ("nodes_that_fit",)
_FIRST = 20
_EACH = 15


@record
class _Block:
    """Columns of a table of parts: a title, and headers with the results under them.

    `told_elsewhere` are results that alone put no part into the table.
    """

    title: str
    columns: tuple[tuple[str, str], ...]
    told_elsewhere: tuple[str, ...] = ()

    def parts_of(self, children: Mapping[str, Estimate]) -> dict[str, Estimate]:
        """Give the parts that the table is about."""
        own = [metric for _, metric in self.columns if metric not in self.told_elsewhere]
        return {name: child for name, child in children.items() if any(metric in child.results for metric in own)}


_PLACE = (
    _Block(
        "What fits, and what it draws",
        (
            ("nodes", "nodes_that_fit"),
            ("rated, each", "node_rated_power_kw"),
            ("typical, each", "node_power_kw"),
            ("from the grid", "facility_rated_power_kw"),
        ),
    ),
    _Block(
        "What it costs",
        (
            ("capital", "capital_usd"),
            ("in all", "cost_per_month_usd"),
            ("electricity", "electricity_per_month_usd"),
        ),
    ),
    _Block(
        "What it can do",
        (
            ("accelerators", "accelerators"),
            ("16-bit", "peak_16bit_flops_per_s"),
            ("8-bit", "peak_8bit_flops_per_s"),
            ("memory", "device_memory_gb"),
        ),
    ),
    _Block(
        "What it holds",
        (
            ("copies", "replicas"),
            ("sequences", "max_batch"),
            ("longest", "max_context_tokens"),
            ("left per part", "memory_headroom_gb"),
        ),
    ),
)
_PARTS = (
    _Block(
        "What the services do",
        (
            ("first token", "ttft_ms"),
            ("each token", "tpot_ms"),
            ("requests", "requests_per_s"),
            ("tokens out", "output_tokens_per_s"),
        ),
    ),
    _Block(
        "What the services cost",
        (
            ("replicas", "replicas"),
            ("a month", "cost_per_month_usd"),
            ("a request", "cost_per_request_usd"),
            ("M tokens out", "cost_per_million_output_tokens_usd"),
        ),
        told_elsewhere=("cost_per_month_usd",),  # of training runs too, whose cost stands with their duration
    ),
    _Block(
        "What the parts take",
        (
            ("duration", "days"),
            ("accelerator-h", "accelerator_hours"),
            ("cost", "cost_total_usd"),
            ("carbon", "carbon_kg"),
        ),
    ),
    _Block(
        "What they are",
        (
            ("parameters", "parameters"),
            ("memory, each", "peak_memory_gb"),
            ("step", "step_time_s"),
            ("MFU", "mfu"),
        ),
    ),
)


def part_lines(estimate: Estimate, width: int) -> Iterator[str]:
    """Give the lines of an estimate's parts, in a width [columns]; of parts of parts below them."""
    if not estimate.children:
        return
    fitting = {name: child for name, child in estimate.children.items() if not child.why_not}
    if estimate.kind == "capacity":
        yield from _blocks(_PLACE, _strongest_first(fitting), estimate.currency, width)
        yield from _binding(fitting, width)
    else:
        plain = {name: child for name, child in fitting.items() if child.results}
        yield from _blocks(_PARTS, plain, estimate.currency, width)
    refused = {name: child for name, child in estimate.children.items() if child.why_not}
    if refused:
        yield ""
        yield "What does not fit"
        for name, child in refused.items():
            yield from _explained(name, child.why_not, width)
    for name, child in fitting.items():
        if child.children:
            yield ""
            yield from fold(f"{for_terminal(name)}: {for_terminal(child.title)}", width)
            yield from part_lines(child, width)


def _strongest_first(children: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """Give the nodes of a place in the order of what they can do, then of their names."""
    order = sorted(children, key=lambda name: (-(children[name].value("peak_16bit_flops_per_s") or 0.0), name))
    return {name: children[name] for name in order}


def _blocks(
    blocks: Sequence[_Block], children: Mapping[str, Estimate], currency: Currency, width: int
) -> Iterator[str]:
    for block in blocks:
        metrics = [metric for _, metric in block.columns]
        shown_parts = block.parts_of(children)
        if not shown_parts:
            continue
        rows = [
            [for_terminal(name), *(_cell(child, metric, currency) for metric in metrics)]
            for name, child in shown_parts.items()
        ]
        yield ""
        yield block.title
        yield from table(["", *(header for header, _ in block.columns)], rows, first=width - 4 * _EACH, each=_EACH)


def _cell(child: Estimate, metric: str, currency: Currency) -> str:
    result = child.results.get(metric)
    if result is None:
        return "-"
    cell = shown(metric, result.mid, currency)
    if metric in _WITH_RANGE and result.low is not None and result.low != result.high:
        cell += f" ({result.low:,.0f} – {'' if result.high is None else f'{result.high:,.0f}'})"
    return cell


def _binding(children: Mapping[str, Estimate], width: int) -> Iterator[str]:
    """Say which limit of the place binds for which nodes."""
    by_limit: dict[str, list[str]] = {}
    for name, child in children.items():
        by_limit.setdefault(dict(child.plan).get("binds", ""), []).append(name)
    if by_limit:
        yield ""
        yield "What binds"
    for limit, names in by_limit.items():
        yield from _explained(limit, ", ".join(names), width)


def _explained(name: str, text: str, width: int) -> Iterator[str]:
    indent = left(f"  {for_terminal(name)}", _FIRST + 2) + " "
    yield from fold(for_terminal(text), width, indent=indent, hanging=" " * (_FIRST + 3))
