"""The estimate of a service: from a closed scenario to results with ranges, parts and sources."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from planner.catalog.profile import Profile
from planner.documents.reader import Tree
from planner.economics.energy import carbon_kg, energy_kwh
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Estimate, Result
from planner.planning.ledger import Ledger
from planner.planning.money import Money, Spent, money_of
from planner.planning.places import pue_of
from planner.planning.serving_answer import PERCENTILES, Answer, answer, power_w
from planner.planning.serving_goodput import goodput
from planner.planning.serving_parts import breakdowns, memory_of, phases, words_of
from planner.planning.serving_plan import ServingGround, ground_of, require_links, unfit
from planner.planning.serving_pools import pooled, require_pools
from planner.planning.serving_ranges import spread_of
from planner.planning.serving_requests import generates
from planner.planning.serving_sizing import (
    Size,
    as_arrays,
    by_hour,
    hourly_rates,
    keeps,
    layouts_of,
    no_layout,
    nodes_of,
    require_percentiles,
    runnable,
    sized,
    value_of,
)
from planner.planning.uncertainty import Ranged, ranged
from planner.scenario.resolve import Resolved
from planner.scenario.serving_load import Load, ServingLayout, ServingLoad
from planner.serving.engine import Engine
from planner.units import Interval, duration

Array = NDArray[np.float64]

_HOUR_S = 3600.0
_MONTH_HOURS = 730.0
_UNNAMED = 1.15  # exponent of a range where the engine's release is not stated; our estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of a size under its load, ready to be told.

    Parameters
    ----------
    ground, size, replica, found : what serves, and what clients see.
    rate : requests per second of an open loop, or of a demand's busiest hour; None where clients or a batch set it.
    mean_rate : over the day, that money and energy are spread over [requests/s].
    money, inputs : prices and the other uncertain inputs by name.
    hours : over which totals are taken.
    """

    ground: ServingGround
    size: Size
    replica: Engine
    found: Answer
    rate: float | None
    mean_rate: float
    money: Money
    inputs: Mapping[str, Interval]
    hours: float
    hourly: tuple[int, ...] = ()


def estimate_serving(resolved: Resolved, books: Books) -> Estimate:
    """Give the estimate of a serving scenario.

    Raises
    ------
    InputError : the scenario is wrong.
    InfeasibleError : it does not fit, is too slow, or is asked for more than it can; by how much.
    """
    load = resolved.document
    if not isinstance(load, ServingLoad):
        raise AssertionError("a service is wanted")
    ledger = Ledger(books.catalog)
    service = service_of(load, resolved.tree, books, ledger)
    values = _ranged(service)
    ground = service.ground
    return Estimate(
        name=resolved.name,
        title=load.title or load.name,
        kind="serving",
        tags=load.tags,
        results={name: Result.of(name, interval) for name, interval in values.results.items()},
        plan=words_of(ground, service.size, service.found),
        breakdowns=(
            *breakdowns(service.found, _spent(service), ground.power.parts(_busy_share(service)), service.hourly),
            phases(service.replica, service.found),
        ),
        memory=(memory_of(service.replica, service.found, ground.requests),),
        memory_capacity_bytes=_number(ground.fleet.machine.memory_bytes),
        inputs=tuple(ledger.inputs.values()),
        warnings=tuple(ledger.warnings),
        basis=_basis(ground),
        contributions=values.contributions,
        scenario=resolved.tree.value,
        children=_simulated(service, resolved, books),
        currency=shown_currency(books),
    )


def _simulated(service: Service, resolved: Resolved, books: Books) -> dict[str, Estimate]:
    stated = service.ground.load.simulate
    if stated is None:
        return {}
    from planner.planning.serving_simulation import simulated

    ground, size = service.ground, service.size
    return {"simulated": simulated(ground, service.replica, size.replicas, service.rate, resolved, books)}


