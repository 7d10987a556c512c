"""Rows of kernel timings beside predictions from the fitted profile, or from fits that left them out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.formats import MeasuredFile
from planner.accuracy.kernel_links import LINKS, spans_nodes
from planner.accuracy.kernel_operators import KINDS, Kind
from planner.accuracy.kernel_table import KernelTable
from planner.accuracy.row import Row
from planner.calibration.kernels import Timings, moved_values
from planner.catalog.profile import Profile
from planner.planning.books import Books

Array = NDArray[np.float64]
Words = NDArray[np.str_]

ALL_KINDS: tuple[Kind, ...] = (*KINDS, LINKS)
_PREFIXES = {"link": ("link_", "direct_")}


@dataclass(frozen=True)
class Batch:
    """Rows of one kind that can be predicted, of one file.

    Parameters
    ----------
    kind : of kernel. table : the rows. places : of them in the file.
    """

    kind: Kind
    table: KernelTable
    places: NDArray[np.intp]

    @property
    def labels(self) -> dict[str, Words]:
        """Labels of the rows by level of moves."""
        table, libraries = self.table, self.kind.libraries(self.table)
        built = ["-".join(map(str, words)) for words in zip(libraries, table.families, strict=True)]
        return {
            "family": table.families,
            "chip": table.chips,
            "library": libraries,
            "operator": table.words("op"),
            "build": np.array(built, dtype=np.str_),
        }

    def timings(self) -> Timings:
        """Give the rows as what parameters are fitted to."""
        table = self.table
        columns = [table.words(name) for name in ("op", "accelerator", "dtype", "framework")]
        each = ["|".join(map(str, words)) for words in zip(*columns, strict=True)]
        return Timings(self.kind.build(table), table.measured_s, self.labels, np.array(each, dtype=np.str_))


def names_of(kind: str, profile: Profile) -> list[str]:
    """Give the names of a kind's parameters."""
    starts = _PREFIXES.get(kind, (f"{kind}_",))
    return [name for name in profile.parameters if name.startswith(starts)]


def batches_of(table: KernelTable) -> tuple[list[Batch], dict[int, str]]:
    """Sort rows by kind; give the reasons of those that cannot be predicted by their place in the file."""
    sorted_: dict[int, list[int]] = defaultdict(list)
    refused: dict[int, str] = {}
    for place, row in enumerate(table.cells):
        number, reason = _kind_of(row)
        if not reason and table.parts[place] is None:
            reason = "the catalogs know no such accelerator"
        if not reason and ALL_KINDS[number] is LINKS:
            reason = _no_link(table, place)
        if reason:
            refused[place] = reason
        else:
            sorted_[number].append(place)
    found = []
    for number, places in sorted(sorted_.items()):
        where = np.array(places)
        found.append(Batch(ALL_KINDS[number], table.picked(where), where))
    return found, refused


def _kind_of(row: Mapping[str, str]) -> tuple[int, str]:
    """Give the kind of a row by its place among all, or why there is none."""
    mine = [(number, kind) for number, kind in enumerate(ALL_KINDS) if row.get("op") in kind.operators]
    if not mine:
        return -1, f"no rule for the operator {row.get('op') or '(none)'} by itself"
    for number, kind in mine:
        if row.get("dtype") in kind.formats:
            needs = (*kind.other_needs.get(row["op"], kind.needs), "latency_us")
            missing = [column for column in needs if not _positive(row.get(column, ""))]
            return number, f"the row does not state {', '.join(missing)}" if missing else ""
    return -1, f"no rule for operands in {row.get('dtype') or 'an unstated format'}"


def _positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def _no_link(table: KernelTable, place: int) -> str:
    part = table.parts[place]
    if spans_nodes(table.cells[place]):
        return "the row does not tell the network or the bus between the domains that it spans"
    if part is None or part.link is None or not part.link.bandwidth:
        return "the catalogs know no link of this accelerator"
    return ""


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
    from planner.accuracy.kernel_folds import left_out_seconds

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
        measured=float(cells["latency_us"]) if _positive(cells.get("latency_us", "")) else float("nan"),
        predicted=micro if known else None,
        low=micro * spread.low if known and spread else None,
        high=micro * spread.high if known and spread else None,
        reason=refused.get(place, ""),
        quality="B" if cells.get("flag") or source.startswith("vidur") else "A",
        slices={"class": kind or cells.get("op", ""), "precision": cells.get("dtype", ""),
                "framework": cells.get("framework", ""), "model": cells.get("op_detail", "")},
    )  # fmt: skip
