"""What a search tries: the values of every axis along which a training run can be spread."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence

import numpy as np

from planner.record import record
from planner.scenario.training_run import Module, OffloadChoice, Parallelism, Place, RecomputeChoice, TrainingRun
from planner.workload.architecture import Architecture

RecomputeKind = str | RecomputeChoice

_MICRO_BATCHES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_MOST_CHUNKS = 16  # of one stage; more chunks send more often than they shorten the bubble
_FEWEST_TOKENS = 1024  # of a sequence on one context rank; our estimate of what ring attention needs to hide
_SHARES = (0.25, 0.5, 0.75)  # of the layers that are computed again whole
_SHARDING = {"none": 0, "zero-1": 1, "zero-2": 2, "zero-3": 3, "fsdp": 3}


@record
class Pipelining:
    """How a pipeline is run: its schedule, chunks of a stage, whether embedding and head fill layers' slots."""

    schedule: str
    interleave: int
    ends_are_layers: bool


@record
class Sharded:
    """What of the states is divided over data ranks (ZeRO's stages), and whether over those of one domain alone.

    `group` is a number of ranks that a scenario states.
    """

    stage: int
    in_domain: bool = False
    group: int | None = None


@record
class Space:
    """Values of every axis of a search; the first of an axis is what is chosen between equals.

    Parameters
    ----------
    tensor, pipeline, context, expert, micro_batch : degrees and sequences [1].
    split_experts : whether the matrices of one expert are divided over the tensor ranks too.
    pipelining, sharding, recompute, offload : choices.
    """

    tensor: tuple[int, ...]
    pipeline: tuple[int, ...]
    context: tuple[int, ...]
    expert: tuple[int, ...]
    split_experts: tuple[bool, ...]
    micro_batch: tuple[int, ...]
    pipelining: tuple[Pipelining, ...]
    sharding: tuple[Sharded, ...]
    recompute: tuple[RecomputeKind, ...]
    offload: tuple[OffloadChoice, ...]

    @property
    def points(self) -> int:
        """Points of the grid that the axes span, for machines of one kind and number [1]."""
        axes = (self.tensor, self.pipeline, self.context, self.expert, self.split_experts, self.micro_batch)
        return math.prod(map(len, (*axes, self.pipelining, self.sharding, self.recompute, self.offload)))

    def pipelining_of(self, stages: int, layers: int) -> list[int]:
        """Give the numbers of the ways in which so many stages can be run."""
        return [n for n, way in enumerate(self.pipelining) if _deals(way, stages, layers)]

    def sharding_of(self, stages: int) -> list[int]:
        """Give the numbers of the kinds of sharding that go with so many stages.

        Gathering parameters layer by layer inside a pipeline is not offered: no framework in the profiles does it.
        """
        return [n for n, kind in enumerate(self.sharding) if kind.stage < 3 or stages == 1]