def service_of(load: ServingLoad, tree: Tree, books: Books, ledger: Ledger) -> Service:
    """Give a serving scenario with its layout and replicas chosen."""
    _require_one_load(load, tree)
    ground = ground_of(load, tree, books, ledger)
    require_percentiles(ground, tree)
    require_pools(ground, tree)
    stated = load.workload.load
    hourly: tuple[int, ...] = ()
    rates = _rates(stated)
    rate = float(np.max(rates)) if rates is not None else None
    if rate == 0.0:
        at = ("workload", "load", "demand", "by_hour")
        raise InputError(tree.fault("out-of-range", "a demand of 0 in every hour", at, allowed="24 shares, not all 0"))
    if load.disaggregation is not None:
        size = _pool_size(ground, tree)
    elif rates is not None and rate is not None:
        size = sized(ground, rate, tree, patience=books.defaults.patience)
        if stated.demand is not None:
            hourly = by_hour(ground, size, rates, patience=books.defaults.patience)
    else:
        size = _closed_size(ground, tree)
    require_links(ground, size.layout, tree)
    size = _on_what_there_is(ground, size, tree)
    replica = ground.replica(as_arrays([size.layout]))
    if load.disaggregation is not None:
        found = pooled(ground, replica, rate)
    else:
        found = answer(ground, replica, replicas=float(size.replicas), rate=rate)
    _require_settled(ground, found, size, rate, tree)
    _warn_of_misses(found, load, ledger)
    money = money_of(
        load.hardware, ground.fleet.node, ground.facility, nodes=size.nodes, tree=tree, books=books, ledger=ledger
    )
    return Service(
        ground=ground,
        size=size,
        replica=replica,
        found=found,
        rate=rate,
        mean_rate=float(np.mean(rates)) if rates is not None else _number(found.requests_per_s),
        money=money,
        inputs=_inputs(ground, money, books, ledger),
        hours=(load.workload.duration or _MONTH_HOURS * _HOUR_S) / _HOUR_S,
        hourly=hourly,
    )


def _require_one_load(load: ServingLoad, tree: Tree) -> None:
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


def _rates(load: Load) -> Array | None:
    """Give the rates of an open loop, or of the hours of a demand; None where clients or a batch set the pace."""
    if load.demand is not None:
        return hourly_rates(load.demand)
    return None if load.rate is None else np.array([load.rate])


def _closed_size(ground: ServingGround, tree: Tree) -> Size:
    """Give the size of a service whose load is not a rate: what is stated, or one replica of the best layout."""
    load = ground.load
    hardware = load.hardware
    there = hardware.accelerators or (hardware.nodes or 0) * ground.fleet.node.accelerators
    layouts = [load.layout] if isinstance(load.layout, ServingLayout) else layouts_of(ground)
    if there and load.layout == "auto":
        layouts = [each for each in layouts if each.tensor * each.data * each.pipeline <= there]
    kept = runnable(ground, layouts)
    if not kept:
        raise no_layout(ground, layouts, tree)
    arrays = as_arrays(kept)
    each = arrays.accelerators
    replicas = np.maximum(np.floor(there / each), 1.0) if there else np.ones_like(each)
    if load.replicas != "auto":
        replicas = np.full_like(each, float(load.replicas))
    found = answer(ground, ground.replica(arrays), replicas=replicas, rate=None)
    used = each * replicas
    kept_to = keeps(found, load.workload.objectives)
    worth = np.where(kept_to, found.requests_per_s / used, -1.0 / found.ttft_s)
    best = int(np.argmax(worth)) if len(kept) > 1 else 0
    nodes = nodes_of(ground, as_arrays([kept[best]]), replicas[best] + load.spare)
    return Size(kept[best], int(replicas[best]), int(_number(nodes)), _number(found.requests_per_s / replicas, best))


def _pool_size(ground: ServingGround, tree: Tree) -> Size:
    """Give the size of pools: their replicas as stated, of the layout that is stated or the smallest that runs."""
    stated, load = ground.load.disaggregation, ground.load
    if stated is None or stated.prefill is None or stated.decode is None:
        raise AssertionError("pools are counted by now")
    layouts = [load.layout] if isinstance(load.layout, ServingLayout) else layouts_of(ground)
    kept = runnable(ground, layouts)
    if not kept:
        raise no_layout(ground, layouts, tree)
    least = min(kept, key=lambda each: (each.tensor * each.data * each.pipeline, each.pipeline))
    count = stated.prefill + stated.decode
    nodes = nodes_of(ground, as_arrays([least]), float(count + load.spare))
    return Size(least, count, int(_number(nodes)), math.nan)


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


