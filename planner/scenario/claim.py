"""What somebody said about a scenario, and the bounds that our answer must keep."""

from __future__ import annotations

from planner.documents.types import Flag, Id, Record, Text


class Expectation(Record):
    """Bounds of one result: `metric` by its name in `planner.metrics`; `of` a part of a composite or capacity."""

    metric: Text
    min: float | None = None
    max: float | None = None
    of: Text | None = None


class Claim(Record):
    """A statement of a published source.

    Parameters
    ----------
    says : the statement. source : who made it, where.
    note : what we get, and why it differs.
    expect : bounds of our results. infeasible : the scenario must not fit.
    """

    id: Id
    says: Text
    source: Text
    note: Text
    expect: tuple[Expectation, ...] = ()
    infeasible: Flag = False
