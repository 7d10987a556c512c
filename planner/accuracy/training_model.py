"""Predictions of measured training runs from a profile's parameters, for one set of values or many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import TrainingCase
from planner.accuracy.training_arrays import Group, groups_of
from planner.catalog.profile import Profile
from planner.hardware.efficiency import NAMES, Efficiency
from planner.planning.efficiencies import Basis, chain_of, moved
from planner.planning.evaluate import evaluate, step_of
from planner.training.strategy import Strategy

Array = NDArray[np.float64]
Values = Mapping[str, Array]

EFFICIENCIES = NAMES
HABITS = (
    "recompute_operators",
    "recompute_minimal",
    "recompute_custom",
    "recompute_unstated",
    "evaluation",
    "whole_run",
    "real_tokens",
    "youth",
)
"""Parameters of how published runs were run and told, which no plan of one's own needs."""

_PADDED_FROM = 384  # length from which sequences of a masked language model are padded or packed
_MATURED_YEARS = 2.5  # taken where a row does not date its software


@dataclass(frozen=True)
class TrainingModel:
    """Measured training runs as arrays, ready to be predicted.

    Parameters
    ----------
    cases : what was measured.
    profile : parameters, and what frameworks add to memory.
    """

    cases: Sequence[TrainingCase]
    profile: Profile

    @cached_property
    def groups(self) -> list[Group]:
        """The cases as arrays."""
        return groups_of(self.cases, self.profile)

    @cached_property
    def youth(self) -> Array:
        """How new a chip's silicon was to its software: 1 when its first part was released, falling by e a year [1]."""
        return np.array([_youth(case) for case in self.cases])

    def step_s(self, values: Values) -> Array:
        """Give the time of a step of every case [s].

        Parameters
        ----------
        values : every parameter by name, of shape (cases,) or (variants, cases).

        Returns
        -------
        Times of the same shape, with what the row's kind of rate adds to them.
        """
        shape = np.broadcast_shapes(*(value.shape for value in values.values()))
        found = np.empty(shape)
        for group in self.groups:
            mine = {name: value[..., group.rows] for name, value in values.items()}
            aged = self._aged(mine, self.youth[group.rows])
            problem = replace(group.problem, efficiency=Efficiency(**{n: aged[n] for n in EFFICIENCIES}))
            found[..., group.rows] = step_of(problem, _with_habits(group, mine)).total
        return found * self._told(values)

    def memory_bytes(self) -> Array:
        """Give the peak memory of one accelerator in every case as rows tell it: allocated, or all that is taken [B].

        NaN where no case of a group measured it.
        """
        found = np.full(len(self.cases), np.nan)
        wanted = np.array([any(o.metric == "peak_memory_gb" for o in case.observations) for case in self.cases])
        for group in self.groups:
            if not np.any(wanted[group.rows]):
                continue
            stages = evaluate(group.problem, group.strategy).stages
            allocated = stages[0].allocated
            for stage in stages[1:]:
                allocated = np.maximum(allocated, stage.allocated)
            taken = group.problem.rules.total_bytes(allocated)
            alone = np.array([self.cases[row].allocated for row in group.rows])
            found[group.rows] = np.where(alone, allocated, taken)
        return found

    def _aged(self, values: Values, youth: Array) -> dict[str, Array]:
        """Rates of units under software that is new to them."""
        slower = np.exp(-values["youth"] * youth)
        return dict(values) | {name: values[name] * slower for name in ("matrix_sustained", "attention")}

    def _told(self, values: Values) -> Array:
        """Step time as published over step time: evaluation, whole runs, padded sequences [1]."""
        kinds = np.array([case.kind_of_rate for case in self.cases])
        padded = np.array([case.group == "encoder" and case.length >= _PADDED_FROM for case in self.cases])
        told = np.where(kinds == "evaluated", values["evaluation"], 1.0)
        told = told * np.where(kinds == "hours", values["whole_run"], 1.0)
        result: Array = told * np.where(padded, values["real_tokens"], 1.0)
        return result


def values_of(profile: Profile, cases: Sequence[TrainingCase]) -> tuple[dict[str, Array], list[Basis]]:
    """Give every parameter of every case as a profile has them, and what each case's rest on."""
    found: dict[tuple[str, str, str], tuple[dict[str, float], Basis]] = {}
    for case in cases:
        key = key_of(case)
        if key not in found:
            chain, basis = chain_of(
                profile,
                case.accelerator,
                precision=case.precision,
                framework=profile.frameworks[case.software.framework],
            )
            names = (*EFFICIENCIES, *HABITS)
            found[key] = {n: moved(profile.parameters[n], n, chain) for n in names}, basis
    mine = [found[key_of(case)] for case in cases]
    return {n: np.array([values[n] for values, _ in mine]) for n in (*EFFICIENCIES, *HABITS)}, [b for _, b in mine]


def key_of(case: TrainingCase) -> tuple[str, str, str]:
    """Give what a case's parameters depend on: chip, precision and framework."""
    return case.accelerator.id, case.precision, case.software.framework


def _with_habits(group: Group, values: Values) -> Strategy:
    """Give the strategy with what habits of recomputation run again."""
    again = group.again
    other = (
        again["operators"] * values["recompute_operators"]
        + again["minimal"] * values["recompute_minimal"]
        + again["custom"] * values["recompute_custom"]
    )
    unstated = again["unstated"] * group.deficit * values["recompute_unstated"]
    recompute = replace(group.strategy.recompute, layers=again["layers"] + unstated, other=other)
    return replace(group.strategy, recompute=recompute)


def _youth(case: TrainingCase) -> float:
    if case.accelerator.kind == "tpu" or case.silicon_since != case.silicon_since:
        return 0.0  # a TPU is in use for years before it is announced
    age = case.software.released - case.silicon_since
    if age != age:
        age = _MATURED_YEARS
    return float(np.exp(-max(age, 0.0)))
