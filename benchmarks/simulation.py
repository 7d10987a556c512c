"""Requests per second of CPU that the simulation of an engine's loop serves: `python benchmarks/simulation.py`."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planner.serving.passes import Lengths, Passes
from planner.serving.replay import serve, serve_clients

Array = NDArray[np.float64]

REQUESTS = 100_000
CLIENTS = 48
RATES = (5.0, 9.0, 15.0)  # of one replica; the last one is above what it takes

# A mid-size model on one accelerator: about 11 ms a step, 50 us a token of a prompt, a cache for 100,000 tokens.
PASSES = Passes(
    step_s=tuple(0.010 + 0.0002 * n for n in range(65)),
    token_s=(0.0, *(2e-7 for _ in range(64))),
    floor_s=tuple(0.004 for _ in range(40)),
    floor_tokens=64,
    interference=1.0,
    chunked=True,
    pass_tokens=2048,
    sequences=64,
    scored=1.0,
    gained=1.0,
    room_bytes=1e9,
    token_bytes=1e4,
    sequence_bytes=0.0,
    request_s=0.0,
    late_steps=0.0,
)


def requests(count: int, rate: float, *, seed: int) -> tuple[Array, Lengths, Array]:
    """Give arrivals at a rate, lengths, and the work of their prompts."""
    random = np.random.default_rng(seed)
    arrival = np.cumsum(random.exponential(1.0 / rate, count))
    prompt = random.integers(20, 900, count).astype(float)
    output = random.integers(1, 200, count).astype(float)
    return arrival, Lengths(prompt, output, np.zeros(count)), prompt * 5e-5


def main() -> None:
    """Print one line for each load."""
    for replicas in (1, 4, 1000):
        for rate in RATES:
            arrival, lengths, work = requests(REQUESTS, rate * replicas, seed=1)
            began = time.process_time()
            seen = serve(PASSES, arrival, lengths, work, replicas=replicas)
            took = time.process_time() - began
            print(
                f"{replicas} replicas, {rate * replicas:5.0f} requests/s: {REQUESTS / took:9,.0f} requests per second "
                f"of CPU, mean time to first token {np.mean(seen.ttft_s):.3f} s"
            )
    _, lengths, work = requests(REQUESTS, 1.0, seed=1)
    began = time.process_time()
    serve_clients(PASSES, CLIENTS, lengths, work)
    took = time.process_time() - began
    print(f"{CLIENTS} clients in a loop: {REQUESTS / took:9,.0f} requests per second of CPU")


if __name__ == "__main__":
    main()
    print(f"measured by {Path(__file__).name}")
