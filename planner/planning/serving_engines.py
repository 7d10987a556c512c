"""An engine by its name and release, and what it is started with."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.catalog.defaults import Releases
from planner.catalog.profile import EngineMoves, Profile
from planner.documents.reader import Trail, Tree
from planner.errors import InfeasibleError, InputError, listing
from planner.planning.serving_efficiency import engine_named
from planner.record import record
from planner.scenario.serving_load import AdapterChoice, EngineSettings

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)\S*")


@record
class NamedEngine:
    """A generation of an engine.

    Parameters
    ----------
    id : in the serving profile. moves : its entry there.
    release : as stated; "" where nobody said.
    is_one : its releases are one generation, or the release is stated: nothing is left open.
    """

    id: str
    moves: EngineMoves
    release: str
    is_one: bool


def engine_by_words(
    profile: Profile, words: str, releases: Mapping[str, Releases], tree: Tree, trail: Trail
) -> NamedEngine:
    """Give the generation that an engine's name means, with the release behind it if there is one.

    Parameters
    ----------
    profile : has the generations. words : such as "vllm", or "vllm 0.8.5".
    releases : older generations by id, those of the lowest numbers first. tree, trail : where the words stand.

    Raises
    ------
    InputError : no engine is called so, or what stands behind its name is no release.
    """
    name, _, behind = words.strip().partition(" ")
    if not behind or _is_name(profile, words):
        key, moves = engine_named(profile, words.strip(), tree, trail)
        return NamedEngine(key, moves, "", key in releases or all(each.engine != key for each in releases.values()))
    key, moves = engine_named(profile, name, tree, trail)
    found = _RELEASE.fullmatch(behind.strip())
    if found is None:
        message = f"'{behind.strip()[:40]}' behind {name} is no release"
        raise InputError(tree.fault("unknown-engine", message, trail, allowed="a name and a release, as vllm 0.8.5"))
    for older, each in releases.items():
        if each.engine == key and _numbers(found[1]) < _numbers(each.below):
            key = older
            break
    return NamedEngine(key, profile.engines[key], found[0], is_one=True)


def _is_name(profile: Profile, words: str) -> bool:
    wanted = words.strip().casefold()
    return any(wanted in (key, *(a.casefold() for a in moves.aliases)) for key, moves in profile.engines.items())


def _numbers(release: str) -> list[int]:
    return [int(piece) for piece in release.split(".")]


def require_settings(engine: NamedEngine, settings: EngineSettings, tree: Tree) -> None:
    """Refuse chunks of prompts under an engine that stops all sequences to read one."""
    if settings.chunked and not engine.moves.chunked:
        message = f"{engine.id} ({engine.moves.title}) reads prompts whole"
        trail = ("settings", "chunked")
        raise InputError(tree.fault("contradiction", message, trail, hint="chunked: false, or another engine"))


def require_format(engine: NamedEngine, weights: str, tree: Tree) -> None:
    """Refuse weights in a format that the engine does not keep.

    Raises
    ------
    InfeasibleError : with those that it keeps.
    """
    held = engine.moves.holds
    if not held or weights in held:
        return
    trail = ("workload", "precision", "weights")
    raise InfeasibleError(
        tree.fault(
            "precision-missing",
            f"{engine.id} ({engine.moves.title}) keeps no weights in {weights}",
            trail if trail in tree.marks else ("engine",) if ("engine",) in tree.marks else ("hardware", "node"),
            allowed=listing(list(held)),
            hint="choose one of these, or another accelerator",
        )
    )


def require_held(adapters: AdapterChoice | None, tree: Tree) -> None:
    """Refuse more adapters than are held: what it takes to load one while others are asked for is not planned.

    Raises
    ------
    InputError : with how many are held.
    """
    if adapters is None or adapters.used is None or adapters.used <= adapters.held:
        return
    message = f"{adapters.used:,} adapters are asked for, and {adapters.held:,} are held in memory"
    hint = f"held: {adapters.used}; what loading one takes is not planned"
    raise InputError(tree.fault("contradiction", message, ("workload", "adapters"), hint=hint))
