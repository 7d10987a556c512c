"""Predictions of measured serving rows by fits that did not see their model, or their accelerator."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.serving_cases import ServingCase
from planner.accuracy.serving_problem import Bench, chips_with_rows, problem_of
from planner.calibration.serving_fit import Fit, solve
from planner.calibration.serving_levels import Names
from planner.catalog.profile import Profile

Array = NDArray[np.float64]
Key = Callable[[ServingCase], str]

FOLDS = 6
_RELEASE = re.compile(r"-v0\.\d+\Z")
_ROUNDS = 3  # from the fit of all rows, to which a fold's is near


def model_of(case: ServingCase) -> str:
    """Give what is left out together: all rows of one model, releases that its name tells as `-v0.2` among them."""
    return _RELEASE.sub("", case.model)


def chip_of(case: ServingCase) -> str:
    """Give what is left out together: all rows of one accelerator; families are dealt over folds."""
    return f"{case.accelerator.family} {case.accelerator.id}"


KEYS: dict[str, Key] = {
    "model": model_of,
    "accelerator": chip_of,
    "source": lambda case: case.source,
}
"""What can be left out, by the name that the command knows it by."""


def others_left_out(
    asked: Bench, bench: Bench, profile: Profile, names: Names, weight: Array, *, fit: Fit, key: Key
) -> Array:
    """Give ln of every asked observation's prediction by a fit that had no row of its key's value.

    Parameters
    ----------
    asked : observations to predict.
    bench, profile, names, weight : as of the fit of all rows.
    fit : that fit, from which those of the folds set out.
    key : what is left out together.

    Notes
    -----
    Values of the key are sorted and dealt to six folds in turn, so that each fit misses a sixth of them: every
    prediction has even less to lean on than if its own value alone were missing.
    """
    own = [key(case) for case in bench.cases]
    theirs = [key(case) for case in asked.cases]
    predicted = np.full(len(asked.observed.value), np.nan)
    for values in _dealt(theirs):
        missing = np.array([own[place] in values for place in bench.observed.case])
        kept = np.where(missing, 0.0, weight)
        moves = solve(problem_of(bench, profile, names, kept), start=fit, rounds=_ROUNDS).moves
        nothing = np.zeros(len(asked.observed.value))
        problem = problem_of(asked, profile, names, nothing, chips_with_rows(bench, kept))
        rows = np.array([theirs[place] in values for place in asked.observed.case])
        predicted[rows] = problem.predict(problem.values(moves))[rows]
    return predicted


def _dealt(keys: Sequence[str]) -> list[set[str]]:
    values = sorted(set(keys))
    return [set(values[first::FOLDS]) for first in range(min(FOLDS, len(values)))]
