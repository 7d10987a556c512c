"""A service of a size under its load: what a scenario states, and what is chosen where it leaves something open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.money import Money, money_of
from planner.planning.serving_answer import Answer, answer
from planner.planning.serving_inputs import inputs_of
from planner.planning.serving_layouts import as_arrays
from planner.planning.serving_loops import sized_in_a_loop
from planner.planning.serving_margins import half_would_do
from planner.planning.serving_objectives import require_objectives, warn_of_misses
from planner.planning.serving_plan import ServingGround, ground_of, require_links, unfit
from planner.planning.serving_pool_sizing import pools_sized, require_pools
from planner.planning.serving_pools import pooled, workers_of
from planner.planning.serving_power import Drawn, drawn_over
from planner.planning.serving_requests import generates
from planner.planning.serving_sizing import Size, by_hour, hourly_rates, sized
from planner.scenario.serving_load import Demand, Load, ServingLoad
from planner.serving.engine import Engine
from planner.units.interval import Interval

Array = NDArray[np.float64]

_HOUR_S = 3600.0
_MONTH_HOURS = 730.0
_FULLEST = 0.98  # load up to which times are told at the slow end of a range
_CROWDED = 0.8  # of its capacity, from which the simulation falls behind the closed form in some services


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of a size under its load, ready to be told.

    Parameters
    ----------
    ground, size, replica, found : what serves, and what clients see.
    rate : requests per second of an open loop, or of a demand's busiest hour; None where clients or a batch set it.
    mean_rate : over the day, that money and energy are spread over [requests/s]. drawn : power over the day.
    money, inputs : prices and the other uncertain inputs by name.
    hours : over which totals are taken.
    """

    ground: ServingGround
    size: Size
    replica: Engine
    found: Answer
    rate: float | None
    mean_rate: float
    drawn: Drawn
    money: Money
    inputs: Mapping[str, Interval]
    hours: float
    hourly: tuple[int, ...] = ()

    def at_speed(self, slower: float) -> Answer:
        """Give what clients see where every pass takes so many times as long, in units of that longer time.

        Slower replicas at a rate are as full as these at a rate that many times as high; queues grow with it. Beyond
        a load that is nearly all that they take no times are known, and those of that load are given.
        """
        if self.rate is None or slower == 1.0:
            return self.found
        most = max(_FULLEST / _number(self.found.load), 1.0)
        return seen_by(self.ground, self.replica, self.size, self.rate * min(slower, most))


def service_of(load: ServingLoad, tree: Tree, books: Books, ledger: Ledger) -> Service:
    """Give a serving scenario with its layout and replicas chosen."""
    require_one_load(load, tree)
    ground = ground_of(load, tree, books, ledger)
    require_objectives(ground, tree)
    require_pools(ground, tree)
    stated = load.workload.load
    hourly: tuple[int, ...] = ()
    rates = rates_of(stated)
    rate = float(np.max(rates)) if rates is not None else None
    if load.disaggregation is not None:
        size = pools_sized(ground, tree)
    elif rates is not None and rate is not None:
        size = sized(ground, rate, tree, patience=books.defaults.patience)
        if stated.demand is not None:
            hourly = by_hour(ground, size, rates, patience=books.defaults.patience)
    else:
        size = sized_in_a_loop(ground, tree)
    require_links(ground, size.layout, tree)
    size = _on_what_there_is(ground, size, tree)
    replica = ground.replica(as_arrays([size.layout]))
    found = seen_by(ground, replica, size, rate)
    _require_settled(ground, found, size, rate, tree)
    warn_of_misses(found, load.workload.objectives, ledger)
    hair = None if load.disaggregation else half_would_do(ground, replica, size, rate)
    if hair is not None:
        ledger.warn(hair)
    money = money_of(
        load.hardware, ground.fleet.node, ground.facility, nodes=size.nodes, tree=tree, books=books, ledger=ledger
    )
    inputs = inputs_of(ground, money, books, ledger, replicas=size.replicas)
    _warn_of_a_node(ground, size, ledger)
    _warn_of_saturation(found, size, rate, inputs["token time"].high, ledger)
    return Service(
        ground=ground,
        size=size,
        replica=replica,
        found=found,
        rate=rate,
        mean_rate=float(np.mean(rates)) if rates is not None else _number(found.requests_per_s),
        drawn=drawn_over(
            ground,
            replica,
            found,
            rates,
            replicas=float(size.replicas),
            workers=workers_of(load.disaggregation) if load.disaggregation else None,
        ),
        money=money,
        inputs=inputs,
        hours=(load.workload.duration or _MONTH_HOURS * _HOUR_S) / _HOUR_S,
        hourly=hourly,
    )


def seen_by(ground: ServingGround, replica: Engine, size: Size, rate: float | None) -> Answer:
    """Give what clients of a service of a size see."""
    pools = ground.load.disaggregation
    if pools is not None:
        return pooled(ground, replica, workers_of(pools), rate)
    return answer(ground, replica, replicas=float(size.replicas), rate=rate)


def require_one_load(load: ServingLoad, tree: Tree) -> None:
    """Refuse a scenario that states no load, or several."""
    stated = load.workload.load
    given = [
        key for key in ("clients", "rate", "batch", "stream", "offline", "demand")
        if getattr(stated, key) not in (None, False)
    ]  # fmt: skip
    if len(given) != 1:
        message = "no load is stated" if not given else f"{' and '.join(given)} are stated"
        raise InputError(
            tree.fault(
                "contradiction",
                message,
                ("workload", "load"),
                allowed="one of clients, rate, batch, stream, offline, demand",
            )
        )
    if load.workload.load.demand is not None:
        _require_shares_of_the_mean(load.workload.load.demand, tree)


