"""How far the closed form of a load lies from its simulation: `python benchmarks/queueing.py`, a minute and a half."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from planner.serving.batching import Requests
from planner.serving.queueing import open_loop
from planner.serving.replay import replay
from planner.serving.settling import Arrivals, capacity
from tests.serving.replicas import drawn_lengths, replica

Array = NDArray[np.float64]

SERVED = (
    ("llama-3.1-8b", "h100-sxm", 1, 1000.0, 200.0, "vllm"),
    ("llama-3.1-8b", "h100-sxm", 1, 300.0, 800.0, "vllm"),
    ("llama-3.1-70b", "h100-sxm", 4, 2000.0, 300.0, "vllm"),
    ("llama-3.1-8b", "l40s", 1, 3000.0, 500.0, "vllm"),
    ("llama-3.1-70b", "b200-sxm", 2, 6000.0, 150.0, "vllm"),
    ("mixtral-8x7b", "h100-sxm", 2, 1500.0, 400.0, "vllm"),
    ("llama-3.1-8b", "trainium1", 8, 500.0, 200.0, "neuron-vllm"),  # prompts stop all that decode
)
VARIED = (0.0, 0.02, 0.1, 0.3, 1.0)
REPLICAS = (1, 2, 4, 8)
LOADS = (0.2, 0.4, 0.6, 0.8)
PLACES = {"vllm": 256, "neuron-vllm": 64}  # sequences that an engine runs at once
REQUESTS = 8000
WHAT = tuple(f"{time} {which}" for time in ("first token,", "a token,") for which in ("mean", "p50", "p90", "p99"))


def seen_and_told(served: tuple[str, str, int, float, float, str], varied: float, count: int, load: float) -> Array:
    """Give ln of what the closed form tells over what the simulation sees, for each of `WHAT`.

    Nothing is told of a load under which sequences lose their place: all are NaN.
    """
    model, accelerator, tensor, prompt, output, name = served
    engine = replica(model, accelerator, tensor=tensor, engine=name, sequences=PLACES[name])
    requests = Requests(np.asarray(prompt), np.asarray(output))
    most = capacity(engine, requests, prompt_variability=varied, output_variability=varied)
    rate = load * count * float(most)
    arrival = np.cumsum(np.random.default_rng(11).exponential(1.0 / rate, REQUESTS))
    lengths = drawn_lengths(REQUESTS, prompt=prompt, output=output, variability=varied, seed=12)
    seen = replay(engine, arrival, lengths, replicas=count)
    told = open_loop(engine, requests, Arrivals(np.asarray(rate), 1.0, varied, varied), replicas=float(count))
    if seen.preemptions:
        return np.full(len(WHAT), np.nan)
    errors = []
    for times, mean, percentiles in (
        (seen.ttft_s, told.ttft_s, told.ttft_percentiles_s),
        (seen.tpot_s, told.tpot_s, told.tpot_percentiles_s),
    ):
        settled = times[REQUESTS // 5 :]
        measured = [np.nanmean(settled), *np.nanpercentile(settled, (50, 90, 99))]
        errors += list(np.log([mean, percentiles[0], percentiles[1], percentiles[3]]) - np.log(measured))
    return np.array(errors)


def main() -> None:
    """Print, for each time, the mean error, the share of loads that are more than 20 % off, and the largest."""
    errors = np.array([seen_and_told(*each) for each in product(SERVED, VARIED, REPLICAS, LOADS)])
    known = np.abs(errors[np.isfinite(errors[:, 0])])
    print(f"{len(known)} loads of {len(errors)}; in the others sequences lost their place")
    for name, column in zip(WHAT, known.T, strict=True):
        print(
            f"{name:<18} mean {np.mean(column):6.1%}   above 20 % {np.mean(column > 0.2):6.1%}   "
            f"largest {np.max(column):6.1%}"
        )


if __name__ == "__main__":
    main()
