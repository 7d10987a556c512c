"""`planner bench validate`: whole small models on this machine, beside what the fit of kernels predicts of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from planner.cli.bench_run import set_threads
from planner.errors import Fault, MeasurementError, input_error

if TYPE_CHECKING:
    from planner.bench.document import BenchRun
    from planner.bench.end_to_end import Whole
    from planner.bench.models import Shape

_SIZES = ("hidden", "heads", "kv_heads", "layers", "width", "vocabulary", "experts", "top_k")
_FLAGS = ("gated", "encoder")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--dtype", default="fp32", show_default=True, metavar="FORMAT", help="Number format of the models.")
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="SIZES",
    help="A model of your own: hidden=320,heads=5,layers=6,width=1280,vocabulary=4096[,gated][,encoder]"
    "[,experts=4,top_k=2][,kv_heads=1]; repeats. [default: five built-in ones]",
)
@click.option("--budget", type=click.FloatRange(1, 86_400), default=180.0, show_default=True, metavar="SECONDS")
@click.option("--record", metavar="FILE", help="Write the measured models as CSV.")
@click.option("--picture", metavar="FILE", help="Write measured beside predicted as SVG.")
@click.option("--measured", metavar="FILE", help="Do not measure: read models that were recorded.")
def command(
    run: Path,
    dtype: str,
    shapes: tuple[str, ...],
    budget: float,
    record: str | None,
    picture: str | None,
    measured: str | None,
) -> None:
    """Measure whole small models and compare them with what the fit of RUN predicts.

    Training steps, prompts and decode steps; the same code that predicts clusters predicts them, with this machine
    as a node of one accelerator. Nothing of a whole model is used in the fit. Exit code 4 where a target is missed
    or the machine is too noisy to tell.
    """
    own = [_shape(text, number) for number, text in enumerate(shapes, start=1)]
    from planner.bench.documents import read_run

    read = read_run(run)
    threads = read.fingerprint.threads
    if measured is None:
        set_threads(threads)
    from planner.bench.end_to_end import at_pace, verdicts, wholes_text
    from planner.bench.fit import fitted
    from planner.bench.pace import pace_of
    from planner.cli.catalog_folders import catalog_of
    from planner.report.bench_fit_table import render_fit, render_wholes
    from planner.report.write import write_text

    catalog = catalog_of()
    fit = fitted(read, dtype=dtype, training=catalog.profile("training"), serving=catalog.profile("serving"))
    wholes = _recorded(Path(measured), dtype) if measured else _measured(read, own, dtype=dtype, budget=budget)
    if record:
        write_text(record, wholes_text(wholes))
    wholes = at_pace(wholes, pace_of(read))
    found = verdicts(wholes, fit.host, fit.guess)
    click.echo(render_fit(read, {dtype: fit}) + "\n" + render_wholes(wholes, fit, found), nl=False)
    if picture and wholes:
        from planner.report.bench_proof_picture import svg

        write_text(picture, svg(wholes, fit))
    _judge(read, wholes, [v.phase for v in found if not v.met])


def _judge(run: BenchRun, wholes: list[Whole], missed: list[str]) -> None:
    from planner.bench.noise import QUIET_FLOOR, spread_of

    if not wholes:
        raise MeasurementError(Fault("nothing-measured", "no model could be measured", hint="give a longer --budget"))
    noise = spread_of([whole.spread.relative for whole in wholes]).median
    floor = run.noise.floor
    if run.noise.verdict != "quiet" or noise > QUIET_FLOOR:
        message = f"too noisy: {floor:.1%} in the kernels, {noise:.1%} in the models"
        raise MeasurementError(Fault("too-noisy", message, allowed=f"at most {QUIET_FLOOR:.0%}", hint="measure again"))
    if missed:
        hint = "a quick run has few sizes of each kind: planner bench run --full" if run.level == "quick" else ""
        raise MeasurementError(Fault("target-missed", f"targets missed: {', '.join(missed)}", hint=hint))


def _measured(read: object, own: list[Shape], *, dtype: str, budget: float) -> list[Whole]:
    from planner.bench.backend import backend_named
    from planner.bench.backends.torch_backend import TorchBackend
    from planner.bench.document import BenchRun
    from planner.bench.end_to_end import SHAPES, measure_wholes
    from planner.bench.fingerprint import differences, fingerprint_of

    if not isinstance(read, BenchRun):
        raise AssertionError("a run was read")
    backend = backend_named(read.backend, threads=read.fingerprint.threads)
    if not isinstance(backend, TorchBackend):
        raise MeasurementError(
            Fault("no-models", f"whole models need torch, and the run is of {read.backend}", hint="--backend torch-cpu")
        )
    mixed = differences(read.fingerprint, fingerprint_of(backend, threads=read.fingerprint.threads))
    for difference in mixed:
        click.echo(f"warning: the run was made on another machine or software: {difference}", err=True)
    return measure_wholes(
        backend,
        own or SHAPES.values(),
        dtype=dtype,
        budget_s=budget,
        progress=lambda words: click.echo(words, err=True),
    )


def _recorded(path: Path, dtype: str) -> list[Whole]:
    from planner.bench.end_to_end import COLUMNS, SHAPE_COLUMNS, wholes_of
    from planner.documents.files import ReadBudget
    from planner.documents.rows import read_table

    table = read_table(path, columns=(*COLUMNS, *SHAPE_COLUMNS), budget=ReadBudget())
    return [whole for whole in wholes_of(table.rows) if whole.dtype == dtype]


def _shape(text: str, number: int) -> Shape:
    """Give a model from its sizes in words."""
    from planner.bench.models import Shape

    sizes: dict[str, int] = {}
    flags: set[str] = set()
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name in _FLAGS and not value:
            flags.add(name)
        elif name in _SIZES and value.isdigit() and 0 < int(value) < 10**6:
            sizes[name] = int(value)
        else:
            allowed = f"{', '.join(_SIZES)} with a whole number; {', '.join(_FLAGS)}"
            raise input_error("model-shape", f"--shape: '{part[:40]}' is no size", allowed=allowed)
    missing = [name for name in ("hidden", "heads", "layers", "width", "vocabulary") if name not in sizes]
    if missing or sizes["hidden"] % (2 * sizes["heads"]) or ("experts" in sizes) != ("top_k" in sizes):
        words = f"--shape lacks {', '.join(missing)}" if missing else "--shape: sizes that contradict each other"
        raise input_error("model-shape", words, hint="hidden divides into heads of an even size; experts need top_k")
    return Shape(f"own-{number}", **sizes, gated="gated" in flags, causal="encoder" not in flags)
