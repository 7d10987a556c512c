"""Money, energy and carbon of many services side by side: of an hour, and by token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.economics.energy import carbon_kg, energy_kwh
from planner.planning.serving_answer import PERCENTILES
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_pools import Workers
from planner.planning.serving_power import LIMIT, REST, drawn_over, share_of_limit
from planner.planning.serving_requests import generates
from planner.planning.serving_sites import Site
from planner.planning.serving_sizing import Sizes
from planner.serving.engine import Engine

Array = NDArray[np.float64]

_MONTH_HOURS = 730.0
_OF_AN_HOUR = {"cost": "cost_per_hour_usd", "energy": "energy_kwh", "carbon": "carbon_kg"}
_OF_A_TOKEN = {
    "cost": "cost_per_million_tokens_usd",
    "energy": "energy_per_million_tokens_kwh",
    "carbon": "carbon_per_million_tokens_kg",
}


def wanted_by(ground: ServingGround, minimise: str) -> str:
    """Give the metric that is minimised: of an hour where the rate is given, of a token where the service sets it."""
    load = ground.load.workload.load
    at_a_rate = load.rate is not None or load.demand is not None
    return (_OF_AN_HOUR if at_a_rate else _OF_A_TOKEN)[minimise]


def priced(
    sites: Sequence[Site],
    of: NDArray[np.intp],
    engine: Engine,
    sizes: Sizes,
    workers: Workers | None,
    *,
    rates: Array | None,
) -> dict[str, Array]:
    """Give the results of every row by metric; NaN where unknown.

    Parameters
    ----------
    sites : one kind of machine in one format each. of : the site of every row.
    engine, sizes, workers : a replica and its number in every row, and those of pools.
    rates : of each hour; what the service makes where it is None [requests/s].
    """
    ground, found, nodes = sites[0].ground, sizes.found, sizes.nodes
    x = {name: np.array([site.x.get(name, np.nan) for site in sites])[of] for name in {k for s in sites for k in s.x}}
    drawn = drawn_over(ground, engine, found, rates, replicas=sizes.replicas, workers=workers)
    node_w = x[REST] + (x[LIMIT] - x[REST]) * share_of_limit(engine, drawn.watts, sizes.replicas, nodes)
    energy = np.asarray(energy_kwh(node_w * nodes, 1.0, x["PUE"]))
    cost = sites[0].money.total_usd(x, nodes=nodes, hours=1.0, energy_kwh=energy)
    unknown = np.full(len(of), np.nan)
    hourly = unknown if cost is None else np.asarray(cost, dtype=float)
    carbon = np.asarray(carbon_kg(energy, x["grid carbon"])) if "grid carbon" in x else unknown
    rate = (found.requests_per_s if rates is None else float(np.mean(rates))) * np.ones(len(of))
    output = float(np.ravel(ground.requests.output)[0]) if generates(ground.architecture) else 0.0
    read = ground.lengths.read
    made, all_tokens = (rate * 3600.0 * each / 1e6 for each in (output or read, output + read))
    results = {
        "cost_per_hour_usd": hourly,
        "cost_per_month_usd": hourly * _MONTH_HOURS,
        "cost_per_million_tokens_usd": hourly / all_tokens,
        "energy_kwh": energy,
        "carbon_kg": carbon,
        "energy_per_million_tokens_kwh": energy / made,
        "carbon_per_million_tokens_kg": carbon / made,
        "requests_per_s": rate,
        "ttft_ms": found.ttft_s * 1e3 * np.ones(len(of)),
    }
    if output:
        reading = np.minimum(found.prefill_share, 1.0)
        results["cost_per_million_input_tokens_usd"] = hourly * reading / (all_tokens - made)
        results["cost_per_million_output_tokens_usd"] = hourly * (1.0 - reading) / made
        results["tpot_ms"] = found.tpot_s * 1e3 * np.ones(len(of))
    for phase, values in (("ttft", found.ttft_percentiles_s), ("tpot", found.tpot_percentiles_s)):
        if values is not None:
            at_90 = values[PERCENTILES.index("p90")]
            results[f"{phase}_p90_ms"] = at_90 * 1e3 * np.ones(len(of))
    return results
