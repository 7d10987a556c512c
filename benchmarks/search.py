"""How fast a search is, what memory it takes, and how both grow: GPT-3 175B on 64 accelerators.

    python benchmarks/search.py

Prints a table, and the machine's own speed beside it. Every line is a process of its own on one core: CPU time of the
search alone, and of the whole process; its peak memory; points of the grid and strategies, each with time, memory and
feasibility, and with money, energy and carbon where it fits, for each second of CPU time.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

SCENARIO = """
schema: planner/scenario/v1
name: benchmark
title: GPT-3 175B on 64 A100
workload: {kind: training, model: gpt-3-175b, tokens: 300 B, sequence_length: 2048, global_batch: 1536 sequences}
hardware: {node: p4de.24xlarge, accelerators: 64, term: on-demand}
framework: megatron-core
parallelism: {tensor: 8, pipeline: 8, sharding: zero-1}
"""

# What each search leaves as the scenario has it, and whether every combination of modules and places is tried.
SEARCHES: list[tuple[str, tuple[str, ...], bool]] = [
    ("hundreds", ("offload", "tensor", "pipeline", "recompute"), False),
    ("thousands", ("offload", "pipeline"), False),
    ("tens of thousands", ("recompute",), False),
    ("the usual search", (), False),
    ("millions", ("sharding",), True),
    ("all combinations", (), True),
]
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def child(kept: list[str], *, wide: bool) -> dict[str, float]:
    """Carry one search out in this process, and give what it took."""
    from planner.documents.reader import parse_yaml
    from planner.planning.books import Books
    from planner.planning.search import Request, search
    from planner.scenario.resolve import close

    resolved, books = close(parse_yaml(SCENARIO, name="benchmark")), Books()
    request = Request(nodes=("p4de.24xlarge",), accelerators=(64,), kept=tuple(kept), wide=wide)
    began = time.process_time()
    found = search(resolved, books, request)
    seconds = time.process_time() - began
    return {
        "points": found.points,
        "valid": found.valid,
        "fit": found.fit,
        "search_s": seconds,
        "process_s": time.process_time(),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 2**20),
    }


def in_a_process(kept: tuple[str, ...], *, wide: bool) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", json.dumps([list(kept), wide])]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def numpy_s() -> float:
    """Give the CPU time that importing numpy takes: by it machines can be set against each other [s]."""
    code = "import time; t = time.process_time(); import numpy; print(time.process_time() - t)"
    env = {**os.environ, **ONE_THREAD}
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, env=env, capture_output=True, text=True, check=True) for _ in range(5)]
    return min(float(run.stdout) for run in runs)


def main() -> None:
    import numpy

    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {numpy.__version__}; ", end="")
    print(f"importing numpy takes {numpy_s():.3f} s of CPU time here")
    print(f"\n{'search':<22}{'strategies':>12}{'search':>9}{'process':>9}{'peak':>9}{'grid/s':>10}{'valid/s':>10}")
    for name, kept, wide in SEARCHES:
        told = min((in_a_process(kept, wide=wide) for _ in range(2)), key=lambda run: run["search_s"])
        points, valid = (told[key] / told["search_s"] / 1e6 for key in ("points", "valid"))
        print(
            f"{name:<22}{told['valid']:>12,}{told['search_s']:>7.2f} s{told['process_s']:>7.2f} s"
            f"{told['peak_mib']:>5.0f} MiB{points:>8.2f} M{valid:>8.2f} M"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
        print(json.dumps(child(json.loads(sys.argv[2])[0], wide=json.loads(sys.argv[2])[1])))
    else:
        main()
