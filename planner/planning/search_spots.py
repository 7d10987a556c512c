"""Where a search stands at one pipeline degree: sites with the other degrees that divide them, as one array axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.planning.search_sites import Sites
from planner.planning.search_space import Sharded, Space
from planner.planning.training_plan import offload_of, recompute_of
from planner.record import record
from planner.training.stages import ONE_F_ONE_B, ZERO_BUBBLE_1, ZERO_BUBBLE_2
from planner.training.strategy import Offload, Recompute, Strategy

Array = NDArray[np.float64]
Whole = NDArray[np.intp]
Choice = TypeVar("Choice", Recompute, Offload)

_SCHEDULES = {"1f1b": ONE_F_ONE_B, "zb-h1": ZERO_BUBBLE_1, "zb-h2": ZERO_BUBBLE_2}
_ALL_RANKS = 1e12


@record
class Spots:
    """Sites with degrees and micro-batches that divide them, one element each.

    Parameters
    ----------
    site : its place among the sites. stages : pipeline degree [1].
    tensor, context, expert, expert_tensor, micro_batch : [1].
    """

    site: Whole
    stages: Whole
    tensor: Whole
    context: Whole
    expert: Whole
    expert_tensor: Whole
    micro_batch: Whole

    def __len__(self) -> int:
        return len(self.site)

    def rows(self, wanted: slice | Whole) -> Spots:
        """Give a part of them."""
        return Spots(*(getattr(self, f.name)[wanted] for f in fields(self)))

    def data(self, accelerators: Array) -> Array:
        """Give the data-parallel degree of each [1]."""
        return accelerators[self.site] / (self.tensor * self.context * self.stages)


def spots_of(space: Space, sites: Sites, stages: int) -> Spots:
    """Give every spot at a pipeline degree: degrees divide the accelerators, micro-batches the batch."""
    split = np.array(space.split_experts, dtype=np.intp)
    axes = (space.tensor, space.context, space.expert, split, space.micro_batch)
    grid = np.meshgrid(np.arange(len(sites.numbers)), *axes, indexing="ij")
    site, tensor, context, expert, is_split, micro_batch = (axis.ravel() for axis in grid)
    expert_tensor = np.where(is_split > 0, tensor, 1)
    spots = Spots(site, np.full_like(site, stages), tensor, context, expert, expert_tensor, micro_batch)
    apart = (is_split == 0) | (tensor > 1) | (split.size == 1)
    return spots.rows(np.flatnonzero(divides(spots, sites) & apart))


def divides(spots: Spots, sites: Sites) -> NDArray[np.bool_]:
    """Give where degrees divide the accelerators and micro-batches the batch, and a tensor group is in one domain."""
    n = sites.accelerators[spots.site]
    ranks = n / spots.stages
    data = spots.data(sites.accelerators)
    batch = float(np.max(np.asarray(sites.problem.global_batch)))
    per_pipeline = batch / np.maximum(data * spots.micro_batch, 1.0)
    good = _whole(data) & _whole(per_pipeline) & _whole(ranks / (spots.expert * spots.expert_tensor))
    good &= spots.tensor <= np.maximum(sites.problem.machine.domain[spots.site], 1.0)
    return good


def _whole(values: Array) -> NDArray[np.bool_]:
    """Whether a quotient is a whole number of at least 1."""
    whole: NDArray[np.bool_] = (values >= 1.0) & (values == np.floor(values))
    return whole


def strategy_at(
    spots: Spots, space: Space, sites: Sites, choices: tuple[Whole, Whole, Whole, Whole], *, crossed: bool
) -> Strategy:
    """Give strategies as arrays: of spots with choices of pipelining, sharding, recomputation and offloading.

    Parameters
    ----------
    spots, space, sites : what is spread where.
    choices : numbers of the space's ways of pipelining, sharding, recomputing and offloading.
    crossed : every spot with every choice, along axes of their own (the spots then are of one pipeline degree);
        else one choice of each kind for each spot.
    """
    pipelining, sharding, recompute, offload = choices

    def along(axis: int, values: Array) -> Array:
        shape = [1] * 5
        shape[axis] = -1
        return values.reshape(shape) if crossed else values

    def of_spots(values: Whole | Array) -> Array:
        return along(0, values.astype(float))

    ways = [space.pipelining[n] for n in pipelining]
    ends = along(1, np.array([1.0 if way.ends_are_layers else 0.0 for way in ways]))
    tensor = of_spots(spots.tensor)
    kinds = [space.sharding[n] for n in sharding]
    return Strategy(
        accelerators=of_spots(sites.accelerators[spots.site]),
        tensor=tensor,
        pipeline=of_spots(spots.stages[:1] if crossed else spots.stages),
        context=of_spots(spots.context),
        expert=of_spots(spots.expert),
        expert_tensor=of_spots(spots.expert_tensor),
        interleave=along(1, np.array([float(way.interleave) for way in ways])),
        micro_batch=of_spots(spots.micro_batch),
        sequence_parallel=np.where(tensor > 1.0, 1.0, 0.0),
        sharding=along(2, np.array([float(kind.stage) for kind in kinds])),
        sharding_group=_groups(spots, sites, kinds, crossed=crossed),
        schedule=along(1, np.array([_SCHEDULES[way.schedule] for way in ways])),
        embedding_slots=ends,
        head_slots=ends,
        recompute=_of_choices(Recompute, [recompute_of(space.recompute[n]) for n in recompute], along, 3),
        offload=_of_choices(Offload, [offload_of(space.offload[n]) for n in offload], along, 4),
    )


def _groups(spots: Spots, sites: Sites, kinds: list[Sharded], *, crossed: bool) -> Array:
    """Give the ranks over which states are divided: all, a number that is stated, or those of one scale-up domain."""
    all_ranks = np.full(len(kinds), _ALL_RANKS)
    stated = np.array([float(kind.group or 0) for kind in kinds])
    in_domain = np.array([kind.in_domain for kind in kinds])
    fixed = np.where(stated > 0, stated, all_ranks)
    near = ranks_in_domain(spots, sites)
    if not crossed:
        return np.asarray(np.where(in_domain, near, fixed))
    if not np.any(in_domain):
        return fixed.reshape(1, 1, -1, 1, 1)
    return np.where(in_domain, near[:, None], fixed).reshape(len(spots), 1, -1, 1, 1)


def ranks_in_domain(spots: Spots, sites: Sites) -> Array:
    """Give the data and context ranks of one scale-up domain, as far as groups of them divide all [1]."""
    ranks = (spots.data(sites.accelerators) * spots.context).astype(np.int64)
    domain = sites.problem.machine.domain[spots.site].astype(np.int64)
    near: Array = np.gcd(ranks, np.maximum(domain // spots.tensor, 1)).astype(float)
    return near


def carries_out(spots: Spots, space: Space, sites: Sites, pipelining: Whole, sharding: Whole) -> NDArray[np.bool_]:
    """Give which pipelining and sharding can be carried out at which spot; axes: spot, pipelining, sharding.

    Chunks need micro-batches in rounds of the stages. States divided inside domains differ from states divided
    over all ranks only where there are several domains, of several ranks each.
    """
    data = spots.data(sites.accelerators)
    batch = float(np.max(np.asarray(sites.problem.global_batch)))
    rounds = np.round(batch / (data * spots.micro_batch)) % spots.stages == 0
    chunks = np.array([space.pipelining[n].interleave for n in pipelining])
    ranks, near = data * spots.context, ranks_in_domain(spots, sites)
    kinds = [space.sharding[n] for n in sharding]
    divided = [
        (near > 1.0) & (near < ranks) if kind.in_domain else np.asarray(ranks % (kind.group or 1) == 0)
        for kind in kinds
    ]
    good: NDArray[np.bool_] = (rounds[:, None] | (chunks == 1))[:, :, None] & np.stack(divided, axis=1)[:, None, :]
    return good


def _of_choices(record: type[Choice], every: list[Choice], along: Callable[[int, Array], Array], axis: int) -> Choice:
    values = {f.name: along(axis, np.concatenate([getattr(each, f.name) for each in every])) for f in fields(record)}
    return record(**values)
