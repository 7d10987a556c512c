"""A model behind somebody's interface, paid for by the token: what a service of one's own stands beside."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.documents.types import Record, Seconds, Text
from planner.scenario.claim import Claim
from planner.scenario.serving_load import RequestShape, RequestsPerSecond


class HostedWorkload(Record):
    """Requests to a hosted model.

    Parameters
    ----------
    provider, model : as the catalog's table of hosted models names them.
    requests : lengths; the cached share is paid at the price of cached tokens where there is one.
    rate : requests in the mean. duration : over which totals are taken; a month of 730 hours where unsaid.
    """

    kind: Literal["hosted"]
    provider: Text
    model: Text
    requests: RequestShape
    rate: RequestsPerSecond
    duration: Seconds | None = None


class Hosted(Record):
    """A scenario that asks a hosted model."""

    schema_: Annotated[Literal["planner/scenario/v1"], Field(alias="schema")]
    name: Text
    title: Text = ""
    notes: Text = ""
    tags: dict[Text, Text] = Field(default_factory=dict)
    workload: HostedWorkload
    claim: Claim | None = None
