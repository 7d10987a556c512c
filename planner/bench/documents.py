"""A run of the benchmark as its files: the document in YAML, and every raw sample in a CSV beside it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from planner.bench.document import BenchRun
from planner.documents.files import ReadBudget, read_text
from planner.documents.reader import read_yaml
from planner.documents.typed import require_schema, typed
from planner.errors import Fault, InputError

if TYPE_CHECKING:
    from planner.bench.runner import Sample

SAMPLE_COLUMNS = ("case", "at_s", "seconds", "wall_s", "cpu_s", "preempted", "canary_s", "memory_canary_s")


def samples_text(samples: Mapping[str, Sequence[Sample]]) -> str:
    """Give every raw sample as CSV."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(SAMPLE_COLUMNS)
    for name, taken in samples.items():
        for s in taken:
            numbers = (s.at, s.lap.seconds, s.lap.wall, s.lap.cpu)
            told = [f"{number:.6g}" for number in numbers]
            canaries = [f"{seconds:.6g}" for seconds in (s.canary.core, s.canary.memory)]
            writer.writerow([name, *told, int(s.lap.preempted), *canaries])
    return stream.getvalue()


def digest(text: str) -> str:
    """Give the digest that the document tells of its samples."""
    return hashlib.sha256(text.encode()).hexdigest()


def run_text(run: BenchRun) -> str:
    """Give the document as YAML: one line for every row."""
    told = run.model_dump(mode="json", by_alias=True, exclude_defaults=False)
    rows = told.pop("rows")
    lines = [f"{key}: {json.dumps(_short(value), ensure_ascii=False)}" for key, value in told.items()]
    lines.append("rows:")
    for row in rows:
        stated = {key: _short(value) for key, value in row.items() if value not in (None, "", False)}
        lines.append(f"  - {json.dumps(stated, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _short(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _short(each) for key, each in value.items()}
    return value


def read_run(path: Path) -> BenchRun:
    """Give a run from its document; its samples must be those that it was written with.

    Raises
    ------
    InputError : no run, the CSV beside it is missing or was changed, or a row that cannot be.
    """
    from planner.bench.plausible import impossible

    tree = read_yaml(path)
    require_schema(tree, "planner/bench-run/v1")
    run = typed(tree, BenchRun)
    samples = ""
    if run.samples:
        if "/" in run.samples or "\\" in run.samples:
            raise InputError(tree.fault("path-outside", "samples stand beside the run", ("samples",)))
        beside = path.parent / run.samples
        samples = read_text(beside, budget=ReadBudget(), name=str(beside))
        if digest(samples) != run.samples_sha256:
            where = f"{beside} is not the file that the run was written with"
            raise InputError(Fault("samples-changed", where, hint="measure again, or restore the file"))
    hint = "measure again, or restore the file"
    faults = [
        tree.fault("row-impossible", reason, ("rows", number), hint=hint) for number, reason in impossible(run, samples)
    ]
    if faults:
        raise InputError(*faults)
    return run
