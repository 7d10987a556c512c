"""Strategies of one plan for tests: what is not said is one device without anything special."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from planner.training.strategy import Offload, Recompute, Strategy

Array = NDArray[np.float64]


def one(value: float) -> Array:
    """Give a number as the array of one plan."""
    return np.array([float(value)])


_DEGREES = ("accelerators", "tensor", "pipeline", "context", "expert", "expert_tensor", "interleave", "micro_batch")


def strategy(
    *, recompute: dict[str, float] | None = None, offload: dict[str, float] | None = None, **said: float
) -> Strategy:
    """Give a strategy of one plan; degrees are 1 and choices 0 where they are not said."""
    usual = {f.name: one(1.0 if f.name in _DEGREES else 0.0) for f in fields(Strategy)}
    usual |= {"sharding_group": one(1e12)}
    usual |= {name: one(value) for name, value in said.items()}
    usual["recompute"] = Recompute(**{f.name: one((recompute or {}).get(f.name, 0.0)) for f in fields(Recompute)})
    usual["offload"] = Offload(**{f.name: one((offload or {}).get(f.name, 0.0)) for f in fields(Offload)})
    return Strategy(**usual)
