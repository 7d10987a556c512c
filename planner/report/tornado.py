"""What moves an answer, as a tornado: bars around the middle, for a terminal and as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from planner.planning.sensitivity import ChoiceEffect, Sensitivity
from planner.record import record
from planner.report.columns import fold, left, right
from planner.report.escape import for_html, for_terminal
from planner.report.numbers import shown, shown_range

NARROWEST = 80
_LABEL, _VALUE = 30, 10
_ASCII = {ord("█"): "#", ord("│"): "|", ord("–"): "-", ord("→"): ">", ord("…"): "~", ord("∞"): "i"}
_WIDEST_RATIO = 64.0  # a bar goes no further from the middle than to this multiple, or part, of it
_NEGLIGIBLE = 1e-4


@record
class Bar:
    """One bar: what moves the result, and the two values between which it does."""

    label: str
    low: float
    high: float


def bars_of_inputs(found: Sensitivity) -> list[Bar]:
    """Give the uncertain inputs as bars, those that do next to nothing left out."""
    return [
        Bar(effect.name, min(effect.at_low, effect.at_high), max(effect.at_low, effect.at_high))
        for effect in found.inputs
        if effect.swing > 1.0 + _NEGLIGIBLE
    ]


def bars_of_choices(found: Sensitivity) -> list[Bar]:
    """Give the choices that do something as bars from the middle to what they would make of it."""
    return [
        Bar(_words(choice), min(choice.value, found.value), max(choice.value, found.value))
        for choice in found.choices
        if choice.value is not None and not _idle(choice, found)
    ]


def _idle(choice: ChoiceEffect, found: Sensitivity) -> bool:
    """Whether a choice does next to nothing."""
    return choice.value is not None and abs(choice.value - found.value) <= _NEGLIGIBLE * abs(found.value)


def _words(choice: ChoiceEffect) -> str:
    whole = f"{choice.name} {choice.before} → {choice.after}"
    return whole if len(whole) <= _LABEL else f"{choice.name} → {choice.after}"


def render(found: Sensitivity, *, width: int = NARROWEST, ascii_only: bool = False) -> str:
    """Give what moves a result as plain text of a width of at least 80 [columns]."""
    lines = [line.rstrip() for line in _lines(found, max(width, NARROWEST))]
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _lines(found: Sensitivity, width: int) -> Iterator[str]:
    yield from fold(for_terminal(found.title), width)
    value = shown(found.metric, found.value, found.currency)
    ends = shown_range(found.metric, found.low, found.high, found.currency)
    yield f"{found.metric}: {value}, 80 % of cases {ends}"
    inputs, choices = bars_of_inputs(found), bars_of_choices(found)
    scale = _Scale.of(found.value, [*inputs, *choices])
    yield ""
    yield "What is not known exactly, each by itself over its 80 % range"
    yield from _bars(inputs, found, scale, width)
    if found.choices:
        yield ""
        yield "What could be chosen otherwise, each by itself"
        yield from _bars(choices, found, scale, width, one_end=True)
        yield from _without(found, width)
        if any(choice.after.endswith("(auto)") for choice in found.choices):
            yield "  (auto): with degrees chosen anew, since those of the scenario no longer do"


@record
class _Scale:
    """Logarithmic places of values: 0 at the left end, 1 at the right."""

    least: float
    most: float

    @staticmethod
    def of(middle: float, bars: list[Bar]) -> _Scale:
        near = middle / _WIDEST_RATIO, middle * _WIDEST_RATIO
        ends = [middle, *(min(max(end, near[0]), near[1]) for bar in bars for end in (bar.low, bar.high))]
        least, most = min(ends), max(ends)
        if least == most:
            least, most = middle / 2.0, middle * 2.0
        return _Scale(math.log(least), math.log(most))

    def place(self, value: float) -> float:
        if value <= 0:
            return 0.0
        if math.isinf(value):
            return 1.0
        return min(max((math.log(value) - self.least) / (self.most - self.least), 0.0), 1.0)


def _bars(bars: list[Bar], found: Sensitivity, scale: _Scale, width: int, *, one_end: bool = False) -> Iterator[str]:
    if not bars:
        yield "  nothing"
        return
    room = width - _LABEL - 2 * _VALUE - 1
    at = round(scale.place(found.value) * (room - 1))
    for bar in bars:
        first, last = (round(scale.place(end) * (room - 1)) for end in (bar.low, bar.high))
        cells = ["█" if first <= n <= last else " " for n in range(room)]
        cells[at] = "│"
        ends = [bar.high if bar.low == found.value else bar.low] if one_end else [bar.low, bar.high]
        numbers = right("".join(right(_shown(found, end), _VALUE) for end in ends), 2 * _VALUE)
        yield left(for_terminal(bar.label), _LABEL) + " " + "".join(cells) + numbers


def _shown(found: Sensitivity, value: float) -> str:
    return shown(found.metric, value, found.currency) if math.isfinite(value) else "∞"


def _without(found: Sensitivity, width: int) -> Iterator[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    for choice in found.choices:
        if choice.value is None or _idle(choice, found):
            reason = choice.why_not or "changes it by next to nothing"
            groups.setdefault((f"{choice.name} {choice.before}", reason), []).append(choice.after)
    for (before, reason), after in groups.items():
        text = f"{before} → {' or '.join(after)}: {reason}"
        yield from fold(for_terminal(text), width, indent="  ", hanging="    ")


_BAR_HEIGHT, _GAP, _MARGIN, _TEXT, _PLOT, _NUMBERS = 18, 8, 16, 280, 420, 200
_COLOURS = {"inputs": "#4c78a8", "choices": "#f58518"}


def render_svg(found: Sensitivity) -> str:
    """Give what moves a result as an SVG picture of its own, without scripts or links."""
    groups = {"inputs": bars_of_inputs(found), "choices": bars_of_choices(found)}
    scale = _Scale.of(found.value, [bar for bars in groups.values() for bar in bars])
    titles = {"inputs": "not known exactly", "choices": "could be chosen otherwise"}
    body: list[str] = []
    top = 64
    for key, bars in groups.items():
        if not bars:
            continue
        body.append(_svg_text(_MARGIN, top + 12, titles[key], weight="bold"))
        top += 22
        for bar in bars:
            body += _svg_bar(bar, found, scale, top, _COLOURS[key])
            top += _BAR_HEIGHT + _GAP
        top += _GAP
    middle = _MARGIN + _TEXT + scale.place(found.value) * _PLOT
    body.append(f'<line x1="{middle:.1f}" y1="56" x2="{middle:.1f}" y2="{top}" stroke="#333"/>')
    wide = 2 * _MARGIN + _TEXT + _PLOT + _NUMBERS
    value = shown(found.metric, found.value, found.currency)
    ends = shown_range(found.metric, found.low, found.high, found.currency)
    head = [
        _svg_text(_MARGIN, 26, found.title, weight="bold", size=16),
        _svg_text(_MARGIN, 46, f"{found.metric}: {value}, 80 % of cases {ends}"),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{top + _MARGIN}" '
            f'viewBox="0 0 {wide} {top + _MARGIN}" font-family="sans-serif" role="img">',
            f"<title>{_safe(found.title)}</title>",
            f'<rect width="{wide}" height="{top + _MARGIN}" fill="#fff"/>',
            *head,
            *body,
            "</svg>\n",
        ]
    )


def _svg_bar(bar: Bar, found: Sensitivity, scale: _Scale, top: int, colour: str) -> list[str]:
    left_end, right_end = (_MARGIN + _TEXT + scale.place(end) * _PLOT for end in (bar.low, bar.high))
    ends = [bar.low, bar.high] if found.value not in (bar.low, bar.high) else [bar.low]
    if bar.low == found.value:
        ends = [bar.high]
    numbers = " – ".join(_shown(found, end) for end in ends)
    return [
        _svg_text(_MARGIN, top + 13, bar.label),
        f'<rect x="{left_end:.1f}" y="{top}" width="{max(right_end - left_end, 1.0):.1f}" '
        f'height="{_BAR_HEIGHT}" fill="{colour}"/>',
        _svg_text(_MARGIN + _TEXT + _PLOT + 12, top + 13, numbers),
    ]


def _svg_text(x: int, y: int, text: str, *, weight: str = "normal", size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="#222">{_safe(text)}</text>'


def _safe(text: str) -> str:
    return escape(for_html(text))
