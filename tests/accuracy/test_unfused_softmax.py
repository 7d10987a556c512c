"""Plain attention whose matrices of scores miss Megatron's fused kernel."""

from __future__ import annotations

import pytest

from planner.accuracy.cases import TrainingCase
from planner.accuracy.software import Words, read_rules
from planner.accuracy.training_model import TrainingModel, values_of
from planner.accuracy.training_rows import TrainingRows
from planner.catalog.folders import built_in
from planner.catalog.store import Catalog

SOURCE = "VIA-Research/vTrain data/ground_truth_multi.csv (Megatron-DeepSpeed)"
CATALOG = Catalog()


def step_s(*, heads: int, tensor: int, micro_batch: int) -> float:
    row = {
        "source": SOURCE,
        "model": "small",
        "layers": "24",
        "hidden": "1024",
        "heads": str(heads),
        "kv_heads": str(heads),
        "ffn": "4096",
        "vocab": "",
        "seq": "1024",
        "global_batch": "64",
        "microbatch": str(micro_batch),
        "tp": str(tensor),
        "pp": "1",
        "recompute": "full",
        "precision": "fp16",
        "accelerator": "A100-SXM-80GB",
        "n_accel": str(tensor),
        "metric": "iteration_time",
        "measured_value": "1",
    }
    reader = TrainingRows(CATALOG, Words(read_rules(built_in() / "measurements" / "software.yaml")))
    case = reader.csv_row(row, file="table.csv", line=2)
    assert isinstance(case, TrainingCase), case
    profile = CATALOG.profile("training")
    return float(TrainingModel([case], profile).step_s(values_of(profile, [case])[0])[0])


@pytest.mark.parametrize(("tensor", "more"), [(4, False), (8, True)])
def test_two_matrices_of_scores_a_device_cost_more_launches_than_four(tensor: int, more: bool) -> None:
    # A host-bound layer takes as long for one sequence as for two: half as large micro-batches take twice as long,
    # and longer where only they miss the kernel that takes four matrices (16 heads over 8 ranks are 2).
    one, two = (step_s(heads=16, tensor=tensor, micro_batch=size) for size in (1, 2))
    assert (one > 2.1 * two) is more


def test_heads_decide_by_their_number_on_a_device() -> None:
    assert step_s(heads=16, tensor=8, micro_batch=1) > 1.1 * step_s(heads=32, tensor=8, micro_batch=1)
