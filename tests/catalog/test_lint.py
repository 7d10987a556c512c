"""Every finding of the catalog lint, raised by the smallest change that deserves it."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from planner.catalog.folders import built_in
from planner.catalog.lint import lint_catalog
from planner.catalog.store import Catalog

# Enough of the built-in catalogs for every finding: linting all of them each time would take minutes.
KEPT = ("networks", "prices", "nodes/p5.48xlarge.yaml", "facilities/gcp-asia-northeast3.yaml")
SHEETS = ("node-power", "exchange-rates", "reliability", "training-data", "embodied-carbon")


def priced_parts() -> set[str]:
    """Give the accelerators that prices name, and those that they are related to."""
    tables = [list(csv.DictReader(file.open(encoding="utf-8"))) for file in (built_in() / "prices").glob("*.csv")]
    wanted = {row["accelerator"] for table in tables for row in table if row.get("accelerator")}
    catalog = Catalog()
    found: set[str] = set()
    while left := wanted - found:
        found |= left
        known = [catalog.accelerator(name) for name in left if name in catalog.ids("accelerator")]
        wanted |= {relative for part in known for relative in part.relatives}
    return {name for name in found if (built_in() / "accelerators" / f"{name}.yaml").exists()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogs")
    parts = (f"accelerators/{name}.yaml" for name in priced_parts())
    for name in (*KEPT, *parts, *(f"{sheet}.yaml" for sheet in SHEETS), "sources.yaml"):
        origin, target = built_in() / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(origin, target) if origin.is_dir() else shutil.copy(origin, target)
    return folder


def copied(folder: Path, relative: str) -> Path:
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(built_in() / relative, target)
    return target


def found(folder: Path, below: Path) -> set[str]:
    """Give the ids of everything that is wrong when a folder is laid over another one."""
    result = lint_catalog(Catalog(layers=(folder, below)))
    return {fault.id for fault in (*result.unreadable, *result.findings)}


H100 = "accelerators/h100-sxm.yaml"
CHANGES = [
    (H100, "sources: {default: nvidia-h100, ", "sources: {", "source-missing"),
    (H100, "units: lockwood-processors", "units: lockwood-procesors", "source-unknown"),
    (H100, "units: lockwood-processors", "unit: lockwood-processors", "path-missing"),
    (H100, "notes:", "estimated: [power.tpd]\nnotes:", "path-missing"),
    (H100, "peak.int8, memory.marketed", "peak.int16, memory.marketed", "path-missing"),
    (H100, "relatives: [h200-sxm, a100-sxm-80gb]", "relatives: [h300]", "reference-unknown"),
    (H100, "relatives: [h200-sxm, a100-sxm-80gb]", "relatives: [h100-sxm]", "reference-unknown"),
    (H100, "aliases: [", "aliases: [H200-SXM-141GB, ", "alias-twice"),
    (H100, "aliases: [", "aliases: [H100_SXM, ", "alias-twice"),
    (H100, "aliases: [", "aliases: [A100-PCIE-80gb, ", "alias-twice"),
    # The sparse peaks of the data sheet's headline, which planning twice as fast would be.
    (H100, "bf16: 989.4", "bf16: 1978.9", "peak-clock"),
    (H100, "fp8: 1978.9 TFLOP/s, int8", "fp8: 2518 TFLOP/s, int8", "peak-ratio"),
    (H100, "bandwidth: 3.35 TB/s", "bandwidth: 3.35 Tb/s", "ridge-point"),
    (H100, "bandwidth: 3.35 TB/s", "bandwidth: 3350 TB/s", "ridge-point"),
    (H100, "capacity: 79.65 GiB", "capacity: 60 GiB", "memory-share"),
    (H100, "capacity: 79.65 GiB", "capacity: 85.9 GiB", "memory-share"),
    (H100, "released: 2022-09-20", "released: 1922-09-20", "date-odd"),
    (H100, "peak: {", "peek: {", "unknown-key"),
    (H100, "cache: 50 MB", "cache: 50 MHz", "quantity"),
    ("nodes/p5.48xlarge.yaml", "accelerator: h100-sxm", "accelerator: h100-sxl", "reference-unknown"),
    ("nodes/p5.48xlarge.yaml", "fabric: efa-v2", "fabric: efa-v9", "reference-unknown"),
    ("facilities/gcp-asia-northeast3.yaml", "price: 0.13423", "price: 0.17923", "price-quoted"),
    ("facilities/gcp-asia-northeast3.yaml", "179.23 KRW/kWh", "179.23 XYZ/kWh", "price-quoted"),
    ("facilities/gcp-asia-northeast3.yaml", "179.23 KRW/kWh", "much", "price-quoted"),
    ("sources.yaml", "date: 2024-12-27", "date: 1024-12-27", "date-odd"),
    ("sources.yaml", "access: recalled", "acess: recalled", "unknown-key"),
    ("node-power.yaml", "source: nvidia-dgx-b200", "source: nvidia-dgx-b20", "source-unknown"),
    ("reliability.yaml", "default: metaseq-opt", "default: metaseq-opd", "source-unknown"),
    ("exchange-rates.yaml", "KRW: 1335.2667", "KRW: 0", "out-of-range"),
    (
        "prices/aws.csv",
        "dl1.24xlarge,gaudi,8,us-east-1,on-demand,13.10904",
        "dl1.24xlarge,gaudi,8,us-east-1,on-demand,0",
        "price-row",
    ),
    ("prices/lambda.csv", ",2026,skypilot-lambda", ",202,skypilot-lambda", "price-date"),
    ("prices/lambda.csv", ",2026,skypilot-lambda", ",2026-13,skypilot-lambda", "price-date"),
    ("prices/lambda.csv", "skypilot-lambda", "skypilot-lamda", "source-unknown"),
    ("prices/nebius.csv", "spot,1.25,", "spot,12.5,", "price-spot"),
    ("prices/verda.csv", "instance,", "instanz,", "csv-header"),
    ("prices/data-transfer.csv", "2024-09", "Sept", "price-date"),
    ("prices/hosted-models.csv", "1000000,128000,10.0", "1000000,128000,ten", "hosted-row"),
]


@pytest.mark.parametrize(("file", "old", "new", "finding"), CHANGES, ids=lambda value: str(value)[:30])
def test_each_fault_is_found(tmp_path: Path, small: Path, file: str, old: str, new: str, finding: str) -> None:
    target = copied(tmp_path, file)
    text = target.read_text(encoding="utf-8")
    assert old in text
    target.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert finding in found(tmp_path, small)


def test_an_unchanged_copy_has_no_finding(tmp_path: Path, small: Path) -> None:
    for file in (H100, "nodes/p5.48xlarge.yaml", "facilities/gcp-asia-northeast3.yaml", "node-power.yaml"):
        copied(tmp_path, file)
    assert found(tmp_path, small) == set()


def test_an_offer_that_stands_twice_is_found(tmp_path: Path, small: Path) -> None:
    target = copied(tmp_path, "prices/runpod.csv")
    lines = target.read_text().splitlines()
    target.write_text("\n".join([*lines, lines[1]]) + "\n")
    assert found(tmp_path, small) == {"price-twice"}


def test_one_broken_file_hides_no_other_finding(tmp_path: Path, small: Path) -> None:
    broken = copied(tmp_path, "nodes/p5.48xlarge.yaml")
    broken.write_text("schema: [")
    odd = copied(tmp_path, H100)
    odd.write_text(odd.read_text().replace("released: 2022", "released: 1922"))
    result = lint_catalog(Catalog(layers=(tmp_path, small)))
    assert {fault.id for fault in result.unreadable} == {"yaml-syntax"}
    assert "date-odd" in {fault.id for fault in result.findings}


def test_findings_point_at_their_line(tmp_path: Path, small: Path) -> None:
    target = copied(tmp_path, H100)
    target.write_text(target.read_text().replace("bf16: 989.4", "bf16: 1978.9"))
    result = lint_catalog(Catalog(layers=(tmp_path, small)))
    clock = next(fault for fault in result.findings if fault.id == "peak-clock")
    assert clock.where is not None
    assert "bf16: 1978.9" in target.read_text().splitlines()[clock.where.line - 1]
    assert "sparsity" in clock.hint
