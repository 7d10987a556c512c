"""The catalogs as they ship: complete, readable, without a finding, and equal to what was published."""

from __future__ import annotations

import csv
import time

import pytest

from planner.catalog.accelerator import Accelerator
from planner.catalog.entry import Entry, Standing
from planner.catalog.kinds import KINDS
from planner.catalog.lint import SOURCED, lint_catalog, values
from planner.catalog.store import Catalog
from tests.conftest import ROOT

CATALOG = Catalog()
SPELLINGS = list(csv.DictReader((ROOT / "tests/catalog/measured_spellings.csv").open(encoding="utf-8")))


def si(kind: str, name: str, path: str) -> float:
    """Give a value of an entry in SI units; the middle of a range."""
    value: object = CATALOG.entry(kind, name)
    for step in path.split("."):
        value = value[step] if isinstance(value, dict) else getattr(value, step)
    return float(getattr(value, "mid", value))  # type: ignore[arg-type]


def test_nothing_is_wrong() -> None:
    started = time.process_time()
    result = lint_catalog(Catalog())
    assert [fault.render() for fault in (*result.unreadable, *result.findings)] == []
    assert time.process_time() - started < 10


def test_everything_of_the_fact_base_is_there() -> None:
    counts = {kind: len(CATALOG.ids(kind)) for kind in KINDS}
    assert counts["accelerator"] >= 88
    assert counts["node"] >= 137
    regions = [place for place in CATALOG.entries("facility") if place.region]  # type: ignore[attr-defined]
    assert len(regions) == 93
    assert {place.provider for place in regions} == {"aws", "gcp", "azure"}  # type: ignore[attr-defined]


# From the documents themselves: vendor data sheets and documentation, price lists, official statistics.
PUBLISHED = [
    ("accelerator", "v100-sxm2-32gb", "peak.fp16", 125e12),
    ("accelerator", "t4", "peak.int8", 130e12),
    ("accelerator", "a100-sxm-80gb", "peak.bf16", 312e12),
    ("accelerator", "a100-sxm-80gb", "memory.bandwidth", 2.039e12),
    ("accelerator", "a100-sxm-40gb", "memory.bandwidth", 1.555e12),
    ("accelerator", "h100-sxm", "peak.bf16", 989.4e12),
    ("accelerator", "h100-sxm", "peak.fp8", 1978.9e12),
    ("accelerator", "h100-sxm", "memory.bandwidth", 3.35e12),
    ("accelerator", "h100-sxm", "memory.capacity", 79.65 * 2**30),
    ("accelerator", "h100-sxm", "link.bandwidth", 450e9),
    ("accelerator", "h100-sxm", "power.tdp", 700),
    ("accelerator", "h200-sxm", "memory.bandwidth", 4.8e12),
    ("accelerator", "b200-sxm", "peak.fp4", 9e15),
    ("accelerator", "b200-sxm", "memory.capacity", 179.06 * 2**30),
    ("accelerator", "gb300", "power.tdp", 1400),
    ("accelerator", "l40s", "peak.bf16", 362e12),
    ("accelerator", "rtx-4090", "peak.bf16", 165.2e12),
    ("accelerator", "mi300x", "peak.bf16", 1307.4e12),
    ("accelerator", "mi355x", "peak.fp8", 5033e12),
    ("accelerator", "gaudi3", "peak.bf16", 1678e12),
    ("accelerator", "trainium1", "peak.bf16", 190e12),
    ("accelerator", "trainium1", "memory.bandwidth", 820e9),
    ("accelerator", "trainium2", "peak.fp8", 1299e12),
    ("accelerator", "trainium2", "memory.capacity", 96 * 2**30),
    ("accelerator", "trainium3", "memory.capacity", 144 * 2**30),
    ("accelerator", "inferentia1", "memory.bandwidth", 53.7e9),
    ("accelerator", "tpu-v3", "peak.bf16", 123e12),
    ("accelerator", "tpu-v4", "power.measured_mean", 170),
    ("accelerator", "tpu-v5e", "memory.bandwidth", 819e9),
    ("accelerator", "tpu-v5p", "peak.bf16", 459e12),
    ("accelerator", "tpu-v7", "memory.capacity", 192 * 2**30),
    ("node", "dgx-2", "power.rated", 10_000),
    ("node", "dgx-a100", "power.rated", 6_500),
    ("node", "dgx-h100", "power.rated", 10_200),
    ("node", "dgx-b200", "power.rated", 14_300),
    ("node", "p5.48xlarge", "network.bandwidth", 3.2e12 / 8),
    ("node", "p5.48xlarge", "host.memory", 2048 * 2**30),
    ("node", "p5.48xlarge", "host.storage.capacity", 30.4e12),
    ("node", "p4d.24xlarge", "network.bandwidth", 400e9 / 8),
    ("node", "trn1n.32xlarge", "network.bandwidth", 1.6e12 / 8),
    ("node", "a3-highgpu-8g", "network.bandwidth", 800e9 / 8),
    ("node", "nd96isr_h100_v5", "network.bandwidth", 3.2e12 / 8),
    ("facility", "gcp-us-central1", "pue", 1.09),
    ("facility", "aws-us-east-1", "pue", 1.14),
    ("facility", "gcp-asia-northeast3", "grid.intensity", 356.57 / 3.6e6),
    ("facility", "aws-us-east-1", "electricity.price", 0.0892 / 3.6e6),
    ("storage", "s3-standard", "price", 0.023 / 1e9 / 2_628_000),
    ("storage", "fsx-lustre-125", "throughput.per_byte", 125e6 / 2**40),
]


