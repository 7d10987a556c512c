"""A profile's parameters for one chip, precision and framework generation."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import fields
from typing import Any

import numpy as np

from planner.catalog.accelerator import Accelerator
from planner.catalog.profile import FrameworkMoves, Moves, Parameter, Profile
from planner.documents.reader import Trail, Tree
from planner.errors import Fault, InputError, UnknownNameError, did_you_mean, listing, visible
from planner.hardware.efficiency import NAMES, Efficiency
from planner.record import record


@record
class Basis:
    """What an efficiency rests on: `measured` (the chip has rows), `relative`, or `datasheet` alone."""

    kind: str
    by: str


def framework_of(
    profile: Profile, name: str, tree: Tree | None = None, trail: Trail = ()
) -> tuple[str, FrameworkMoves]:
    """Give a framework generation by its name or alias."""
    wanted = name.casefold()
    for key, moves in profile.frameworks.items():
        if wanted == key or wanted in (alias.casefold() for alias in moves.aliases):
            return key, moves
    known = list(profile.frameworks)
    message = f"no framework '{visible(name)[:60]}' in profile '{profile.id}'"
    allowed, hint = listing(known, most=20), did_you_mean(name, known)
    if tree is None:
        raise UnknownNameError(Fault("unknown-framework", message, allowed=allowed, hint=hint))
    raise UnknownNameError(tree.fault("unknown-framework", message, trail, allowed=allowed, hint=hint))


def efficiency_of(
    profile: Profile, accelerator: Accelerator, *, precision: str, framework: FrameworkMoves
) -> tuple[Efficiency, Basis]:
    """Give the efficiencies of one chip under one framework, and what they rest on.

    A chip without moves of its own takes those of its nearest relative that has some; its family's apply
    always.
    """
    chain, basis = chain_of(profile, accelerator, precision=precision, framework=framework)
    names = parameters_of(profile, Efficiency, NAMES)
    return Efficiency(**{n: np.array([moved(profile.parameters[n], n, chain)]) for n in names}), basis


def parameters_of(profile: Profile, kind: type[Any], needed: Collection[str]) -> list[str]:
    """Give the names of the parameters that a profile has for a record of efficiencies.

    Raises
    ------
    InputError : it lacks some of those needed, as one does that was fitted for an earlier planner.
    """
    missing = sorted(set(needed) - profile.parameters.keys())
    if missing:
        message = f"profile '{profile.id}' lacks {listing(missing)}"
        hint = "it was written for another version of the planner: fit it again, or take it out of the catalogs"
        raise InputError(Fault("profile-parameters", message, hint=hint))
    return [each.name for each in fields(kind) if each.name in profile.parameters]


def chain_of(
    profile: Profile, accelerator: Accelerator, *, precision: str, framework: FrameworkMoves
) -> tuple[list[Moves], Basis]:
    """Give all that moves the parameters of one chip under one framework, and what they rest on."""
    chain: list[Moves] = [framework]
    if accelerator.family in profile.families:
        chain.append(profile.families[accelerator.family])
    if accelerator.id in profile.data_sheets:
        chain.append(profile.data_sheets[accelerator.id])
    basis = Basis("datasheet", accelerator.id)
    for candidate in (accelerator.id, *accelerator.relatives):
        if candidate in profile.chips:
            chain.append(profile.chips[candidate])
            basis = Basis("measured" if candidate == accelerator.id else "relative", candidate)
            break
    if precision in profile.precisions:
        chain.append(profile.precisions[precision])
    return chain, basis


def moved(parameter: Parameter, name: str, chain: list[Moves]) -> float:
    """Give a parameter after the moves of a chain, kept inside its bounds; as it was measured where it was."""
    for moves in chain:
        if name in moves.values:
            return moves.values[name]
    if parameter.scale == "linear":
        value = parameter.value + sum(moves.shifts.get(name, 0.0) for moves in chain)
    else:
        value = parameter.value * math.prod(moves.factors.get(name, 1.0) for moves in chain)
    return min(max(value, parameter.low), parameter.high)
