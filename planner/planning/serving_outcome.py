"""The results of a service, with their ranges: times, rates, memory, power, energy, carbon and money."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from planner.economics.energy import carbon_kg, energy_kwh
from planner.planning.money import Spent
from planner.planning.serving_answer import PERCENTILES, power_w
from planner.planning.serving_goodput import goodput
from planner.planning.serving_parts import memory_of
from planner.planning.serving_requests import generates
from planner.planning.serving_service import Service
from planner.planning.uncertainty import Ranged, ranged

_HOUR_S = 3600.0
_MONTH_HOURS = 730.0


def busy_share(service: Service) -> float:
    """Share of the way from rest to full power that accelerators go, by what each phase uses [1]."""
    watts = _number(power_w(service.replica, service.found))
    limit = _number(service.replica.machine.power_limit_w)
    idle = limit * _number(service.replica.efficiency.power_idle)
    return min(max((watts - idle) / (limit - idle), 0.0), 1.0)


def spent_by(service: Service) -> Spent:
    x = {name: interval.mid for name, interval in service.inputs.items()}
    node_w = x["idle power"] + (x["busy power"] - x["idle power"]) * busy_share(service)
    energy = float(energy_kwh(node_w * service.size.nodes, service.hours, x["PUE"]))
    return service.money.spent(x, nodes=service.size.nodes, hours=service.hours, energy_kwh=energy)


def results_of(service: Service) -> Ranged:
    """Give all results with their ranges, by moving each uncertain input alone."""
    ground, found, size = service.ground, service.found, service.size
    requests = ground.requests
    output, prompt = _number(requests.output), ground.lengths.read
    answers = generates(ground.architecture)
    share, nodes = busy_share(service), size.nodes
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


def _number(value: object, place: int = 0) -> float:
    return float(np.ravel(np.asarray(value))[place])
