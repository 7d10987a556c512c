"""Measured serving cases as a fit sees them: observations, weights, and predictions under any efficiencies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.closed_loop_rows import APART, SPECULATION_UNSTATED
from planner.accuracy.serving_cases import Mode, ServingCase
from planner.accuracy.serving_outcomes import Block, blocks_of, picked
from planner.calibration.serving_fit import Problem
from planner.calibration.serving_levels import Names, levels_of, priors_of
from planner.catalog.profile import Profile
from planner.record import record
from planner.serving.efficiency import NAMES, POWER, ServingEfficiency

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@record
class Observations:
    """What all cases measured, one element for each number.

    Parameters
    ----------
    case : place of its case. metric : its name. value : as measured.
    block, row : block of its mode, and the case's place in it.
    """

    case: Index
    metric: tuple[str, ...]
    value: Array
    block: Index
    row: Index


@record
class Bench:
    """Cases ready to be predicted."""

    cases: tuple[ServingCase, ...]
    blocks: tuple[Block, ...]
    observed: Observations

    @staticmethod
    def of(cases: Sequence[ServingCase], profile: Profile) -> Bench:
        """Give the cases with what no efficiency changes counted; observations that have no prediction are left out."""
        blocks = tuple(blocks_of(cases, profile.engines))
        mode_of = {block.mode: n for n, block in enumerate(blocks)}
        row_of = np.zeros(len(cases), dtype=np.intp)
        for block in blocks:
            row_of[block.places] = np.arange(len(block.places))
        case, metric, value = [], [], []
        for place, one in enumerate(cases):
            known = blocks[mode_of[one.mode]].metrics
            for observation in one.observations:
                if observation.metric in known:
                    case.append(place)
                    metric.append(observation.metric)
                    value.append(observation.value)
        owner = np.array(case, dtype=np.intp)
        block_of = np.array([mode_of[one.mode] for one in cases], dtype=np.intp)
        observed = Observations(owner, tuple(metric), np.array(value), block_of[owner], row_of[owner])
        return Bench(tuple(cases), blocks, observed)

    def predicted(self, values: Array) -> Array:
        """Give every observation's prediction under efficiencies of every case, (parameters, cases) -> (rows,)."""
        efficiency = ServingEfficiency(**dict(zip(NAMES, values, strict=True)))
        found = np.full(len(self.observed.value), np.nan)
        metrics = np.array(self.observed.metric)
        for n, block in enumerate(self.blocks):
            mine = self.observed.block == n
            with np.errstate(all="ignore"):
                outcome = block.outcome(picked(efficiency, block.places))
            for name, array in outcome.items():
                rows = np.flatnonzero(mine & (metrics == name))
                found[rows] = array[self.observed.row[rows]]
        return found

    def too_large(self, values: Array) -> list[str]:
        """Say of every case why its machine cannot hold it; "" where it can."""
        efficiency = ServingEfficiency(**dict(zip(NAMES, values, strict=True)))
        words = [""] * len(self.cases)
        for block in self.blocks:
            for place, text in zip(block.places, block.too_large(picked(efficiency, block.places)), strict=True):
                words[place] = text
        return words

    def logarithms(self, values: Array) -> Array:
        """Give ln of predictions from ln of efficiencies; a floor stands in for what is not positive."""
        found = self.predicted(np.exp(values))
        logs: Array = np.log(np.where(np.isfinite(found) & (found > 0), found, _FLOOR))
        return logs


_FLOOR = 1e-12
_DERIVED = {  # a metric that repeats another one of the same run
    "output_tokens_per_s": ("e2e_latency_ms", "tpot_ms", "itl_ms"),
    "requests_per_s": ("output_tokens_per_s", "e2e_latency_ms"),
    "joules_per_token": ("accelerator_power_w",),
    "total_tokens_per_s": ("output_tokens_per_s",),
}
_UNFIT = (SPECULATION_UNSTATED, APART)
_NEVER = ("peak_memory_gb", "system_power_w")


