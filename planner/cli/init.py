"""`planner init`: a project file and a first scenario to start from."""

from __future__ import annotations

from pathlib import Path

import click

from planner.errors import InputError, input_error, visible
from planner.scenario.project import FILE

FIRST = Path("scenarios") / "first.yaml"

_PROJECT = """\
schema: planner/project/v1
name: {name}

# The same plan costs the same until this date moves; prices that are older than `oldest` on it are told.
prices: {{on: {date}, oldest: 24 months, on_missing: unknown}}
currency: USD # or EUR, GBP, JPY, KRW, CNY, INR, CHF

# Folders laid out like the built-in catalogs; their entries come first.
# catalogs: [my-catalogs]

# discounts:
#   - {{provider: aws, term: on-demand, share: 20 %, until: 2027-06-30}}

# What is assumed where a scenario does not say; `planner explain` shows what each scenario rests on.
# defaults: {{utilisation: 0.9, electricity: 0.11 USD/kWh}}

scenarios: [scenarios/*.yaml]
"""

_SCENARIO = """\
schema: planner/scenario/v1
name: first
title: Llama 3.1 8B, pre-training on a rented cluster
workload:
  kind: training
  model: llama-3.1-8b # planner model list
  tokens: 1 T
  sequence_length: 8192
  global_batch: 512 sequences
hardware: {node: p5.48xlarge, accelerators: 128, term: on-demand} # planner catalog list nodes
parallelism: auto
variants:
  spot: {hardware.term: spot}
  twice: {hardware.accelerators: 256}
"""


@click.command()
@click.argument("folder", required=False, default=Path(), type=click.Path(path_type=Path), metavar="[DIR]")
def command(folder: Path) -> None:
    """Write a planner.yaml and a first scenario into DIR, or here.

    Nothing that is there already is overwritten.
    """
    files = (folder / FILE, folder / FIRST)
    there = [path for path in files if path.exists() or path.is_symlink()]
    if there:
        names = ", ".join(visible(str(path)) for path in there)
        raise input_error("already-there", f"{names}: already there", hint="name another folder, or edit what is there")
    try:
        (folder / FIRST).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise input_error("output-unwritable", f"{visible(str(folder))}: {reason}", hint="name a folder") from None
    project = _PROJECT.format(name=_name(folder), date=_newest_price())
    _write(dict(zip(files, (project, _SCENARIO), strict=True)))
    click.echo("\n".join(visible(str(path)) for path in files))
    click.echo(f"now: planner estimate {visible(str(folder / FIRST))}", err=True)


def _newest_price() -> str:
    """Give the date of the newest price in the built-in catalogs."""
    from planner.catalog.price import PriceBook
    from planner.catalog.store import Catalog

    book = PriceBook(Catalog())
    return max(offer.date for provider in book.providers() for _, _, offer in book.list_prices(provider))


def _name(folder: Path) -> str:
    """Give a name for the project that YAML reads as a text."""
    kept = "".join(ch if ch.isascii() and (ch.isalnum() or ch in "-_") else "-" for ch in folder.resolve().name)
    return f'"{kept or "project"}"'


def _write(texts: dict[Path, str]) -> None:
    from planner.report.write import write_text

    written: list[Path] = []
    try:
        for path, text in texts.items():
            write_text(str(path), text)
            written.append(path)
    except InputError:
        for path in written:
            path.unlink(missing_ok=True)
        raise
