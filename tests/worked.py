"""Scenarios of the project, each worked through once for all tests that look at its results.

To estimate every claim takes most of a minute; tables, documents, explanations and verdicts are so many views of it.
That the commands print these very views is tested where the commands are.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from planner.documents.files import ReadBudget
from planner.planning.books import Books
from planner.planning.claims import judged
from planner.planning.estimate import Estimate
from planner.scenario.project import read_project
from planner.scenario.resolve import Resolved, read_scenario
from tests.conftest import ROOT


@cache
def worked(file: Path) -> tuple[Resolved, Estimate, Books]:
    """Give a scenario of the project, its estimate with the verdicts on its claim, and what it was looked up in."""
    budget = ReadBudget()
    books = Books.of(read_project(ROOT / "planner.yaml", budget=budget), budget)
    resolved = read_scenario(file, root=ROOT, budget=budget)
    return resolved, judged(resolved, books), books
