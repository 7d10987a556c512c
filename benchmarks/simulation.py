"""Requests per second of CPU that the simulation of an engine's loop serves: `python benchmarks/simulation.py`."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from planner.serving.passes import Lengths, Passes
from planner.serving.replay import serve

REQUESTS = 100_000
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


def main() -> None:
    """Print one line for each load."""
    random = np.random.default_rng(1)
    for replicas in (1, 4):
        for rate in RATES:
            arrival = np.cumsum(random.exponential(1.0 / rate / replicas, REQUESTS))
            prompt = random.integers(20, 900, REQUESTS).astype(float)
            output = random.integers(1, 200, REQUESTS).astype(float)
            began = time.process_time()
            lengths = Lengths(prompt, output, np.zeros(REQUESTS))
            seen = serve(PASSES, arrival, lengths, prompt * 5e-5, replicas=replicas)
            took = time.process_time() - began
            print(
                f"{replicas} replicas, {rate * replicas:5.0f} requests/s: {REQUESTS / took:9,.0f} requests per second "
                f"of CPU, mean time to first token {np.mean(seen.ttft_s):.3f} s"
            )


if __name__ == "__main__":
    main()
    print(f"measured by {Path(__file__).name}")
