"""The measured training runs that the planner brings along, read once."""

from __future__ import annotations

from planner.accuracy.cases import TrainingCase
from planner.accuracy.formats import built_in_files, read_file
from planner.documents.files import ReadBudget
from planner.planning.books import Books

_MODULE = "planner.accuracy.training_family"


def built_in_cases(books: Books) -> list[TrainingCase]:
    """Give all built-in measured training runs that can be predicted."""
    from planner.accuracy.training_family import cases_of

    files = [read_file(path, ReadBudget()) for path in built_in_files(_MODULE)]
    return [case for file in files for case in cases_of(file, books) if isinstance(case, TrainingCase)]
