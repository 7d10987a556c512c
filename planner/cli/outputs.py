"""Where results go: `--output FORMAT=PATH`, repeated; `-` is stdout; the first format where nothing is said."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click

from planner.errors import brief, did_you_mean, input_error
from planner.record import record

F = TypeVar("F", bound=Callable[..., Any])

STDOUT = "-"
_NARROWEST, _WIDEST = 80, 120
_BY_PEOPLE = ("table",)  # all others are for programs: always UTF-8, whatever a terminal knows


@record
class Screen:
    """What a text is shown on: its width [columns], and whether it knows ASCII alone; a file knows all."""

    width: int = _NARROWEST
    ascii_only: bool = False


@record
class Files:
    """A result of several files: `each` by its name, for a folder, and the `whole` of them as one."""

    whole: str
    each: Mapping[str, str]


Renderers = Mapping[str, Callable[[Screen], str | Files]]


def table_of(module: str, result: object) -> Callable[[Screen], str]:
    """Give the table of a result for a screen, by the module of `planner.report` that renders such, read when asked."""

    def render(screen: Screen) -> str:
        text: str = import_module(f"planner.report.{module}").render(
            result, width=screen.width, ascii_only=screen.ascii_only
        )
        return text

    return render


def text_of(module: str, result: object, **options: object) -> Callable[[Screen], str]:
    """Give a result in a format that is the same on every screen; see `table_of`."""

    def render(_: Screen) -> str:
        text: str = import_module(f"planner.report.{module}").render(result, **options)
        return text

    return render


def output_option(*formats: str) -> Callable[[F], F]:
    """Add the repeated option `--output`, given to the command as a tuple of texts."""
    return click.option(
        "--output",
        "-o",
        multiple=True,
        metavar="FORMAT=PATH",
        help=f"Write {', '.join(formats)} to a file, or to stdout with '-'; repeats.",
    )


def emit(renderers: Renderers, outputs: tuple[str, ...], *, never: Sequence[Path] = ()) -> None:
    """Render a result into every output that was asked for; all are rendered before any is written.

    Parameters
    ----------
    renderers : by format, the first one for stdout where no output was asked for.
    outputs : the values of `--output`.
    never : files that were read, which no output may overwrite.
    """
    pairs = _parsed(outputs or (f"{next(iter(renderers))}={STDOUT}",), list(renderers))
    rendered = [(name, path, renderers[name](_screen() if path == STDOUT else Screen())) for name, path in pairs]
    for name, path, found in rendered:
        if isinstance(found, Files) and path != STDOUT and not Path(path).suffix:
            from planner.report.write import write_folder

            write_folder(path, found.each, never=never)
            continue
        text = found.whole if isinstance(found, Files) else found
        if path == STDOUT:
            click.echo(text.encode("utf-8") if name not in _BY_PEOPLE else text, nl=False)
        else:
            from planner.report.write import write_text

            write_text(path, text, never=never)


def _parsed(outputs: tuple[str, ...], formats: list[str]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    seen: set[str] = set()
    for output in outputs:
        name, separator, path = output.partition("=")
        if name not in formats or not separator or not path:
            raise input_error(
                "output-format",
                f"--output {brief(output)}: not FORMAT=PATH",
                allowed=" or ".join(f"{known}=PATH" for known in formats),
                hint=did_you_mean(name, formats) if name not in formats else "name a path, or - for stdout",
            )
        place = path if path == STDOUT else str(Path(path).resolve())
        if place in seen:
            raise input_error("output-twice", f"two outputs go to {brief(path)}", hint="name another path for one")
        seen.add(place)
        pairs.append((name, path))
    return pairs


def _screen() -> Screen:
    width = _NARROWEST
    if sys.stdout.isatty():
        width = min(max(shutil.get_terminal_size((_NARROWEST, 24)).columns, _NARROWEST), _WIDEST)
    return Screen(width, ascii_only=not _knows("█░–…"))


def _knows(characters: str) -> bool:
    """Whether stdout can show characters; other than UTF-8 may know a part of them, which is not enough."""
    try:
        characters.encode((getattr(sys.stdout, "encoding", "") or "ascii").lower())
    except (UnicodeEncodeError, LookupError):
        return False
    return True
