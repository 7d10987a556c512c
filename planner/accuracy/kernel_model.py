"""Published kernel timings as arrays, by kind of kernel: which rows can be predicted, and from which parameters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.kernel_links import LINKS, spans_nodes
from planner.accuracy.kernel_operators import KINDS, Kind
from planner.accuracy.kernel_table import KernelTable
from planner.calibration.kernels import Timings
from planner.catalog.profile import Profile

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
            missing = [column for column in needs if not is_positive(row.get(column, ""))]
            return number, f"the row does not state {', '.join(missing)}" if missing else ""
    return -1, f"no rule for operands in {row.get('dtype') or 'an unstated format'}"


def is_positive(text: str) -> bool:
    """Whether a cell holds a number above zero, and an end."""
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


def _no_link(table: KernelTable, place: int) -> str:
    part = table.parts[place]
    if spans_nodes(table.cells[place]):
        return "the row does not tell the network or the bus between the domains that it spans"
    if part is None or part.link is None or not part.link.bandwidth:
        return "the catalogs know no link of this accelerator"
    return ""
