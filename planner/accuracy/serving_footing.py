"""What the prediction of a measured serving case rests on: its kind of load, its chip, and what its row states."""

from __future__ import annotations

import math

from planner.accuracy.serving_cases import Mode, ServingCase
from planner.planning.serving_ranges import Footing, line_of

_INTERACTIVE = "interactive"


def footing_of(case: ServingCase, left_out: str | None = None, *, chip: str = "measured") -> Footing:
    """Give what a case's prediction rests on.

    Parameters
    ----------
    case : the row. left_out : what the fit had not seen; another chip stands in for an accelerator.
    chip : what is known of the chip otherwise: "measured", "relative" or "family".
    """
    in_a_loop = case.mode in (Mode.CLOSED, Mode.APART) and math.isfinite(case.batch)
    return Footing(
        chip="relative" if left_out == "accelerator" and chip == "measured" else chip,
        line=line_of(case.accelerator),
        load=load_of(case),
        release=case.engine_stated and "engine" not in case.estimated,
        prompt="prompt" not in case.estimated,
        answer="output" not in case.estimated or case.mode is Mode.DECODE,
        limit="power limit" not in case.estimated,
        clients=case.batch / case.degrees.replicas if in_a_loop else 0.0,
    )


def load_of(case: ServingCase) -> str:
    """Give the kind of load, as the profile's ranges name it."""
    if case.mode is Mode.APART or case.group.startswith("closed loop, "):
        return named(case.group)
    if case.mode is Mode.ENCODE:
        return "encoder" if math.isfinite(case.batch) else "encoder-gathered"
    if case.mode is Mode.RATE:
        if math.isfinite(case.rate) or case.kind == "trace":
            return "closed-loop"  # as many at once as the rate keeps there; the queue in front is reckoned apart
        return "served-interactive" if _INTERACTIVE in case.scenario else "served"
    if case.mode is Mode.OFFLINE:
        return "offline-unstated" if case.degrees.searched else f"offline-{width_of(case)}"
    if case.mode is Mode.SATURATED:
        return "saturated"
    if case.batch == 1:
        return "single-stream"
    return "closed-loop" if case.mode is Mode.CLOSED else "static-batch"


def named(group: str) -> str:
    """Give a group of rows as a name in a profile."""
    return group.replace(" ", "-").replace(",", "")


def has_experts(case: ServingCase) -> bool:
    """Tell whether a model has routed experts."""
    return any(kind.experts for kind in case.architecture.main.kinds)


def width_of(case: ServingCase) -> str:
    """Give "experts" for a model with routed experts, else "dense"."""
    return "experts" if has_experts(case) else "dense"
