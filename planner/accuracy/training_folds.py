"""Parameters for measured runs from fits that saw nothing of their source, accelerator or model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import TrainingCase
from planner.accuracy.training_baselines import label_of, measured_step_s
from planner.accuracy.training_built_in import built_in_cases
from planner.accuracy.training_fit import TrainingFit
from planner.accuracy.training_model import values_of
from planner.catalog.profile import Profile
from planner.planning.books import Books
from planner.record import record

Array = NDArray[np.float64]
PRIORS = "training-priors"


@record
class LeftOut:
    """Parameters of cases, each from the fit that did not see it, and what those rest on."""

    values: dict[str, Array]
    bases: list[str]


def fitted_on(books: Books) -> list[TrainingCase]:
    """Give the built-in cases that the profile is fitted on: quality A and B, with a time or rate."""
    return [
        case
        for case in built_in_cases(books)
        if case.quality in ("A", "B") and measured_step_s(case) == measured_step_s(case)
    ]


def left_out(cases: Sequence[TrainingCase], leave_out: str, profile: Profile, fit: TrainingFit) -> LeftOut:
    """Give the parameters of cases with their label left out.

    Parameters
    ----------
    cases : to be predicted; of the built-in measurements or of anybody.
    leave_out : what rows are left out together by: source, accelerator, model or family.
    profile : the fit on all built-in measurements, about which folds are solved.
    fit : that fit.

    Returns
    -------
    Of every case the parameters of a fit without rows of its label, and without near-duplicates of such rows.
    """
    labels = [label_of(case, leave_out) for case in cases]
    names = sorted(set(labels))
    masks = [_unseen(fit.cases, name, leave_out, cases, labels) for name in names]
    profiles = fit.folds(fit.coefficients.deviations(profile), masks)
    values = {name: value.copy() for name, value in values_of(profile, cases)[0].items()}
    bases = [""] * len(cases)
    for name, found in zip(names, profiles, strict=True):
        mine = [number for number, label in enumerate(labels) if label == name]
        its, rests = values_of(found, [cases[number] for number in mine])
        for parameter, value in its.items():
            values[parameter][mine] = value
        for number, basis in zip(mine, rests, strict=True):
            bases[number] = basis.kind
    return LeftOut(values, bases)


def _unseen(
    known: Sequence[TrainingCase], name: str, leave_out: str, cases: Sequence[TrainingCase], labels: Sequence[str]
) -> NDArray[np.bool_]:
    out = [label_of(case, leave_out) == name for case in known]
    near = {key for case, mine in zip(known, out, strict=True) if mine for key in case.near}
    near |= {key for case, label in zip(cases, labels, strict=True) if label == name for key in case.near}
    return np.array([mine or bool(near & set(case.near)) for case, mine in zip(known, out, strict=True)])
