"""Errors of other planners on published runs, as they were measured: `catalogs/measurements/other-tools.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from planner.documents.reader import read_yaml
from planner.documents.typed import require_schema, typed
from planner.documents.types import Record, Text, Whole

Percent = Annotated[float, Field(allow_inf_nan=False, ge=0)]
SCHEMA = "planner/other-tools/v1"


class Tool(Record):
    """Errors of one tool on one set of runs: median, 90th percentile and largest [%]."""

    name: Text
    median: Percent
    p90: Percent | None = None
    largest: Percent | None = None


class RunSet(Record):
    """A set of runs that tools were compared on.

    Parameters
    ----------
    runs : how many the tools were given.
    source, fewest, most : which of our rows belong to it: source, and accelerators.
    """

    title: Text
    runs: Whole
    source: Text
    fewest: Whole = 1
    most: Whole
    tools: tuple[Tool, ...]

    def holds(self, source: str, accelerators: int) -> bool:
        """Tell whether a row of a source on so many accelerators belongs to the set."""
        return source == self.source and self.fewest <= accelerators <= self.most


class OtherTools(Record):
    """Other planners' errors, set by set, with what is to be known of them."""

    schema_: Literal["planner/other-tools/v1"] = Field(alias="schema")
    note: Text
    sets: tuple[RunSet, ...]


def read_other_tools(path: Path) -> OtherTools:
    """Read the document."""
    tree = read_yaml(path)
    require_schema(tree, SCHEMA)
    return typed(tree, OtherTools)
