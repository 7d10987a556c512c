"""Named parts, each a scenario: added up, or set against each other."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.documents.types import Record, Text
from planner.scenario.claim import Claim


class Part(Record):
    """One part: a scenario file relative to this one, perhaps one of its variants, `times` over."""

    scenario: Text
    variant: Text | None = None
    times: Annotated[float, Field(gt=0)] = 1.0


class CompositeWorkload(Record):
    """How the parts belong together: `sum` adds their results, `alternatives` sets them side by side."""

    kind: Literal["composite"]
    combine: Literal["sum", "alternatives"]
    parts: dict[Text, Part]


class Composite(Record):
    """A scenario made of scenarios."""

    schema_: Annotated[Literal["planner/scenario/v1"], Field(alias="schema")]
    name: Text
    title: Text = ""
    notes: Text = ""
    tags: dict[Text, Text] = Field(default_factory=dict)
    workload: CompositeWorkload
    claim: Claim | None = None
