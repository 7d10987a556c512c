"""Rows of measured serving runs: files to cases, cases to predictions with their ranges."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence

from planner.accuracy.cases import Observation, Refused
from planner.accuracy.closed_loop_rows import ClosedLoopRows
from planner.accuracy.formats import MeasuredFile
from planner.accuracy.inference_row import RowRefusedError
from planner.accuracy.inference_rows import InferenceRows
from planner.accuracy.row import Row
from planner.accuracy.serving_cases import ServingCase
from planner.accuracy.serving_measured import reader_of
from planner.accuracy.serving_predictions import Predictions
from planner.accuracy.serving_problem import Bench
from planner.accuracy.trace_rows import Trace, predicted, read_trace
from planner.catalog.folders import built_in
from planner.catalog.profile import Profile
from planner.errors import PlannerError
from planner.planning.books import Books
from planner.planning.serving_efficiency import serving_efficiency_of


def rows_of(files: Sequence[MeasuredFile], *, books: Books, leave_out: str | None) -> list[Row]:
    """Give the rows of files of measured serving runs and traces; see `planner.accuracy.formats`."""
    reader = reader_of(books.catalog, built_in() / "measurements")
    profile = books.catalog.profile("serving")
    found, bench = counted([case for file in files for case in cases_of(file, reader)], profile)
    predictions = Predictions.of(bench, books, leave_out)
    rows: list[Row] = []
    number = 0
    for case in found:
        if isinstance(case, Refused):
            rows += case.rows("output_tokens_per_s")
        elif isinstance(case, Trace):
            rows += _trace_rows(case, books, predictions)
        else:
            rows += predictions.rows(number)
            number += 1
    return rows


def cases_of(file: MeasuredFile, reader: InferenceRows) -> Iterator[ServingCase | Refused | Trace]:
    """Give the cases of one file, in the order of its rows."""
    if file.columns:
        yield from ClosedLoopRows(reader).read(file.table, file=file.name)
    elif _is_trace(file.top):
        yield _trace_of(file, reader)
    else:
        rows = file.top.get("cases") if file.top else file.value
        for row in rows if isinstance(rows, list) else ():
            yield reader.read(row if isinstance(row, Mapping) else {})


def counted(
    found: Sequence[ServingCase | Refused | Trace], profile: Profile
) -> tuple[list[ServingCase | Refused | Trace], Bench]:
    """Give cases with their counts, those refused whose model cannot be counted under its layout.

    Counting is most of the work: each case is looked at alone only where all of them together failed.
    """
    try:
        return list(found), Bench.of([case for case in found if isinstance(case, ServingCase)], profile)
    except _UNCOUNTED:
        kept = [_counted(case, profile) if isinstance(case, ServingCase) else case for case in found]
    return kept, Bench.of([case for case in kept if isinstance(case, ServingCase)], profile)


_UNCOUNTED = (PlannerError, ValueError, KeyError, ArithmeticError)


def _counted(case: ServingCase, profile: Profile) -> ServingCase | Refused:
    try:
        Bench.of([case], profile)
    except _UNCOUNTED as error:
        return Refused(
            case.id, case.source, case.accelerator_text, case.quality, case.scenario, case.kind,
            f"its layers cannot be counted: {error}", case.observations,
        )  # fmt: skip
    return case


def _is_trace(top: Mapping[str, object]) -> bool:
    return "cases" not in top and "engine_kwargs" in top


def _trace_of(file: MeasuredFile, reader: InferenceRows) -> Trace | Refused:
    requests = file.path.with_suffix(".csv")
    try:
        return read_trace(reader, file.top, requests, name=file.path.stem)
    except RowRefusedError as refusal:
        reason = str(refusal)
    except (OSError, UnicodeDecodeError, csv.Error):
        reason = f"its requests cannot be read from {requests.name}, beside it"
    nothing = Observation("ttft_p50_ms", math.nan)
    words = str(file.top.get("accelerator") or "")
    return Refused(file.path.stem, file.path.stem, words, "A", "trace", "trace", reason, (nothing,))


def _trace_rows(trace: Trace, books: Books, predictions: Predictions) -> list[Row]:
    """Give a trace's percentiles; replays lean on no row of the trace but through the profile."""
    case, profile = trace.case, books.catalog.profile("serving")
    moves = profile.engines[case.engine]
    efficiency, basis = serving_efficiency_of(profile, case.accelerator, moves)
    told: Mapping[str, float] = {}
    reason = ""
    try:
        told = predicted(trace, efficiency, moves)
    except RowRefusedError as refusal:
        reason = str(refusal)
    return [
        predictions.row(case, observation, told.get(observation.metric, math.nan), basis.chip, reason)
        for observation in case.observations
    ]
