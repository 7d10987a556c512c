"""What somebody said about a scenario, and the bounds that our answer must keep."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import model_validator

from planner.documents.types import Flag, Id, Record, Text, problem, quantity
from planner.errors import did_you_mean, listing
from planner.metrics import METRICS
from planner.units.dimensions import COUNT

Number = Annotated[float, quantity(COUNT, low=-1e40, open_low=False)]


class Expectation(Record):
    """Bounds of one result, or that something does not fit.

    Parameters
    ----------
    metric : name of the result in `planner.metrics`.
    min, max : the bounds, in the metric's unit; one of them at least.
    of : the part of a composite or the node of a place that is meant; parts of parts by `part/node`.
    over : another part: the bounds then are those of the result of `of` divided by the result of `over`.
    infeasible : in place of a metric: `of` does not fit.
    found : what the planner gave when the note was written, so that no note grows old unseen.
    """

    metric: Text | None = None
    min: Number | None = None
    max: Number | None = None
    of: Text | None = None
    over: Text | None = None
    infeasible: Flag = False
    found: Number | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Expectation:
        if self.infeasible:
            if self.metric or self.over or self.min is not None or self.max is not None:
                raise problem("expectation", "what does not fit has no results", allowed="{infeasible: true, of: ...}")
            return self
        if self.metric is None:
            raise problem("expectation", "neither a metric nor 'infeasible: true' is expected")
        if self.metric not in METRICS:
            hint = did_you_mean(self.metric, METRICS)
            raise problem(
                "unknown-metric", f"unknown metric '{self.metric}'", allowed=listing(sorted(METRICS)), hint=hint
            )
        if self.min is None and self.max is None:
            raise problem("expectation", "a metric without a bound expects nothing", allowed="min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise problem("expectation", "min is above max", allowed="min <= max")
        return self


class Claim(Record):
    """A statement of a published source.

    Parameters
    ----------
    says : the statement. source : who made it, where.
    note : what we get, and why it differs.
    expect : bounds of our results; one at least, unless nothing fits.
    infeasible : the scenario must not fit.
    """

    id: Id
    says: Text
    source: Text
    note: Text
    expect: tuple[Expectation, ...] = ()
    infeasible: Flag = False

    @model_validator(mode="before")
    @classmethod
    def _expects_something(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value.get("expect") and value.get("infeasible") is not True:
            raise problem("expectation", "a claim that expects nothing cannot be checked", allowed="expect: [...]")
        return value
