"""What a check finds: one record for every way in which a project's rules, claims or plans can fail."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from planner.errors import Location
from planner.policy.identified import Identified
from planner.record import record
from planner.scenario.rules import JudgedAt, Level, Period

_FINGERPRINT_DIGITS = 32


class FindingKind(Identified):
    """Kinds of findings: a stable id, and what it means; docs/checks.md lists them."""

    BUDGET_OVER = ("budget-over", "scenarios use more than a budget allows")
    BUDGET_UNKNOWN = ("budget-unknown", "what a budget bounds is unknown, so that nobody can say that it is kept")
    POLICY_OVER = ("policy-over", "a value lies above a policy's maximum")
    POLICY_UNDER = ("policy-under", "a value lies below a policy's minimum")
    POLICY_UNKNOWN = ("policy-unknown", "what a policy bounds is unknown")
    INCREASE_OVER = ("increase-over", "a value rose more against the baseline than a policy allows")
    DECREASE_OVER = ("decrease-over", "a value fell more against the baseline than a policy allows")
    CHANGE_UNKNOWN = ("change-unknown", "a value is unknown now or in the baseline, so that its change is too")
    CLAIM_FAILS = ("claim-fails", "our result does not keep what a claim expects")
    SCENARIO_INFEASIBLE = ("scenario-infeasible", "a scenario cannot be carried out as it is described")
    SCENARIO_GONE = ("scenario-gone", "a scenario of the baseline is not checked any more")
    WAIVER_EXPIRED = ("waiver-expired", "a waiver has run out")
    WAIVER_UNUSED = ("waiver-unused", "a waiver waives nothing")
    PRICE_OLD = ("price-old", "a price is older than the project allows")


@record
class WayBack:
    """A single change that was tried, and what it gives.

    Parameters
    ----------
    scenario : whose change. path, value : what is set to what, as `--set path=value` takes it.
    result : what the rule would then judge.
    days : length of the run then; None where it has none.
    keeps : whether the rule would be kept.
    """

    scenario: str
    path: str
    value: str
    result: float
    days: float | None
    keeps: bool


@record
class Share:
    """What one scenario uses of a budget; None where that is unknown."""

    scenario: str
    value: float | None


@record
class Finding:
    """One finding.

    Parameters
    ----------
    kind : what is wrong. level : what it comes to.
    rule : id of the budget, policy, waiver or claim; "" for plans that do not fit.
    subject : scenario that it is about; "" for several together.
    where : place in the YAML that drives it. rule_where : place of the rule.
    metric, per, at : what was judged, in which period, where in its range.
    value, limit : in the metric's unit; None where there is none or it is unknown.
    before : value of the baseline.
    detail : what numbers do not say.
    owner, advice : of the rule.
    shares : what the largest of several scenarios use; `members` counts all of them.
    waived_by : who gave leave, where somebody did.
    ways_back : single changes that were tried.
    """

    kind: FindingKind
    level: Level
    rule: str = ""
    subject: str = ""
    where: Location | None = None
    rule_where: Location | None = None
    metric: str = ""
    per: Period = "run"
    at: JudgedAt = "p50"
    value: float | None = None
    limit: float | None = None
    before: float | None = None
    detail: str = ""
    owner: str = ""
    advice: str = ""
    shares: tuple[Share, ...] = ()
    members: int = 1
    waived_by: str = ""
    ways_back: tuple[WayBack, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A text that stays the same while the same rule is broken by the same scenario, whatever the numbers."""
        whole = "\0".join((self.kind.id, self.rule, self.subject))
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_FINGERPRINT_DIGITS]

    @property
    def fails(self) -> bool:
        """Whether it ends the check with a failure."""
        return self.level == "deny" and not self.waived_by

    def waived(self, by: str) -> Finding:
        """Give the finding as one that somebody gave leave for."""
        return replace(self, waived_by=by)


_ORDER: dict[Level, int] = {"deny": 0, "warn": 1, "note": 2}


def order(finding: Finding) -> tuple[int, int, str, str, str]:
    """Sort key: what fails first, then by level, kind, rule and scenario."""
    return (0 if finding.fails else 1, _ORDER[finding.level], finding.kind.id, finding.rule, finding.subject)
