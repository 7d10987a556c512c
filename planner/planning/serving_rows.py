"""Replicas of several machines, formats and layouts side by side, as rows of the same arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import TypeVar, cast

import numpy as np

from planner.planning.serving_layouts import as_arrays
from planner.planning.serving_plan import ServingGround
from planner.scenario.serving_load import ServingLayout
from planner.serving.engine import Engine, engine_of
from planner.serving.room import EngineMemory

R = TypeVar("R")


def rows_of(grounds: Sequence[ServingGround], layouts: Sequence[Sequence[ServingLayout]]) -> Engine:
    """Give replicas of several machines side by side, one row for each layout of each of them.

    Parameters
    ----------
    grounds : of one model, under engines whose memory setting means the same, all with compiled graphs or none.
    layouts : of each.
    """
    sizes = [len(each) for each in layouts]
    first = grounds[0]
    memory = [ground.memory for ground in grounds]

    def column(parts: Sequence[R]) -> R:
        return _stacked(parts, sizes)

    return engine_of(
        first.architecture,
        layout=as_arrays([layout for each in layouts for layout in each]),
        formats=column([ground.formats for ground in grounds]),
        machine=column([ground.machine for ground in grounds]),
        efficiency=column([ground.efficiency for ground in grounds]),
        limits=column([ground.limits for ground in grounds]),
        memory=EngineMemory(
            column([each.fraction for each in memory]),
            memory[0].of,
            column([each.reserve_bytes for each in memory]),
            column([each.block_tokens for each in memory]),
        ),
        speculation=first.speculation,
        adapters=first.adapters,
        source_tokens=first.lengths.source,
    )


def _stacked(parts: Sequence[R], sizes: Sequence[int]) -> R:
    """Give one record with the numbers of like records below each other, each as often as it has rows."""
    first = parts[0]
    if first is None:
        return first  # what engines of one group do not have, none of them has
    if is_dataclass(first) and not isinstance(first, type):
        own = {f.name: _stacked([getattr(part, f.name) for part in parts], sizes) for f in fields(first)}
        return cast(R, type(first)(**own))
    numbers = np.array([float(np.ravel(np.asarray(part))[0]) for part in parts])
    return cast(R, np.repeat(numbers, sizes))
