"""The roofline of a run as SVG, and as a page of its own with the table."""

from __future__ import annotations

import math
from html import escape

from planner.bench.document import BenchRun
from planner.report.bench_table import points_of, render, roofs_of

_WIDE, _HIGH, _EDGE = 640.0, 400.0, 60.0
_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2", "#9c6b4e", "#97bbf5")


def svg(run: BenchRun) -> str:
    """Give the roofline: operations per byte to the right, rate upwards, the two measured roofs above."""
    points, roofs = points_of(run.rows), roofs_of(run)
    if not points or not roofs.flops_per_s or not roofs.bytes_per_s:
        words = _text(10, 24, "no roofline: a product and a stream from memory are needed")
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE:.0f}" height="40">{words}</svg>\n'
    left, right = min(x for x, _, _ in points) / 2, max(x for x, _, _ in points) * 2
    low, high = min(y for _, y, _ in points) / 2, roofs.flops_per_s * 2

    def x_of(value: float) -> float:
        return _EDGE + math.log(value / left) / math.log(right / left) * (_WIDE - 2 * _EDGE)

    def y_of(value: float) -> float:
        return _HIGH - _EDGE - math.log(value / low) / math.log(high / low) * (_HIGH - 2 * _EDGE)

    ridge = roofs.flops_per_s / roofs.bytes_per_s
    corners = [(left, max(low, left * roofs.bytes_per_s)), (ridge, roofs.flops_per_s), (right, roofs.flops_per_s)]
    line = " ".join(f"{x_of(min(max(x, left), right)):.1f},{y_of(y):.1f}" for x, y in corners)
    families = sorted({family for _, _, family in points})
    parts = [f'<polyline points="{line}" fill="none" stroke="#333" stroke-width="2"/>']
    parts += [
        f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="4" fill="{_COLOURS[families.index(f) % len(_COLOURS)]}">'
        f"<title>{escape(f)}: {y / 1e9:,.1f} GFLOP/s at {x:.2g} FLOP/B</title></circle>"
        for x, y, f in points
    ]
    for number, family in enumerate(families):
        colour = _COLOURS[number % len(_COLOURS)]
        parts.append(f'<circle cx="{_WIDE - 120}" cy="{_HIGH - 80 - 16 * number}" r="4" fill="{colour}"/>')
        parts.append(_text(_WIDE - 110, _HIGH - 76 - 16 * number, family))
    for decade in range(math.ceil(math.log10(left)), math.floor(math.log10(right)) + 1):
        parts.append(_text(x_of(10.0**decade), _HIGH - _EDGE + 18, f"{10.0**decade:g}"))
    for decade in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1):
        parts.append(_text(8, y_of(10.0**decade), f"{10.0**decade / 1e9:g}"))
    parts.append(_text(_EDGE, _HIGH - 16, "FLOP per byte"))
    parts.append(_text(8, 18, "GFLOP/s"))
    parts.append(
        _text(_EDGE + 20, 36, f"{run.fingerprint.device}, {run.backend}, {run.fingerprint.threads} threads, {run.date}")
    )
    parts.append(f'<path d="M{_EDGE},{_EDGE} V{_HIGH - _EDGE} H{_WIDE - _EDGE}" fill="none" stroke="#999"/>')
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE:.0f}" height="{_HIGH:.0f}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def html(run: BenchRun) -> str:
    """Give the picture with the table, as one page that needs nothing else."""
    title = f"Benchmark of {run.fingerprint.device}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><h1>{escape(title)}</h1>\n{svg(run)}<pre>{escape(render(run))}</pre></body></html>\n"
    )


def _text(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="#333">{escape(words)}</text>'