def space_of(
    run: TrainingRun,
    architecture: Architecture,
    *,
    length: int,
    accelerators: Sequence[int],
    domains: Sequence[int],
    kept: Collection[str] = (),
    wide: bool = False,
) -> Space:
    """Give what is worth trying for a run: degrees that divide heads, layers, experts and accelerators.

    Parameters
    ----------
    run, architecture, length : what is trained, tokens of one sequence.
    accelerators : numbers of them that are tried. domains : joined by the scale-up links that are tried.
    kept : keys of the scenario's parallelism, "recompute", "offload": left as the scenario has them.
    wide : every combination of modules and shares of layers to compute again, of states and places to keep them.
    """
    said = run.parallelism if isinstance(run.parallelism, Parallelism) else Parallelism()
    most, batch = max(accelerators), run.workload.global_batch
    heads, experts, layers = heads_of(architecture), experts_of(architecture), architecture.layers

    def axis(name: str, values: Sequence[int]) -> tuple[int, ...]:
        return (int(getattr(said, name)),) if name in kept else tuple(values)

    def divides(degree: int) -> bool:
        return any(count % degree == 0 for count in accelerators)

    pipeline = axis("pipeline", [p for p in range(1, min(layers, most) + 1) if divides(p) and _worth(p, layers)])
    split = experts > 1 and "expert_tensor" not in kept
    return Space(
        tensor=axis("tensor", [t for t in _divisors(heads or 1) if t <= max(domains) and divides(t)]),
        pipeline=pipeline,
        context=axis("context", [c for c in _powers(length // _FEWEST_TOKENS) if divides(c)]),
        expert=axis("expert", [e for e in _divisors(experts or 1) if e <= most]),
        split_experts=(False, True) if split else (said.expert_tensor > 1,),
        micro_batch=axis("micro_batch", [b for b in _MICRO_BATCHES if b <= batch] or [1]),
        pipelining=_pipelining(pipeline, layers, said, kept),
        sharding=_sharding(said, kept),
        recompute=(run.recompute,) if "recompute" in kept else _recompute(run, architecture, wide=wide),
        offload=(run.offload,) if "offload" in kept else _offload(wide=wide),
    )


def heads_of(architecture: Architecture) -> int:
    """Give the heads that a tensor degree must divide: common to all layers, 0 without attention [1]."""
    kinds = [kind for stack in architecture.stacks for kind in stack.kinds]
    return _common([core.heads for kind in kinds for core in kind.cores] + [k.scan.heads for k in kinds if k.scan])


def experts_of(architecture: Architecture) -> int:
    """Give the experts that an expert degree must divide: common to all layers, 0 without any [1]."""
    return _common([k.experts.count for stack in architecture.stacks for k in stack.kinds if k.experts])


def _common(numbers: list[int]) -> int:
    return int(np.gcd.reduce(numbers)) if numbers else 0


def _divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def _powers(most: int) -> list[int]:
    return [2**k for k in range(max(most, 1).bit_length())]


def _worth(stages: int, layers: int) -> bool:
    """Whether so many stages are worth trying: layers, ends included or not, divide evenly, or it is a power of two."""
    return layers % stages == 0 or (layers + 2) % stages == 0 or stages & (stages - 1) == 0


def _pipelining(
    pipeline: Sequence[int], layers: int, said: Parallelism, kept: Collection[str]
) -> tuple[Pipelining, ...]:
    schedules = (said.schedule,) if "schedule" in kept else ("1f1b", "zb-h1", "zb-h2")
    chunks = (said.interleave,) if "interleave" in kept else tuple(range(1, _MOST_CHUNKS + 1))
    ends = (said.embedding_and_head_are_layers,) if "embedding_and_head_are_layers" in kept else (False, True)
    ways = [
        Pipelining(schedule, interleave, slots)
        for slots in ends
        for schedule in schedules
        for interleave in chunks
        if schedule == "1f1b" or interleave == 1
    ]
    return tuple(way for way in ways if any(_deals(way, stages, layers) for stages in pipeline))


def _deals(way: Pipelining, stages: int, layers: int) -> bool:
    """Whether layers can be dealt so: evenly to chunks, and to stages where the ends fill slots."""
    if stages == 1:
        return way.schedule == "1f1b" and way.interleave == 1 and not way.ends_are_layers
    slots = layers + (2 if way.ends_are_layers else 0)
    if way.interleave > 1 or way.ends_are_layers:
        return slots % (stages * way.interleave) == 0
    return True


def _sharding(said: Parallelism, kept: Collection[str]) -> tuple[Sharded, ...]:
    if "sharding" in kept:
        return (Sharded(_SHARDING[said.sharding], group=said.sharding_group),)
    return (*(Sharded(stage) for stage in (1, 0, 2, 3)), Sharded(3, in_domain=True))


def _recompute(run: TrainingRun, architecture: Architecture, *, wide: bool) -> tuple[RecomputeKind, ...]:
    latent = any(core.latent_rank for s in architecture.stacks for kind in s.kinds for core in kind.cores)
    modules: list[Module] = ["norms", "activation", "feed-forward"]
    if not run.workload.flash_attention:
        modules.insert(0, "attention")
    if latent:
        modules.append("latent")
    plain: list[RecomputeKind] = ["none"] if run.workload.flash_attention else ["none", "selective"]
    if not wide:
        kinds: list[tuple[Module, ...]] = [("norms", "activation"), ("feed-forward",)]
        kinds += [("latent",)] if latent else []
        some: list[RecomputeKind] = [RecomputeChoice(modules=kind) for kind in kinds]
        return (*plain, *some, RecomputeChoice(layers=0.5), "full")
    subsets = [s for size in range(len(modules) + 1) for s in itertools.combinations(modules, size)]
    every = [RecomputeChoice(modules=s, layers=share) for share in (0.0, *_SHARES) for s in subsets if s or share]
    return ("none", *every, "full")


def _offload(*, wide: bool) -> tuple[OffloadChoice, ...]:
    if wide:
        places: tuple[Place, ...] = ("device", "host", "disk")
        return tuple(
            OffloadChoice(optimizer=o, gradients=g, parameters=p, activations=a)
            for a in places[:2]
            for p in places
            for g in places
            for o in places
        )
    return (
        OffloadChoice(),
        OffloadChoice(optimizer="host"),
        OffloadChoice(optimizer="host", gradients="host"),
        OffloadChoice(optimizer="host", gradients="host", parameters="host"),
        OffloadChoice(optimizer="disk"),
        OffloadChoice(optimizer="disk", gradients="disk", parameters="disk"),
        OffloadChoice(activations="host"),
    )
