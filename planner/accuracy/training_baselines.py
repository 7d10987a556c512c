"""Rules of thumb beside which every prediction of a step is shown: none of them knows more than one sentence.

`constant`: 40 % of the peak in model FLOPs. `median`: the median model FLOP utilisation of the rows of the same
accelerator and precision; with rows left out, of those that are left. `bubble`: 50 % of the peak in all FLOPs,
recomputation included, and the bubble of the pipeline.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from planner.accuracy.cases import TrainingCase
from planner.accuracy.training_built_in import built_in_cases
from planner.accuracy.training_degrees import filled
from planner.planning.books import Books
from planner.planning.machines import peak_flops_per_s
from planner.record import record
from planner.workload.flops import TrainingFlops, training_flops

NAMES = ("constant", "median", "bubble")
_CONSTANT, _HALF = 0.4, 0.5


@record
class Baselines:
    """Step times by the rules of thumb, per case."""

    cases: Sequence[TrainingCase]
    times: Sequence[Mapping[str, float]]

    @staticmethod
    def of(cases: Sequence[TrainingCase], leave_out: str | None, books: Books) -> Baselines:
        """Give the baselines of cases; utilisations are those of the built-in measurements."""
        known = built_in_cases(books) if cases else []
        flops = _Flops()
        used = [
            (case, utilisation) for case in known if (utilisation := _utilisation(case, flops)) and case.quality in "AB"
        ]
        return Baselines(cases, [_times(case, used, leave_out, flops) for case in cases])

    def of_case(self, number: int, metric: str) -> dict[str, float]:
        """Give the baselines of one case in the terms of a metric; none where they say nothing of it."""
        case, times = self.cases[number], self.times[number]
        if metric == "step_time_s":
            return dict(times)
        if metric == "tokens_per_s_per_accelerator":
            return {n: case.batch * case.length / time / case.accelerators for n, time in times.items()}
        return {}


def label_of(case: TrainingCase, leave_out: str | None) -> str:
    """Give what a case is left out with."""
    if leave_out == "accelerator":
        return case.accelerator.id
    if leave_out == "model":
        return case.model
    if leave_out == "family":
        return case.accelerator.family
    return case.source if leave_out == "source" else ""


def measured_step_s(case: TrainingCase) -> float:
    """Give the measured time of a step [s]; NaN where the row measures neither time nor rate."""
    for observation in case.observations:
        if observation.metric == "step_time_s":
            return observation.value
        if observation.metric == "tokens_per_s_per_accelerator":
            return case.batch * case.length / observation.value / case.accelerators
    return math.nan


@record
class _Operations:
    """Of one step: what the model needs, and one more forward pass of its layers [FLOP]."""

    model: float
    forward_layers: float


class _Flops:
    """Operations of a step; each shape is counted once."""

    def __init__(self) -> None:
        self._counted: dict[tuple[int, int, bool], TrainingFlops] = {}

    def of(self, case: TrainingCase) -> _Operations:
        key = (id(case.architecture), case.length, case.trained)
        if key not in self._counted:
            self._counted[key] = training_flops(
                case.architecture, sequences=_MANY, length=case.length, trained=case.trained
            )
        counted, scale = self._counted[key], case.batch / _MANY
        return _Operations(counted.model * scale, counted.forward_layers * scale)


_MANY = 1000  # sequences that are counted: of the batch only its size matters, and it need not be whole


def _peak(case: TrainingCase) -> float:
    return peak_flops_per_s(case.accelerator, case.precision) * case.accelerators


def _utilisation(case: TrainingCase, flops: _Flops) -> float:
    measured = measured_step_s(case)
    return float(flops.of(case).model) / (_peak(case) * measured) if measured == measured else 0.0


def _times(
    case: TrainingCase, used: Sequence[tuple[TrainingCase, float]], leave_out: str | None, counted: _Flops
) -> dict[str, float]:
    flops, peak = counted.of(case), _peak(case)
    degrees = filled(case)
    rounds = max(case.batch / (case.devices / degrees.tensor / degrees.pipeline / degrees.context), 1.0)
    rounds = math.ceil(rounds / degrees.micro_batch - 1e-9)
    bubble = 1.0 + (degrees.pipeline - 1.0) / (degrees.interleave * rounds)
    every = flops.model + degrees.again.layers * flops.forward_layers
    out = label_of(case, leave_out)
    left = [u for other, u in used if not leave_out or label_of(other, leave_out) != out]
    alike = [
        u
        for other, u in used
        if other.accelerator.id == case.accelerator.id
        and other.precision == case.precision
        and (not leave_out or label_of(other, leave_out) != out)
    ]
    return {
        "constant": flops.model / (_CONSTANT * peak),
        "median": flops.model / (median(alike or left or [_CONSTANT]) * peak),
        "bubble": every / (_HALF * peak) * bubble,
    }
