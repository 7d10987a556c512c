"""The uncertain inputs of a service: its times as rows that were left out varied, power, place, money."""

from __future__ import annotations

from planner.catalog.profile import Profile
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.money import Money
from planner.planning.places import pue_of
from planner.planning.serving_plan import ServingGround, limit_w
from planner.planning.serving_power import CHIP, LIMIT, MODEL, REST
from planner.planning.serving_ranges import spread_of
from planner.planning.serving_requests import generates
from planner.units.interval import Interval

_UNNAMED = 1.15  # exponent of a range where the engine's release is not stated; our estimate


def inputs_of(ground: ServingGround, money: Money, books: Books, ledger: Ledger) -> dict[str, Interval]:
    """Give the uncertain inputs of a service by name; what clients see varies as rows that were left out."""
    facility = ground.facility
    grid = facility.grid if facility else None
    if facility and grid:
        ledger.take(facility, "grid.intensity", f"{grid.intensity.mid * 3.6e6:.0f} gCO2e/kWh")
    else:
        ledger.warn("the grid's carbon intensity is unknown: name a facility to get carbon")
    profile = books.catalog.profile("serving")
    named = {
        "token time": _spread(profile, ground, "tpot" if generates(ground.architecture) else "rate"),
        "first token": _spread(profile, ground, "ttft"),
        "PUE": pue_of(ground.load.hardware.pue, facility, books=books, ledger=ledger),
        "grid carbon": grid.intensity if grid else None,
        MODEL: _spread(profile, ground, "power"),
        CHIP: limit_w(ground.fleet),
        LIMIT: ground.power.full_w,
        REST: ground.power.idle_w,
        **money.inputs,
    }
    return {name: interval for name, interval in named.items() if interval is not None}


def _spread(profile: Profile, ground: ServingGround, kind: str) -> Interval:
    """Give how far off times may be; an engine that nobody named makes them looser."""
    looseness = 1.0 if ground.load.engine and ground.engine.is_one else _UNNAMED
    found = spread_of(profile, basis=ground.basis.chip, family=_family(ground), kind=kind, looseness=looseness)
    return Interval(1.0 / found.high, 1.0, 1.0 / found.low) if kind == "rate" else found


def _family(ground: ServingGround) -> str:
    """Give the family of loads whose errors are alike, by the names of the profile's ranges."""
    load = ground.load.workload.load
    if not generates(ground.architecture):
        return "encoder"
    if load.offline:
        return "offline"
    if load.stream or load.batch == 1:
        return "single-stream"
    return "static-batch" if load.batch else "closed-loop"
