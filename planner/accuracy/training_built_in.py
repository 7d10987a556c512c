"""The measured training runs that the planner brings along, read once."""

from __future__ import annotations

from planner.accuracy.cases import TrainingCase
from planner.accuracy.formats import FORMATS, read_file
from planner.catalog.store import built_in
from planner.documents.files import ReadBudget
from planner.planning.books import Books

_MODULE = "planner.accuracy.training_family"


def built_in_cases(books: Books) -> list[TrainingCase]:
    """Give all built-in measured training runs that can be predicted."""
    from planner.accuracy.training_family import cases_of

    names = next(form.built_in for form in FORMATS if form.module == _MODULE)
    files = [read_file(built_in() / "measurements" / name, ReadBudget()) for name in names]
    return [case for file in files for case in cases_of(file, books) if isinstance(case, TrainingCase)]
