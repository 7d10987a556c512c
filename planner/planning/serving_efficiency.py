"""A serving profile's parameters for one engine and chip, and what an engine is started with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.catalog.accelerator import Accelerator
from planner.catalog.profile import CompiledGraphs, EngineMoves, Moves, Profile
from planner.documents.reader import Trail, Tree
from planner.errors import Fault, InputError, did_you_mean, listing, visible
from planner.planning.efficiencies import moved, parameters_of
from planner.record import record
from planner.serving.efficiency import NAMES, ServingEfficiency
from planner.serving.engine import EngineLimits
from planner.serving.graphs import Graphs
from planner.serving.room import EngineMemory, FractionOf

Array = NDArray[np.float64]

_GIB = 2.0**30


@record
class ServingBasis:
    """What efficiencies rest on.

    Parameters
    ----------
    chip : `measured` (the chip has rows), `relative` (another chip's stand in) or `family` (its family's alone).
    by : the chip whose moves were taken.
    """

    chip: str
    by: str


def engine_named(profile: Profile, name: str, tree: Tree | None = None, trail: Trail = ()) -> tuple[str, EngineMoves]:
    """Give an engine generation by its name or alias.

    Raises
    ------
    InputError : the profile has no such engine.
    """
    wanted = name.casefold()
    for key, moves in profile.engines.items():
        if wanted == key or wanted in (alias.casefold() for alias in moves.aliases):
            return key, moves
    known = list(profile.engines)
    message = f"no engine '{visible(name)[:60]}' in profile '{profile.id}'"
    allowed, hint = listing(known, most=30), did_you_mean(name, known)
    if tree is None:
        raise InputError(Fault("unknown-engine", message, allowed=allowed, hint=hint))
    raise InputError(tree.fault("unknown-engine", message, trail, allowed=allowed, hint=hint))


def serving_efficiency_of(
    profile: Profile, accelerator: Accelerator, engine: EngineMoves | None
) -> tuple[ServingEfficiency, ServingBasis]:
    """Give the efficiencies of one chip under one engine, and what they rest on.

    Moves add up in logarithms: the engine's, the chip family's, the chip's. What has no rows moves nothing: an
    engine of None takes the shared values, a chip without rows its nearest relative's.
    """
    chain: list[Moves] = [] if engine is None else [engine]
    if accelerator.family in profile.families:
        chain.append(profile.families[accelerator.family])
    basis = ServingBasis("family", accelerator.family)
    for candidate in (accelerator.id, *accelerator.relatives):
        if candidate in profile.chips:
            chain.append(profile.chips[candidate])
            basis = ServingBasis("measured" if candidate == accelerator.id else "relative", candidate)
            break
    names = parameters_of(profile, ServingEfficiency, NAMES)
    found = ServingEfficiency(**{n: np.asarray(moved(profile.parameters[n], n, chain)) for n in names})
    return replace(found, interference=np.maximum(found.interference, _unhidden(found))), basis


def _unhidden(efficiency: ServingEfficiency) -> Array:
    """Share of prompts' work that has nowhere to hide: it runs at so much of the peak that the rest has no room [1]."""
    return efficiency.matrix_rate(np.asarray(16.0), efficiency.prefill)


def engine_memory(engine: EngineMoves, *, fraction: float | None = None) -> EngineMemory:
    """Give how an engine uses device memory, with its own fraction or a stated one."""
    return EngineMemory(
        fraction=np.asarray(engine.memory_fraction if fraction is None else fraction),
        of=FractionOf(engine.memory_fraction_of),
        reserve_bytes=np.asarray(engine.reserve_gib * _GIB),
        block_tokens=np.asarray(float(engine.block_tokens)),
    )


def engine_limits(
    engine: EngineMoves,
    *,
    sequences: int | None = None,
    pass_tokens: int | None = None,
    chunked: bool | None = None,
    longest: Array | float = 0.0,
) -> EngineLimits:
    """Give what an engine is started with: its own defaults, or what is stated.

    `longest` are the tokens of the longest prompt and answer, which an engine compiles its graphs for if it does so.
    """
    return EngineLimits(
        sequences=np.asarray(float(sequences or engine.sequences)),
        pass_tokens=np.asarray(float(pass_tokens or engine.pass_tokens)),
        chunked=np.asarray(float(engine.chunked if chunked is None else chunked)),
        reserving=np.asarray(float(engine.reserving)),
        eager=np.asarray(float(engine.eager)),
        short_sums=np.asarray(float(engine.short_sums)),
        separate_heads=np.asarray(float(engine.separate_heads)),
        joined_heads=np.asarray(float(engine.joined_heads)),
        written_scores=np.asarray(float(engine.written_scores)),
        overlapping=np.asarray(float(engine.overlapping)),
        graphs=None if engine.graphs is None else graphs_of(engine.graphs, longest),
    )


def graphs_of(stated: CompiledGraphs, longest: Array | float) -> Graphs:
    """Give the shapes that an engine compiles its graphs for, for requests of up to so many tokens."""
    return Graphs(
        tokens=np.asarray(longest, dtype=float),
        padded=np.asarray(float(stated.padded)),
        repeated=np.asarray(float(stated.repeated)),
        every_expert=np.asarray(float(stated.every_expert)),
    )