def _require_shares_of_the_mean(demand: Demand, tree: Tree) -> None:
    """Refuse hours whose shares are those of another mean than the stated one."""
    if demand.by_hour is None:
        return
    at = ("workload", "load", "demand", "by_hour")
    average, busiest = float(np.mean(demand.by_hour)), float(np.max(demand.by_hour))
    if average == 0.0:
        raise InputError(tree.fault("out-of-range", "a demand of 0 in every hour", at, allowed="24 shares, not all 0"))
    if abs(average - 1.0) > _ROUNDED:
        message = f"shares of the mean that are {average:.3g} in the mean, and not 1"
        raise InputError(tree.fault("contradiction", message, at, hint=f"divide each by {average:.4g}"))
    if demand.peak_to_mean != 1.0 and abs(busiest / demand.peak_to_mean - 1.0) > _ROUNDED:
        message = f"the busiest hour has {busiest:.4g} times the mean, and peak_to_mean is {demand.peak_to_mean:.4g}"
        raise InputError(tree.fault("contradiction", message, at, hint="leave peak_to_mean out"))


_MANY_TIMES = 10.0  # above which a multiple is easier to read than a percentage
_ROUNDED = 0.02  # of the mean, which shares of two digits may miss


def rates_of(load: Load) -> Array | None:
    """Give the rates of an open loop, or of the hours of a demand; None where clients or a batch set the pace."""
    if load.demand is not None:
        return hourly_rates(load.demand)
    return None if load.rate is None else np.array([load.rate])


def _on_what_there_is(ground: ServingGround, size: Size, tree: Tree) -> Size:
    """Give a size with the machines that the scenario names, all of which are paid for.

    Raises
    ------
    InfeasibleError : it needs more of them; how many.
    """
    hardware, layout = ground.load.hardware, size.layout
    count = size.replicas + ground.load.spare
    needed = count * layout.tensor * layout.data * layout.pipeline
    short = ""
    if hardware.accelerators and needed > hardware.accelerators:
        short = f"{needed:,} accelerators, and there are {hardware.accelerators:,}"
    if hardware.nodes and size.nodes > hardware.nodes:
        short = f"{size.nodes:,} nodes, and there are {hardware.nodes:,}"
    if short:
        key = "accelerators" if hardware.accelerators else "nodes"
        hint = "leave accelerators and nodes out to have them sized, or lower the load or the objectives"
        raise InfeasibleError(
            tree.fault("machines-few", f"{count:,} replicas need {short}", ("hardware", key), hint=hint)
        )
    return replace(size, nodes=max(size.nodes, hardware.nodes or 0))


def _warn_of_a_node(ground: ServingGround, size: Size, ledger: Ledger) -> None:
    """Say where replicas stand by for one that fails, and a node that fails takes more of them with it."""
    layout, spare = size.layout, ground.load.spare
    beside = ground.fleet.node.accelerators // (layout.tensor * layout.data * layout.pipeline)
    lost = min(beside, size.replicas + spare)
    if 0 < spare < lost:
        ledger.warn(
            f"a node that fails takes up to {lost} replicas with it, and {spare} "
            f"{'stands' if spare == 1 else 'stand'} by: spare: {lost} keeps to the objectives even then"
        )


def _warn_of_saturation(found: Answer, size: Size, rate: float | None, slowest: float, ledger: Ledger) -> None:
    """Say where a service is near its capacity, and where it does not keep up if it is as slow as its range allows."""
    if rate is not None and _number(found.load) >= _CROWDED:
        ledger.warn(
            f"at {_number(found.load):.0%} of capacity requests that come together may wait far longer than a closed "
            "form says: --simulate runs the engine's loop, event by event"
        )
    load = _number(found.load) * slowest
    if rate is not None and load >= _FULLEST:
        enough = math.ceil(size.replicas * load / _FULLEST)
        ledger.warn(
            f"at the slow end of its range, {slowest:.2f} times the time of a token, the load is {load:.0%} of what "
            f"{size.replicas:,} replicas take; {max(enough, size.replicas + 1):,} keep up with it even then"
        )


def _require_settled(ground: ServingGround, found: Answer, size: Size, rate: float | None, tree: Tree) -> None:
    """Refuse a load that the service cannot take, or that does not keep to the objectives."""
    if _number(found.sequences) < 1.0 and generates(ground.architecture) and rate is None:
        raise unfit(ground, ground.replica(as_arrays([size.layout])), tree)
    if rate is None or np.all(np.isfinite(found.ttft_s)):
        return
    capacity = _number(found.capacity)
    needed = math.ceil(size.replicas * rate / capacity)
    who = "one replica takes" if size.replicas == 1 else f"{size.replicas:,} replicas take"
    over = rate / capacity - 1.0
    asked, taken = f"{rate:,.3g} requests/s", f"the {capacity:,.3g} that {who}"
    if over <= _ROUNDED:
        message = f"{rate:,.4g} requests/s are all that {who}, {capacity:,.4g}: the queue before them would have no end"
    elif over < _MANY_TIMES:
        message = f"{asked} are {over:.0%} more than {taken}"
    else:
        message = f"{asked} are more than {taken}, {rate / capacity:,.0f} times as many"
    hint = f"at least {needed + (needed == size.replicas)} replicas (replicas: auto), or a lower rate"
    raise InfeasibleError(tree.fault("overload", message, ("workload", "load"), hint=hint))


def _number(value: object) -> float:
    return float(np.ravel(np.asarray(value))[0])
