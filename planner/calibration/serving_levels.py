"""Which efficiencies of serving an engine, a chip family or a chip moves, and how far it is believed to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.calibration.serving_fit import Fit, Level
from planner.catalog.profile import Moves, Profile
from planner.record import record
from planner.serving.efficiency import NAMES, POWER

Array = NDArray[np.float64]

# Hardware: what silicon, memory and board decide. A chip moves these alone.
_CHIP = (
    "weight_bandwidth", "cache_bandwidth", "matrix", "eight_bit", "four_bit", "unpacking", "prefill", "attention",
    "grouped", "convolution", "expert_bandwidth", "link_bandwidth", "link_latency_s", "far_bandwidth", "far_latency_s",
    "power_waiting", "power_busy", "power_compute", "byte_j", "cache_byte_j",
)  # fmt: skip
# A family also decides its host and how much a kernel pads.
_FAMILY = (*_CHIP, "padding_tokens", "element_wise", "attention_length", "layer_s", "step_s", "prompt_s")
_NO_ENGINE = (*POWER, "memory_share")
_OF_ARRAYS = "convolution"  # how windows fill the arrays of multipliers differs by chip, and not by engine

# Widths of moves over the width of the shared value. Of several tried, those with the least error on chips and models
# left out.
_ENGINE_WIDTH = 0.8
_FAMILY_WIDTH = 0.6
_CHIP_WIDTH = 0.3


@record
class Names:
    """Members of every level that rows, or the profile, know."""

    engines: tuple[str, ...]
    families: tuple[str, ...]
    chips: tuple[str, ...]


def levels_of(profile: Profile, names: Names) -> tuple[Level, ...]:
    """Give shared values, engines, families and chips as levels of a fit."""
    width = np.array([profile.parameters[name].width for name in NAMES])

    def level(members: Sequence[str], known: Mapping[str, Moves], moved: Array, scale: float) -> Level:
        prior = np.zeros((len(members), len(NAMES)))
        for row, member in enumerate(members):
            if member in known:
                prior[row] = [math.log(known[member].priors.get(name, 1.0)) for name in NAMES]
        return Level(tuple(members), width * moved * scale, prior)

    every = np.array([float(name != _OF_ARRAYS) for name in NAMES])
    engines = np.array([float(name not in (*_NO_ENGINE, _OF_ARRAYS)) for name in NAMES])
    families = np.array([float(name in _FAMILY) for name in NAMES])
    chips = np.array([float(name in _CHIP) for name in NAMES])
    return (
        level(("shared",), {}, every, 1.0),
        level(names.engines, profile.engines, engines, _ENGINE_WIDTH),
        level(names.families, profile.families, families, _FAMILY_WIDTH),
        level(names.chips, profile.chips, chips, _CHIP_WIDTH),
    )


def moves_of(profile: Profile, levels: Sequence[Level]) -> Fit:
    """Give the moves that a profile has, as a fit to set out from."""
    shared = [math.log(profile.parameters[name].value / profile.parameters[name].prior) for name in NAMES]
    moves = [np.array([shared])]
    tables: tuple[Mapping[str, Moves], ...] = (profile.engines, profile.families, profile.chips)
    for level, known in zip(levels[1:], tables, strict=True):
        table = np.zeros((len(level.members), len(NAMES)))
        for row, member in enumerate(level.members):
            if member in known:
                table[row] = [math.log(known[member].factors.get(name, 1.0)) for name in NAMES]
        moves.append(table)
    return Fit(moves, 0)


def priors_of(profile: Profile) -> tuple[Array, Array, Array]:
    """Give ln of every parameter's prior and bounds."""
    entries = [profile.parameters[name] for name in NAMES]
    values = np.log([[entry.prior, entry.low, entry.high] for entry in entries])
    return values[:, 0], values[:, 1], values[:, 2]


def fitted(profile: Profile, levels: Sequence[Level], fit: Fit) -> Profile:
    """Give the profile with the values and moves of a fit; what the fit has no member for stays."""
    shared = fit.moves[0][0]
    parameters = {
        name: entry.model_copy(update={"value": _kept(entry.prior * math.exp(shared[NAMES.index(name)]), entry)})
        for name, entry in profile.parameters.items()
        if name in NAMES
    }
    engines, families, chips = (
        {member: _factors(row) for member, row in zip(level.members, moves, strict=True)}
        for level, moves in zip(levels[1:], fit.moves[1:], strict=True)
    )
    return profile.model_copy(
        update={
            "parameters": {**profile.parameters, **parameters},
            "engines": {name: _moved(moves, engines.get(name)) for name, moves in profile.engines.items()},
            "families": dict(profile.families)
            | {k: _moved(profile.families.get(k, Moves()), f) for k, f in families.items()},
            "chips": dict(profile.chips) | {k: _moved(profile.chips.get(k, Moves()), f) for k, f in chips.items()},
        }
    )


def unfitted(profile: Profile) -> Profile:
    """Give the profile as it was believed before any row: no moves but priors."""
    return profile.model_copy(
        update={
            "engines": {name: _moved(moves, {}) for name, moves in profile.engines.items()},
            "families": {name: _moved(moves, {}) for name, moves in profile.families.items() if moves.priors},
            "chips": {name: _moved(moves, {}) for name, moves in profile.chips.items() if moves.priors},
        }
    )


M = TypeVar("M", bound=Moves)


def _moved(moves: M, factors: dict[str, float] | None) -> M:
    return moves if factors is None else moves.model_copy(update={"factors": factors})


_NOTHING = 2e-3  # a move below this, in ln, is not worth a line


def _factors(row: Array) -> dict[str, float]:
    return {name: _digits(math.exp(x)) for name, x in zip(NAMES, row, strict=True) if abs(x) > _NOTHING}


def _kept(value: float, entry: object) -> float:
    low, high = entry.low, entry.high  # type: ignore[attr-defined]
    return _digits(min(max(value, low), high))


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
