"""An explanation as text: trees of parts, what moves them, and every input with its source."""

from __future__ import annotations

from collections.abc import Iterator

from planner.planning.estimate import Currency
from planner.planning.explain import Branch, Effect, Explanation, SourcedInput
from planner.report.columns import fold, left, right
from planner.report.escape import for_terminal
from planner.report.misfit import misfit
from planner.report.numbers import money, percent, shown, shown_range
from planner.units.printing import duration, gibibytes, scaled

_LABEL = 46
_VALUE = 14
_NEGLIGIBLE = 5e-4
_ASCII = {ord("├"): "|", ord("└"): "`", ord("│"): "|", ord("─"): "-", ord("–"): "-", ord("…"): "~", ord("×"): "x"}


def render(found: Explanation, currency: Currency, *, width: int, ascii_only: bool = False) -> str:
    """Give an explanation as plain text of a width of at least 80 [columns]."""
    lines = [line.rstrip() for line in _lines(found, currency, width)]
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _lines(found: Explanation, currency: Currency, width: int) -> Iterator[str]:
    yield from fold(for_terminal(found.title), width)
    yield from _results(found, currency, width)
    if found.basis:
        yield ""
        yield from fold(for_terminal(found.basis), width)
    for warning in found.warnings:
        yield from fold(for_terminal(warning), width, indent="note: ", hanging="      ")
    yield ""
    yield "Inputs: value, how it is known, source"
    for item in found.inputs:
        yield from _input(item, width)


def _results(found: Explanation, currency: Currency, width: int) -> Iterator[str]:
    if found.why_not:
        yield from fold(for_terminal(misfit(found.why_not)), width, hanging="  ")
    for tree in found.trees:
        yield ""
        yield from _tree(tree, currency, width)
        effects = found.effects.get(tree.metric, ())
        if effects:
            yield "  moved by what is uncertain, each alone from end to end of its 80 % range:"
            yield from (_effect(effect) for effect in effects)
    for part in found.parts:
        yield ""
        yield from fold(f"{for_terminal(part.name)}: {for_terminal(part.title)}", width)
        yield from _results(part, currency, width)


def _tree(tree: Branch, currency: Currency, width: int) -> Iterator[str]:
    yield left(tree.metric, _LABEL) + right(_value(tree, currency), _VALUE) + "  " + _range(tree, currency)
    yield from fold(tree.label, width, indent="  ")
    yield from _below(tree, currency, "  ")


def _below(tree: Branch, currency: Currency, indent: str) -> Iterator[str]:
    branches = [branch for branch in tree.branches if branch.share is None or branch.share >= _NEGLIGIBLE]
    for number, branch in enumerate(branches):
        last = number == len(branches) - 1
        sign = "× " if tree.how == "product" and number else ""
        name = f"{indent}{'└' if last else '├'} {sign}{for_terminal(branch.metric or branch.label)}"
        share = percent(branch.share) if branch.share is not None else ""
        yield left(name, _LABEL) + right(_value(branch, currency), _VALUE) + right(share, 9)
        yield from _below(branch, currency, indent + ("  " if last else "│ "))


def _value(branch: Branch, currency: Currency) -> str:
    if branch.metric:
        return shown(branch.metric, branch.value, currency)
    if branch.value is None:
        return "unknown"
    if branch.unit == "s":
        return duration(branch.value)
    if branch.unit == "B":
        return gibibytes(branch.value)
    return money(branch.value, currency) if branch.unit == "USD" else scaled(branch.value, branch.unit)


def _range(branch: Branch, currency: Currency) -> str:
    if branch.value is None:
        return "an input is unknown"
    if branch.low == branch.high:
        return ""
    return shown_range(branch.metric, branch.low, branch.high, currency)


def _effect(effect: Effect) -> str:
    return (
        "    " + left(effect.input, _LABEL - 4) + right(f"{_change(effect.low)} to {_change(effect.high)}", _VALUE + 9)
    )


def _change(ratio: float) -> str:
    if ratio == float("inf"):
        return "no end"
    return f"{(ratio - 1.0) * 100:+.1f} %"


def _input(item: SourcedInput, width: int) -> Iterator[str]:
    known = item.input
    yield from fold(
        f"{for_terminal(known.name)}: {for_terminal(known.value)} ({known.standing.value})",
        width,
        indent="  ",
        hanging="    ",
    )
    said = ", ".join(for_terminal(text) for text in (item.title, item.date) if text) or "no source"
    yield from fold(said, width, indent="      ")
    if item.url:
        yield "      " + for_terminal(item.url)  # whole, so that a terminal can open it
