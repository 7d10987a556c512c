"""`planner catalog`: list, show, compare and extend what the planner knows of machines, places and prices."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from planner.cli.catalog_folders import catalog_of, own_catalogs
from planner.errors import did_you_mean, input_error, listing, visible

F = TypeVar("F", bound=Callable[..., Any])

_NARROWEST, _WIDEST = 80, 160
KIND_NAMES = (
    *("accelerators", "nodes", "models", "facilities", "storage", "networks"),
    *("prices", "hosted-models"),
)


def catalogs_option(function: F) -> F:
    """Add the repeated option `--catalogs DIR`."""
    return click.option(
        "--catalogs",
        "folders",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Folder of catalogs laid over the others; repeats, the first wins.",
    )(function)


def output_option(*formats: str) -> Callable[[F], F]:
    """Add the option `--output FORMAT[=PATH]`."""

    def read(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, str]:  # noqa: ARG001
        name, _, path = value.partition("=")
        if name not in formats:
            allowed = listing([f"{known} or {known}=PATH" for known in formats])
            raise input_error(
                "output-format",
                f"--output {visible(value)}: no such format",
                allowed=allowed,
                hint=did_you_mean(name, formats),
            )
        return name, path or "-"

    return click.option(
        "--output",
        "-o",
        default=formats[0],
        metavar="FORMAT[=PATH]",
        callback=read,
        help=f"{', '.join(formats)}; to stdout, or to a file where a path is named.  [default: {formats[0]}]",
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List and show accelerators, nodes, models, facilities, storage, networks and prices.

    \b
    planner catalog list nodes --accelerator trainium2
    planner catalog list prices --accelerator h100-sxm --term spot --sort usd_per_h
    planner catalog show p5.48xlarge
    """


@command.command("list")
@click.argument("kind", metavar="KIND", type=click.Choice(KIND_NAMES))
@click.option("--accelerator", default="", metavar="ID", help="Only with this accelerator, by any of its spellings.")
@click.option("--provider", default="", metavar="NAME", help="Only of this provider: aws, azure, gcp, nvidia, ...")
@click.option("--vendor", default="", metavar="NAME", help="Only with accelerators of this maker.")
@click.option(
    "--kind", "only", default="", metavar="KIND", help="Only of this kind: gpu, tpu, neuron, cpu; object, block; ..."
)
@click.option("--region", default="", metavar="NAME", help="Only in this region, as the provider names it.")
@click.option("--term", default="", metavar="TERM", help="Only prices of this term: on-demand, spot, reserved-1y, ...")
@click.option("--sort", default="", metavar="FIELD", help="Column of the JSON to sort by; -FIELD for falling order.")
@catalogs_option
@output_option("table", "json", "csv")
def list_entries(
    kind: str,
    accelerator: str,
    provider: str,
    vendor: str,
    only: str,
    region: str,
    term: str,
    sort: str,
    folders: tuple[Path, ...],
    output: tuple[str, str],
) -> None:
    """List everything of one kind.

    KIND is accelerators, nodes, models, facilities, storage, networks, prices or hosted-models. The kW of a node
    is its rated power, estimated where nobody published it; its USD/h the newest on-demand price in the
    provider's default region.
    """
    from planner.cli.catalog_rows import Filter, listing_of
    from planner.report.listing import as_csv, as_json, as_table

    wanted = Filter(accelerator, provider, vendor, only, region, term)
    rows = listing_of(catalog_of(folders), kind, wanted)
    if sort:
        rows = rows.sorted_by(sort)
    form, path = output
    text = {"table": lambda: as_table(rows, width=_width()), "json": lambda: as_json(rows), "csv": lambda: as_csv(rows)}
    _emit(text[form](), path)
    if not rows.rows:
        click.echo(f"no {kind} like that", err=True)


