"""The uncertain inputs of a service: its times as rows that were left out varied, power, place, money."""

from __future__ import annotations

from planner.catalog.profile import Profile
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.money import Money
from planner.planning.places import pue_of
from planner.planning.serving_plan import ServingGround, limit_w
from planner.planning.serving_power import CHIP, LIMIT, MODEL, REST
from planner.planning.serving_ranges import Footing, line_of, spread_of
from planner.planning.serving_requests import generates
from planner.units.interval import Interval


def inputs_of(
    ground: ServingGround, money: Money, books: Books, ledger: Ledger, *, replicas: int
) -> dict[str, Interval]:
    """Give the uncertain inputs of a service of so many replicas by name.

    What clients see varies as rows that were left out.
    """
    facility = ground.facility
    grid = facility.grid if facility else None
    if facility and grid:
        ledger.take(facility, "grid.intensity", f"{grid.intensity.mid * 3.6e6:.0f} gCO2e/kWh")
    else:
        ledger.warn("the grid's carbon intensity is unknown: name a facility to get carbon")
    profile = books.catalog.profile("serving")
    footing = footing_of(ground, replicas=replicas)
    named = {
        "token time": _token_time(profile, ground, footing),
        "first token": spread_of(profile, footing, "ttft" if generates(ground.architecture) else "latency"),
        "PUE": pue_of(ground.load.hardware.pue, facility, books=books, ledger=ledger),
        "grid carbon": grid.intensity if grid else None,
        MODEL: spread_of(profile, footing, "power"),
        CHIP: limit_w(ground.fleet),
        LIMIT: ground.power.full_w,
        REST: ground.power.idle_w,
        **money.inputs,
    }
    return {name: interval for name, interval in named.items() if interval is not None}


def _token_time(profile: Profile, ground: ServingGround, footing: Footing) -> Interval:
    """Give how far off times of a token may be; where a load is known by its rate, by how far off that is."""
    load = ground.load.workload.load
    waits = load.clients is not None or load.rate is not None or load.demand is not None
    if waits and generates(ground.architecture):
        return spread_of(profile, footing, "tpot")
    rate = spread_of(profile, footing, "rate")
    return Interval(1.0 / rate.high, 1.0, 1.0 / rate.low)


def footing_of(ground: ServingGround, *, replicas: int) -> Footing:
    """Give what times of a service rest on; an engine that nobody named makes them looser."""
    load, shared = ground.load.workload.load, ground.load.disaggregation is None
    return Footing(
        chip=ground.basis.chip,
        line=line_of(ground.fleet.accelerator),
        load=_load(ground),
        release=bool(ground.load.engine) and ground.engine.is_one,
        clients=(load.clients or 0) / (replicas if shared else 1),
    )


def _load(ground: ServingGround) -> str:
    """Give the kind of load, by the names of the profile's ranges."""
    load, shape = ground.load.workload.load, ground.architecture
    if not generates(shape):
        return "encoder" if load.batch or load.stream else "encoder-gathered"
    if load.offline:
        return "offline-experts" if any(kind.experts for kind in shape.main.kinds) else "offline-dense"
    if load.stream or load.batch == 1:
        return "single-stream"
    if load.batch:
        return "static-batch"
    if ground.load.disaggregation is not None:
        return "disaggregated"
    return "closed-loop"  # at a rate too, which keeps as many at once; the queue in front moves by itself
