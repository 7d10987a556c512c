"""What a project holds its scenarios to: budgets, policies, and waivers of either."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from planner.documents.types import Date, Id, Plain, Record, Share, Text, problem, quantity
from planner.errors import brief, did_you_mean, listing
from planner.metrics import METRICS
from planner.units.dimensions import RATIO

Level = Literal["deny", "warn", "note"]
JudgedAt = Literal["p50", "p90", "max"]
Period = Literal["run", "hour", "month", "quarter", "year", "token"]


def _read_limit(value: Any) -> str | float:
    """Keep a limit as it was written: what it measures is known only together with its metric."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise problem("quantity", "a limit is a number, with a unit or in that of the metric", allowed="5 M USD, 0.35")
    return value


Limit = Annotated[str | float, Plain(_read_limit, {"type": ["string", "number"], "examples": ["5 M USD", 0.35]})]
Increase = Annotated[float, quantity(RATIO, open_low=False)]


def _read_metric(value: Any) -> str:
    if not isinstance(value, str) or value not in METRICS:
        shown = brief(value)
        known = sorted(METRICS)
        raise problem(
            "unknown-metric", f"unknown metric '{shown}'", allowed=listing(known), hint=did_you_mean(shown, known)
        )
    return value


MetricName = Annotated[str, Plain(_read_metric, {"enum": sorted(METRICS)})]


class Scope(Record):
    """Which scenarios are meant: those that keep all that is said; every scenario that is no claim where nothing is.

    Parameters
    ----------
    scenarios : names, or patterns such as `llama-*`; `name@variant` is a variant, `name/part` a part.
    tags : by name, each a text or a pattern.
    facility : ids or patterns of where the machines stand.
    """

    scenarios: tuple[Text, ...] = ()
    tags: dict[Text, Text] = Field(default_factory=dict)
    facility: tuple[Text, ...] = ()


class Step(Record):
    """Limits from a day on, until the next step.

    Parameters
    ----------
    from_ : first day. deny, warn : the limits.
    """

    from_: Annotated[Date, Field(alias="from")]
    deny: Limit | None = None
    warn: Limit | None = None


class Budget(Record):
    """The most that scenarios may use of something.

    Parameters
    ----------
    metric : what is used, a name of `planner.metrics`.
    per : the time or the token that the limits are for; the whole run where unsaid.
    scope : whose use.
    combine : `sum` adds up the scenarios of the scope, `each` takes them one by one; where unsaid, what adds
        up is added up.
    deny, warn : the limits, in the metric's unit or with a unit of their own.
    limits : limits that change with time, in place of the two; the step that holds on `prices.on` counts.
    judged_at : where in its range the value is taken: the middle, the bad end of 80 % of cases, or every
        uncertain input at its bad end at once.
    on_unknown : what a value that is not known comes to.
    owner : who is asked. message : what they say.
    """

    id: Id
    metric: MetricName
    per: Period = "run"
    scope: Scope = Scope()
    combine: Literal["sum", "each"] | None = None
    deny: Limit | None = None
    warn: Limit | None = None
    limits: tuple[Step, ...] = ()
    judged_at: JudgedAt = "p50"
    on_unknown: Level = "deny"
    owner: Text = ""
    message: Text = ""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Budget:
        plain = self.deny is not None or self.warn is not None
        if plain and self.limits:
            raise problem("budget-limits", "limits stand twice", allowed="deny and warn, or limits: [{from: ..., ...}]")
        if not plain and not self.limits:
            raise problem("budget-limits", "a budget without a limit", allowed="deny, warn, or limits: [...]")
        if any(step.deny is None and step.warn is None for step in self.limits):
            raise problem("budget-limits", "a step without a limit", allowed="{from: 2027-01-01, deny: ..., warn: ...}")
        days = [step.from_ for step in self.limits]
        if days != sorted(set(days)):
            raise problem("budget-limits", "steps must rise in time, each day once", allowed="from: in rising order")
        return self


class Policy(Record):
    """Bounds that every scenario of a scope must keep by itself.

    Parameters
    ----------
    metric : a name of `planner.metrics`. scope : which scenarios.
    min, max : bounds of the value.
    max_increase, max_decrease : most that it may change against the baseline, as a share of it.
    and_over : a change counts only if it is larger than this too.
    level : what breaking it comes to. on_unknown : what a value that is not known comes to; as `level` where unsaid.
    judged_at, owner, message : as of a budget.
    """

    id: Id
    metric: MetricName
    scope: Scope = Scope()
    min: Limit | None = None
    max: Limit | None = None
    max_increase: Increase | None = None
    max_decrease: Share | None = None
    and_over: Limit | None = None
    level: Level = "deny"
    on_unknown: Level | None = None
    judged_at: JudgedAt = "p50"
    owner: Text = ""
    message: Text = ""

    @property
    def compares(self) -> bool:
        """Whether a baseline is needed."""
        return self.max_increase is not None or self.max_decrease is not None

    @model_validator(mode="after")
    def _bounds_something(self) -> Policy:
        if self.min is None and self.max is None and not self.compares:
            allowed = "min, max, max_increase, max_decrease"
            raise problem("policy-bounds", "a policy that bounds nothing", allowed=allowed)
        if self.and_over is not None and not self.compares:
            raise problem("policy-bounds", "'and_over' without a change to bound", allowed="max_increase, max_decrease")
        return self


class Waiver(Record):
    """Leave to break a budget or a policy, up to a value and a day.

    Parameters
    ----------
    of : id of the budget or policy.
    scenarios : whose breaking is waived; anybody's where unsaid.
    ceiling : the worst value that is waived: the highest, or the lowest where a minimum is broken.
    until : last day. by : who gave leave. reason : why.
    """

    of: Id
    scenarios: tuple[Text, ...] = ()
    ceiling: Limit
    until: Date
    by: Text
    reason: Text = ""
