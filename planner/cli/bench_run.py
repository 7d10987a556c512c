"""`planner bench run`: the suite on this machine, recorded."""

from __future__ import annotations

import datetime
import os
import re
import sys
from pathlib import Path
from typing import Literal

import click

from planner.errors import Fault, MeasurementError, input_error

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min)?\Z")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_LONGEST_S = 86_400.0


@click.command()
@click.option("--quick", "level", flag_value="quick", default=True, help="At most 20 s: the default.")
@click.option("--full", "level", flag_value="full", help="Every case: at most 6 minutes on 2 cores.")
@click.option(
    "--backend", default="numpy", show_default=True, help="numpy, torch-cpu, torch-cuda, torch-rocm, torch-xla."
)
@click.option("--dtype", "dtypes", multiple=True, metavar="FORMAT", help="fp32, bf16, ...; repeats. [default: fp32]")
@click.option("--budget", metavar="TIME", help="At most that long, such as 60s or 2min.")
@click.option("--threads", type=click.IntRange(1, 4096), help="Threads of a processor. [default: all cores]")
@click.option("--record", required=True, metavar="FILE", help="Where the run goes; raw samples go beside it as CSV.")
def command(
    level: Literal["quick", "full"],
    backend: str,
    dtypes: tuple[str, ...],
    budget: str | None,
    threads: int | None,
    record: str,
) -> None:
    """Measure kernels on this machine.

    Ctrl-C keeps what was measured. What the device cannot run is a row that says why.
    """
    asked = _seconds(budget) if budget else None
    used = threads or _cores()
    target = _target(record)
    set_threads(used)

    from planner.bench import measure
    from planner.bench.backend import EMULATED
    from planner.bench.collectives import rank
    from planner.bench.documents import run_text
    from planner.report.bench_table import render
    from planner.report.write import write_text

    most = measure.QUICK_S if level == "quick" else measure.FULL_S
    today = datetime.date.today().isoformat()
    wish = measure.Wish(backend, level, dtypes, min(asked or most, _LONGEST_S), used, today)
    run, samples = measure.measure(wish, samples_name=target.with_suffix(".csv").name, progress=_bar)
    if rank() > 0:
        return
    _clear_bar()
    write_text(str(target.with_suffix(".csv")), samples)
    write_text(str(target), run_text(run))
    click.echo(render(run, ascii_only=not (sys.stdout.encoding or "").lower().startswith("utf")), nl=False)
    if "bf16" in dtypes and run.fingerprint.settings.get("bf16 products") == EMULATED:
        click.echo("warning: the processor has no products in bf16: torch computed them in loops", err=True)
    click.echo(f"recorded in {record}", err=True)


def set_threads(threads: int) -> None:
    """Set the threads of numerical libraries, which read them when they are loaded.

    Raises
    ------
    MeasurementError : numpy is loaded already, with another number.
    """
    if "numpy" in sys.modules and os.environ.get(_THREADS[0]) != str(threads):
        raise MeasurementError(
            Fault("threads-late", "numpy was loaded before its threads were set", hint=f"set {_THREADS[0]}={threads}")
        )
    for name in _THREADS:
        os.environ[name] = str(threads)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _seconds(text: str) -> float:
    match = _SECONDS.match(text.strip())
    if not match or float(match[1]) <= 0:
        raise input_error("budget", f"--budget {text[:40]}: not a time", allowed="60s, 2min")
    return float(match[1]) * (60.0 if match[2] == "min" else 1.0)


def _target(record: str) -> Path:
    """Give the file to write, refusing before any measuring what cannot be written after it."""
    target = Path(record)
    if target.suffix not in (".yaml", ".yml"):
        raise input_error("record-name", f"--record {record[:80]}: not a YAML file", hint="name it run.yaml")
    folder = target.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise MeasurementError(
            Fault("record-unwritable", f"{record[:200]} cannot be written", hint="name a folder that can be written")
        )
    for path in (target, target.with_suffix(".csv")):
        if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
            raise MeasurementError(Fault("record-unwritable", f"{path} cannot be written", hint="name another file"))
    return target


def _bar(done: int, total: int) -> None:
    if sys.stderr.isatty():
        share = done / total
        click.echo(f"\r{'█' * int(30 * share):<30} {share:4.0%}", err=True, nl=False)


def _clear_bar() -> None:
    if sys.stderr.isatty():
        click.echo("\r" + " " * 40 + "\r", err=True, nl=False)
