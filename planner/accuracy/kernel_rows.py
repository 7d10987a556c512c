"""Rows of kernel timings beside predictions from the fitted profile, or from fits that left them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.formats import MeasuredFile
from planner.accuracy.kernel_folds import left_out_seconds
from planner.accuracy.kernel_model import Batch, batches_of, is_positive, names_of
from planner.accuracy.kernel_table import KernelTable
from planner.accuracy.row import Row
from planner.calibration.kernels import moved_values
from planner.catalog.profile import Profile
from planner.planning.books import Books

Array = NDArray[np.float64]
Words = NDArray[np.str_]


def rows_of(files: Sequence[MeasuredFile], *, books: Books, leave_out: str | None) -> list[Row]:
    """Give the rows of files of kernel timings; see `planner.accuracy.formats`."""
    profile = books.catalog.profile("kernels")
    found: list[Row] = []
    for file in files:
        table = KernelTable.of(file.name, file.table, books.catalog)
        batches, refused = batches_of(table)
        predicted: dict[int, tuple[float, str]] = {}
        for batch in batches:
            seconds = _seconds(batch, profile, leave_out)
            predicted |= {
                int(place): (float(value), batch.kind.name) for place, value in zip(batch.places, seconds, strict=True)
            }
        found += [_row(table, place, predicted, refused, profile) for place in range(len(table))]
    return found


def _seconds(batch: Batch, profile: Profile, leave_out: str | None) -> Array:
    if leave_out is None:
        names = names_of(batch.kind.name, profile)
        labels = batch.labels | {"chip": stand_ins(batch.table, profile, names)}
        return batch.kind.build(batch.table)(moved_values(profile, names, labels))
    return left_out_seconds(batch, profile, leave_out)


def stand_ins(table: KernelTable, profile: Profile, names: Sequence[str]) -> Words:
    """Give every row's chip, or its nearest relative, that moves some of the parameters; as `planning.efficiencies`."""
    fitted = {chip for chip, moves in profile.chips.items() if any(name in moves.factors for name in names)}
    known = {
        part.id: next((chip for chip in (part.id, *part.relatives) if chip in fitted), part.id)
        for part in table.parts
        if part is not None
    }
    return np.array([known[part.id] if part else "" for part in table.parts], dtype=np.str_)


def _row(
    table: KernelTable,
    place: int,
    predicted: Mapping[int, tuple[float, str]],
    refused: Mapping[int, str],
    profile: Profile,
) -> Row:
    cells = table.cells[place]
    source = cells.get("source", "")
    known = place in predicted
    seconds, kind = predicted.get(place, (0.0, ""))
    spread = profile.ranges.get(kind)
    micro = seconds * 1e6
    return Row(
        id=f"{table.name}:{table.lines[place]}",
        source=source.split(":")[0],
        accelerator=cells.get("accelerator", ""),
        kind="kernel",
        group=cells.get("op", ""),
        metric="latency_us",
        measured=float(cells["latency_us"]) if is_positive(cells.get("latency_us", "")) else float("nan"),
        predicted=micro if known else None,
        low=micro * spread.low if known and spread else None,
        high=micro * spread.high if known and spread else None,
        reason=refused.get(place, ""),
        quality="B" if cells.get("flag") or source.startswith("vidur") else "A",
        slices={"class": kind or cells.get("op", ""), "precision": cells.get("dtype", ""),
                "framework": cells.get("framework", ""), "model": cells.get("op_detail", "")},
    )  # fmt: skip
