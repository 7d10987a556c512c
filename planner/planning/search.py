"""The best way to train a model: every strategy on every machine at once, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from planner.errors import Fault, InfeasibleError, InputError, did_you_mean, input_error, listing
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.run_outcome import DAY_S, HOUR_S
from planner.planning.search_block import Aim
from planner.planning.search_changes import Changed, changes_of
from planner.planning.search_fastest import ROUNDER
from planner.planning.search_losers import bound_of, why_lost, why_outside
from planner.planning.search_machines import Field, field_of
from planner.planning.search_points import PricedPoint, priced
from planner.planning.search_result import Candidate, Change, Limits, MachineVerdict, SearchResult
from planner.planning.search_run import Engine, Plan, Tallies, carried_out, here
from planner.planning.search_scenario import scenario_of
from planner.planning.search_sites import Site
from planner.planning.search_space import space_of
from planner.planning.search_tally import Point, SiteTally, unbeaten
from planner.planning.search_words import axes_of, parallelism_of
from planner.planning.training import estimate_training
from planner.planning.training_inputs import Wanted, wanted_of
from planner.record import record
from planner.scenario.resolve import Resolved
from planner.scenario.training_run import Parallelism, TrainingRun
from planner.units.printing import gibibytes
from planner.workload.flops import training_flops

KEPT = (*Parallelism.model_fields, "recompute", "offload")
"""What a search can leave as the scenario has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a search.

    Parameters
    ----------
    minimise : word of `OBJECTIVES`. deadline_days, budget_usd, power_kw : limits; None where there is none.
    nodes, accelerators : kinds and numbers to try; all that fit where empty.
    top : strategies to give. kept : of `KEPT`. wide : see `space_of`.
    """

    minimise: str = "cost"
    deadline_days: float | None = None
    budget_usd: float | None = None
    power_kw: float | None = None
    nodes: tuple[str, ...] = ()
    accelerators: tuple[int, ...] = ()
    top: int = 5
    kept: tuple[str, ...] = ()
    wide: bool = False

    @property
    def aim(self) -> Aim:
        """The same in the units of the search."""
        return Aim(
            minimise=self.minimise,
            hours=math.inf if self.deadline_days is None else self.deadline_days * 24.0,
            usd=math.inf if self.budget_usd is None else self.budget_usd,
            power_w=math.inf if self.power_kw is None else self.power_kw * 1e3,
            top=self.top,
        )


@record
class _Searched:
    """A search that was carried out."""

    resolved: Resolved
    run: TrainingRun
    wanted: Wanted
    request: Request
    field: Field
    plan: Plan
    tallies: Tallies

    @property
    def sites(self) -> Sequence[Site]:
        return self.field.sites


def search(resolved: Resolved, books: Books, request: Request, *, engine: Engine = here) -> SearchResult:
    """Give the best strategy for a training scenario, and what came of all others.

    Parameters
    ----------
    resolved : a closed training scenario; its parallelism, recomputation and offloading are searched over.
    books : what it is looked up in. request : what is asked.
    engine : what the blocks of the search run on.

    Raises
    ------
    InputError : the scenario or the request is wrong. InfeasibleError : nothing keeps all limits.
    """
    run = resolved.document
    if not isinstance(run, TrainingRun):
        raise InputError(
            resolved.tree.fault(
                "search-kind",
                "only training runs and services are searched",
                ("workload", "kind"),
                allowed="kind: training, or serving",
            )
        )
    _check(request)
    searched = _searched(resolved, run, books, request, engine)
    best = [ranked for tally in searched.tallies.values() for ranked in tally.best]
    if not best:
        raise _nothing(searched)
    best.sort(key=lambda each: (each[0], each[1].order, each[1].site))
    return _result(searched, [point for _, point in best[: request.top]], books)


def _check(request: Request) -> None:
    unknown = [name for name in request.kept if name not in KEPT]
    if unknown:
        raise input_error(
            "search-keep", f"'{unknown[0]}' is no choice", allowed=listing(KEPT), hint=did_you_mean(unknown[0], KEPT)
        )


def _searched(resolved: Resolved, run: TrainingRun, books: Books, request: Request, engine: Engine) -> _Searched:
    ledger = Ledger(books.catalog)
    wanted = wanted_of(run, resolved.tree, books, ledger)
    priced_only = request.minimise == "cost" or request.budget_usd is not None
    field = field_of(
        run,
        wanted,
        resolved.tree,
        books,
        nodes=request.nodes,
        accelerators=request.accelerators,
        priced=priced_only,
    )
    if not field.sites:
        reasons = [f"{node}: {reason}" for node, reason in field.refused.items()]
        raise InfeasibleError(
            Fault("no-strategy", "no machine can take part", allowed=listing(reasons, most=4), hint=_OTHER_MACHINES)
        )
    space = space_of(
        run,
        wanted.architecture,
        length=wanted.length,
        accelerators=sorted({site.accelerators for site in field.sites}),
        domains=[int(site.ground.problem.machine.domain[0]) for site in field.sites],
        kept=request.kept,
        wide=request.wide,
    )
    plan = Plan.of(space, request.aim, field.sites)
    return _Searched(resolved, run, wanted, request, field, plan, carried_out(plan, engine))


_OTHER_MACHINES = "other machines (--nodes, --accelerators), another term, or --minimise time"


def _nothing(searched: _Searched) -> InfeasibleError:
    """Give the refusal of a search in which nothing keeps the limits: what comes nearest, and by how much it fails."""
    fits = [n for n, tally in searched.tallies.items() if tally.nearest is not None]
    batch = searched.run.workload.global_batch
    by_node = _by_node(searched)
    if not fits:
        short = [
            (tally.least_bytes - float(searched.sites[n].ground.problem.machine.memory_bytes[0]), n)
            for n, tally in searched.tallies.items()
            if tally.valid
        ]
        if not short:
            message = f"no degrees divide these accelerators and a batch of {batch:g} sequences"
            return InfeasibleError(Fault("no-strategy", message, hint=ROUNDER))
        lack, number = min(short)
        site = searched.sites[number]
        message = (
            f"no strategy fits: the smallest needs {gibibytes(searched.tallies[number].least_bytes)} of "
            f"{gibibytes(float(site.ground.problem.machine.memory_bytes[0]))} "
            f"on {site.accelerators:,} accelerators of {site.node}, {gibibytes(lack)} too much"
        )
        return InfeasibleError(Fault("does-not-fit", message, hint=_OTHER_MACHINES))
    aim = searched.plan.aim
    nearest = min(fits, key=lambda n: (searched.tallies[n].nearest or (math.inf,))[0])
    node = searched.sites[nearest].node
    message = f"nothing keeps the limits; the best without them is on {node}: {why_outside(by_node[node], aim, batch)}"
    hint = "looser limits, other numbers (--accelerators), or other machines (--nodes)"
    return InfeasibleError(Fault("no-strategy", message, hint=hint))


def _by_node(searched: _Searched) -> dict[str, list[tuple[Site, SiteTally]]]:
    found: dict[str, list[tuple[Site, SiteTally]]] = {}
    for number, site in enumerate(searched.sites):
        found.setdefault(site.node, []).append((site, searched.tallies.get(number, SiteTally())))
    return found


def _result(searched: _Searched, top: list[Point], books: Books) -> SearchResult:
    plan, sites, request = searched.plan, searched.sites, searched.request
    front = unbeaten([point for tally in searched.tallies.values() for point in tally.front])
    of_nodes = {node: _best_of(each) for node, each in _by_node(searched).items()}
    bests = [point for point, _ in of_nodes.values() if point is not None]
    told = _candidates([*top, *front, *bests], searched)
    winner = told[top[0]]
    estimate = estimate_training(scenario_of(searched.resolved, sites[top[0].site].ground.run.hardware, winner), books)
    tallies = list(searched.tallies.values())
    limits = Limits(request.deadline_days, request.budget_usd, request.power_kw)
    return SearchResult(
        name=searched.resolved.name,
        title=searched.run.title or searched.run.name,
        minimise=request.minimise,
        limits=limits,
        axes=axes_of(plan.space, tuple(dict.fromkeys(site.accelerators for site in sites))),
        points=plan.space.points * len(sites),
        valid=sum(tally.valid for tally in tallies),
        fit=sum(tally.fit for tally in tallies),
        within=sum(tally.within for tally in tallies),
        winner=winner,
        top=tuple(told[point] for point in top),
        front=tuple(told[point] for point in front),
        machines=_verdicts(of_nodes, told, winner, searched),
        changes=tuple(_change(each, searched) for each in changes_of(top[0], plan, sites)),
        estimate=estimate,
    )


def _best_of(each: list[tuple[Site, SiteTally]]) -> tuple[Point | None, bool]:
    """Give the best strategy of a kind of machine, and whether it is inside the limits."""
    inside = [tally.best[0] for _, tally in each if tally.best]
    outside = [tally.nearest for _, tally in each if tally.nearest is not None]
    found = min(inside or outside, key=lambda ranked: (ranked[0], ranked[1].order, ranked[1].site), default=None)
    return (found[1] if found else None), bool(inside)


def _verdicts(
    of_nodes: Mapping[str, tuple[Point | None, bool]],
    told: Mapping[Point, Candidate],
    winner: Candidate,
    searched: _Searched,
) -> tuple[MachineVerdict, ...]:
    minimise, aim, batch = searched.request.minimise, searched.plan.aim, searched.run.workload.global_batch
    verdicts: list[MachineVerdict] = []
    for node, each in _by_node(searched).items():
        point, inside = of_nodes[node]
        best = told[point] if point else None
        if node == winner.node:
            reason = ""
        elif best is not None and inside:
            reason = why_lost(best, winner, minimise)
        else:
            reason = why_outside(each, aim, batch)
        tried = tuple(site.accelerators for site, _ in each)
        verdicts.append(
            MachineVerdict(
                node,
                tried,
                best,
                inside,
                valid=sum(tally.valid for _, tally in each),
                fit=sum(tally.fit for _, tally in each),
                within=sum(tally.within for _, tally in each),
                reason=reason,
            )
        )
    for node, reason in searched.field.refused.items():
        verdicts.append(MachineVerdict(node, (), None, inside=False, valid=0, fit=0, within=0, reason=reason))
    return tuple(sorted(verdicts, key=lambda verdict: _order(verdict, minimise)))


def _order(verdict: MachineVerdict, minimise: str) -> tuple[int, float, str]:
    value = verdict.best.value(minimise) if verdict.best else None
    rank = 0 if verdict.inside else 1 if verdict.best else 2 if verdict.valid else 3
    return rank, math.inf if value is None else value, verdict.node


def _candidates(points: Sequence[Point], searched: _Searched) -> dict[Point, Candidate]:
    """Give strategies with their parts, those of one framework priced together."""
    found: dict[Point, Candidate] = {}
    wanted = list(dict.fromkeys(points))
    for group in searched.plan.groups:
        here_ = [point for point in wanted if point.site in group.numbers]
        if here_:
            for point, each in zip(here_, priced(here_, searched.plan.space, group), strict=True):
                found[point] = _candidate(each, searched)
    return found


def _candidate(each: PricedPoint, searched: _Searched) -> Candidate:
    point, space, site = each.point, searched.plan.space, searched.sites[each.point.site]
    return Candidate(
        node=site.node,
        accelerator=site.ground.fleet.accelerator.id,
        framework=site.ground.framework,
        accelerators=site.accelerators,
        nodes=site.ground.nodes,
        parallelism=parallelism_of(point, space, site),
        recompute=space.recompute[point.recompute],
        offload=space.offload[point.offload],
        results=_results(point, searched),
        shares=each.shares,
        bound=bound_of(each.shares),
    )


def _results(point: Point, searched: _Searched) -> dict[str, float | None]:
    site = searched.sites[point.site]
    problem, count = site.ground.problem, site.accelerators
    flops = training_flops(
        problem.architecture,
        sequences=round(searched.run.workload.global_batch),
        length=searched.wanted.length,
        source_length=problem.source_length,
        trained=problem.trained,
    )
    return {
        "step_time_s": point.step_s,
        "mfu": flops.model / (point.step_s * count * float(problem.machine.matrix_flops_per_s[0])),
        "days": point.hours * HOUR_S / DAY_S,
        "accelerator_hours": point.hours * count,
        "peak_memory_gb": point.memory_bytes / 1e9,
        "cost_total_usd": point.cost_usd if math.isfinite(point.cost_usd) else None,
        "energy_kwh": point.energy_kwh,
        "carbon_kg": point.carbon_kg if math.isfinite(point.carbon_kg) else None,
        "facility_power_kw": point.power_w / 1e3,
    }


def _change(changed: Changed, searched: _Searched) -> Change:
    found = changed.found
    over = found.point.memory_bytes - found.capacity_bytes
    why_not = f"does not fit by {gibibytes(over)}" if over > 0 else ""
    if not found.has_room:
        why_not = "the node has no room for what is kept elsewhere"
    if not why_not and not math.isfinite(found.point.hours):
        why_not = "the run never ends"
    results = {} if why_not else _results(found.point, searched)
    return Change(changed.axis, changed.before, changed.after, results, why_not)
