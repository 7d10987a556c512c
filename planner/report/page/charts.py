"""Figures as charts: one Vega-Lite specification each, drawn by Altair, for the page and for SVG files.

Altair and vl-convert are an extra; they are imported when a chart is drawn. Colours are Okabe's and Ito's,
which people with any colour vision tell apart.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from planner.errors import MissingExtraError
from planner.report.escape import for_html
from planner.report.page.parts import Figure

Spec = dict[str, Any]

_BLUE, _ORANGE, _GREY, _INK = "#0072B2", "#D55E00", "#8a93a0", "#2b333d"
_COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7A5195", "#8a93a0", "#B8A100"]
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
_BAR_STEP, _STACK_STEP, _ROW_STEP = 30, 34, 32
_PLOT_HEIGHT = 280
_NAME, _NAME_LINES = 24, 2  # letters and lines of a bar's name: what a telephone's width leaves room for
_EDGE = 26  # room for half of the last tick's number, "+1,000%" say [px]
_SVG_WIDTH = 720
_ROOM, _FAR, _LOG_FROM = 0.08, 0.5, 50.0
_CONFIG: Spec = {
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "range": {"category": _COLOURS},
    "axis": {
        "labelColor": _INK,
        "titleColor": "#55606e",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": "#e6e9ee",
        "domainColor": "#c3c9d2",
        "tickColor": "#c3c9d2",
        "labelLimit": 170,
        "labelPadding": 6,
        "titlePadding": 8,
    },
    "legend": {
        "orient": "bottom",
        "title": None,
        "labelFontSize": 12,
        "labelColor": _INK,
        "symbolType": "square",
        "symbolOpacity": 1,
        "columns": 3,
        "labelLimit": 170,
    },
    "header": {"labelFontSize": 12, "labelColor": _INK},
}


def is_installed() -> bool:
    """Whether charts can be drawn here."""
    return all(importlib.util.find_spec(name) is not None for name in ("altair", "vl_convert"))


def drawn(figure: Figure, choices: Sequence[str], *, width: int | str = "container") -> Spec:
    """Give a figure's Vega-Lite specification.

    Parameters
    ----------
    figure : what is drawn.
    choices : keys of the page's filter; the chart then has a parameter `shown` that lists those shown.
    width : in pixels, or "container" to fill what the chart stands in.

    Raises
    ------
    MissingExtraError : Altair is not installed.
    """
    alt = _library("altair")
    chart = _DRAW[figure.kind](alt, figure, _data(alt, figure))
    if figure.choices:
        shown = alt.param(name="shown", value=list(choices))
        chart = chart.add_params(shown)
    spec: Spec = chart.properties(width=width).to_dict(validate=False)
    # On a page the legend stands above the chart, where it has room on any screen.
    legends = {"disable": True} if width == "container" else _CONFIG["legend"]
    spec["config"] = {**_CONFIG, "legend": legends}
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    spec["padding"] = {"left": 4, "top": 4, "bottom": 4, "right": _EDGE}
    return spec


def legend(figure: Figure) -> list[tuple[str, str]]:
    """Give what the colours of a figure mean; empty where there is one colour, or its text says it."""
    if figure.kind == "points":
        there = {row["standing"] for row in figure.rows}
        return [each for each in zip(_standings(figure), (_BLUE, _GREY), strict=True) if each[0] in there]
    parts = list((figure.more or {}).get("parts", ()))
    if figure.kind == "lines":
        parts = list(dict.fromkeys(row["label"] for row in figure.rows))
    return list(zip(parts, _palette(len(parts)), strict=True)) if len(parts) > 1 else []


def _standings(figure: Figure) -> tuple[str, str]:
    """Give what points on a front, and those beside it, are called."""
    front, beside = (figure.more or {}).get("standings", ("on the front", "beaten in both"))
    return front, beside


def version() -> str:
    """Give the version of what bundles the script that draws charts."""
    return importlib.metadata.version("vl-convert-python")


def runtime() -> str:
    """Give Vega, Vega-Lite and Vega-Embed as one script that needs nothing else."""
    text: str = _library("vl_convert").javascript_bundle()
    return text


def as_svg(figure: Figure, choices: Sequence[str]) -> str:
    """Give a figure as an SVG file's text, with its title."""
    spec = drawn(figure, choices, width=_SVG_WIDTH)
    spec["title"] = {"text": for_html(figure.title), "anchor": "start", "fontSize": 16, "offset": 14}
    spec["background"] = "white"
    spec["padding"] = 16
    text: str = _library("vl_convert").vegalite_to_svg(spec)
    return text + "\n"


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError(extra="report", purpose="drawing charts") from None


def _data(alt: Any, figure: Figure) -> Any:
    """Give the rows as inline data, hidden characters shown, filtered by what the page shows."""
    rows = [{key: for_html(v) if isinstance(v, str) else v for key, v in row.items()} for row in figure.rows]
    for row in rows:
        row["lines"] = "\n".join(wrap(str(row.get("label", "")), _NAME, max_lines=_NAME_LINES, placeholder="…"))
    base = alt.Chart(alt.Data(values=rows))
    return base.transform_filter("indexof(shown, datum.choice) >= 0") if figure.choices else base


