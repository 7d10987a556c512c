"""The charts of a page as SVG: a file for each, or one in which they stand under each other."""

from __future__ import annotations

import re

from planner.report.page import charts
from planner.report.page.parts import Figure, Page

_GAP = 12
_SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"')


def apart(page: Page) -> dict[str, str]:
    """Give the charts by file name."""
    return {f"{figure.key}.svg": drawn for figure, drawn in _drawn(page)}


def together(page: Page) -> str:
    """Give all charts in one image; those that clip share no names, so that each keeps its own shape."""
    pieces: list[str] = []
    width = height = 0.0
    for number, (_, drawn) in enumerate(_drawn(page)):
        found = _SIZE.search(drawn)
        if found is None:
            raise AssertionError("a chart says how large it is")
        inner = re.sub(r'(id="|url\(#)', rf"\g<1>chart{number}-", drawn.strip())
        pieces.append(inner.replace("<svg ", f'<svg y="{height:g}" ', 1))
        width, height = max(width, float(found.group(1))), height + float(found.group(2)) + _GAP
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return "\n".join((f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', *pieces, "</svg>")) + "\n"


def _drawn(page: Page) -> list[tuple[Figure, str]]:
    keys = [key for key, _ in page.choices]
    return [(figure, charts.as_svg(figure, keys)) for figure in page.figures]
