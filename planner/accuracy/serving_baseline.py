"""A rule of thumb beside which predictions of serving are shown: half of what the data sheet says, and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.serving_problem import Bench
from planner.planning.serving_rule import HALF
from planner.serving.efficiency import NAMES

Array = NDArray[np.float64]

NAME = "half"
# Watts would follow from other rules, and device memory from none.
METRICS = frozenset(
    {
        "ttft_ms",
        "tpot_ms",
        "itl_ms",
        "e2e_latency_ms",
        "output_tokens_per_s",
        "total_tokens_per_s",
        "requests_per_s",
    }
)


def halved(bench: Bench) -> dict[tuple[int, str], float]:
    """Give what the rule says of each observation, by case and metric.

    Products, attention and memory run at half of the data sheet's rates, links at all of theirs; host, launches and
    queues take no time. What a model computes and reads is counted as for predictions.
    """
    values = np.array([float(getattr(HALF, name)) * np.ones(len(bench.cases)) for name in NAMES])
    told = bench.predicted(values).tolist()
    places = zip(bench.observed.case.tolist(), bench.observed.metric, told, strict=True)
    return {(case, metric): value for case, metric, value in places if metric in METRICS and 0.0 < value < np.inf}