def weights_of(bench: Bench) -> Array:
    """Give the weight of every observation: 1 / sqrt(rows of its source, accelerator and metric); 0 for unfit ones.

    Unfit are rows of quality C, rows whose layout, speculation or batch nobody stated, and numbers that repeat another
    one.
    """
    names = [{o.metric for o in case.observations} for case in bench.cases]
    keys = []
    for place, metric in zip(bench.observed.case, bench.observed.metric, strict=True):
        case = bench.cases[place]
        repeats = any(first in names[place] for first in _DERIVED.get(metric, ()))
        unfit = (
            case.quality == "C"
            or (case.mode is Mode.ENCODE and metric == "e2e_latency_ms" and math.isnan(case.batch))
            or case.repeated
            or case.degrees.searched
            or case.group in _UNFIT
            or metric in _NEVER
            or repeats
        )
        keys.append(None if unfit else (case.source, case.accelerator.id, metric))
    count = Counter(keys)
    return np.array([0.0 if key is None else count[key] ** -0.5 for key in keys])


def fitted_part(bench: Bench, profile: Profile) -> tuple[Bench, Array]:
    """Give the cases of which some observation counts, by themselves, and the weights of their observations.

    A fit evaluates its rows hundreds of times, and loads that are found by search take longest.
    """
    weight = weights_of(bench)
    start = np.repeat(priors_of(profile)[0][:, None], len(bench.cases), axis=1)
    impossible = np.array([bool(words) for words in bench.too_large(np.exp(start))], dtype=bool)
    weight[impossible[bench.observed.case]] = 0.0
    counts = {int(place) for place in bench.observed.case[weight > 0]}
    part = Bench.of([case for place, case in enumerate(bench.cases) if place in counts], profile)
    return part, weight[np.isin(bench.observed.case, list(counts))]


def names_of(cases: Sequence[ServingCase]) -> Names:
    """Give the engines, families and chips that cases have, sorted."""
    return Names(
        tuple(sorted({case.engine for case in cases})),
        tuple(sorted({case.accelerator.family for case in cases})),
        tuple(sorted({case.accelerator.id for case in cases})),
    )


def chips_with_rows(bench: Bench, weight: Array) -> frozenset[str]:
    """Give the accelerators of which some observation counts."""
    return frozenset(bench.cases[place].accelerator.id for place in bench.observed.case[weight > 0])


def problem_of(
    bench: Bench, profile: Profile, names: Names, weight: Array, with_rows: Collection[str] | None = None
) -> Problem:
    """Give the fit of some observations; a chip without rows takes its relative's moves.

    Parameters
    ----------
    bench, weight : observations and what each counts.
    profile : priors. names : members of the levels.
    with_rows : chips whose moves are known; where none are named, those of which an observation counts.
    """
    start, low, high = priors_of(profile)
    with_rows = chips_with_rows(bench, weight) if with_rows is None else frozenset(with_rows)
    with_rows |= {name for name, moves in profile.chips.items() if moves.priors}
    place = np.array(
        [
            np.zeros(len(bench.cases), dtype=int),
            [_place(names.engines, case.engine) for case in bench.cases],
            [_place(names.families, case.accelerator.family) for case in bench.cases],
            [_place(names.chips, _standing_in(case, with_rows)) for case in bench.cases],
        ],
        dtype=np.intp,
    )
    return Problem(
        levels=levels_of(profile, names),
        place=place,
        start=start,
        low=low,
        high=high,
        predict=bench.logarithms,
        case=bench.observed.case,
        measured=np.log(bench.observed.value),
        weight=weight,
        moves=_moves(bench),
    )


def _moves(bench: Bench) -> NDArray[np.bool_]:
    """Tell what each observation moves: power its own parameters, since how times fall out is told better by times."""
    of_power = np.array([metric == "accelerator_power_w" for metric in bench.observed.metric], dtype=bool)
    moved: NDArray[np.bool_] = ~of_power[:, None] | np.array([name in POWER for name in NAMES])
    return moved


def _place(members: tuple[str, ...], name: str) -> int:
    return members.index(name) if name in members else -1


def _standing_in(case: ServingCase, with_rows: Collection[str]) -> str:
    part = case.accelerator
    return next((name for name in (part.id, *part.relatives) if name in with_rows), "")
