"""Named parts, each a scenario: added up, or set against each other."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from planner.documents.types import Id, Record, Text, problem, quantity
from planner.scenario.claim import Claim
from planner.units.dimensions import COUNT

Times = Annotated[float, quantity(COUNT)]


class Part(Record):
    """One part.

    Parameters
    ----------
    scenario : a file, relative to this one and inside the project.
    variant : one of its variants.
    times : how often it is done, in a sum.
    """

    scenario: Text
    variant: Text | None = None
    times: Times = 1.0


class CompositeWorkload(Record):
    """How the parts belong together.

    Parameters
    ----------
    combine : `sum` adds up the results that add whenever the parts run (money, energy, carbon,
        accelerator-hours, FLOPs); `alternatives` sets the parts side by side.
    parts : by name.
    """

    kind: Literal["composite"]
    combine: Literal["sum", "alternatives"]
    parts: dict[Id, Part]

    @field_validator("parts", mode="before")
    @classmethod
    def _has_parts(cls, value: Any) -> Any:
        if value == {}:
            raise problem("no-parts", "a composite without parts", allowed="parts: {name: {scenario: FILE}}")
        return value


class Composite(Record):
    """A scenario made of scenarios."""

    schema_: Annotated[Literal["planner/scenario/v1"], Field(alias="schema")]
    name: Text
    title: Text = ""
    notes: Text = ""
    tags: dict[Text, Text] = Field(default_factory=dict)
    workload: CompositeWorkload
    claim: Claim | None = None
