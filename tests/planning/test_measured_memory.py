"""Peak memory against what Megatron-Core measured on eight B200, through whole estimates."""

from __future__ import annotations

import csv
import json
from functools import cache
from statistics import median

import pytest

from planner.documents.reader import parse_yaml
from planner.planning.books import Books
from planner.planning.dispatch import estimate
from planner.planning.estimate import Estimate
from planner.scenario.resolve import close
from tests.conftest import ROOT

FILE = ROOT / "catalogs" / "measurements" / "training_megatron_b200_memory.csv"
ROWS = [row for row in csv.DictReader(FILE.open(encoding="utf-8")) if row["metric"] == "peak_allocated_memory"]
NAMES = [row["source"].rpartition(" ")[2] for row in ROWS]
BOOKS = Books()


def scenario(row: dict[str, str]) -> dict[str, object]:
    """Write a measured row as a scenario."""
    return {
        "schema": "planner/scenario/v1",
        "name": "measured",
        "workload": {
            "kind": "training",
            "model": row["model"],
            "tokens": "1 G",
            "sequence_length": int(row["seq"]),
            "global_batch": f"{row['global_batch']} sequences",
            "precision": {"compute": row["precision"], "gradients": "fp32", "optimizer": "fp32"},
        },
        "hardware": {"node": "dgx-b200", "accelerators": int(row["n_accel"])},
        "framework": "megatron-core",
        "parallelism": {
            "tensor": int(row["tp"]),
            "pipeline": int(row["pp"]),
            "interleave": int(row["interleave"]),
            "context": int(row["cp"]),
            "expert": int(row["ep"]),
            "micro_batch": int(row["microbatch"]),
            "sequence_parallel": row["seq_parallel"] == "1",
            "sharding": f"zero-{row['zero']}",
        },
        "recompute": row["recompute"],
    }


@cache
def planned(number: int) -> Estimate:
    return estimate(close(parse_yaml(json.dumps(scenario(ROWS[number])))), BOOKS)


def ratio(number: int) -> float:
    """Give planned over measured memory that the framework allocates on the fullest accelerator."""
    stages = planned(number).memory
    allocated = max(sum(part.value for part in stage.parts if part.key != "reserve") for stage in stages)
    return allocated / (float(ROWS[number]["measured_value"]) * 2**30)


@pytest.mark.parametrize("number", range(len(ROWS)), ids=NAMES)
def test_peak_memory_is_within_four_per_cent_of_every_measured_row(number: int) -> None:
    assert ratio(number) == pytest.approx(1.0, abs=0.04)


def test_peak_memory_is_off_by_a_median_of_at_most_one_and_a_half_per_cent() -> None:
    assert len(ROWS) == 22
    assert median(abs(ratio(number) - 1.0) for number in range(len(ROWS))) <= 0.015


@pytest.mark.parametrize("number", range(len(ROWS)), ids=NAMES)
def test_parts_of_every_stage_sum_to_its_total_and_the_fullest_is_the_peak(number: int) -> None:
    found = planned(number)
    for stage in found.memory:
        assert sum(part.value for part in stage.parts) == pytest.approx(stage.total_bytes, rel=1e-12)
    peak = found.value("peak_memory_gb")
    assert peak == pytest.approx(max(stage.total_bytes for stage in found.memory) / 1e9, rel=1e-12)
