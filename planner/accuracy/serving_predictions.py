"""What the planner says of measured serving cases, with ranges and refusals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import Observation
from planner.accuracy.row import Row
from planner.accuracy.serving_baseline import NAME, halved
from planner.accuracy.serving_cases import Mode, ServingCase
from planner.accuracy.serving_footing import footing_of, named, width_of
from planner.accuracy.serving_problem import Bench
from planner.catalog.folders import built_in
from planner.catalog.profile import Profile
from planner.planning.books import Books
from planner.planning.serving_efficiency import serving_efficiency_of
from planner.planning.serving_ranges import KINDS, spread_of
from planner.record import record
from planner.serving.efficiency import NAMES

Array = NDArray[np.float64]

_UNSETTLED = {"system_power_w": "nothing is known of what stands around these accelerators"}


@record
class Predictions:
    """Predictions of cases, in their order.

    Parameters
    ----------
    cases : what was measured. profile : ranges.
    bases : "measured", "relative" or "family" for each case's chip.
    values : prediction of each observation by case and metric; NaN where there is none.
    reasons : why a case is refused, "" where it is not.
    rule : what a rule of thumb says, by case and metric.
    """

    cases: Sequence[ServingCase]
    profile: Profile
    bases: Sequence[str]
    values: dict[tuple[int, str], float]
    reasons: Sequence[str]
    rule: Mapping[tuple[int, str], float] = field(default_factory=dict)

    @staticmethod
    def of(bench: Bench, books: Books, leave_out: str | None) -> Predictions:
        """Predict cases by the profile, or by fits that left their source, accelerator or model out."""
        profile, cases = books.catalog.profile("serving"), bench.cases
        if not cases:
            return Predictions((), profile, (), {}, ())
        found = [
            serving_efficiency_of(profile, case.accelerator, profile.engines[case.engine] if case.engine else None)
            for case in cases
        ]
        values = np.array([[float(getattr(each, name)) for each, _ in found] for name in NAMES])
        bases = [basis.chip for _, basis in found]
        if leave_out is None:
            predicted = bench.predicted(values)
        else:
            predicted = _left_out(bench, books, leave_out)
            bases = ["relative" if leave_out == "accelerator" and basis == "measured" else basis for basis in bases]
        places = zip(bench.observed.case.tolist(), bench.observed.metric, predicted.tolist(), strict=True)
        told = {(case, metric): value for case, metric, value in places}
        return Predictions(cases, profile, bases, told, bench.too_large(values), halved(bench))

    def rows(self, number: int) -> list[Row]:
        """Give every observation of one case."""
        case = self.cases[number]
        return [
            self.row(
                case,
                observation,
                self.values.get((number, observation.metric), math.nan),
                self.bases[number],
                self.reasons[number],
                self.rule.get((number, observation.metric)),
            )
            for observation in case.observations
        ]

    def row(
        self,
        case: ServingCase,
        observation: Observation,
        value: float,
        basis: str,
        reason: str,
        rule: float | None = None,
    ) -> Row:
        """Give one observation beside its prediction and a rule's; refused where it cannot be predicted."""
        known = not reason and math.isfinite(value) and value > 0
        if not known and not reason:
            reason = _UNSETTLED.get(observation.metric, f"the load does not settle its {observation.metric}")
        metric = observation.metric
        kind = KINDS.get(metric, metric.split("_")[0])
        spread = spread_of(self.profile, footing_of(case, chip=basis), kind)
        return Row(
            id=case.id,
            source=case.source,
            accelerator=case.accelerator_text,
            kind=case.kind,
            group=case.scenario or case.group,
            metric=metric,
            measured=observation.value,
            predicted=value if known else None,
            low=value * spread.low if known else None,
            high=value * spread.high if known else None,
            reason="" if known else reason,
            quality=case.quality,
            baselines={NAME: rule} if known and rule else {},
            slices=_slices(case),
        )


def family_of(case: ServingCase) -> str:
    """Give the family of rows that a case is scored with."""
    family = named(case.group)
    return f"offline-{width_of(case)}" if case.mode is Mode.OFFLINE and family == "offline" else family


def _slices(case: ServingCase) -> dict[str, str]:
    return {
        "class": family_of(case),
        "chip": case.accelerator.id,
        "model": case.model,
        "framework": case.engine,
    }


def _left_out(bench: Bench, books: Books, what: str) -> Array:
    """Give predictions by fits on the built-in rows that share none of something with the row."""
    from planner.accuracy.serving_folds import KEYS, others_left_out
    from planner.accuracy.serving_measured import fitted_cases
    from planner.accuracy.serving_problem import fitted_part, names_of
    from planner.calibration.serving_levels import levels_of, moves_of

    profile = books.catalog.profile("serving")
    cases = fitted_cases(books.catalog, built_in() / "measurements")
    known, weight = fitted_part(Bench.of(cases, profile), profile)
    names = names_of([*cases, *bench.cases])
    start = moves_of(profile, levels_of(profile, names))
    predicted: Array = np.exp(others_left_out(bench, known, profile, names, weight, fit=start, key=KEYS[what]))
    return predicted
