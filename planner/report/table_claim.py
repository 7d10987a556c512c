"""A claim in a table: what was said, what we get, whether that is within its bounds."""

from __future__ import annotations

from collections.abc import Iterator

from planner.planning.estimate import Currency, Judgement, Verdict
from planner.report.columns import fold, left, right
from planner.report.escape import for_terminal
from planner.report.numbers import shown, shown_range
from planner.units.printing import significant

_LABEL = 32
_VALUE = 14


def claim_lines(judgement: Judgement, currency: Currency, width: int) -> Iterator[str]:
    """Give the lines of a claim and its verdicts, in a width [columns]."""
    yield "The claim " + ("holds" if judgement.holds else "does not hold")
    yield from fold(for_terminal(judgement.says), width, indent="  says  ", hanging="        ")
    yield from fold(for_terminal(judgement.source), width, indent="  in    ", hanging="        ")
    yield from fold(for_terminal(judgement.note), width, indent="  note  ", hanging="        ")
    for verdict in judgement.verdicts:
        yield from _verdict(verdict, currency, width)


def _verdict(verdict: Verdict, currency: Currency, width: int) -> Iterator[str]:
    held = "holds" if verdict.holds else "FAILS"
    if not verdict.metric:
        yield from fold(f"{held}: {for_terminal(verdict.of) or 'it'} does not fit", width, indent="  ", hanging="    ")
        return
    name = f"{for_terminal(verdict.of)}: {verdict.metric}" if verdict.of else verdict.metric
    if verdict.over:
        name += f", over that of {for_terminal(verdict.over)}"
    yield from fold(name, width, indent="  ", hanging="    ")
    value = "unknown" if verdict.value is None else _shown(verdict, verdict.value, currency)
    yield left("", _LABEL) + right(value, _VALUE) + f"  {held}: {_bounds(verdict, currency)}"


def _bounds(verdict: Verdict, currency: Currency) -> str:
    if verdict.low is not None and verdict.high is not None:
        if verdict.over:
            return f"{significant(verdict.low, 3)} – {significant(verdict.high, 3)}"
        return shown_range(verdict.metric, verdict.low, verdict.high, currency)
    if verdict.low is not None:
        return f"at least {_shown(verdict, verdict.low, currency)}"
    return f"at most {_shown(verdict, verdict.high or 0.0, currency)}"


def _shown(verdict: Verdict, value: float, currency: Currency) -> str:
    return significant(value, 3) if verdict.over else shown(verdict.metric, value, currency)
