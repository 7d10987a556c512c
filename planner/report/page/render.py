"""A page as the text of one HTML file that loads nothing and runs nothing but its own two scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from planner import __version__
from planner.report.escape import for_html, for_link
from planner.report.page import charts
from planner.report.page.parts import Page

_FILES = ("page.css", "page.js")


def render(page: Page, runtime_of: Callable[[], str] = charts.runtime) -> str:
    """Give a page as HTML; without charts where the extra that draws them is not installed.

    Parameters
    ----------
    page : the page. runtime_of : gives the script that draws charts, where there are some.
    """
    environment = _environment()
    style, script = (_text(environment, name) for name in _FILES)
    has_charts = charts.is_installed() and bool(page.figures)
    runtime = runtime_of() if has_charts else ""
    keys = [key for key, _ in page.choices]
    specs = {figure.key: charts.drawn(figure, keys) for figure in page.figures} if has_charts else {}
    # These texts are the planner's own; everything else is escaped by the template.
    own = {"style": Markup(style), "script": Markup(script), "runtime": Markup(runtime)}  # noqa: S704
    scripts = [script, runtime] if has_charts else [script]
    return environment.get_template("page.html").render(
        page=page,
        charts=has_charts or not page.figures,
        specs=specs,
        policy=_policy(scripts),
        version=__version__,
        **own,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("planner.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
    )
    environment.filters["link"] = for_link
    environment.filters["legend"] = charts.legend
    return environment


def _visible(value: object) -> object:
    """Show hidden characters of what is put into the template; what it marks as its own stays."""
    return for_html(value) if type(value) is str else value


def _text(environment: Environment, name: str) -> str:
    if environment.loader is None:
        raise AssertionError("the environment has a loader")
    return environment.loader.get_source(environment, name)[0].strip() + "\n"


def _policy(scripts: list[str]) -> str:
    """Give the content policy: only these scripts run, and nothing is loaded from anywhere."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            f"script-src {hashes}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
