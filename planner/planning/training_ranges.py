"""How far a step time may be off: the 80 % range of rows left out, by what a prediction rests on."""

from __future__ import annotations

from planner.catalog.accelerator import Accelerator
from planner.catalog.profile import Profile
from planner.units.interval import Interval
from planner.workload.architecture import Architecture

_GPU_FAMILIES = ("hopper", "ampere", "blackwell", "ada", "gddr", "volta")


def class_of(architecture: Architecture, accelerator: Accelerator, *, trained: bool) -> str:
    """Give the class of run whose errors are alike: adapters, experts, NVIDIA's GPUs with dense models, the rest."""
    if not trained:
        return "lora"
    if any(kind.experts for stack in architecture.stacks for kind in stack.kinds):
        return "experts"
    return "dense" if accelerator.family in _GPU_FAMILIES else "other"


def spread_of(profile: Profile, basis: str, kind: str, *, looseness: float = 1.0) -> Interval:
    """Give the range of step time over its prediction.

    Parameters
    ----------
    profile : has a range for every basis, and for classes of runs whose errors differ from the rest.
    basis : "measured", "relative" or "datasheet".
    kind : from `class_of`.
    looseness : exponent of the range, above 1 where the run is known loosely [1].
    """
    spread = profile.ranges.get(f"{basis}-{kind}") or profile.ranges[basis]
    return Interval(spread.low**looseness, 1.0, spread.high**looseness)
