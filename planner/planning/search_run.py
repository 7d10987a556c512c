"""Carrying a search out: its blocks one after the other or on a cluster, and what they found taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from planner.planning.search_block import Aim, Block
from planner.planning.search_sites import Site, Sites
from planner.planning.search_space import Space
from planner.planning.search_spots import spots_of
from planner.planning.search_tally import SiteTally
from planner.record import record

Tallies = dict[int, SiteTally]

_TERMS_AT_ONCE = 1 << 18  # elements of the largest array of terms of a block: 2 MiB


@record
class Plan:
    """All that the blocks of a search share.

    Parameters
    ----------
    space, aim : what is tried, and what for.
    groups : the sites by framework.
    """

    space: Space
    aim: Aim
    groups: tuple[Sites, ...]

    @staticmethod
    def of(space: Space, aim: Aim, sites: Sequence[Site]) -> Plan:
        """Give the plan of a search over sites."""
        numbers: dict[str, list[int]] = {}
        for number, site in enumerate(sites):
            numbers.setdefault(site.ground.framework, []).append(number)
        groups = tuple(Sites.of([sites[n] for n in each], each) for each in numbers.values())
        return Plan(space, aim, groups)

    def tasks(self) -> Iterator[Task]:
        """Give the blocks of the search, each small enough to be held."""
        for number, sites in enumerate(self.groups):
            for stages in self.space.pipeline:
                spots = spots_of(self.space, sites, stages)
                each = self._choices(stages, sites.problem.architecture.layers)
                size = max(1, _TERMS_AT_ONCE // max(each, 1))
                for start in range(0, len(spots), size):
                    yield Task(number, Block(spots.rows(slice(start, start + size)), start))

    def _choices(self, stages: int, layers: int) -> int:
        """Elements of a spot's largest array of terms [1]."""
        pipelining, sharding = self.space.pipelining_of(stages, layers), self.space.sharding_of(stages)
        return len(pipelining) * len(sharding) * max(len(self.space.recompute), len(self.space.offload))


@record
class Task:
    """One block, at sites of one of the plan's groups."""

    group: int
    block: Block

    def run(self, plan: Plan) -> Tallies:
        """Price the block."""
        return self.block.tallies(plan.space, plan.groups[self.group], plan.aim)


Engine = Callable[[Plan, Iterable[Task]], Iterable[Tallies]]


def here(plan: Plan, tasks: Iterable[Task]) -> Iterator[Tallies]:
    """Price blocks one after the other in this process."""
    for task in tasks:
        yield task.run(plan)


def carried_out(plan: Plan, engine: Engine = here) -> Tallies:
    """Give what became of all strategies, by site; the same on every engine."""
    found: Tallies = {}
    for tallies in engine(plan, plan.tasks()):
        for site, tally in tallies.items():
            found.setdefault(site, SiteTally()).add(tally, top=plan.aim.top)
    return found