@command.command("show")
@click.argument("name")
@click.option("--kind", default="", metavar="KIND", help="accelerator, node, ...; where several have the name.")
@catalogs_option
@output_option("table", "json")
def show(name: str, kind: str, folders: tuple[Path, ...], output: tuple[str, str]) -> None:
    """Show one entry of any kind by its id or another spelling.

    Prints each value with its source, the source's date, and whether it was read, quoted by a text that was
    read, recalled, or estimated; for a node also its power by parts and its newest prices.
    """
    from planner.catalog.kinds import KINDS
    from planner.cli.catalog_show import as_json, as_text
    from planner.errors import Fault, UnknownNameError

    catalog = catalog_of(folders)
    kinds = [kind] if kind else list(KINDS)
    if kind and kind not in KINDS:
        raise input_error(
            "unknown-kind", f"no kind '{visible(kind)}'", allowed=listing(list(KINDS)), hint=did_you_mean(kind, KINDS)
        )
    found = [(k, entry_id) for k in kinds if (entry_id := catalog.resolve(k, name)) is not None]
    # An id means its entry alone, though sources call an accelerator by the name of its machine.
    found = [(k, entry_id) for k, entry_id in found if entry_id == name.casefold()] or found
    if not found:
        known = sorted({entry_id for k in kinds for entry_id in catalog.ids(k)})
        raise UnknownNameError(
            Fault(
                "unknown-name",
                f"no '{visible(name)[:80]}' in the catalogs",
                hint=did_you_mean(name, known) or "planner catalog list KIND prints what there is",
            )
        )
    if len(found) > 1 and output[0] == "json":
        raise input_error(
            "name-ambiguous", f"{name} is several things", allowed=listing([f"--kind {k}" for k, _ in found])
        )
    form, path = output
    texts = [
        as_json(catalog, k, catalog.entry(k, i))
        if form == "json"
        else as_text(catalog, k, catalog.entry(k, i), width=_width())
        for k, i in found
    ]
    _emit("\n".join(texts), path)


@command.command("diff")
@click.argument("other", type=click.Path(path_type=Path))
@catalogs_option
@output_option("table", "json", "csv")
def diff(other: Path, folders: tuple[Path, ...], output: tuple[str, str]) -> None:
    """Compare these catalogs with those in another folder.

    Values are compared as quantities, so that 3350 GB/s and 3.35 TB/s are one; prices are compared by rows.
    """
    from planner.catalog.compare import differences
    from planner.catalog.store import Catalog
    from planner.report.listing import Column, Listing, as_csv, as_json, as_table

    if not other.is_dir():
        raise input_error("catalog-folder", f"{visible(str(other))} is not a folder")
    here = Catalog(layers=(folders[0],)) if folders else catalog_of()
    found = list(differences(here, Catalog(layers=(other,))))
    columns = (
        *(Column("kind", "kind"), Column("id", "id", elastic=True), Column("path", "value", elastic=True)),
        *(Column("here", "here", elastic=True), Column("there", "there", elastic=True)),
    )
    rows = Listing("differences", columns, [[d.kind, d.id, d.path, d.here, d.there] for d in found])
    form, path = output
    text = {"table": lambda: as_table(rows, width=_width()), "json": lambda: as_json(rows), "csv": lambda: as_csv(rows)}
    _emit(text[form](), path)
    click.echo(_counted(len(found), "difference"), err=True)


@command.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--over", is_flag=True, help="Let it stand over a built-in entry of the same id.")
def add(file: Path, over: bool) -> None:
    """Check a new entry and put it into the project's catalogs.

    The file is one entry, named as its id. It goes into the folder `catalogs` beside planner.yaml, or of the
    working folder; an entry that is there already is never overwritten.
    """
    from planner.catalog.kinds import KINDS
    from planner.cli.documents import read_entry
    from planner.errors import InputError
    from planner.report.write import write_text

    catalog = catalog_of()
    kind, entry, tree, faults = read_entry(catalog, file)
    folder = own_catalogs() / KINDS[kind].folder
    target = folder / f"{entry.id}.yaml"
    if target.exists():
        raise input_error(
            "entry-exists", f"{visible(str(target))} exists already", hint="change it there, or choose an id"
        )
    if entry.id in catalog.ids(kind) and not over:
        raise input_error(
            "entry-exists",
            f"a built-in {kind} has the id '{entry.id}'",
            hint="choose another id, or add --over to let this one stand over it",
        )
    if faults:
        raise InputError(*faults)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(str(target), tree.source.text)
    click.echo(str(target))


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}" if number else f"no {thing}s"


def _width() -> int:
    columns = shutil.get_terminal_size((_NARROWEST, 24)).columns if sys.stdout.isatty() else _NARROWEST
    return min(max(columns, _NARROWEST), _WIDEST)


def _emit(text: str, path: str) -> None:
    if path == "-":
        click.echo(text, nl=False)
        return
    from planner.report.write import write_text

    write_text(path, text)
