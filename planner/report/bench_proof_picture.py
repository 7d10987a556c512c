"""Whole models, measured and predicted, as SVG: on the diagonal both agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from planner.bench.end_to_end import Whole
from planner.bench.fit import Fitted

_SIDE, _EDGE = 460.0, 60.0
_COLOURS = {"training": "#4269d0", "prefill": "#ff725c", "decode": "#3ca951"}
_BAND = 1.2  # the two thin lines: 20 % to either side


def svg(wholes: Sequence[Whole], fit: Fitted) -> str:
    """Give measured seconds to the right and predicted ones upwards, both in decades."""
    points = [(whole, whole.spread.median, whole.predicted_s(fit.host, fit.guess)) for whole in wholes]
    low = min(min(x, y) for _, x, y in points) / 1.5
    high = max(max(x, y) for _, x, y in points) * 1.5

    def along(value: float) -> float:
        share = math.log(min(max(value, low), high) / low) / math.log(high / low)
        return _EDGE + share * (_SIDE - 2 * _EDGE)

    parts = [
        f'<line x1="{along(low):.1f}" y1="{_SIDE - along(low * f):.1f}" x2="{along(high):.1f}" '
        f'y2="{_SIDE - along(high * f):.1f}" stroke="#999" stroke-width="{width}"/>'
        for f, width in ((1.0, 1.5), (_BAND, 0.5), (1 / _BAND, 0.5))
    ]
    parts += [
        f'<circle cx="{along(x):.1f}" cy="{_SIDE - along(y):.1f}" r="4" fill="{_COLOURS[whole.phase]}">'
        f"<title>{escape(whole.shape.name)} {whole.phase} {whole.sequences} x {whole.length}: {x:.3g} s, "
        f"{y:.3g} s predicted</title></circle>"
        for whole, x, y in points
    ]
    for decade in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1):
        at = along(10.0**decade)
        parts += [
            _text(at - 10, _SIDE - _EDGE + 18, f"{10.0**decade:g} s"),
            _text(6, _SIDE - at, f"{10.0**decade:g} s"),
        ]
    for number, (phase, colour) in enumerate(_COLOURS.items()):
        parts.append(f'<circle cx="{_EDGE + 14}" cy="{_EDGE + 10 + 16 * number}" r="4" fill="{colour}"/>')
        parts.append(_text(_EDGE + 24, _EDGE + 14 + 16 * number, phase))
    parts.append(_text(_EDGE, _SIDE - 14, "measured; upwards: predicted from kernels; thin lines 20 % off"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIDE:.0f}" height="{_SIDE:.0f}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="#333">{escape(words)}</text>'
