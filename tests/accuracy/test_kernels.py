"""Kernel timings beside predictions: the built-in rows within the stated errors, and files of one's own."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from planner.accuracy.formats import read_file, rows_of_files
from planner.accuracy.kernel_folds import errors, folds_of, left_out_seconds
from planner.accuracy.kernel_model import batches_of, is_positive
from planner.accuracy.kernel_table import KernelTable
from planner.accuracy.row import Row
from planner.catalog.folders import built_in
from planner.catalog.store import Catalog
from planner.documents.files import ReadBudget
from planner.planning.books import Books

MEASURED = built_in() / "measurements" / "kernels.csv"
CATALOG = Catalog(layers=(built_in(),))


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return rows_of_files([str(MEASURED)], books=Books(CATALOG), leave_out=None)


def median(rows: list[Row]) -> float:
    return float(np.median([abs(row.error) for row in rows if row.predicted]))


def test_every_row_of_the_file_comes_back_in_its_order_with_the_line_it_stands_on(rows: list[Row]) -> None:
    with MEASURED.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [row.id for row in rows] == [f"kernels.csv:{number}" for number in range(2, len(lines) + 2)]
    assert [row.measured for row in rows] == [float(line["latency_us"]) for line in lines]
    assert all(row.metric == "latency_us" and row.kind == "kernel" for row in rows)


def test_few_rows_are_refused_and_each_of_them_with_its_reason(rows: list[Row]) -> None:
    refused = [row for row in rows if row.predicted is None]
    assert 0 < len(refused) < 0.05 * len(rows)
    assert all(row.reason for row in refused)


def test_stated_errors_are_those_of_the_rows(rows: list[Row]) -> None:
    stated = CATALOG.profile("kernels").fit.errors
    sixteen = [row for row in rows if row.group == "gemm" and row.slices["class"] == "matrix"]
    for chip, name in (("a100-sxm-80gb", "A100"), ("h100-sxm", "H100"), ("b200-sxm", "B200")):
        mine = [row for row in sixteen if row.accelerator.startswith(name)]
        assert median(mine) == pytest.approx(stated[f"matrix: {chip}, fit, median"], abs=0.002)
        assert stated[f"matrix: {chip}, shape left out, median"] <= (0.06 if name != "B200" else 0.11)


def test_most_rows_lie_inside_their_ranges(rows: list[Row]) -> None:
    known = [row for row in rows if row.predicted]
    assert 0.75 <= sum(row.inside for row in known) / len(known) <= 0.88


def test_a_shape_that_was_left_out_has_about_the_stated_error() -> None:
    file = read_file(MEASURED, ReadBudget())
    few = [(line, row) for line, row in file.table if row["op"] == "gemm" and row["dtype"] == "bf16"
           and row["accelerator"].startswith("H100")]  # fmt: skip
    batches, _ = batches_of(KernelTable.of(file.name, few, CATALOG))
    batch = batches[0]
    folds = folds_of(batch, "shape")
    shapes = list(zip(batch.table.words("n"), batch.table.words("k"), strict=True))
    assert all(len({fold for fold, mine in zip(folds, shapes, strict=True) if mine == shape}) == 1 for shape in shapes)
    seconds = left_out_seconds(batch, CATALOG.profile("kernels"), "shape")
    assert np.median(errors(seconds, batch.table.measured_s)) < 0.08


def test_rows_of_one_s_own_are_predicted_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "op,accelerator,dtype,m,n,k,latency_us,framework\n"
        "gemm,H100-SXM5-80GB,bf16,4096,8192,8192,700,mine\n"
        "gemm,H200-SXM-141GB,bf16,4096,8192,8192,700,mine\n"
        "gemm,Zeta-9,bf16,4096,8192,8192,700,mine\n"
        "gemm,H100-SXM5-80GB,bf16,,8192,8192,700,mine\n"
        "gemm,H100-SXM5-80GB,posit8,4096,8192,8192,700,mine\n"
        "sort,H100-SXM5-80GB,bf16,4096,8192,8192,700,mine\n",
        "utf-8",
    )
    found = rows_of_files([str(path)], books=Books(CATALOG), leave_out=None)
    assert [row.status for row in found] == ["ok", "ok", "refused", "refused", "refused", "refused"]
    assert found[0].id == "mine.csv:2"
    # The H200 is the H100 with another memory: a product bound by its multipliers takes as long.
    assert found[1].predicted == pytest.approx(found[0].predicted, rel=0.02)
    # 2 m n k over the dense peak of 989.4 TFLOP/s: nothing is faster.
    assert all(row.predicted and row.predicted > 2e6 * 4096 * 8192 * 8192 / 989.4e12 for row in found[:2])


def test_the_documented_errors_are_those_of_the_profile() -> None:
    stated = CATALOG.profile("kernels").fit.errors
    text = (Path(__file__).parents[2] / "docs" / "kernels.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ") and "`)" in line]
    assert len(lines) > 20
    for line in lines:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        group = name.split("`")[1]
        for how, cell in zip(("fit", "shape left out", "accelerator left out"), cells, strict=True):
            found = [f"{group}, {how}, {part}" for part in ("median", "p90")]
            if cell:
                assert cell == f"{100 * stated[found[0]]:.1f} / {100 * stated[found[1]]:.0f}"


def test_a_cell_without_an_end_is_no_number() -> None:
    assert [is_positive(text) for text in ("17.4", "0", "-3", "nan", "inf", "", "x")] == [True] + [False] * 6