def _warn_of_misses(found: Answer, load: ServingLoad, ledger: Ledger) -> None:
    for name, limit in load.workload.objectives.model_dump().items():
        if limit is None:
            continue
        reached = _number(value_of(found, name))
        if reached > limit:
            ledger.warn(f"misses the objective {name}: {duration(reached)}, and {duration(limit)} is asked")


def _require_settled(ground: ServingGround, found: Answer, size: Size, rate: float | None, tree: Tree) -> None:
    """Refuse a load that the service cannot take, or that does not keep to the objectives."""
    if _number(found.sequences) < 1.0 and generates(ground.architecture) and rate is None:
        raise unfit(ground, ground.replica(as_arrays([size.layout])), tree)
    if rate is None or _number(found.load) < 1.0:
        return
    capacity = _number(found.capacity)
    needed = math.ceil(size.replicas * rate / capacity)
    raise InfeasibleError(
        tree.fault(
            "overload",
            f"{rate:,.3g} requests/s are {rate / capacity - 1.0:.0%} more than the {capacity:,.3g} that "
            f"{size.replicas} replicas take",
            ("workload", "load"),
            hint=f"at least {needed + (needed == size.replicas)} replicas (replicas: auto), or a lower rate",
        )
    )


def _inputs(ground: ServingGround, money: Money, books: Books, ledger: Ledger) -> dict[str, Interval]:
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
        "busy power": ground.power.busy_w,
        "idle power": ground.power.idle_w,
        **money.inputs,
    }
    return {name: interval for name, interval in named.items() if interval is not None}


def _spread(profile: Profile, ground: ServingGround, kind: str) -> Interval:
    """Give how far off times may be; an engine that nobody named makes them looser."""
    looseness = 1.0 if ground.load.engine else _UNNAMED
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


def _busy_share(service: Service) -> float:
    """Share of the way from rest to full power that accelerators go, by what each phase uses [1]."""
    watts = _number(power_w(service.replica, service.found))
    limit = _number(service.replica.machine.power_limit_w)
    idle = limit * _number(service.replica.efficiency.power_idle)
    return min(max((watts - idle) / (limit - idle), 0.0), 1.0)


def _spent(service: Service) -> Spent:
    x = {name: interval.mid for name, interval in service.inputs.items()}
    node_w = x["idle power"] + (x["busy power"] - x["idle power"]) * _busy_share(service)
    energy = float(energy_kwh(node_w * service.size.nodes, service.hours, x["PUE"]))
    return service.money.spent(x, nodes=service.size.nodes, hours=service.hours, energy_kwh=energy)


