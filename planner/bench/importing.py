"""What other programs printed of their own measurements, as rows of a run: nothing is measured anew."""

from __future__ import annotations

import re
from collections.abc import Sequence

from planner.bench.document import BenchRun, Fingerprint, Noise, RunRow
from planner.bench.suite import ELEMENT_BYTES, Case
from planner.errors import did_you_mean, input_error, listing

FORMATS = ("nccl-tests", "nccom-test", "mamf-finder", "kernels-csv")
_COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "alltoall", "all_to_all", "broadcast", "sendrecv")
_NUMBER = re.compile(r"[0-9.]+(?:e[+-]?[0-9]+)?\Z")
_NCCL_TYPES = {"float": "fp32", "half": "fp16", "bfloat16": "bf16", "double": "fp64", "int8": "int8", "uint8": "int8"}
_NCCL_CELLS = 9  # size count type redop root time algbw busbw #wrong
_NCCOM_TYPES = {**_NCCL_TYPES, "fp32": "fp32", "fp16": "fp16", "bf16": "bf16"}
_NCCOM_NAMES = {"allr": "all-reduce", "allg": "all-gather", "redsct": "reduce-scatter", "alltoall": "all-to-all"}
_NCCOM_COLUMNS = ("size", "count", "type", "time")
_WHOLE_OUTPUT = {"nccom-test": "give its whole output behind the command, which alone names the collective"}
_MAMF = re.compile(r"(\d[\d.]*) TFLOPS.*?(\d+)x(\d+)x(\d+)", re.IGNORECASE)
_TYPES = re.compile(r"(bfloat16|float16|float32|float8)")
_NAMES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32", "float8": "fp8"}
_COLUMNS = ("m", "n", "k", "dtype", "seconds")


def imported(text: str, *, format_: str, device: str, date: str) -> BenchRun:
    """Give a run from the output of another program.

    Parameters
    ----------
    text : what it printed. format_ : which program. device, date : of the measurement, as nobody prints them.

    Raises
    ------
    InputError : no such format, or not one measurement in the text.
    """
    readers = {
        "nccl-tests": _nccl, "nccom-test": _nccom, "mamf-finder": _mamf, "kernels-csv": _csv,
    }  # fmt: skip
    if format_ not in readers:
        raise input_error(
            "import-format",
            f"no format '{format_[:40]}'",
            allowed=listing(FORMATS),
            hint=did_you_mean(format_, FORMATS),
        )
    rows = readers[format_](text.splitlines())
    if not rows:
        raise input_error(
            "import-empty",
            f"no measurement of {format_} in the file",
            hint=_WHOLE_OUTPUT.get(format_, "give its whole output"),
        )
    unknown = Fingerprint(device=device, cores=1, threads=1, memory_bytes=0.0, system="not told", python="not told")
    noise = Noise(floor=0.0, canary=0.0, preempted=0.0, verdict="quiet")
    return BenchRun.model_construct(
        schema_="planner/bench-run/v1", suite=1, backend=format_, level="imported", date=date, seconds=0.0,
        complete=True, timer="its own", fingerprint=unknown, noise=noise, samples="", samples_sha256="",
        rows=tuple(rows),
    )  # fmt: skip


def _nccl(lines: Sequence[str]) -> list[RunRow]:
    """Read the table that nccl-tests prints: size [B], count, type, ..., time [us], rates."""
    kernel, rows = "all-reduce", []
    for line in lines:
        named = next((name for name in _COLLECTIVES if name in line.lower().replace("-", "_")), None)
        if line.lstrip().startswith("#") or not line.strip():
            kernel = named.replace("_", "-").replace("alltoall", "all-to-all") if named else kernel
            continue
        cells = line.split()
        if len(cells) < _NCCL_CELLS - 1 or not cells[0].isdigit() or cells[2] not in _NCCL_TYPES:
            kernel = named.replace("_", "-").replace("alltoall", "all-to-all") if named else kernel
            continue
        numbers = [float(cell) for cell in cells[3:] if _NUMBER.match(cell) and "." in cell]
        if numbers and numbers[0] > 0:
            size, count, dtype = int(cells[0]), int(cells[1]), _NCCL_TYPES[cells[2]]
            rows.append(
                _row(
                    Case(kernel, "collective", "", "hot", (count, 1), left_out=False, dtype=dtype),
                    numbers[0] * 1e-6,
                    size,
                )
            )
    return rows


