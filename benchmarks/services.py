"""Whether services of the size that is found keep their objectives event by event, and how few replicas would.

    python benchmarks/services.py [SERVICES] [SEED]

draws services: models on machines, lengths, rates, bursts and objectives between what an idle replica does and many
times that. Each is sized as `planner estimate` sizes it, its requests are run through the engine's loop, and replicas
are taken away, or added, until they are the fewest that keep the objectives there. 150 take about two minutes of one
core.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planner.errors import InfeasibleError, PlannerError
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.serving_answer import answer
from planner.planning.serving_layouts import as_arrays, layouts_of, runnable
from planner.planning.serving_objectives import stated, value_of
from planner.planning.serving_plan import ServingGround, ground_of
from planner.planning.serving_service import Service, service_of
from planner.planning.serving_simulation import drawn
from planner.record import record
from planner.scenario.resolve import read_scenario
from planner.scenario.serving_load import ServingLoad
from planner.serving.replay import replay

Array = NDArray[np.float64]
Random = np.random.Generator

SCENARIO = Path(__file__).parent.parent / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"
MODELS = (
    "llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "gemma-2-9b", "qwen2.5-14b", "deepseek-v2-lite", "mistral-7b",
)  # fmt: skip
NODES = (
    "p5.48xlarge", "p4d.24xlarge", "g6e.12xlarge", "g5.12xlarge", "p6-b200.48xlarge", "ct5lp-hightpu-8t",
    "inf2.48xlarge", "trn1.32xlarge", "trn2.48xlarge",
)  # fmt: skip
LENGTHS = ((128, 700), (500, 200), (1000, 200), (3000, 300), (6000, 150), (300, 800))
VARIED = (0.0, 0.3, 0.5, 1.0)
BURSTS = (0.5, 1.0, 1.0, 1.0, 2.0)
REQUESTS, MOST_REQUESTS = 15_000, 150_000
LIVES = 12.0  # of a sequence, for which a replica is at least watched
MOST_REPLICAS = 60
MAY_BREAK = 1.05
SETTLED = 5  # a part of so many is left out: until replicas are as full as they become


@record
class Outcome:
    """A service that was sized: its words, what its worst objective came to over what was asked, and the fewest."""

    words: str
    stops: bool
    bursty: bool
    load: float
    worst: float
    sized: int
    fewest: int


def drawn_service(random: Random, books: Books) -> tuple[str, Service] | None:
    """Draw a service and size it; None where the machine or the objectives do not allow any."""
    model, node = str(random.choice(MODELS)), str(random.choice(NODES))
    prompt, output = LENGTHS[random.integers(len(LENGTHS))]
    varied, answers = random.choice(VARIED), random.choice(VARIED)
    rate, bursts = np.exp(random.uniform(np.log(0.2), np.log(300.0))), random.choice(BURSTS)
    lengths = f"prompt: {prompt}, output: {output}, prompt_variability: {varied}, output_variability: {answers}"
    changes = {
        "workload.model": model,
        "hardware.node": node,
        "workload.requests": f"{{{lengths}}}",
        "workload.load": f"{{rate: {rate:.3g} requests/s, variability: {bursts}}}",
        "workload.objectives": "{}",
    }
    asked = drawn_objectives(random)
    try:
        idle = idle_times(ground(changes, books))
        limits = ", ".join(f"{name}: {times * idle[name[:4]] * 1e3:.4g} ms" for name, times in asked.items())
        resolved = read_scenario(SCENARIO, changes=changes | {"workload.objectives": f"{{{limits}}}"})
        load = resolved.document
        if not isinstance(load, ServingLoad):
            raise AssertionError("a service is wanted")
        service = service_of(load, resolved.tree, books, Ledger(books.catalog))
    except PlannerError:
        return None
    words = f"{model} on {node}, {prompt}/{output} +-{varied}/{answers}, {rate:.3g}/s bursts {bursts}, {limits}"
    return words, service


def drawn_objectives(random: Random) -> dict[str, float]:
    """Draw objectives: percentile by name, as a multiple of what an idle replica takes."""
    which = random.choice(("ttft", "both", "both", "tpot"))
    asked = {}
    if which != "tpot":
        asked[f"ttft_{random.choice(('p50', 'p90', 'p95', 'p99'))}"] = np.exp(random.uniform(np.log(1.3), np.log(20.0)))
    if which != "ttft":
        asked[f"tpot_{random.choice(('p50', 'p90', 'p95', 'p99'))}"] = np.exp(random.uniform(np.log(1.1), np.log(4.0)))
    return asked


def ground(changes: dict[str, str], books: Books) -> ServingGround:
    """Give what serves, before its size is known."""
    resolved = read_scenario(SCENARIO, changes=changes)
    if not isinstance(resolved.document, ServingLoad):
        raise AssertionError("a service is wanted")
    return ground_of(resolved.document, resolved.tree, books, Ledger(books.catalog))


def idle_times(served: ServingGround) -> dict[str, float]:
    """Give the times of the fastest idle replica that there is [s]."""
    layouts = runnable(served, layouts_of(served))
    if not layouts:
        return {"ttft": 1.0, "tpot": 1.0}
    found = answer(served, served.replica(as_arrays(layouts)), replicas=1.0, rate=1e-3)
    return {"ttft": float(np.min(found.ttft_s)), "tpot": float(np.min(found.tpot_s))}


def worst_of(service: Service, replicas: int) -> float:
    """Give the time of the worst objective over what is asked, as so many replicas serve it event by event."""
    rate = service.rate or 0.0
    in_flight = rate * float(np.ravel(service.found.latency_s)[0])
    count = int(np.clip(LIVES * in_flight, REQUESTS, MOST_REQUESTS))
    arrival, lengths, heavier = drawn(service.ground, rate, count, seed=1)
    seen = replay(service.replica, arrival, lengths, replicas=replicas, heavier=heavier)
    worst = 0.0
    for name, limit in stated(service.ground.load.workload.objectives).items():
        phase, _, percentile = name.partition("_p")
        times = (seen.ttft_s if phase == "ttft" else seen.tpot_s)[count // SETTLED :]
        worst = max(worst, float(np.nanpercentile(times, int(percentile))) / limit)
    return worst


def fewest_of(service: Service, sized: int, worst: float) -> int:
    """Give the fewest replicas that keep the objectives in the simulation, by halving."""
    low, high = 0, sized
    if worst > MAY_BREAK:
        low = sized
        while worst > MAY_BREAK and high < 4 * sized + 4:
            low, high = high, high + max(1, high // 4)
            worst = worst_of(service, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if worst_of(service, middle) <= MAY_BREAK else (middle, high)
    return high


def outcomes(services: int, seed: int) -> list[Outcome]:
    """Give what became of so many services."""
    random, books, found = np.random.default_rng(seed), Books(), list[Outcome]()
    while len(found) < services:
        one = drawn_service(random, books)
        if one is None or one[1].size.replicas > MOST_REPLICAS:
            continue
        words, service = one
        try:
            worst = worst_of(service, service.size.replicas)
        except InfeasibleError:  # a request of such a length is larger than the cache
            continue
        told = max(
            float(np.ravel(value_of(service.found, name))[0]) / limit
            for name, limit in stated(service.ground.load.workload.objectives).items()
        )
        found.append(
            Outcome(
                words=f"{words}; t{service.size.layout.tensor} p{service.size.layout.pipeline}, told {told:.2f}",
                stops=not bool(np.ravel(service.replica.limits.chunked)[0]),
                bursty=service.ground.load.workload.load.variability > 1.0,
                load=float(np.ravel(service.found.load)[0]),
                worst=worst,
                sized=service.size.replicas,
                fewest=fewest_of(service, service.size.replicas, worst),
            )
        )
    return found


def main() -> None:
    """Print which services break an objective, and how much larger they are than they need to be."""
    services, seed = (int(each) for each in (*sys.argv[1:3], *("150", "7")[len(sys.argv[1:3]) :]))
    found = outcomes(services, seed)
    for one in sorted(found, key=lambda each: -each.worst):
        if one.worst > MAY_BREAK:
            print(f"{one.worst:6.2f} of the objective at {one.load:.0%}, {one.sized} for {one.fewest}: {one.words}")
    for name, part in (
        ("all", found),
        ("prompts stop decoding", [one for one in found if one.stops]),
        ("bursts", [one for one in found if one.bursty]),
        ("neither", [one for one in found if not one.stops and not one.bursty]),
    ):
        broken = np.mean([one.worst > MAY_BREAK for one in part])
        more = np.array([one.sized / one.fewest for one in part])
        print(
            f"{name:<22} {len(part):4d} services   {broken:6.1%} break an objective by more than 5 %   "
            f"replicas over the fewest: median {np.median(more):.2f}, 90 % {np.percentile(more, 90):.2f}, "
            f"sum {sum(one.sized for one in part) / sum(one.fewest for one in part):.2f}"
        )


if __name__ == "__main__":
    main()