def _names(alt: Any) -> Any:
    """Give the axis on which each bar has its name, a long one on two lines."""
    lines = "split(datum.label, '\\n')"
    # The first of two lines stands on the middle of its bar, and one line alone beside it.
    two = {"test": "indexof(datum.label, '\\n') >= 0", "value": "bottom"}
    baseline = {"condition": two, "value": "middle"}
    axis = alt.Axis(ticks=False, domain=False, labelExpr=lines, labelLineHeight=13, labelBaseline=baseline)
    return alt.Y("lines:N", sort=None, title=None, axis=axis)


def _bars(alt: Any, figure: Figure, base: Any) -> Any:
    most = max((row["value"] for row in figure.rows), default=1.0)
    y = _names(alt)
    x = alt.X("value:Q", title=figure.x, scale=alt.Scale(domain=[0, most], nice=False), axis=alt.Axis(tickCount=4))
    tooltip = [alt.Tooltip("label:N", title=" "), alt.Tooltip("text:N", title="value"), alt.Tooltip("share:N")]
    encoded = base.encode(y=y, x=x, tooltip=tooltip)
    bars = encoded.mark_bar(color=_BLUE, cornerRadiusEnd=2, height={"band": 0.7})
    labels = encoded.mark_text(align="left", dx=5, color=_INK, fontSize=12).encode(text="share:N")
    return (bars + labels).properties(height=_height(figure, _BAR_STEP))


def _stacked(alt: Any, figure: Figure, base: Any) -> Any:
    more = figure.more or {}
    parts = list(more["parts"])
    y = _names(alt)
    x = alt.X("value:Q", title=figure.x, stack="zero", axis=alt.Axis(tickCount=5))
    colour = alt.Color("part:N", sort=parts, scale=alt.Scale(domain=parts, range=_palette(len(parts))))
    tooltip = [alt.Tooltip("label:N", title=" "), alt.Tooltip("part:N"), alt.Tooltip("text:N", title="value")]
    order = alt.Order("order:Q")
    chart = base.mark_bar(height={"band": 0.66}).encode(y=y, x=x, color=colour, order=order, tooltip=tooltip)
    layers = [chart]
    for limit in more.get("limits", ()):
        data = alt.Data(values=[{"value": limit["value"], "text": limit["text"]}])
        rule = alt.Chart(data).mark_rule(color=_ORANGE, strokeDash=[5, 3], size=2)
        layers.append(rule.encode(x="value:Q", tooltip=[alt.Tooltip("text:N", title="limit")]))
    own = [row for row in figure.rows if "limit" in row]
    if own:
        tick = base.transform_filter("isValid(datum.limit)").mark_tick(color=_ORANGE, thickness=3, size=26)
        layers.append(tick.encode(y=y, x="limit:Q", tooltip=[alt.Tooltip("limit_text:N", title="capacity")]))
    return alt.layer(*layers).properties(height=_height(figure, _STACK_STEP))


def _height(figure: Figure, step: int) -> int:
    """Give the height of a chart of one row for each label [px]."""
    return step * max(len({row["label"] for row in figure.rows}), 1)


def _palette(count: int) -> list[str]:
    return [_COLOURS[n % len(_COLOURS)] for n in range(count)]


def _tornado(alt: Any, figure: Figure, base: Any) -> Any:
    y = _names(alt)
    axis = alt.Axis(format="+.0%", tickCount=6)
    tooltip = [alt.Tooltip("label:N", title="input"), alt.Tooltip("text:N", title="result")]
    bars = [
        base.mark_bar(color=colour, height={"band": 0.66}).encode(
            y=y, x=alt.X(f"{end}:Q", title=figure.x, axis=axis), x2=alt.datum(0), tooltip=tooltip
        )
        for end, colour in (("low", "#56B4E9"), ("high", _BLUE))
    ]
    zero = alt.Chart(alt.Data(values=[{}])).mark_rule(color=_INK).encode(x=alt.datum(0))
    return alt.layer(*bars, zero).properties(height=_height(figure, _BAR_STEP))


def _ranges(alt: Any, figure: Figure, base: Any) -> Any:
    more = figure.more or {}
    y = _names(alt)
    scale = alt.Scale(type="log" if more.get("log") else "linear", zero=bool(more.get("zero")), nice=False, padding=12)
    axis = alt.Axis(tickCount=5, **({"format": more["format"]} if "format" in more else {}))
    x = alt.X("low:Q", title=figure.x, scale=scale, axis=axis)
    tooltip = [
        alt.Tooltip("label:N", title=" "),
        alt.Tooltip("text:N", title="middle"),
        alt.Tooltip("span:N", title="80 % range"),
    ]
    rules = base.mark_rule(size=7, color="#9cc7e2", strokeCap="round").encode(y=y, x=x, x2="high:Q", tooltip=tooltip)
    points = base.mark_point(filled=True, size=85, color=_BLUE, opacity=1).encode(y=y, x="value:Q", tooltip=tooltip)
    return (rules + points).properties(height=_height(figure, _ROW_STEP))


