"""The results of a service, with their ranges: times, rates, memory, power, energy, carbon and money."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np

from planner.economics.energy import carbon_kg, energy_kwh
from planner.planning.money import Spent
from planner.planning.serving_answer import PERCENTILES, Answer
from planner.planning.serving_goodput import goodput
from planner.planning.serving_parts import memory_of
from planner.planning.serving_power import CHIP, LIMIT, MODEL, REST, share_of_limit
from planner.planning.serving_requests import generates
from planner.planning.serving_service import Service
from planner.planning.uncertainty import Ranged, ranged
from planner.serving.batching import at_once

_HOUR_S = 3600.0
_MONTH_HOURS = 730.0
_SHOWN_UNKNOWN = ("cost", "carbon", "capital")  # results that are told to be unknown


def drawn_share(service: Service, told: float = 1.0) -> float:
    """Share of the way from rest to their limit that a node's accelerators go over the day [1].

    Parameters
    ----------
    told : their power over what is told [1].
    """
    size, watts = service.size, service.drawn.watts * told
    return _number(share_of_limit(service.replica, watts, float(size.replicas), float(size.nodes)))


def _node_w(service: Service, x: Mapping[str, float]) -> float:
    """Mean power of one node [W]."""
    return x[REST] + (x[LIMIT] - x[REST]) * drawn_share(service, x[MODEL])


def spent_by(service: Service) -> Spent:
    """Give the money of a service with its parts, at the middle of every input."""
    x = {name: interval.mid for name, interval in service.inputs.items()}
    energy = float(energy_kwh(_node_w(service, x) * service.size.nodes, service.hours, x["PUE"]))
    return service.money.spent(x, nodes=service.size.nodes, hours=service.hours, energy_kwh=energy)


def results_of(service: Service) -> Ranged:
    """Give all results with their ranges, by moving each uncertain input alone."""
    fixed = _fixed(service)
    seen = cache(service.at_speed)

    def outcome(x: Mapping[str, float]) -> dict[str, float | None]:
        rate = service.mean_rate / (x["token time"] if service.rate is None else 1.0)
        results = {**_times(service, seen(x["token time"]), x, rate), **fixed, **_used(service, x, rate)}
        return {k: v for k, v in results.items() if v is not None or k.startswith(_SHOWN_UNKNOWN)}

    return ranged(outcome, service.inputs)


def _fixed(service: Service) -> dict[str, float | None]:
    """Give what no uncertain input moves: counts, and memory."""
    ground, size, replica = service.ground, service.size, service.replica
    answers, requests = generates(ground.architecture), ground.requests
    fit = _number(at_once(replica, requests))
    longest = min(_number(replica.cache_tokens / replica.layout.data), ground.architecture.max_sequence or math.inf)
    memory = memory_of(replica, service.found, requests).total_bytes
    return {
        "replicas": float(size.replicas),
        "max_batch": fit if math.isfinite(fit) and answers else None,
        "max_context_tokens": longest if answers and math.isfinite(longest) else None,
        "peak_memory_gb": memory / 1e9,
        "memory_headroom_gb": (_number(ground.fleet.machine.memory_bytes) - memory) / 1e9,
        "accelerators": float(size.nodes * ground.fleet.node.accelerators),
        "nodes": float(size.nodes),
        "parameters": float(ground.architecture.parameters),
        "active_parameters": float(ground.architecture.active_parameters),
    }


def _times(service: Service, seen: Answer, x: Mapping[str, float], rate: float) -> dict[str, float | None]:
    """Give what clients see, and the rates."""
    ground, slower, later = service.ground, x["token time"], x["first token"]
    output, answers = _number(ground.requests.output), generates(ground.architecture)
    ttft, tpot = _number(seen.ttft_s) * later, _number(seen.tpot_s) * slower
    results: dict[str, float | None] = {"ttft_ms": ttft * 1e3}
    results |= _percentiles("ttft", seen.ttft_percentiles_s, later)
    if answers and output > 1.0:
        results["tpot_ms"] = tpot * 1e3
        results["itl_ms"] = _number(seen.decode.total / service.replica.tokens_per_round) * slower * 1e3
        results |= _percentiles("tpot", seen.tpot_percentiles_s, slower)
    results |= goodput(seen, ground.load.workload.objectives, rate, slower=slower, later=later)
    results |= {
        "e2e_latency_ms": (ttft + max(output - 1.0, 0.0) * tpot) * 1e3,
        "output_tokens_per_s": rate * output if answers else None,
        "total_tokens_per_s": rate * (ground.lengths.read + (output if answers else 0.0)),
        "requests_per_s": rate,
        "utilisation": min(_number(service.found.load) * slower, 1.0) if service.rate is not None else 1.0,
    }
    return results


def _used(service: Service, x: Mapping[str, float], rate: float) -> dict[str, float | None]:
    """Give power, energy, carbon and money, of the whole and by token."""
    ground, found, nodes, hours = service.ground, service.found, service.size.nodes, service.hours
    output, prompt = _number(ground.requests.output), ground.lengths.read
    node_w = _node_w(service, x)
    energy = float(energy_kwh(node_w * nodes, hours, x["PUE"]))
    carbon = float(carbon_kg(energy, x["grid carbon"])) if "grid carbon" in x else None
    spent = service.money.total_usd(x, nodes=nodes, hours=hours, energy_kwh=energy)
    cost = None if spent is None else float(spent)
    served = rate * hours * _HOUR_S
    limit_w = _number(service.replica.machine.power_limit_w)
    watts = min(_number(service.drawn.watts) / limit_w * x[MODEL], 1.0) * x[CHIP]
    answers = generates(ground.architecture)
    results: dict[str, float | None] = {
        "accelerator_power_w": watts,
        "system_power_w": node_w,
        "node_power_kw": node_w / 1e3,
        "power_kw": node_w * nodes / 1e3,
        "facility_power_kw": node_w * nodes * x["PUE"] / 1e3,
        "energy_kwh": energy,
        "carbon_kg": carbon,
        "cost_total_usd": cost,
        "cost_per_hour_usd": None if cost is None else cost / hours,
        "cost_per_month_usd": None if cost is None else cost / hours * _MONTH_HOURS,
        "cost_per_request_usd": None if cost is None else cost / served,
        "cost_per_million_tokens_usd": _millionth(cost, served * (prompt + (output if answers else 0.0))),
    }
    if answers:
        reading = min(_number(found.prefill_share), 1.0)
        in_usd, out_usd = (None, None) if cost is None else (cost * reading, cost * (1.0 - reading))
        serving = service.size.replicas * _number(service.replica.layout.accelerators)
        results |= {
            "joules_per_token": watts * serving / (rate * output),
            "cost_per_million_input_tokens_usd": _millionth(in_usd, served * prompt),
            "cost_per_million_output_tokens_usd": _millionth(out_usd, served * output),
            "energy_per_million_tokens_kwh": _millionth(energy, served * output),
            "carbon_per_million_tokens_kg": _millionth(carbon, served * output),
        }
    if "node price" in x:
        results["capital_usd"] = x["node price"] * nodes
    return results


def _percentiles(phase: str, values: object, factor: float) -> dict[str, float | None]:
    if values is None:
        return {}
    rows = np.asarray(values)
    return {f"{phase}_{p}_ms": _number(rows[place]) * factor * 1e3 for place, p in enumerate(PERCENTILES)}


def _millionth(amount: float | None, tokens: float) -> float | None:
    return None if amount is None else amount / tokens * 1e6


def _number(value: object, place: int = 0) -> float:
    return float(np.ravel(np.asarray(value))[place])
