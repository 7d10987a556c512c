"""The published serving rows that the project keeps, as cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from planner.accuracy.cases import Refused
from planner.accuracy.closed_loop_rows import ClosedLoopRows
from planner.accuracy.formats import read_file
from planner.accuracy.inference_rows import InferenceRows
from planner.accuracy.serving_cases import ServingCase
from planner.accuracy.serving_words import ServingWords, read_serving_rules
from planner.accuracy.trace_rows import read_trace, steady_case
from planner.catalog.store import Catalog
from planner.documents.files import ReadBudget

RULES = "engines.yaml"


def reader_of(catalog: Catalog, measurements: Path) -> InferenceRows:
    """Give a reader of inference rows under the rules of a folder."""
    return InferenceRows.of(catalog, ServingWords(read_serving_rules(measurements / RULES)))


def published(catalog: Catalog, measurements: Path) -> list[ServingCase | Refused]:
    """Give all rows of `inference.yaml` and `serving_closed_loop.csv` of a folder."""
    reader = reader_of(catalog, measurements)
    found = [reader.read(row) for row in inference_rows(measurements / "inference.yaml")]
    file = read_file(measurements / "serving_closed_loop.csv", ReadBudget())
    found += ClosedLoopRows(reader).read(file.table, file=file.name)
    return found


def fitted_cases(catalog: Catalog, measurements: Path) -> list[ServingCase]:
    """Give the rows of a folder that can be predicted, and its traces as one case each."""
    rows = [row for row in published(catalog, measurements) if isinstance(row, ServingCase)]
    reader = reader_of(catalog, measurements)
    for path in sorted((measurements / "traces").glob("*.yaml")):
        document = read_file(path, ReadBudget()).value
        rows.append(steady_case(read_trace(reader, document, path.with_suffix(".csv"), name=path.stem)))
    return rows


def inference_rows(path: Path) -> Sequence[Mapping[str, Any]]:
    """Give the rows of a file in the form of `inference.yaml`."""
    cases: Sequence[Mapping[str, Any]] = read_file(path, ReadBudget()).value["cases"]
    return cases
