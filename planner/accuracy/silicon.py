"""Since when the silicon of an accelerator has been on sale: what software learnt on its first part holds for all."""

from __future__ import annotations

from functools import cached_property

from planner.accuracy.software import years
from planner.catalog.accelerator import Accelerator
from planner.catalog.store import Catalog


class Silicon:
    """First release of each line of silicon in the catalogs.

    An H200 runs the kernels of the H100, an MI325X those of the MI300X, and Blackwell Ultra those of Blackwell: a
    part with more memory or a higher clock is not new to its software. A line is a family and the first word of
    its architecture's name.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def since(self, accelerator: Accelerator) -> float:
        """Give the year in which the first part of an accelerator's line was released; NaN where none is dated."""
        return self._first.get(_line(accelerator), float("nan"))

    @cached_property
    def _first(self) -> dict[tuple[str, str], float]:
        found: dict[tuple[str, str], float] = {}
        for name in self._catalog.ids("accelerator"):
            part = self._catalog.accelerator(name)
            if part.released is not None:
                line = _line(part)
                found[line] = min(found.get(line, float("inf")), years(str(part.released)))
        return found


def _line(accelerator: Accelerator) -> tuple[str, str]:
    words = str(accelerator.architecture or accelerator.id).split()
    return str(accelerator.family or ""), words[0]
