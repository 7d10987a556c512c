"""Where results go: `--output FORMAT=PATH`, repeated; `-` is stdout; a table where nothing is said."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from planner.errors import did_you_mean, input_error
from planner.planning.estimate import Estimate

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("table", "json")
_NARROWEST = 80


def output_option(function: F) -> F:
    """Add the repeated option `--output`."""
    return click.option(
        "--output",
        "-o",
        multiple=True,
        metavar="FORMAT=PATH",
        help=f"Write {', '.join(FORMATS)} to a file, or to stdout with '-'; repeats.",
    )(function)


def emit(estimate: Estimate, outputs: tuple[str, ...], *, never: Sequence[Path] = ()) -> None:
    """Render an estimate into every output that was asked for; all are rendered before any is written.

    Parameters
    ----------
    estimate, outputs : what is rendered, and the values of `--output`.
    never : files that were read, which no output may overwrite.
    """
    rendered = [(path, _render(estimate, name)) for name, path in _parsed(outputs or ("table=-",))]
    for path, text in rendered:
        if path == "-":
            click.echo(text, nl=False)
        else:
            from planner.report.write import write_text

            write_text(path, text, never=never)


def _parsed(outputs: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for output in outputs:
        name, separator, path = output.partition("=")
        if name not in FORMATS or not separator or not path:
            raise input_error(
                "output-format",
                f"--output {output}: not FORMAT=PATH",
                allowed=" or ".join(f"{known}=PATH" for known in FORMATS),
                hint=did_you_mean(name, FORMATS) if name not in FORMATS else "name a path, or - for stdout",
            )
        key = path if path == "-" else str(Path(path).resolve())
        if key in {p if p == "-" else str(Path(p).resolve()) for _, p in pairs}:
            raise input_error("output-twice", f"two outputs go to {path}", hint="name another path for one of them")
        pairs.append((name, path))
    return pairs


def _render(estimate: Estimate, name: str) -> str:
    if name == "json":
        from planner.report import json_report

        return json_report.render(estimate)
    from planner.report import table

    width = max(shutil.get_terminal_size((_NARROWEST, 24)).columns, _NARROWEST) if sys.stdout.isatty() else _NARROWEST
    return table.render(estimate, width=min(width, 120), ascii_only=not _unicode())


def _unicode() -> bool:
    encoding = (getattr(sys.stdout, "encoding", "") or "ascii").lower()
    try:
        "█░–".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