def _lines(alt: Any, figure: Figure, base: Any) -> Any:
    series = list(dict.fromkeys(row["label"] for row in figure.rows))
    colour = alt.Color("label:N", sort=series, scale=alt.Scale(domain=series, range=_palette(len(series))))
    x = alt.X("x:Q", title=figure.x, axis=alt.Axis(tickCount=6))
    y = alt.Y("y:Q", title=figure.y, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5))
    tooltip = [
        alt.Tooltip("label:N", title=" "),
        alt.Tooltip("x_text:N", title="after"),
        alt.Tooltip("text:N", title="money"),
    ]
    band = base.mark_area(opacity=0.13).encode(x=x, y=alt.Y("low:Q", title=figure.y), y2="high:Q", color=colour)
    line = base.mark_line(size=2.5).encode(x=x, y=y, color=colour)
    points = base.mark_point(filled=True, size=55, opacity=1).encode(x=x, y=y, color=colour, tooltip=tooltip)
    return alt.layer(band, line, points).properties(height=_PLOT_HEIGHT)


def _points(alt: Any, figure: Figure, base: Any) -> Any:
    x = alt.X("x:Q", title=figure.x, scale=_roomy(alt, figure, "x"), axis=alt.Axis(tickCount=6))
    y = alt.Y("y:Q", title=figure.y, scale=_roomy(alt, figure, "y"), axis=alt.Axis(tickCount=5))
    standings = alt.Scale(domain=list(_standings(figure)), range=[_BLUE, _GREY])
    colour = alt.Color("standing:N", scale=standings)
    tooltip = [
        alt.Tooltip("label:N", title=" "),
        alt.Tooltip("x_text:N", title=figure.x),
        alt.Tooltip("y_text:N", title=figure.y),
    ]
    line = (
        base.transform_filter("datum.standing == 'on the front'")
        .mark_line(interpolate="step-after", color=_BLUE, strokeDash=[4, 3], size=1.5)
        .encode(x=x, y=y, order="x:Q")
    )
    wide = base.mark_rule(color="#b6bec9").encode(x=alt.X("x_low:Q", title=figure.x), x2="x_high:Q", y=y)
    tall = base.mark_rule(color="#b6bec9").encode(y=alt.Y("y_low:Q", title=figure.y), y2="y_high:Q", x=x)
    points = base.mark_point(filled=True, size=130, opacity=1).encode(x=x, y=y, color=colour, tooltip=tooltip)
    names = base.mark_text(dx=11, dy=-9, align="left", fontSize=13, fontWeight="bold", color=_INK).encode(
        x=x, y=y, text="short:N"
    )
    lines = [line] if (figure.more or {}).get("line", True) else []
    return alt.layer(wide, tall, *lines, points, names).properties(height=_PLOT_HEIGHT + 40)


def _roomy(alt: Any, figure: Figure, axis: str) -> Any:
    """Give a scale with room around its points; from zero where they lie far apart, of powers where very far."""
    least = min(row[f"{axis}_low"] for row in figure.rows)
    most = max(row[f"{axis}_high"] for row in figure.rows)
    if least > 0 and most / least > _LOG_FROM:
        return alt.Scale(type="log", domain=[least / (1 + _ROOM), most * (1 + _ROOM)], nice=False)
    room = (most - least or most) * _ROOM
    start = 0.0 if least < most * _FAR else max(least - room, 0.0)
    return alt.Scale(domain=[start, most + room], nice=False)


def _curve(alt: Any, figure: Figure, base: Any) -> Any:
    more = figure.more or {}
    x = alt.X(
        "x:Q",
        title=figure.x,
        scale=alt.Scale(type="log", base=2, nice=False, padding=20),
        axis=alt.Axis(values=list(more["ticks"]), format=",d"),
    )
    tooltip = [
        alt.Tooltip("label:N", title=" "),
        alt.Tooltip("text:N", title=figure.y),
        alt.Tooltip("other:N", title="ideal"),
    ]
    y = alt.Y("y:Q", title=figure.y, scale=alt.Scale(type="log", nice=False, padding=14), axis=alt.Axis(tickCount=5))
    band = base.mark_area(opacity=0.15, color=_BLUE).encode(x=x, y=alt.Y("low:Q", title=figure.y), y2="high:Q")
    ideal = base.mark_line(color=_GREY, strokeDash=[4, 4]).encode(x=x, y="ideal:Q")
    line = base.mark_line(color=_BLUE, size=2.5).encode(x=x, y=y)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=x, y=y, tooltip=tooltip, color=alt.condition("datum.here", alt.value(_ORANGE), alt.value(_BLUE))
    )
    return alt.layer(band, ideal, line, points).properties(height=_PLOT_HEIGHT)


_DRAW: Mapping[str, Callable[[Any, Figure, Any], Any]] = {
    "bars": _bars,
    "stacked": _stacked,
    "tornado": _tornado,
    "ranges": _ranges,
    "lines": _lines,
    "points": _points,
    "curve": _curve,
}
