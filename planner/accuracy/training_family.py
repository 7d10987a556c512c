"""Rows of measured training runs: files to cases, cases to predictions with their ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import Observation, Refused, TrainingCase
from planner.accuracy.formats import MeasuredFile
from planner.accuracy.row import Row
from planner.accuracy.training_baselines import Baselines
from planner.accuracy.training_built_in import cases_of
from planner.accuracy.training_fit import TrainingFit
from planner.accuracy.training_folds import PRIORS, fitted_on, left_out
from planner.accuracy.training_model import TrainingModel, values_of
from planner.accuracy.training_power import node_power_w
from planner.catalog.profile import Profile
from planner.planning.books import Books
from planner.planning.training_ranges import class_of, spread_of
from planner.units.interval import Interval

Array = NDArray[np.float64]


def rows_of(files: Sequence[MeasuredFile], *, books: Books, leave_out: str | None) -> list[Row]:
    """Give the rows of files of measured training runs; see `planner.accuracy.formats`."""
    found = [case for file in files for case in cases_of(file, books)]
    cases = [case for case in found if isinstance(case, TrainingCase)]
    profile = books.catalog.profile("training")
    values: Mapping[str, Array] = {}
    bases: list[str] = []
    if leave_out and cases:
        fit = TrainingFit(fitted_on(books), books.catalog.profile(PRIORS))
        found_out = left_out(cases, leave_out, profile, fit)
        values, bases = found_out.values, found_out.bases
    elif cases:
        values, rests = values_of(profile, cases)
        bases = [basis.kind for basis in rests]
    predicted = _Predictions.of(cases, profile, values, bases, books)
    baselines = Baselines.of(cases, leave_out, books)
    rows: list[Row] = []
    number = 0
    for case in found:
        if isinstance(case, Refused):
            rows += case.rows("step_time_s")
            continue
        rows += [predicted.row(number, observation, baselines) for observation in case.observations]
        number += 1
    return rows


class _Predictions:
    """Step times, memory and power of cases, told as the rows tell theirs."""

    def __init__(
        self,
        cases: Sequence[TrainingCase],
        step_s: Array,
        memory: Array,
        spreads: list[Interval],
        bases: Sequence[str],
        books: Books,
    ) -> None:
        self._books = books
        self._cases, self._step_s, self._memory = cases, step_s, memory
        self._spreads, self._bases = spreads, bases

    @staticmethod
    def of(
        cases: Sequence[TrainingCase], profile: Profile, values: Mapping[str, Array], bases: Sequence[str], books: Books
    ) -> _Predictions:
        if not cases:
            return _Predictions(cases, np.empty(0), np.empty(0), [], [], books)
        model = TrainingModel(cases, profile)
        spreads = [
            spread_of(
                profile,
                basis,
                class_of(case.architecture, case.accelerator, trained=case.trained),
                looseness=case.looseness,
            )
            for case, basis in zip(cases, bases, strict=True)
        ]
        return _Predictions(cases, model.step_s(values), model.memory_bytes(), spreads, bases, books)

    def row(self, number: int, observation: Observation, baselines: Baselines) -> Row:
        """Give one observation of one case beside its prediction."""
        case, step = self._cases[number], float(self._step_s[number])
        spread = self._spreads[number]
        tokens = case.batch * case.length
        low, mid, high = step * spread.low, step, step * spread.high
        reason = ""
        if observation.metric == "tokens_per_s_per_accelerator":
            low, mid, high = (tokens / t / case.accelerators for t in (high, mid, low))
        elif observation.metric == "peak_memory_gb":
            mid = float(self._memory[number]) / 1e9
            low, high = mid * _MEMORY_LOW, mid * _MEMORY_HIGH
        elif observation.metric != "step_time_s":
            power = node_power_w(case, self._books)
            if power is None:
                reason = "no node of the catalogs has this accelerator, so that its power is unknown"
            else:
                low, mid, high = power.low / 1e3, power.mid / 1e3, power.high / 1e3
        if not reason and not (math.isfinite(mid) and mid > 0):
            reason = "the row's degrees and sizes do not fit together"
        known = not reason
        return Row(
            id=case.id,
            source=case.source,
            accelerator=case.accelerator_text,
            kind="training",
            group=case.group,
            metric=observation.metric,
            measured=observation.value,
            predicted=mid if known else None,
            low=low if known else None,
            high=high if known else None,
            reason=reason,
            quality=case.quality,
            slices=_slices(case, self._bases[number]),
            baselines=baselines.of_case(number, observation.metric) if known else {},
        )


_MEMORY_LOW, _MEMORY_HIGH = 0.85, 1.2


def _slices(case: TrainingCase, basis: str) -> dict[str, str]:
    kind = class_of(case.architecture, case.accelerator, trained=case.trained)
    return {
        "class": kind,
        "basis": basis,
        "accelerators": str(case.accelerators),
        "chip": case.accelerator.id,
        "model": case.model,
        "precision": case.precision,
        "framework": case.software.framework,
    }
