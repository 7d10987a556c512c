"""Strategies of a search as a scenario says them, and what was tried in words."""

from __future__ import annotations

from planner.planning.plan_words import DEGREES
from planner.planning.search_result import Candidate
from planner.planning.search_sites import Site
from planner.planning.search_space import Pipelining, RecomputeKind, Sharded, Space
from planner.planning.search_tally import Point
from planner.scenario.training_run import OffloadChoice, Parallelism, RecomputeChoice

_SHARDING = ("none", "zero-1", "zero-2", "zero-3")


def parallelism_of(point: Point, space: Space, site: Site) -> Parallelism:
    """Give the degrees of a strategy as a scenario says them."""
    way, kind = space.pipelining[point.pipelining], space.sharding[point.sharding]
    group = kind.group
    if kind.in_domain:
        group = _ranks_in_domain(point, site)
    degrees: dict[str, object] = {
        "tensor": point.tensor,
        "pipeline": point.stages,
        "context": point.context,
        "expert": point.expert,
        "expert_tensor": point.expert_tensor,
        "interleave": way.interleave,
        "micro_batch": point.micro_batch,
        "sharding": _SHARDING[kind.stage],
        "sharding_group": group,
        "schedule": way.schedule,
        "embedding_and_head_are_layers": way.ends_are_layers,
    }
    plain = Parallelism()
    told = {name: value for name, value in degrees.items() if value != getattr(plain, name)}
    return plain.model_copy(update={**told, "sharding": degrees["sharding"]})


def _ranks_in_domain(point: Point, site: Site) -> int:
    from math import gcd

    ranks = site.accelerators // (point.tensor * point.stages)
    return gcd(ranks, max(int(site.ground.problem.machine.domain[0]) // point.tensor, 1))


def axes_of(space: Space, accelerators: tuple[int, ...]) -> dict[str, tuple[str, ...]]:
    """Give the values of every axis in words."""
    axes: dict[str, tuple[str, ...]] = {"accelerators": tuple(str(count) for count in accelerators)}
    for name in ("tensor", "pipeline", "context", "expert", "micro_batch"):
        axes[name] = tuple(str(value) for value in getattr(space, name))
    axes["expert tensor"] = tuple("as tensor" if split else "1" for split in space.split_experts)
    axes["pipelining"] = tuple(map(pipelining_words, space.pipelining))
    axes["sharding"] = tuple(map(sharding_words, space.sharding))
    axes["recompute"] = tuple(map(recompute_words, space.recompute))
    axes["offload"] = tuple(map(offload_words, space.offload))
    return axes


def pipelining_words(way: Pipelining) -> str:
    """Give a schedule in words.

    >>> pipelining_words(Pipelining("1f1b", 4, False))
    'interleaved 4'
    """
    plain = way.schedule if way.interleave == 1 else f"interleaved {way.interleave}"
    return plain + (", ends as layers" if way.ends_are_layers else "")


def sharding_words(kind: Sharded) -> str:
    """Give a kind of sharding in words."""
    if kind.in_domain:
        return f"{_SHARDING[kind.stage]} in a domain"
    return _SHARDING[kind.stage] + (f" over {kind.group}" if kind.group else "")


def recompute_words(kind: RecomputeKind) -> str:
    """Give what is computed again in words."""
    if not isinstance(kind, RecomputeChoice):
        return kind
    pieces = [*kind.modules, *([f"{kind.layers:.0%} of the layers"] if kind.layers else [])]
    return " + ".join(pieces) or "none"


def offload_words(choice: OffloadChoice) -> str:
    """Give what is kept elsewhere in words.

    >>> offload_words(OffloadChoice(optimizer="host", gradients="host"))
    'optimizer, gradients on host'
    """
    places: dict[str, list[str]] = {}
    for name in ("optimizer", "gradients", "parameters", "activations"):
        at = getattr(choice, name)
        if at != "device":
            places.setdefault(at, []).append(name)
    return "; ".join(f"{', '.join(names)} on {at}" for at, names in places.items()) or "none"


def degrees_words(found: Candidate) -> str:
    """Give the degrees of a strategy in words, those of 1 left out."""
    p = found.parallelism
    pieces = [f"{word} {getattr(p, key)}" for key, word in DEGREES if getattr(p, key) > 1]
    pieces += [f"data {found.accelerators // (p.tensor * p.pipeline * p.context)}", f"micro-batch {p.micro_batch}"]
    pieces += [] if p.sharding == "none" else [p.sharding]
    pieces += [f"states over {p.sharding_group}"] if p.sharding_group else []
    pieces += [] if p.schedule == "1f1b" else [p.schedule]
    pieces += ["ends as layers"] if p.embedding_and_head_are_layers else []
    return ", ".join(pieces)
