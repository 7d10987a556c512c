"""Degrees of rows that state none: the fastest that fits, as whoever ran them will have looked for."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from planner.accuracy.cases import TrainingCase
from planner.accuracy.training_degrees import Again, Filled, filled, strategy_of_degrees
from planner.planning.evaluate import Problem, evaluate

_TENSOR, _PIPELINE, _MICRO = (1, 2, 4, 8), (1, 2, 4, 8, 16), (1, 2, 4, 8)
_EXPERT = (1, 2, 4, 8, 16, 32, 64)
_SHARDED_ONLY = ("fsdp", "torchtitan", "maxtext")


def degrees_of_searched(case: TrainingCase, problem: Problem) -> Filled:
    """Give the degrees of the fastest strategy that fits; of the smallest where none does.

    Parameters
    ----------
    case : the row. problem : the run, of one element, with efficiencies as believed without any row.
    """
    start = filled(case)
    candidates = [degrees for degrees in _candidates(case, start) if _divides(degrees, case)] or [start]
    devices = [float(case.devices)] * len(candidates)
    found = evaluate(problem, strategy_of_degrees(candidates, devices))
    memory = np.broadcast_to(found.memory_bytes, (len(candidates),))
    time = np.broadcast_to(found.step.total, (len(candidates),))
    fits = memory <= problem.machine.memory_bytes[0]
    best = int(np.argmin(np.where(fits, time, np.inf))) if np.any(fits) else int(np.argmin(memory))
    return candidates[best]


def _candidates(case: TrainingCase, start: Filled) -> list[Filled]:
    """All combinations of degrees that the row leaves open."""
    framework, experts = case.software.framework, max(_experts(case), 1)
    sharding = (3.0,) if framework in _SHARDED_ONLY else (1.0, 3.0)
    tensor = (1,) if framework in _SHARDED_ONLY else tuple(t for t in _TENSOR if t <= case.domain)
    pipeline = (1,) if framework in _SHARDED_ONLY else tuple(p for p in _PIPELINE if case.architecture.layers % p == 0)
    again = (Again(), Again(layers=1.0)) if start.again.unstated else (start.again,)
    micro = _MICRO if case.spread.micro_batch is None else (case.spread.micro_batch,)
    expert = tuple(e for e in _EXPERT if experts % e == 0)
    found = []
    for t, p, b, e, shards, recompute in product(tensor, pipeline, micro, expert, sharding, again):
        data = case.devices / (t * p)
        context = max(1.0, data / case.batch) if case.spread.context is None else start.context
        if p > 1 and shards == 3.0:  # no published recipe shards parameters under a pipeline
            continue
        found.append(
            replace(
                start,
                tensor=float(t),
                pipeline=float(p),
                context=context,
                expert=float(e),
                micro_batch=min(float(b), case.batch / (data / context)),
                interleave=1.0,
                sharding=shards,
                sequence_parallel=1.0 if t > 1 else 0.0,
                embedding_slots=0.0,
                head_slots=0.0,
                again=recompute,
            )
        )
    return found


def _experts(case: TrainingCase) -> int:
    counts = [kind.experts.count for stack in case.architecture.stacks for kind in stack.kinds if kind.experts]
    return max(counts, default=1)


def _divides(degrees: Filled, case: TrainingCase) -> bool:
    data = case.devices / (degrees.tensor * degrees.pipeline * degrees.context)
    if data < 1 or data % 1 or degrees.expert > data * degrees.context * degrees.tensor:
        return False
    rounds = case.batch / (data * degrees.micro_batch)
    return rounds >= 1 - 1e-9
