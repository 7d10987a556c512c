"""The parts of `planner.yaml` that `planner check` alone reads: its rules, its baseline, its comment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from planner.documents.types import Record, Text, problem, whole
from planner.scenario.project import Project
from planner.scenario.rules import Budget, Limit, Policy, Waiver

_LEAST_BYTES, _MOST_BYTES = 2_000, 1_000_000
COMMENT_BYTES = 60_000  # GitHub takes 65,536 characters, and its own words come on top
CommentBytes = Annotated[int, whole(_LEAST_BYTES, _MOST_BYTES)]


class Baseline(Record):
    """What changes are measured against: a commit of this repository, or a stored result.

    Parameters
    ----------
    ref : a branch, tag or commit. file : what `planner check --output baseline=FILE` wrote.
    """

    ref: Text | None = None
    file: Text | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Baseline:
        if (self.ref is None) == (self.file is None):
            raise problem(
                "baseline-choice", "a baseline is one of two things", allowed="{ref: origin/main} or {file: ...}"
            )
        return self


class Comment(Record):
    """The comment under a pull request.

    Parameters
    ----------
    most_bytes : of its text; whole rows are left out beyond it.
    least_change : of money; smaller changes of a scenario are not listed.
    """

    most_bytes: CommentBytes = COMMENT_BYTES
    least_change: Limit | None = None


class CheckedProject(Project):
    """A project with what it is checked by.

    Parameters
    ----------
    budgets, policies, waivers : what holds.
    baseline : what changes are measured against.
    comment : how the result is told under a pull request.
    """

    budgets: tuple[Budget, ...] = ()
    policies: tuple[Policy, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    baseline: Baseline | None = None
    comment: Comment = Field(default=Comment())