@pytest.mark.parametrize(("kind", "name", "path", "value"), PUBLISHED)
def test_published_values(kind: str, name: str, path: str, value: float) -> None:
    assert si(kind, name, path) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("row", SPELLINGS, ids=lambda row: row["spelling"])
def test_every_spelling_of_the_measured_data_has_its_owner(row: dict[str, str]) -> None:
    assert CATALOG.resolve(row["kind"], row["spelling"]) == row["id"]
    assert CATALOG.resolve(row["kind"], row["spelling"].upper()) == row["id"]


def test_a_spelling_is_not_found_inside_another_one() -> None:
    assert CATALOG.accelerator("H20-96GB").id == "h20"
    assert CATALOG.accelerator("GH200-480GB").id == "gh200-96gb"


def entries() -> list[tuple[str, Entry]]:
    return [(kind, entry) for kind in SOURCED for entry in CATALOG.entries(kind)]


def test_every_value_has_a_source_that_says_how_it_was_seen() -> None:
    for kind, entry in entries():
        for path, _ in values(CATALOG.tree(kind, entry.id)):
            source = CATALOG.source(entry.provenance(path).source)
            assert source is not None, (kind, entry.id, path)
            assert source.title, (kind, entry.id, path)


def test_what_nobody_published_is_marked_estimated() -> None:
    """Trainium 1, Inferentia and three TPU have no published power; Trainium 2's is an analyst's."""
    for name in ("trainium1", "inferentia1", "inferentia2", "tpu-v5e", "tpu-v5p", "tpu-v6e", "trainium2"):
        entry = CATALOG.accelerator(name)
        assert CATALOG.standing(entry.provenance("power.tdp")) is Standing.ESTIMATED
    for name in ("trainium1", "inferentia1", "inferentia2", "tpu-v5e", "tpu-v5p", "tpu-v6e"):
        power = CATALOG.accelerator(name).power
        assert power is not None
        assert power.tdp.high > 1.4 * power.tdp.low


def test_recalled_values_say_so() -> None:
    """Multiprocessor counts and link names were not read again; a mark is as strong as its source's."""
    part = CATALOG.accelerator("b200-sxm")
    assert CATALOG.standing(part.provenance("units")) is Standing.RECALLED
    assert CATALOG.standing(part.provenance("link.kind")) is Standing.RECALLED
    assert CATALOG.standing(part.provenance("memory.capacity")) is Standing.READ
    assert CATALOG.standing(part.provenance("peak.bf16")) is Standing.QUOTED


def test_device_memory_is_what_a_driver_reports() -> None:
    """Never more than the number in the name read as GiB, never as little as it read as 10^9 bytes with HBM."""
    for part in CATALOG.entries("accelerator"):
        assert isinstance(part, Accelerator)
        if part.memory.marketed and part.vendor in ("nvidia", "amd"):
            as_gib = part.memory.marketed / 1e9 * 2**30
            assert part.memory.capacity <= as_gib
        if part.memory.marketed and part.family in ("hopper", "blackwell", "ampere", "cdna"):
            assert part.memory.capacity > part.memory.marketed


def test_the_lower_figure_is_taken_where_sources_cannot_be_reconciled() -> None:
    link = CATALOG.accelerator("trainium3").link
    assert link is not None
    assert link.bandwidth == pytest.approx((256e9 + 320e9 + 128e9) / 2)
    assert link.quoted == pytest.approx(2.56e12)


def test_one_die_of_a_dual_part_has_half_of_it() -> None:
    whole, half = CATALOG.accelerator("mi250x"), CATALOG.accelerator("MI250X-GCD")
    for name, rate in half.peak.items():
        assert rate == pytest.approx(whole.peak[name] / 2, rel=1e-3)
    assert half.memory.capacity == pytest.approx(whole.memory.capacity / 2, rel=1e-3)


def test_one_lookup_reads_few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    from planner.catalog import store

    opened: list[str] = []
    real = store.read_yaml

    def counted(path, **options):  # type: ignore[no-untyped-def]
        opened.append(path.name)
        return real(path, **options)

    monkeypatch.setattr(store, "read_yaml", counted)
    fresh = Catalog()
    node = fresh.node("p5.48xlarge")
    fresh.accelerator(node.accelerator)
    fresh.facility("aws-us-east-1")
    assert opened == ["p5.48xlarge.yaml", "h100-sxm.yaml", "aws-us-east-1.yaml"]
    fresh.node("Standard_ND96isr_H100_v5")
    assert opened[3:] == ["nd96isr_h100_v5.yaml"]
