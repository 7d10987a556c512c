"""How fast services are searched: configurations per second of one core, and a whole search over 30 machines.

A configuration is a machine, a format, a layout and a batch: its times, their percentiles and what it costs.

    python benchmarks/serving_search.py

Run it on one core (`taskset -c 0`). Time is processor time; the import of pandas is timed beside it, so that machines
can be compared.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.serving_answer import answer_at
from planner.planning.serving_plan import ground_of
from planner.planning.serving_search import rows_of, search_services
from planner.planning.serving_sizing import layouts_of, runnable
from planner.planning.serving_steady import Steady
from planner.scenario.resolve import read_scenario
from planner.scenario.serving_load import ServingLoad

SCENARIO = Path(__file__).parent.parent / "scenarios" / "examples" / "llama-3.1-70b-service.yaml"
NODES = (
    *("p4d.24xlarge", "p4de.24xlarge", "p5.48xlarge", "p5e.48xlarge", "p5en.48xlarge", "p6-b200.48xlarge"),
    *("p3.16xlarge", "p3dn.24xlarge", "g5.12xlarge", "g5.48xlarge", "g6.12xlarge", "g6.48xlarge"),
    *("g6e.12xlarge", "g6e.24xlarge", "g6e.48xlarge", "g7e.12xlarge", "g7e.24xlarge", "g7e.48xlarge"),
    *("inf2.24xlarge", "inf2.48xlarge", "trn1.32xlarge", "trn1n.32xlarge", "trn2.48xlarge", "g4dn.metal"),
    *("g4dn.12xlarge", "g5.24xlarge", "g6.24xlarge", "p3.8xlarge", "g6e.xlarge", "g6e.8xlarge"),
)
BATCHES = 256
ROUNDS = 5


def configurations_per_s() -> float:
    """Give the configurations that one core prices in a second."""
    books = Books()
    resolved = read_scenario(SCENARIO)
    load = resolved.document
    if not isinstance(load, ServingLoad):
        raise AssertionError("a service is wanted")
    ground = ground_of(load, resolved.tree, books, Ledger(books.catalog))
    layouts = runnable(ground, layouts_of(ground))
    engine = rows_of([ground] * 8, [layouts] * 8)
    batches = np.geomspace(0.02, 512.0, BATCHES)[:, None]
    best = float("inf")
    for _ in range(ROUNDS):
        steady, before = Steady(engine), time.process_time()
        answer_at(ground, steady, batches, 20.0)
        best = min(best, time.process_time() - before)
    return 8 * len(layouts) * BATCHES / best


def main() -> None:
    """Print the figures."""
    started = time.process_time()
    subprocess.run([sys.executable, "-c", "import pandas"], check=True)
    spent = time.process_time()
    found = search_services(read_scenario(SCENARIO), Books(), nodes=NODES)
    searched = time.process_time() - spent
    lines = (
        f"configurations of a service, one core     {configurations_per_s():12,.0f} /s",
        f"a search over {len(NODES)} machines, {found.tried:,} layouts {searched:10.2f} s after imports",
        f"imports until then                        {started:12.2f} s",
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
