"""A profile fitted to a user's own serving rows: what the built-in one says, moved as far as their rows ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import Refused
from planner.accuracy.formats import MeasuredFile, form_of
from planner.accuracy.serving_cases import ServingCase
from planner.accuracy.serving_family import cases_of
from planner.accuracy.serving_measured import reader_of
from planner.accuracy.serving_problem import Bench, fitted_part, names_of, problem_of
from planner.accuracy.trace_rows import Trace, steady_case
from planner.calibration.serving_fit import Fit, Level, Problem, solve
from planner.calibration.serving_levels import fitted, moves_of
from planner.catalog.folders import built_in
from planner.catalog.profile import FitReport, Profile
from planner.errors import Fault, InputError
from planner.planning.books import Books
from planner.record import record

Array = NDArray[np.float64]

_FEWEST = 3  # rows below which nothing is learnt
_MOST_OFF = 30.0  # times: no published run is that far from its prediction; seconds for milliseconds are further
_FOLDS = 5
# Width of the moves of a user's engine and chip around the built-in values, against the first fit's: an own machine
# may differ from the published ones by more than those do from each other.
_OWN_WIDTH = 2.0


@record
class Calibration:
    """A user's profile, and what it changed.

    Parameters
    ----------
    profile : to be written.
    rows : numbers that it was fitted to. refused : rows that could not be read, with their reasons.
    errors : median |ln(predicted / measured)| by metric: before, after, and of rows that the fit had not seen.
    """

    profile: Profile
    rows: int
    refused: tuple[tuple[str, str], ...]
    errors: dict[str, tuple[float, float, float]]


def calibrate(files: Sequence[MeasuredFile], *, books: Books, date: str) -> Calibration:
    """Fit the serving profile to the rows of files.

    Raises
    ------
    InputError : a file has no known form, or too few rows can be predicted.
    """
    for file in files:
        form_of(file)
    profile = books.catalog.profile("serving")
    reader = reader_of(books.catalog, built_in() / "measurements")
    found = [_steady(case) for file in files for case in cases_of(file, reader)]
    cases = [case for case in found if isinstance(case, ServingCase)]
    refused = tuple((case.id, case.reason) for case in found if isinstance(case, Refused))
    part, weight = fitted_part(Bench.of(cases, profile), profile)
    weight = (weight > 0).astype(float)  # one's own rows are what counts, each of them
    repeated = sum(case.repeated for case in cases)
    if not np.any(weight):
        raise _too_few(0, refused, repeated)
    problem = _around(problem_of(part, profile, names_of(part.cases), weight), profile, part)
    start = Fit([level.prior for level in problem.levels], 0)
    beyond = _beyond_belief(problem, start)
    refused += tuple(_words(part, problem, start, int(row)) for row in np.flatnonzero(beyond))
    problem = replace(problem, weight=np.where(beyond, 0.0, problem.weight))
    count = int(np.count_nonzero(problem.weight))
    if count < _FEWEST:
        raise _too_few(count, refused, repeated)
    fit = solve(problem, start=start)
    own = fitted(profile, problem.levels, fit)
    report = FitReport(
        date=date,
        rows=count,
        method="built-in values moved by own rows: most probable values under pseudo-Huber loss and normal priors",
        errors=_told(errors := _errors(problem, part, start, fit)),
    )
    return Calibration(own.model_copy(update={"fit": report}), count, refused, errors)


def _steady(case: ServingCase | Refused | Trace) -> ServingCase | Refused:
    return steady_case(case) if isinstance(case, Trace) else case


def _around(problem: Problem, profile: Profile, part: Bench) -> Problem:
    """Give the problem with the profile's own values as its priors; shared values and families stay.

    A chip that the profile does not know sets out from its relative's values, as estimates do.
    """
    now = moves_of(profile, problem.levels)
    chips = problem.levels[-1].members
    for accelerator in {case.accelerator.id: case.accelerator for case in part.cases}.values():
        near = next((name for name in accelerator.relatives if name in profile.chips), None)
        if accelerator.id not in profile.chips and near is not None:
            now.moves[-1][chips.index(accelerator.id)] = now.moves[-1][chips.index(near)]
    levels = tuple(
        Level(level.members, level.width * share, moves)
        for level, share, moves in zip(problem.levels, (0.0, _OWN_WIDTH, 0.0, _OWN_WIDTH), now.moves, strict=True)
    )
    return replace(problem, levels=levels)


def _beyond_belief(problem: Problem, start: Fit) -> NDArray[np.bool_]:
    """Tell numbers that are no slow or fast machine, but a slip or another unit, and would move all answers."""
    off = np.abs(problem.predict(problem.values(start.moves)) - problem.measured)
    beyond: NDArray[np.bool_] = (problem.weight > 0) & ~(off < np.log(_MOST_OFF))
    return beyond


def _words(part: Bench, problem: Problem, start: Fit, row: int) -> tuple[str, str]:
    told = float(np.exp(problem.predict(problem.values(start.moves))[row]))
    metric, value = part.observed.metric[row], float(part.observed.value[row])
    times, way = (told / value, "below") if told > value else (value / told, "above")
    reason = f"{metric} of {value:g} is {times:,.0f} times {way} what is told of such a run: a slip, or another unit"
    return part.cases[int(part.observed.case[row])].id, reason


def _too_few(count: int, refused: Sequence[tuple[str, str]], repeated: int) -> InputError:
    first = f"; {refused[0][0]}: {refused[0][1]}" if refused else ""
    first += f"; refused besides: {len(refused) - 1}" if len(refused) > 1 else ""
    first += f"; rows that repeat another run, which counts once: {repeated}" if repeated else ""
    return InputError(
        Fault(
            "too-few-rows",
            f"{count} measured numbers that a serving profile can be fitted to{first}",
            allowed=f"{_FEWEST} or more",
            hint="planner accuracy FILE shows what each row lacks",
        )
    )


def _errors(problem: Problem, part: Bench, before: Fit, after: Fit) -> dict[str, tuple[float, float, float]]:
    """Give errors by metric: before, after, and by fits that had not seen the row."""
    unseen = np.full(len(problem.measured), np.nan)
    for first in range(_FOLDS):
        out = problem.case % _FOLDS == first
        fold = replace(problem, weight=np.where(out, 0.0, problem.weight))
        if np.any(fold.weight > 0) and np.any(out):
            unseen[out] = problem.predict(problem.values(solve(fold, start=before, rounds=4).moves))[out]
    told = [problem.predict(problem.values(fit.moves)) for fit in (before, after)]
    counted = problem.weight > 0
    metrics = np.array(part.observed.metric)
    found: dict[str, tuple[float, float, float]] = {}
    for metric in sorted(set(part.observed.metric)):
        rows = counted & (metrics == metric)
        if np.any(rows):
            medians = [float(np.nanmedian(np.abs(each - problem.measured)[rows])) for each in (*told, unseen)]
            found[metric] = (medians[0], medians[1], medians[2])
    return found


def _told(errors: dict[str, tuple[float, float, float]]) -> dict[str, float]:
    words = ("before", "after", "unseen")
    return {
        f"{metric}, {word}": round(e, 4) for metric, each in errors.items() for word, e in zip(words, each, strict=True)
    }
