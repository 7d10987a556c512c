"""`planner bench fit`: a run to catalog files that `estimate` uses at once."""

from __future__ import annotations

from pathlib import Path

import click

from planner.errors import input_error


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--dtype", "dtypes", multiple=True, metavar="FORMAT", help="[default: all that were measured]")
@click.option("--output", "folder", metavar="DIR", help="Catalog folder to write; without it nothing is written.")
def command(run: Path, dtypes: tuple[str, ...], folder: str | None) -> None:
    """Fit the planner's efficiencies to RUN, and tell the errors on shapes that were left out.

    \b
      planner bench fit run.yaml --output catalogs
      planner estimate --node host-1a2b3c4d-fp32 --framework torch-eager ...
    """
    from planner.bench.documents import read_run
    from planner.bench.entries import catalog_texts
    from planner.bench.fit import fitted
    from planner.cli.catalog_folders import catalog_of
    from planner.report.bench_fit_table import render_fit

    read = read_run(run)
    measured = sorted({row.dtype for row in read.rows if row.state == "measured"})
    chosen = dtypes or tuple(measured)
    for dtype in chosen:
        if dtype not in measured:
            raise input_error("dtype-not-measured", f"{run} has nothing in {dtype[:40]}", allowed=", ".join(measured))
    catalog = catalog_of()
    profiles = {"training": catalog.profile("training"), "serving": catalog.profile("serving")}
    fits = {dtype: fitted(read, dtype=dtype, **profiles) for dtype in chosen}
    click.echo(render_fit(read, fits), nl=False)
    if read.noise.verdict != "quiet":
        click.echo(f"warning: the run was too noisy ({read.noise.floor:.1%}) to judge the fit by", err=True)
    if folder:
        texts = catalog_texts(read, fits)
        _warn_of_others(Path(folder), set(texts))
        _write(Path(folder), texts)


def _warn_of_others(folder: Path, names: set[str]) -> None:
    """Warn where a folder holds another machine or software: their times should not be mixed."""
    others = sorted(
        path.stem for path in (folder / "accelerators").glob("host-*.yaml") if f"accelerators/{path.name}" not in names
    )
    if others:
        click.echo(
            f"warning: {folder} holds fits of other fingerprints too: {', '.join(others[:5])}; do not compare their "
            "times without measuring again",
            err=True,
        )


def _write(folder: Path, texts: dict[str, str]) -> None:
    from planner.report.write import write_text

    for name, text in texts.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or "cannot be made").lower()
            raise input_error("output-unwritable", f"{path.parent}: {reason}", hint="name another folder") from None
        write_text(str(path), text)
    nodes = [Path(name).stem for name in texts if name.startswith("nodes/")]
    click.echo(f"{len(texts)} files in {folder}; nodes: {', '.join(nodes)}", err=True)
