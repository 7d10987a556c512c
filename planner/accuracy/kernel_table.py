"""Timings of single kernels, one per row of a CSV file, as columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.catalog.accelerator import Accelerator
from planner.catalog.store import Catalog
from planner.errors import InputError

Array = NDArray[np.float64]
Words = NDArray[np.str_]


@dataclass(frozen=True)
class KernelTable:
    """Rows of one file.

    Parameters
    ----------
    name : of the file. lines : of its rows, counted from 1.
    cells : of every row, by column.
    parts : catalog entry of every row's accelerator; None for an unknown one.
    """

    name: str
    lines: Sequence[int]
    cells: Sequence[dict[str, str]]
    parts: Sequence[Accelerator | None]

    @staticmethod
    def of(name: str, table: Sequence[tuple[int, dict[str, str]]], catalog: Catalog) -> KernelTable:
        """Give the rows of a file, each with its accelerator's entry."""
        known: dict[str, Accelerator | None] = {}
        for _, row in table:
            text = row.get("accelerator", "")
            if text not in known:
                known[text] = _part(catalog, text)
        parts = [known[row.get("accelerator", "")] for _, row in table]
        return KernelTable(name, [line for line, _ in table], [row for _, row in table], parts)

    def __len__(self) -> int:
        return len(self.lines)

    def words(self, column: str) -> Words:
        """Give a column of text."""
        return np.array([row.get(column, "") for row in self.cells], dtype=np.str_)

    def numbers(self, column: str) -> Array:
        """Give a column of numbers; NaN where there is none."""
        return np.array([_number(row.get(column, "")) for row in self.cells])

    def picked(self, places: NDArray[np.intp]) -> KernelTable:
        """Give some of the rows."""
        return KernelTable(
            self.name,
            [self.lines[place] for place in places],
            [self.cells[place] for place in places],
            [self.parts[place] for place in places],
        )

    @cached_property
    def chips(self) -> Words:
        """Ids of the accelerators."""
        return np.array([part.id if part else "" for part in self.parts], dtype=np.str_)

    @cached_property
    def families(self) -> Words:
        """Families of the accelerators."""
        return np.array([part.family if part else "" for part in self.parts], dtype=np.str_)

    @property
    def measured_s(self) -> Array:
        """Measured times [s]."""
        return self.numbers("latency_us") * 1e-6


def _part(catalog: Catalog, text: str) -> Accelerator | None:
    try:
        return catalog.accelerator(text)
    except InputError:
        return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def library(*words: str) -> str:
    """Name a library by what tells it apart from others.

    >>> library("vidur (PyTorch/vLLM kernels)", "fp16")
    'vidur-fp16'
    """
    return "-".join(word.split(" ")[0].lower() for word in words if word)
