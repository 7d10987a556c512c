"""Rows of a run that cannot have been measured: edited by hand, or broken on the way.

A run is read before the threads are set with which models are measured: nothing here loads numpy.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from statistics import median as middle

from planner.bench.document import BenchRun, RunRow
from planner.bench.suite import ELEMENT_BYTES, Case

_MOST_FLOPS_PER_S = 1e17  # of one device; the fastest of 2025 promises a tenth of that in 4 bits
_MOST_BYTES_PER_S = 1e15
_ROUNDED = 1e-4  # of counts that were written with six digits


def impossible(run: BenchRun, samples: str) -> Iterator[tuple[int, str]]:
    """Give the number of every row that cannot be, and why.

    Parameters
    ----------
    run : as its document says. samples : text of the CSV beside it; empty where there is none.
    """
    bounds = _bounds(samples)
    for number, row in enumerate(run.rows):
        reason = _reason(row, bounds)
        if reason:
            yield number, f"{row.case[:80]}: {reason}"


def _reason(row: RunRow, bounds: Mapping[str, tuple[float, float]]) -> str:
    times = (row.least_s, row.low_s, row.median_s, row.high_s)
    if row.state != "measured":
        return "it has a time though it was not measured" if any(time is not None for time in times) else ""
    known = [time for time in times if time is not None]
    if len(known) < len(times) or not row.samples:
        return "it was measured, and a time or the number of samples is missing"
    least, low, median, high = known
    if not 0.0 < least <= low <= median <= high:
        return "least, quartiles and median are out of order"
    if not _is_counted(row):
        return "its operations are not those of its size"
    if row.flops / least > _MOST_FLOPS_PER_S or row.bytes / least > _MOST_BYTES_PER_S:
        return f"no device computes {row.flops / least:.2g} FLOP/s or moves {row.bytes / least:.2g} B/s"
    lowest, highest = bounds.get(row.case, (median, median))
    if not lowest * (1.0 - _ROUNDED) <= median <= highest * (1.0 + _ROUNDED):
        return f"its median of {median:.3g} s cannot come from its raw samples: {lowest:.3g} to {highest:.3g} s"
    return ""


def _is_counted(row: RunRow) -> bool:
    """Say whether a row's operations are those that its kernel has at its size."""
    case = Case(row.kernel, row.family, row.layout, row.operands, row.size, left_out=row.left_out, dtype=row.dtype)
    try:
        return row.dtype in ELEMENT_BYTES and math.isclose(case.flops, row.flops, rel_tol=_ROUNDED)
    except ValueError:  # too many sizes, or too few
        return False


def _bounds(samples: str) -> dict[str, tuple[float, float]]:
    """Give the least and the largest median that each case's raw samples allow [s].

    Samples are brought to one pace by canaries around them: none further than by the slowest or the fastest of all.
    """
    times: dict[str, list[float]] = {}
    canaries: dict[str, list[float]] = {"canary_s": [], "memory_canary_s": []}
    for line in csv.DictReader(io.StringIO(samples)):
        times.setdefault(line["case"], []).append(float(line["seconds"]))
        for name, told in canaries.items():
            seconds = float(line.get(name) or "nan")
            if math.isfinite(seconds):
                told.append(seconds)
    paces = [1.0]
    for told in filter(None, canaries.values()):
        paces += [min(told) / middle(told), max(told) / middle(told)]
    fastest, slowest = min(paces), max(paces)
    return {case: (min(taken) / slowest, max(taken) / fastest) for case, taken in times.items()}
