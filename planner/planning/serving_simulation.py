"""The engine's loop, event by event, on the requests of a scenario: what stands beside the closed form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Estimate, Result
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_requests import generates
from planner.scenario.resolve import Resolved
from planner.scenario.serving_load import ServingLoad
from planner.serving.engine import Engine
from planner.serving.passes import Lengths
from planner.serving.replay import replay, replay_clients

Array = NDArray[np.float64]

_WARM_UP = 0.1  # of the requests, before the replicas are as full as they become
_LIVES = 10.0  # requests over those under way at once, from which the first hardly count; our estimate
_MOST = 1_000_000  # requests of a simulation
_ENOUGH_BEYOND = 5  # requests beyond a percentile, for it to be told


def simulated(
    ground: ServingGround, replica: Engine, replicas: int, rate: float | None, resolved: Resolved, books: Books
) -> Estimate:
    """Give the times that a simulation of a service's replicas finds, as an estimate of its own.

    Parameters
    ----------
    ground, replica, replicas : what serves. rate : of requests; None for clients in a loop [1/s].
    resolved, books : the scenario, and what its money is shown in.

    Raises
    ------
    InputError : the load is neither a rate nor clients, or too few requests for a percentile that is an objective.
    """
    load, stated = ground.load, ground.load.simulate
    if stated is None:
        raise AssertionError("a simulation is wanted")
    clients = load.workload.load.clients
    if not (rate or clients) or not generates(ground.architecture) or load.disaggregation is not None:
        message = "only requests at a rate or of clients in a loop, to replicas that read and decode, are simulated"
        hint = "load: {rate: 5 requests/s} or {clients: 64}, or leave simulate out"
        raise InputError(resolved.tree.fault("simulate-load", message, ("simulate",), hint=hint))
    count = stated.requests
    _require_enough(load, count, resolved)
    arrival, lengths, heavier = drawn(ground, rate or 1.0, count, seed=stated.seed)
    if clients is None:
        seen = replay(replica, arrival, lengths, replicas=replicas, heavier=heavier)
    else:
        seen = replay_clients(replica, clients, lengths, replicas=replicas, heavier=heavier)
    settled = slice(int(count * _WARM_UP), None)
    results: dict[str, Result] = {}
    for which, times in (("ttft", seen.ttft_s[settled]), ("tpot", seen.tpot_s[settled])):
        known = times[np.isfinite(times)]
        if len(known):
            found = {f"{which}_ms": float(np.mean(known))}
            for percentile in (50, 90, 95, 99):
                if len(known) * (1.0 - percentile / 100.0) >= _ENOUGH_BEYOND:
                    found[f"{which}_p{percentile}_ms"] = float(np.percentile(known, percentile))
            results |= {name: Result(name, *(value * 1e3,) * 3) for name, value in found.items()}
    latency = float(np.mean(seen.latency_s[settled])) * 1e3
    rate = count / seen.end_s
    results["e2e_latency_ms"] = Result("e2e_latency_ms", latency, latency, latency)
    results["requests_per_s"] = Result("requests_per_s", rate, rate, rate)
    return Estimate(
        name=f"{resolved.name}/simulated",
        title=f"{count:,} requests through the engine's loop, seed {stated.seed}",
        kind="serving",
        tags=load.tags,
        results=results,
        plan=(
            ("counted", f"the last {count - int(count * _WARM_UP):,}: by then replicas are as full as they become"),
            ("lost place", f"{seen.preemptions:,} times a sequence had to make room"),
        ),
        basis="event by event, with the same times of passes as the closed form",
        currency=shown_currency(books),
    )


def too_few(rate: float, latency_s: float, count: int) -> str | None:
    """Say where so many requests end before replicas are as full as they become; None where they do not.

    Parameters
    ----------
    rate : of requests [1/s]. latency_s : from a request to its last token [s]. count : that are simulated [1].
    """
    under_way = rate * latency_s
    if count >= _LIVES * under_way:
        return None
    needed = math.ceil(_LIVES * under_way / 1000.0) * 1000
    words = f"{count:,} simulated requests are {count / under_way:.2g} times those under way at once"
    enough = (
        f"simulate: {{requests: {needed}}}" if needed <= _MOST else f"{needed:,} would do, and {_MOST:,} are the most"
    )
    return f"{words}: replicas are not yet as full as they become, and answer too soon; {enough}"


def drawn(ground: ServingGround, rate: float, count: int, *, seed: int) -> tuple[Array, Lengths, Array | float]:
    """Give arrivals and lengths of a seed: gamma times between arrivals, lognormal lengths, each stream its own.

    Where an encoder reads the prompts, the third number says how much longer each is than the mean [1].
    """
    stated, requests = ground.load.workload, ground.requests
    streams = np.random.SeedSequence(seed).spawn(3)
    between, prompts, answers = (np.random.Generator(np.random.PCG64(stream)) for stream in streams)
    mean = 1.0 / rate
    shape = 1.0 / max(stated.load.variability, 1e-3) ** 2
    arrival = np.cumsum(between.gamma(shape, mean / shape, count))
    prompt = _lognormal(prompts, ground.lengths.read, stated.requests.prompt_variability, count)
    output = _lognormal(answers, float(np.ravel(requests.output)[0]), stated.requests.output_variability, count)
    if ground.lengths.source is not None:
        begun = np.full(count, float(np.ravel(requests.prompt)[0]))
        return arrival, Lengths(begun, output, np.zeros(count)), prompt / ground.lengths.source
    return arrival, Lengths(prompt, output, np.floor(prompt * stated.requests.cached)), 1.0


def _lognormal(random: np.random.Generator, mean: float, variability: float, count: int) -> Array:
    width = math.sqrt(math.log1p(variability**2))
    values: Array = np.exp(math.log(mean) - width**2 / 2.0 + width * random.standard_normal(count))
    return np.maximum(np.round(values), 1.0)


def _require_enough(load: ServingLoad, count: int, resolved: Resolved) -> None:
    for name in (name for name, limit in load.workload.objectives.model_dump().items() if limit is not None):
        _, _, percentile = name.partition("_p")
        if percentile and count * (1.0 - _WARM_UP) * (1.0 - int(percentile) / 100.0) < _ENOUGH_BEYOND:
            needed = math.ceil(_ENOUGH_BEYOND / (1.0 - int(percentile) / 100.0) / (1.0 - _WARM_UP))
            message = f"{count} requests do not reach the {percentile}th percentile that {name} is about"
            hint = f"simulate: {{requests: {needed}}} or more"
            raise InputError(resolved.tree.fault("percentile-beyond", message, ("simulate",), hint=hint))
