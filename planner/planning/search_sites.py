"""Where a search looks: kinds of machines in numbers, as arrays with one element for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine
from planner.planning.evaluate import Problem
from planner.planning.run_outcome import Course, RunOutcome, run_outcome
from planner.planning.training_inputs import Ground
from planner.record import record

Array = NDArray[np.float64]
Record = TypeVar("Record", Machine, Efficiency)


@record
class Site:
    """So many machines of one kind: a training run on them, all but its strategy."""

    node: str
    ground: Ground

    @property
    def accelerators(self) -> int:
        """How many [1]."""
        return self.ground.accelerators


@record
class Sites:
    """Sites that share a framework, as arrays of one element each.

    Parameters
    ----------
    problem : the run; machine and efficiencies are arrays over the sites.
    course : what its outcome follows from; accelerators, nodes and money are arrays over the sites.
    inputs : the middle of every uncertain input but the time of a step, NaN where it is unknown.
    numbers : of the sites among all that are searched.
    """

    problem: Problem
    course: Course
    inputs: Mapping[str, Array]
    numbers: tuple[int, ...]

    @staticmethod
    def of(sites: Sequence[Site], numbers: Sequence[int]) -> Sites:
        """Give sites as arrays; `numbers` are theirs among all."""
        grounds = [site.ground for site in sites]
        first = grounds[0]
        problem = replace(
            first.problem,
            machine=_stacked(ground.problem.machine for ground in grounds),
            efficiency=_stacked(ground.problem.efficiency for ground in grounds),
        )
        money = replace(first.inputs.money, reclaims_per_s=_numbers(g.inputs.money.reclaims_per_s for g in grounds))
        course = replace(
            first.course,
            accelerators=_numbers(ground.accelerators for ground in grounds),
            nodes=_numbers(ground.nodes for ground in grounds),
            money=money,
        )
        told = [ground.inputs.uncertain for ground in grounds]
        names = dict.fromkeys(name for each in told for name in each)
        inputs = {name: _numbers(x[name].mid if name in x else np.nan for x in told) for name in names}
        return Sites(problem, course, inputs, tuple(numbers))

    @property
    def accelerators(self) -> Array:
        """Accelerators of each site [1]."""
        return np.asarray(self.course.accelerators)

    def problem_at(self, sites: NDArray[np.intp], shape: tuple[int, ...]) -> Problem:
        """Give the problem with the machines of chosen sites, in an array of that shape."""

        def chosen(record: Record) -> Record:
            values = {f.name: getattr(record, f.name)[sites].reshape(shape) for f in fields(record)}
            return replace(record, **values)

        return replace(self.problem, machine=chosen(self.problem.machine), efficiency=chosen(self.problem.efficiency))

    def outcome(self, sites: NDArray[np.intp], *, step_s: Array, busy_share: Array) -> RunOutcome:
        """Give what runs on chosen sites come to, one for each time of a step; see `run_outcome`."""
        money = self.course.money
        course = replace(
            self.course,
            accelerators=self.accelerators[sites],
            nodes=np.asarray(self.course.nodes)[sites],
            money=replace(money, reclaims_per_s=np.asarray(money.reclaims_per_s)[sites]),
        )
        x = {name: values[sites] for name, values in self.inputs.items()}
        return run_outcome(course, x, step_s=step_s, busy_share=busy_share)


def _stacked(records: Iterable[Record]) -> Record:
    every = list(records)
    values = {f.name: np.concatenate([getattr(record, f.name) for record in every]) for f in fields(every[0])}
    return replace(every[0], **values)


def _numbers(values: Iterable[object]) -> Array:
    return np.array([float(value) for value in values])  # type: ignore[arg-type]
