"""Kernel timings predicted by fits that did not see them: whole shapes, accelerators or sources left out in turn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.kernel_model import Batch, names_of
from planner.calibration.kernels import Problem, moves_of, solve
from planner.catalog.profile import Profile

Array = NDArray[np.float64]
Words = NDArray[np.str_]

_FOLDS = 5  # that shapes are dealt to
_EVALUATIONS = 10  # of a fit that begins where the fit of all rows ended


def problem_of(batch: Batch, profile: Profile) -> Problem:
    """Give the fit of a kind's rows."""
    names = names_of(batch.kind.name, profile)
    return Problem(batch.timings(), {name: profile.parameters[name] for name in names})


def folds_of(batch: Batch, leave_out: str) -> Words:
    """Give what every row is left out with: its accelerator, its source, or the fold of its whole shape.

    Shapes are dealt to five folds in an order that is always the same; the weights of a product of every number of
    rows are one shape, as is one model.
    """
    if leave_out == "accelerator":
        return batch.table.chips
    if leave_out == "source":
        return np.array([word.split(":")[0] for word in batch.table.words("source")], dtype=np.str_)
    columns = [batch.table.words(name) for name in batch.kind.shape]
    shapes = np.array(["|".join(map(str, words)) for words in zip(*columns, strict=True)])
    _, place = np.unique(shapes, return_inverse=True)
    order = np.random.default_rng(0).permutation(place.max() + 1)
    return np.array([str(order[number] % _FOLDS) for number in place], dtype=np.str_)


def left_out_seconds(batch: Batch, profile: Profile, leave_out: str, *, begin: Array | None = None) -> Array:
    """Give the seconds of rows, each by a fit without those that are left out with it [s].

    Parameters
    ----------
    batch, profile : rows of one kind, and their parameters.
    leave_out : "shape", "model" (the same), "accelerator" or "source".
    begin : moves of the fit of all rows, from which the others begin; those of the profile where None.
    """
    problem = problem_of(batch, profile)
    if begin is None:
        begin = moves_of(problem, profile)
    folds = folds_of(batch, leave_out)
    seconds = np.full(len(folds), np.nan)
    for fold in np.unique(folds):
        mine = folds == fold
        if mine.all():
            continue  # nothing is left to fit
        moves = solve(problem, use=~mine, begin=_forgotten(problem, begin, mine), evaluations=_EVALUATIONS)
        seconds[mine] = problem.predicted_s(moves)[mine]
    return seconds


def _forgotten(problem: Problem, begin: Array, mine: NDArray[np.bool_]) -> Array:
    """Give moves without those of members that have no rows but the ones left out."""
    seen = problem.applies[~mine].any(axis=0)
    return np.where(seen, begin, 0.0)


def errors(seconds: Array, measured_s: Array) -> Array:
    """Give |ln(predicted / measured)| of rows [1]."""
    return np.asarray(np.abs(np.log(seconds / measured_s)))


def summary(found: Mapping[str, Array], where: NDArray[np.bool_], title: str) -> dict[str, float]:
    """Give median and 90th percentile of errors, by how rows were left out."""
    report = {}
    for name, each in found.items():
        known = each[where & np.isfinite(each)]
        if len(known):
            report[f"{title}, {name}, median"] = round(float(np.median(known)), 3)
            report[f"{title}, {name}, p90"] = round(float(np.quantile(known, 0.9)), 3)
    return report
