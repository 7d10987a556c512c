"""Files of measured results: which form a file has, and the module that turns such files into rows.

A new form is one entry in `FORMATS` and one module with a function `rows_of`.
"""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from planner.accuracy.plain_columns import NEEDED, lacking, spelled
from planner.accuracy.row import Row
from planner.catalog.folders import built_in
from planner.documents.files import ReadBudget, read_text
from planner.documents.reader import parse_yaml
from planner.errors import Fault, InputError, listing, visible
from planner.planning.books import Books
from planner.record import record

LEAVE_OUT = ("source", "accelerator", "model")
_MAX_BYTES = 32 * 2**20
_MAX_VALUES = 2_000_000


@dataclass(frozen=True)
class MeasuredFile:
    """A file of measured results: its path, and its text read once."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of a CSV file; none of another one."""
        if self.path.suffix != ".csv":
            return ()
        return spelled(next(csv.reader(io.StringIO(self.text)), ()))

    @cached_property
    def table(self) -> list[tuple[int, dict[str, str]]]:
        """Rows of a CSV file with the line that each begins at, counted from 1."""
        reader = csv.reader(io.StringIO(self.text))
        header = spelled(next(reader, []))
        found: list[tuple[int, dict[str, str]]] = []
        line = reader.line_num
        for cells in reader:
            if cells:
                found.append((line + 1, dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=False))))
            line = reader.line_num
        return found

    @cached_property
    def value(self) -> Any:
        """Content of a YAML file; None of another one, or where it is no YAML."""
        if self.path.suffix not in (".yaml", ".yml"):
            return None
        if not self.text.strip():
            return None
        return parse_yaml(self.text, name=str(self.path), most_values=_MAX_VALUES).value

    @property
    def first(self) -> Mapping[str, Any]:
        """The first row of a YAML list."""
        value = self.value
        return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}

    @property
    def top(self) -> Mapping[str, Any]:
        """Top level of a YAML map."""
        return self.value if isinstance(self.value, dict) else {}


@record
class Format:
    """A form of measured results.

    Parameters
    ----------
    name : what such a file is.
    module : has `rows_of(files, *, books, leave_out) -> list[Row]`, in the order of the files and their rows.
    recognises : whether a file has the form.
    built_in : files under `catalogs/measurements` that are read where none is named.
    """

    name: str
    module: str
    recognises: Callable[[MeasuredFile], bool]
    built_in: tuple[str, ...]


def _training(file: MeasuredFile) -> bool:
    if {"metric", "measured_value", "tp", "pp"} <= set(file.columns):
        return True
    return bool(file.first) and "measured" in file.first and not {"isl", "engine", "scenario"} & set(file.first)


def _inference(file: MeasuredFile) -> bool:
    cases = file.top.get("cases")
    first = cases[0] if isinstance(cases, list) and cases and isinstance(cases[0], dict) else file.first
    return "metrics" in first and "scenario" in first


def _closed_loop(file: MeasuredFile) -> bool:
    times = {"silicon_ttft_ms", "silicon_tpot_ms"}
    return {"backend", "model_path", "system"} <= set(file.columns) and bool(times & set(file.columns))


def _trace(file: MeasuredFile) -> bool:
    return "engine_kwargs" in file.top


FORMATS: tuple[Format, ...] = (
    Format(
        "measured training runs (YAML list or CSV)",
        "planner.accuracy.training_family",
        _training,
        ("training.yaml", "training_megatron_deepspeed_a100.csv", "training_megatron_b200_memory.csv"),
    ),
    Format(
        "timings of kernels and collectives (CSV)",
        "planner.accuracy.kernel_rows",
        lambda file: {"op", "accelerator", "latency_us"} <= set(file.columns),
        ("kernels.csv",),
    ),
    Format(
        "measured inference runs (YAML with a list of cases)",
        "planner.accuracy.serving_family",
        _inference,
        ("inference.yaml",),
    ),
    Format(
        "serving runs at a fixed concurrency (CSV)",
        "planner.accuracy.serving_family",
        _closed_loop,
        ("serving_closed_loop.csv",),
    ),
    Format(
        "traces of single requests (YAML beside a CSV of the requests)",
        "planner.accuracy.serving_family",
        _trace,
        ("traces/rtxpro6000_llama-3.1-8b.yaml", "traces/rtxpro6000_qwen3-32b.yaml"),
    ),
)
"""Forms that are known; the first that recognises a file reads it."""


def read_file(path: str | Path, budget: ReadBudget) -> MeasuredFile:
    """Read a file of measured results.

    Raises
    ------
    InputError : it cannot be read.
    """
    return MeasuredFile(Path(path), read_text(path, budget=budget, max_bytes=_MAX_BYTES))


def built_in_files(module: str = "") -> list[Path]:
    """Give the built-in measurements, all or those that one module reads."""
    folder = built_in() / "measurements"
    return [folder / name for form in FORMATS if module in ("", form.module) for name in form.built_in]


def rows_of_files(paths: Sequence[str | Path], *, books: Books, leave_out: str | None) -> list[Row]:
    """Give the rows of files, or of all built-in measurements where no file is named.

    Parameters
    ----------
    paths : files in any of the known forms.
    leave_out : "source", "accelerator" or "model": each row is predicted by a fit on the built-in
        measurements that share none of it with the row; None for the fit on all.

    Raises
    ------
    InputError : a file cannot be read, or has none of the forms.
    """
    budget = ReadBudget()
    files = [read_file(name, budget) for name in paths or built_in_files()]
    forms = [form_of(file) for file in files]
    found: list[Row] = []
    for form in FORMATS:
        mine = [file for file, its in zip(files, forms, strict=True) if its is form]
        if mine:
            found += importlib.import_module(form.module).rows_of(mine, books=books, leave_out=leave_out)
    return found


def form_of(file: MeasuredFile) -> Format:
    """Give the form of a file.

    Raises
    ------
    InputError : it has none of the forms.
    """
    for form in FORMATS:
        if form.recognises(file):
            return form
    why = "the file is empty" if not file.text.strip() else lacking(file.columns)
    raise InputError(
        Fault(
            "unknown-measurements",
            f"{visible(str(file.path))}: {why or 'no known form of measured results'}",
            allowed=listing([form.name for form in FORMATS]),
            hint=f"docs/accuracy.md shows the forms; serving runs need columns {NEEDED}",
        )
    )