def _nccom(lines: Sequence[str]) -> list[RunRow]:
    """Read the table that nccom-test prints, by the names over its columns: `size(B) count(elems) type time(us) ...`.

    The collective stands in the command alone, `nccom-test -r 32 allr`; rows before one was named are left out.
    """
    kernel, places, rows = "", {}, []
    for line in lines:
        cells = line.split()
        named = [_NCCOM_NAMES[cell.replace("_", "")] for cell in cells if cell.replace("_", "") in _NCCOM_NAMES]
        kernel = named[0] if named else kernel
        heads = [cell.partition("(")[0].partition(":")[0] for cell in cells]
        if set(_NCCOM_COLUMNS) <= set(heads):
            places = {name: heads.index(name) for name in _NCCOM_COLUMNS}
            continue
        if not kernel or not places or len(cells) <= max(places.values()):
            continue
        size, count, kind, time = (cells[places[name]] for name in _NCCOM_COLUMNS)
        if size.isdigit() and count.isdigit() and kind in _NCCOM_TYPES and _NUMBER.match(time) and float(time) > 0:
            dtype = _NCCOM_TYPES[kind]
            case = Case(kernel, "collective", "", "hot", (int(count), 1), left_out=False, dtype=dtype)
            rows.append(_row(case, float(time) * 1e-6, int(size)))
    return rows


def _mamf(lines: Sequence[str]) -> list[RunRow]:
    """Read mamf-finder: rates of products, `... TFLOPS ... MxNxK`."""
    dtype, rows = "bf16", []
    for line in lines:
        kind = _TYPES.search(line.lower())
        dtype = _NAMES[kind[1]] if kind else dtype
        match = _MAMF.search(line)
        if match and float(match[1]) > 0:
            m, n, k = (int(match[at]) for at in (2, 3, 4))
            case = Case("matmul", "square", "nt", "hot", (m, n, k), left_out=False, dtype=dtype)
            rows.append(_row(case, case.flops / (float(match[1]) * 1e12), case.bytes))
    return list({row.case: row for row in rows}.values())


def _csv(lines: Sequence[str]) -> list[RunRow]:
    """Read products as CSV: m, n, k, dtype, seconds; other columns are left alone."""
    header = [cell.strip() for cell in lines[0].split(",")] if lines else []
    if any(name not in header for name in _COLUMNS):
        raise input_error("import-columns", "the CSV lacks a column", allowed=", ".join(_COLUMNS))
    rows = []
    for line in lines[1:]:
        cells = dict(zip(header, line.split(","), strict=False))
        try:
            m, n, k = (int(cells[name]) for name in "mnk")
            seconds, dtype = float(cells["seconds"]), cells["dtype"].strip()
        except (KeyError, ValueError):
            continue
        if dtype in ELEMENT_BYTES and seconds > 0 and min(m, n, k) > 0:
            case = Case("matmul", "square", "nt", "hot", (m, n, k), left_out=False, dtype=dtype)
            rows.append(_row(case, seconds, case.bytes))
    return rows


def _row(case: Case, seconds: float, moved: float) -> RunRow:
    return RunRow(
        case=case.name, kernel=case.kernel, family=case.family, layout=case.layout, size=case.size, dtype=case.dtype,
        state="measured", reason="read from another program", median_s=seconds, low_s=seconds, high_s=seconds,
        least_s=seconds, samples=1, flops=case.flops, bytes=moved,
    )  # fmt: skip
