"""Fits the kernels' profile to published timings: `planner refit kernels`.

It reads `catalogs/measurements/kernels.csv`, fits each kind of kernel from several starts, predicts every row by fits
that did not see its shape or its accelerator, and writes `catalogs/profiles/kernels.yaml` with the report of the fit.
Two runs write the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.formats import read_file
from planner.accuracy.kernel_folds import errors, left_out_seconds, problem_of, summary
from planner.accuracy.kernel_model import Batch, batches_of
from planner.accuracy.kernel_table import KernelTable
from planner.calibration.kernels import Problem, fitted_moves, fitted_parameters, moves_of, solve
from planner.calibration.profile_text import profile_text
from planner.catalog.profile import FitReport, Moves, Profile, Spread
from planner.catalog.store import Catalog
from planner.documents.files import ReadBudget

Array = NDArray[np.float64]

_COMMENT = """Efficiencies of single kernels and of links, by chip and by library. `value`, `factors`, `ranges` and
`domain` are written by
    planner refit kernels
from catalogs/measurements/kernels.csv; `prior`, `width` and `moves` are what is believed without any row."""
_METHOD = (
    "least squares in log time, soft loss, normal priors, the best of three starts; errors are |ln(predicted/measured)|"
)
_STARTS, _FEWER_STARTS = 3, {"link": 1, "narrow": 1}  # the largest fits begin at the priors alone
_SPAN = (0.1, 0.9)  # of measured over predicted, that a range holds
_DIGITS = 4


def refitted(catalog: Catalog, measurements: Path, *, date: str, kinds: Sequence[str] = ()) -> str:
    """Give the kernels' profile fitted anew to the timings of a folder, as the text of its document.

    Parameters
    ----------
    catalog : with the profile, whose priors are kept. measurements : the folder of the rows.
    date : of the fit, for its report. kinds : of kernels that are fitted; all where none is named.
    """
    file = read_file(measurements / "kernels.csv", ReadBudget())
    batches, _ = batches_of(KernelTable.of(file.name, file.table, catalog))
    profile = catalog.profile("kernels")
    for batch in batches:
        if not kinds or batch.kind.name in kinds:
            profile = _with_fit(profile, batch, date=date)
    rows = sum(len(batch.table) for batch in batches)
    profile = profile.model_copy(update={"fit": profile.fit.model_copy(update={"rows": rows})})
    return profile_text(profile, comment=_COMMENT)


def _with_fit(profile: Profile, batch: Batch, *, date: str) -> Profile:
    """Give the profile with one kind of kernel fitted, and what its rows say of the fit."""
    problem = problem_of(batch, profile)
    moves = solve(
        problem, use=np.ones(len(batch.table), dtype=bool), starts=_FEWER_STARTS.get(batch.kind.name, _STARTS)
    )
    measured = batch.table.measured_s
    written = _with_values(profile, problem, moves)
    seconds = {"fit": problem.predicted_s(moves_of(problem, written))}  # small moves are not written
    for name in ("shape", "accelerator"):
        seconds[f"{name} left out"] = left_out_seconds(batch, profile, name, begin=moves)
    found = {name: errors(each, measured) for name, each in seconds.items()}
    kind = batch.kind.name
    report = {name: error for name, error in profile.fit.errors.items() if not name.startswith(f"{kind}:")}
    for title, where in _groups(batch).items():
        report |= summary(found, where, f"{kind}: {title}")
    return written.model_copy(
        update={
            "ranges": {**profile.ranges, kind: _range(seconds["shape left out"], measured)},
            "domain": {**profile.domain, **_domain(batch)},
            "fit": FitReport(date=date, rows=profile.fit.rows, method=_METHOD, errors=report),
        }
    )


def _with_values(profile: Profile, problem: Problem, moves: Array) -> Profile:
    """Give the profile with the values and moves of one kind's parameters."""
    values = fitted_parameters(problem, moves)
    parameters = {
        name: entry.model_copy(update={"value": _short(values[name])}) if name in values else entry
        for name, entry in profile.parameters.items()
    }
    moved = _moved(profile, fitted_moves(problem, moves), set(values))
    return profile.model_copy(update={"parameters": parameters, **moved})


def _moved(
    profile: Profile, found: dict[str, dict[str, dict[str, float]]], mine: set[str]
) -> dict[str, dict[str, Moves]]:
    """Give the sections of moves with those of one kind's parameters replaced."""
    sections = {}
    for section, members in found.items():
        before: dict[str, Moves] = getattr(profile, section)
        factors = {
            member: {name: value for name, value in moves.factors.items() if name not in mine}
            for member, moves in before.items()
        }
        for member, moved in members.items():
            factors.setdefault(member, {}).update({name: _short(value) for name, value in moved.items()})
        sections[section] = {member: Moves(factors=each) for member, each in sorted(factors.items())}
    return sections


def _groups(batch: Batch) -> dict[str, NDArray[np.bool_]]:
    """Give the groups of rows that errors are told of: all, and of products those of chips and engines."""
    every = {"all": np.ones(len(batch.table), dtype=bool)}
    chips, engines = batch.table.chips, batch.kind.libraries(batch.table)
    if batch.kind.name == "matrix":
        return every | {str(chip): chips == chip for chip in np.unique(chips)}
    if batch.kind.name == "narrow":
        return every | {str(engine): engines == engine for engine in np.unique(engines)}
    if batch.kind.name == "link":
        operators = batch.table.words("op")
        return every | {str(name): operators == name for name in np.unique(operators)}
    return every


def _range(seconds: Array, measured: Array) -> Spread:
    ratio = (measured / seconds)[np.isfinite(seconds)]
    low, high = np.quantile(ratio, _SPAN)
    return Spread(low=_short(float(low)), high=_short(float(high)), rows=len(ratio))


def _domain(batch: Batch) -> dict[str, tuple[float, float]]:
    """Give the sizes that a kind's rows span."""
    found = {}
    for column in (*batch.kind.needs,):
        numbers = batch.table.numbers(column)
        if np.isfinite(numbers).any():
            found[f"{batch.kind.name} {column}"] = (float(np.nanmin(numbers)), float(np.nanmax(numbers)))
    return found


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