def _ranged(service: Service) -> Ranged:
    """Give all results with their ranges, by moving each uncertain input alone."""
    ground, found, size = service.ground, service.found, service.size
    requests = ground.requests
    output, prompt = _number(requests.output), ground.lengths.read
    answers = generates(ground.architecture)
    share, nodes = _busy_share(service), size.nodes
    watts = _number(power_w(service.replica, found))
    serving = size.replicas * size.layout.tensor * size.layout.data * size.layout.pipeline
    replica = service.replica
    fit = _number(replica.sequences_that_fit(requests.context))
    longest = _number(replica.cache_tokens / replica.layout.data)
    limit = ground.architecture.max_sequence or math.inf
    memory = memory_of(replica, found, requests).total_bytes
    capacity_bytes = _number(ground.fleet.machine.memory_bytes)

    def outcome(x: Mapping[str, float]) -> dict[str, float | None]:
        slower, later = x["token time"], x["first token"]
        rate = service.mean_rate if service.rate is not None else _number(found.requests_per_s) / slower
        node_w = x["idle power"] + (x["busy power"] - x["idle power"]) * share
        power = node_w * nodes
        energy = float(energy_kwh(power, service.hours, x["PUE"]))
        carbon = float(carbon_kg(energy, x["grid carbon"])) if "grid carbon" in x else None
        cost = service.money.total_usd(x, nodes=nodes, hours=service.hours, energy_kwh=energy)
        cost = None if cost is None else float(cost)
        served = rate * service.hours * _HOUR_S
        ttft, tpot = _number(found.ttft_s) * later, _number(found.tpot_s) * slower
        results: dict[str, float | None] = {"ttft_ms": ttft * 1e3}
        results |= _percentiles("ttft", found.ttft_percentiles_s, later)
        if answers and output > 1.0:
            results["tpot_ms"] = tpot * 1e3
            results["itl_ms"] = _number(found.decode.total / replica.tokens_per_round) * slower * 1e3
            results |= _percentiles("tpot", found.tpot_percentiles_s, slower)
        results |= goodput(found, ground.load.workload.objectives, rate, slower=slower, later=later)
        results |= {
            "e2e_latency_ms": (ttft + max(output - 1.0, 0.0) * tpot) * 1e3,
            "output_tokens_per_s": rate * output if answers else None,
            "total_tokens_per_s": rate * (prompt + (output if answers else 0.0)),
            "requests_per_s": rate,
            "utilisation": min(_number(found.load) * slower, 1.0) if service.rate is not None else 1.0,
            "replicas": float(size.replicas),
            "max_batch": fit if math.isfinite(fit) and answers else None,
            "max_context_tokens": min(longest, limit) if answers and math.isfinite(min(longest, limit)) else None,
            "peak_memory_gb": memory / 1e9,
            "memory_headroom_gb": (capacity_bytes - memory) / 1e9,
            "accelerator_power_w": watts * x["busy power"] / service.inputs["busy power"].mid,
            "joules_per_token": _per(watts * serving, rate * output) if answers else None,
            "system_power_w": node_w,
            "accelerators": float(size.nodes * ground.fleet.node.accelerators),
            "nodes": float(nodes),
            "node_power_kw": node_w / 1e3,
            "power_kw": power / 1e3,
            "facility_power_kw": power * x["PUE"] / 1e3,
            "energy_kwh": energy,
            "carbon_kg": carbon,
            "cost_total_usd": cost,
            "cost_per_hour_usd": None if cost is None else cost / service.hours,
            "cost_per_month_usd": None if cost is None else cost / service.hours * _MONTH_HOURS,
            "cost_per_request_usd": None if cost is None else cost / served,
            "cost_per_million_tokens_usd": _millionth(cost, served * (prompt + (output if answers else 0.0))),
            "parameters": float(ground.architecture.parameters),
            "active_parameters": float(ground.architecture.active_parameters),
        }
        if answers:
            reading = min(_number(found.prefill_share), 1.0)
            in_usd, out_usd = (None, None) if cost is None else (cost * reading, cost * (1.0 - reading))
            results |= {
                "cost_per_million_input_tokens_usd": _millionth(in_usd, served * prompt),
                "cost_per_million_output_tokens_usd": _millionth(out_usd, served * output),
                "energy_per_million_tokens_kwh": _millionth(energy, served * output),
                "carbon_per_million_tokens_kg": _millionth(carbon, served * output),
            }
        if "node price" in x:
            results["capital_usd"] = x["node price"] * nodes
        unknown = ("cost", "carbon", "capital")
        return {k: v for k, v in results.items() if v is not None or k.startswith(unknown)}

    return ranged(outcome, service.inputs)


def _percentiles(phase: str, values: object, factor: float) -> dict[str, float | None]:
    if values is None:
        return {}
    rows = np.asarray(values)
    return {f"{phase}_{p}_ms": _number(rows[place]) * factor * 1e3 for place, p in enumerate(PERCENTILES)}


def _millionth(amount: float | None, tokens: float) -> float | None:
    return None if amount is None else amount / tokens * 1e6


def _per(amount: float, rate: float) -> float:
    return amount / rate


def _basis(ground: ServingGround) -> str:
    chip = ground.fleet.accelerator.id
    words = {
        "measured": f"efficiencies fitted on published results of {chip}",
        "relative": f"efficiencies carried over from {ground.basis.by}; none measured on {chip}",
        "family": f"data sheet of {chip} with efficiencies of its kind; nothing like it was measured",
    }
    return words[ground.basis.chip]


def _number(value: object, place: int = 0) -> float:
    return float(np.ravel(np.asarray(value))[place])
