"""Plots of docs/accuracy.md as SVG: predicted against measured, and errors by source and accelerator."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from planner.accuracy.row import Row
from planner.accuracy.score import by

_COLOURS = {"dense": "#2a6fbb", "experts": "#c2571a", "lora": "#3c8d40", "other": "#7a4fa3"}
_NAMES = {"dense": "dense, NVIDIA GPU", "experts": "experts", "lora": "LoRA", "other": "TPU, Trainium, Gaudi, MI300"}
_SIDE, _LEFT, _TOP = 560.0, 70.0, 34.0
_STYLE = "font-family='sans-serif' font-size='12' fill='#333'"


def scatter(rows: Sequence[Row]) -> str:
    """Give predicted over measured step time or rate, each in its own unit, as an SVG: a dot for each row."""
    known = [row for row in rows if row.predicted and row.measured > 0]
    times = [row for row in known if row.metric == "step_time_s"]
    values = [v for row in times for v in (row.measured, row.predicted or row.measured)]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    scale = _SIDE / (high - low)

    def place(value: float) -> float:
        return (math.log10(value) - low) * scale

    body = [f"<rect x='{_LEFT}' y='{_TOP}' width='{_SIDE}' height='{_SIDE}' fill='none' stroke='#999'/>"]
    for power in range(low, high + 1):
        at = (power - low) * scale
        body.append(_text(_LEFT + at, _TOP + _SIDE + 18, f"{10.0**power:g}", "middle"))
        body.append(_text(_LEFT - 6, _TOP + _SIDE - at + 4, f"{10.0**power:g}", "end"))
    for factor, dash in ((1.0, ""), (1.25, "4 4"), (0.8, "4 4")):
        shift = math.log10(factor) * scale
        x1, y1 = _LEFT + max(0.0, -shift), _TOP + _SIDE - max(0.0, shift)
        x2, y2 = _LEFT + _SIDE - max(0.0, shift), _TOP + max(0.0, -shift)
        body.append(
            f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='#888' stroke-dasharray='{dash}'/>"
        )
    for row in times:
        x, y = _LEFT + place(row.measured), _TOP + _SIDE - place(row.predicted or row.measured)
        colour = _COLOURS.get(row.slices.get("class", ""), "#555")
        body.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.2' fill='{colour}' fill-opacity='0.55'/>")
    for number, (kind, colour) in enumerate(_COLOURS.items()):
        body.append(f"<circle cx='{_LEFT + 14}' cy='{_TOP + 16 + 17 * number}' r='4' fill='{colour}'/>")
        body.append(_text(_LEFT + 24, _TOP + 20 + 17 * number, _NAMES[kind]))
    body.append(
        _text(_LEFT + _SIDE / 2, _TOP + _SIDE + 38, "measured step time [s]; dashed: 25 % slower, faster", "middle")
    )
    body.append(_text(_LEFT, _TOP - 12, "predicted step time [s], source left out"))
    return _svg(_LEFT + _SIDE + 20, _TOP + _SIDE + 52, body)


def errors(rows: Sequence[Row]) -> str:
    """Give the errors of each source and accelerator as an SVG: median, and the span from the 10th to the 90th."""
    tables = by([row for row in rows if row.predicted], lambda row: f"{row.source}, {row.accelerator}")
    height, left, width, most = 17.0, 330.0, 420.0, 0.8
    middle = left + width / 2
    body = [_text(left, 20, "faster than measured"), _text(left + width, 20, "slower", "end")]
    bottom = 32 + height * len(tables)
    for tick in (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75):
        x = middle + tick / most * width / 2
        body.append(f"<line x1='{x:.1f}' y1='28' x2='{x:.1f}' y2='{bottom:.1f}' stroke='#ddd'/>")
        body.append(_text(x, bottom + 14, f"{100 * tick:+.0f} %" if tick else "0", "middle"))
    for number, (name, mine) in enumerate(tables.items()):
        y = 40 + height * number
        signed = [-row.error if row.metric != "step_time_s" else row.error for row in mine]
        low, mid, high = (
            middle + max(-most, min(most, float(v))) / most * width / 2 for v in np.percentile(signed, (10, 50, 90))
        )
        colour = _COLOURS.get(mine[0].slices.get("class", ""), "#555")
        body.append(_text(left - 8, y + 4, f"{name} ({len(mine)})", "end"))
        body.append(f"<line x1='{low:.1f}' y1='{y}' x2='{high:.1f}' y2='{y}' stroke='{colour}' stroke-width='3'/>")
        body.append(f"<circle cx='{mid:.1f}' cy='{y}' r='4.5' fill='{colour}'/>")
    return _svg(left + width + 30, bottom + 24, body)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'>{escape(text)}</text>"


def _svg(width: float, height: float, body: Iterable[str]) -> str:
    size = f"width='{width:.0f}' height='{height:.0f}' viewBox='0 0 {width:.0f} {height:.0f}'"
    background = "<rect width='100%' height='100%' fill='white'/>"
    head = f"<svg xmlns='http://www.w3.org/2000/svg' {size} {_STYLE}>"
    return "\n".join([head, background, *body, "</svg>"]) + "\n"
