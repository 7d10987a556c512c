"""Files of measured training runs as cases, and those that the planner brings along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.accuracy.cases import Refused, TrainingCase
from planner.accuracy.formats import MeasuredFile, built_in_files, read_file
from planner.accuracy.software import Words, read_rules
from planner.accuracy.training_rows import TrainingRows
from planner.catalog.folders import built_in
from planner.documents.files import ReadBudget
from planner.planning.books import Books

_MODULE = "planner.accuracy.training_family"


def cases_of(file: MeasuredFile, books: Books) -> Iterator[TrainingCase | Refused]:
    """Give the cases of one file, in the order of its rows."""
    reader = TrainingRows(books.catalog, Words(read_rules(built_in() / "measurements" / "software.yaml")))
    if file.columns:
        for line, row in file.table:
            yield reader.csv_row(row, file=file.name, line=line)
        return
    for number, row in enumerate(file.value):
        yield reader.yaml_row(row if isinstance(row, Mapping) else {}, number=number)


def built_in_cases(books: Books) -> list[TrainingCase]:
    """Give all built-in measured training runs that can be predicted."""
    files = [read_file(path, ReadBudget()) for path in built_in_files(_MODULE)]
    return [case for file in files for case in cases_of(file, books) if isinstance(case, TrainingCase)]
