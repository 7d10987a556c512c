"""The training profile as a fit leaves it: parameters, ranges from rows left out, and the report; and its text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import TrainingCase
from planner.accuracy.training_baselines import measured_step_s
from planner.accuracy.training_fit import TrainingFit
from planner.accuracy.training_folds import PRIORS, fitted_on, left_out
from planner.accuracy.training_model import values_of
from planner.catalog.profile import FitReport, Profile, Spread
from planner.planning.books import Books
from planner.planning.training_ranges import class_of

Array = NDArray[np.float64]

_ENDS = (0.1, 0.9)  # quantiles of measured over predicted: 80 %
_FEWEST = 12  # rows that a class needs for a range of its own
_METHOD = (
    "MAP Gauss-Newton on ln of the step time, pseudo-Huber loss, priors of training-priors, "
    "rows weighted by n^-0.35 of their table"
)


def fitted_profile(books: Books, *, date: str) -> Profile:
    """Give the profile fitted on the built-in measurements, with its ranges and its errors on rows left out.

    Parameters
    ----------
    books : with measurements' catalogs and priors. date : of the fit, for its report.
    """
    cases = fitted_on(books)
    fit = TrainingFit(cases, books.catalog.profile(PRIORS))
    profile = fit.coefficients.profile(fit.fitted())
    observed = np.log([measured_step_s(case) for case in cases])
    errors = {"in fit": np.log(fit.model.step_s(values_of(profile, cases)[0])) - observed}
    for name in ("source", "accelerator", "family"):
        found = left_out(cases, name, profile, fit)
        errors[f"{name} left out"] = np.log(fit.model.step_s(found.values)) - observed
    listed = np.array([":" not in case.id for case in cases])
    report: dict[str, float] = {}
    for name, error in errors.items():
        report |= {f"{name}, {what}": value for what, value in _figures(cases, error, listed).items()}
    told = FitReport(date=date, rows=len(cases), method=_METHOD, errors=report)
    return profile.model_copy(
        update={
            "id": "training",
            "name": "Training efficiencies",
            "ranges": _ranges(cases, errors),
            "fit": told,
            "domain": _domain(cases),
        }
    )


def _figures(cases: Sequence[TrainingCase], error: Array, listed: NDArray[np.bool_]) -> dict[str, float]:
    """Give macro, median and 90th percentile of the runs that are listed one by one, and of the table of small ones."""
    tables = np.array([f"{case.source}|{case.accelerator_text}" for case in cases])
    size = np.abs(error)
    macro = float(np.mean([np.median(size[listed & (tables == table)]) for table in sorted(set(tables[listed]))]))
    figures = {"macro": macro, "median": float(np.median(size[listed]))}
    figures["p90"] = float(np.percentile(size[listed], 90))
    figures["bias"] = float(np.median(error[listed]))
    figures["table of small runs, median"] = float(np.median(size[~listed]))
    return {name: round(value, 4) for name, value in figures.items()}


def _ranges(cases: Sequence[TrainingCase], errors: Mapping[str, Array]) -> dict[str, Spread]:
    """Give the ranges: of a measured chip from sources left out, of a relative from chips, else from whole families."""
    kinds = np.array([class_of(case.architecture, case.accelerator, trained=case.trained) for case in cases])
    tables = Counter((case.source, case.accelerator_text) for case in cases)
    weights = np.array([tables[case.source, case.accelerator_text] ** -0.5 for case in cases])
    # A row that leaves much open is given a wider range, so that its error counts by as much less.
    looseness = np.array([case.looseness for case in cases])
    found: dict[str, Spread] = {}
    for basis, name in (("measured", "source"), ("relative", "accelerator"), ("datasheet", "family")):
        measured = np.exp(-errors[f"{name} left out"] / looseness)
        for kind in ("", *sorted(set(kinds))):
            mine = (kinds == kind) | (kind == "")
            if mine.sum() < _FEWEST:
                continue
            spread = _spread(measured[mine], weights[mine])
            firmer = found.get(f"{_FIRMER.get(basis)}{kind and '-'}{kind}", spread)
            # What rests on less is never told more narrowly, whatever the rows that happen to be there.
            hull = {"low": min(spread.low, firmer.low), "high": max(spread.high, firmer.high)}
            found[f"{basis}{kind and '-'}{kind}"] = spread.model_copy(update=hull)
    return found


_FIRMER = {"relative": "measured", "datasheet": "relative"}


def _spread(ratios: Array, weights: Array) -> Spread:
    order = np.argsort(ratios)
    share = (np.cumsum(weights[order]) - 0.5 * weights[order]) / weights.sum()
    low, high = np.interp(_ENDS, share, ratios[order])
    return Spread(low=round(min(float(low), 0.95), 3), high=round(max(float(high), 1.05), 3), rows=len(ratios))


def _domain(cases: Sequence[TrainingCase]) -> dict[str, tuple[float, float]]:
    """Give the span of what was fitted on: 5 % of the rows lie outside either end."""
    spans = {
        "accelerators": [float(case.accelerators) for case in cases],
        "sequence length": [float(case.length) for case in cases],
        "parameters": [float(case.architecture.parameters) for case in cases],
        "software released": [case.software.released for case in cases if case.software.released > 0],
    }
    return {n: (_three(min(values)), _three(max(values))) for n, values in spans.items()}


def _three(value: float) -> float:
    return float(f"{value:.6g}")


def text_of(profile: Profile) -> str:
    """Give a profile as the text of its file: one line for each parameter and owner."""
    document = profile.model_dump(by_alias=True, mode="json", exclude_defaults=True)
    document = {"schema": profile.schema_, "id": profile.id, "name": profile.name, "kind": profile.kind} | document
    lines = []
    for key, value in document.items():
        if isinstance(value, dict) and key not in ("sources", "fit", "domain"):
            lines += [f"{key}:"] + [f"  {name}: {_flow(entry)}" for name, entry in value.items()]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """Give a value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str):
        plain = value.replace("-", "").replace("_", "").replace("/", "").replace(".", "").isalnum()
        return value if plain and not value[0].isdigit() else "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 and float(f"{value:g}") == value else f"{value!r}"
    )
