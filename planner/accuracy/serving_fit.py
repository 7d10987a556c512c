"""Fits the serving profile to the published rows: `planner refit serving`.

It reads `catalogs/measurements/`, fits, predicts every row by fits that did not see its model, its accelerator or its
source, and writes `catalogs/profiles/serving.yaml` with the report of the fit. Nothing in it is random.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.serving_cases import Mode, ServingCase
from planner.accuracy.serving_folds import KEYS, others_left_out
from planner.accuracy.serving_footing import footing_of, has_experts
from planner.accuracy.serving_measured import fitted_cases
from planner.accuracy.serving_problem import Bench, chips_with_rows, fitted_part, names_of, problem_of, weights_of
from planner.accuracy.serving_ranges import inside_unseen, ranges_of
from planner.calibration.profile_text import profile_text
from planner.calibration.serving_fit import solve
from planner.calibration.serving_levels import fitted, unfitted
from planner.catalog.profile import FitReport, Profile
from planner.catalog.store import Catalog
from planner.planning.serving_ranges import KINDS, spread_of

Array = NDArray[np.float64]

_COMMENT = """Efficiencies of serving engines and chips. `value`, `factors` and `ranges` are written by
    planner refit serving
from the rows of catalogs/measurements; `prior`, `width` and `priors` are what is believed without any row."""
_LEFT_OUT = " left out"
UNSEEN = "source and its ranges"
_METHOD = (
    "most probable values under pseudo-Huber loss and normal priors; errors are |ln| on rows left out: medians, "
    "means of the medians of each (source, accelerator), 90th percentiles"
)


def refitted(catalog: Catalog, measurements: Path, *, date: str) -> str:
    """Give the serving profile fitted anew to the rows of a folder, as the text of its document.

    Parameters
    ----------
    catalog : with the profile, whose priors are kept. measurements : the folder of the rows.
    date : of the fit, for its report.
    """
    profile = unfitted(catalog.profile("serving"))
    cases = fitted_cases(catalog, measurements)
    return profile_text(fitted_profile(cases, profile, date=date), comment=_COMMENT)


def fitted_profile(cases: Sequence[ServingCase], profile: Profile, *, date: str) -> Profile:
    """Give the profile fitted to cases, with ranges and errors from rows left out."""
    bench = Bench.of(cases, profile)
    part, weight = fitted_part(bench, profile)
    names = names_of(cases)
    problem = problem_of(part, profile, names, weight)
    fit = solve(problem)
    found = fitted(profile, problem.levels, fit)
    known = chips_with_rows(part, weight)
    asked = problem_of(bench, profile, names, np.zeros(len(bench.observed.value)), known)
    predictions = {
        "fitted": asked.predict(asked.values(fit.moves)),
        **{what: others_left_out(bench, part, profile, names, weight, fit=fit, key=key) for what, key in KEYS.items()},
    }
    measured = np.log(bench.observed.value)
    errors = {name: measured - predicted for name, predicted in predictions.items()}
    refused = np.array([bool(words) for words in bench.too_large(np.exp(asked.values(fit.moves)))], dtype=bool)
    answered = ~refused[bench.observed.case]
    errors = {name: np.where(answered, error, np.nan) for name, error in errors.items()}
    left_out = {what: errors[what] for what in KEYS}
    found = found.model_copy(update={"ranges": ranges_of(bench, left_out)})
    inside = {what: _inside(bench, error, found, what) for what, error in left_out.items()}
    inside[UNSEEN] = inside_unseen(bench, left_out, "source")
    told = _medians(bench, errors, inside)
    report = FitReport(date=date, rows=int(np.count_nonzero(weight)), method=_METHOD, errors=told)
    return found.model_copy(update={"fit": report})


def _inside(bench: Bench, errors: Array, profile: Profile, what: str) -> NDArray[np.bool_]:
    """Tell of each observation whether it lies in its range where something is left out."""
    footings = [footing_of(case, what) for case in bench.cases]
    places = zip(bench.observed.case.tolist(), bench.observed.metric, strict=True)
    spreads = [spread_of(profile, footings[case], KINDS[metric]) for case, metric in places]
    low, high = (np.log([getattr(each, end) for each in spreads]) for end in ("low", "high"))
    inside: NDArray[np.bool_] = (errors >= low) & (errors <= high)
    return inside


def _medians(bench: Bench, errors: Mapping[str, Array], inside: Mapping[str, NDArray[np.bool_]]) -> dict[str, float]:
    """Give |ln| of every family and metric that was fitted, for each way of leaving out.

    Told are the median, the mean of the medians of each (source, accelerator), "macro", the 90th percentile, and of
    rows left out the share inside their ranges. Rows that are refused have no error.
    """
    weight = weights_of(bench)
    places = defaultdict(list)
    for place, (case, metric) in enumerate(zip(bench.observed.case, bench.observed.metric, strict=True)):
        if weight[place] > 0 and all(np.isfinite(error[place]) for error in errors.values()):
            places[_family(bench.cases[case]), metric].append(place)
    told: dict[str, float] = {}
    published = [place for place, case in enumerate(bench.observed.case) if _counts(bench.cases[case])]
    for how, held in inside.items():
        known = [place for place in published if np.isfinite(errors[next(iter(KEYS))][place])]
        told[f"all, every number, {how}{_LEFT_OUT} (inside)"] = _rounded(float(np.mean(held[known])))
    for family, metric in sorted(places):
        mine = places[family, metric]
        tables = [(bench.cases[c].source, bench.cases[c].accelerator.id) for c in bench.observed.case[mine]]
        for how, error in errors.items():
            name, sizes = f"{family}, {metric}, {how}{_LEFT_OUT if how in KEYS else ''}", np.abs(error[mine])
            told[name] = _rounded(np.median(sizes))
            told[f"{name} (macro)"] = _rounded(_macro(sizes, tables))
            told[f"{name} (p90)"] = _rounded(np.quantile(sizes, 0.9))
        for how, held in inside.items():
            told[f"{family}, {metric}, {how}{_LEFT_OUT} (inside)"] = _rounded(float(np.mean(held[mine])))
    return told


def _counts(case: ServingCase) -> bool:
    return case.quality != "C" and not case.repeated


def _family(case: ServingCase) -> str:
    if case.mode is not Mode.OFFLINE or case.group != "offline":
        return case.group
    return "offline, mixtures of experts" if has_experts(case) else "offline, dense"


def _macro(sizes: Array, tables: Sequence[tuple[str, str]]) -> float:
    by_table = defaultdict(list)
    for size, table in zip(sizes, tables, strict=True):
        by_table[table].append(size)
    return float(np.mean([np.median(own) for own in by_table.values()]))


def _rounded(error: float) -> float:
    return round(float(error), 3)
