"""`planner sensitivity`: what moves an answer is what the answer does when it is moved."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema_rs
import pytest

from planner.cli.schema import schemas
from tests.conftest import ROOT, Planner

RUN = """
schema: planner/scenario/v1
name: small
title: "<script>alert(1)</script> [/red] & Llama on rent"
workload: {kind: training, model: llama-3.1-8b, tokens: 1 T, sequence_length: 4096, global_batch: 64 sequences}
hardware: {node: p5.48xlarge, accelerators: 64, term: on-demand}
framework: megatron-core
parallelism: {tensor: 2, sharding: zero-1}
recompute: full
operations:
  restart: {low: 2 h, mid: 8 h, high: 40 h}
  failure_rate: {low: 1e-5 /accelerator/h, mid: 1e-4 /accelerator/h, high: 5e-4 /accelerator/h}
"""


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sensitivity") / "run.yaml"
    file.write_text(RUN, encoding="utf-8")
    return file


def said(planner: Planner, *arguments: str) -> dict:
    done = planner(*arguments, "--output", "json=-")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def of_days(planner: Planner, run_file: Path) -> dict:
    """What moves the days of the run, found once."""
    return said(planner, "sensitivity", str(run_file), "--metric", "days")


def test_an_input_at_its_ends_is_the_estimate_with_that_value(planner: Planner, run_file: Path, of_days: dict) -> None:
    effects = {each["name"]: each for each in of_days["inputs"]}
    for name, key, ends in (
        ("restart", "operations.restart", ("2 h", "40 h")),
        ("failure rate", "operations.failure_rate", ("1e-5 /accelerator/h", "5e-4 /accelerator/h")),
    ):
        for end, value in zip(("at_low", "at_high"), ends, strict=True):
            moved = said(planner, "estimate", str(run_file), "--set", f"{key}={value}")
            assert moved["results"]["days"]["value"] == pytest.approx(effects[name][end], rel=1e-6)


def test_the_strongest_comes_first_and_the_rest_follows(planner: Planner, run_file: Path) -> None:
    found = said(planner, "sensitivity", str(run_file))
    assert found["metric"] == "cost_total_usd"
    swings = [max(e["at_low"], e["at_high"]) / min(e["at_low"], e["at_high"]) for e in found["inputs"]]
    assert swings == sorted(swings, reverse=True)
    able = [c["value"] for c in found["choices"] if c["value"] is not None]
    assert found["choices"][: len(able)] == [c for c in found["choices"] if c["value"] is not None]
    assert all(bool(c["why_not"]) == (c["value"] is None) for c in found["choices"])


@pytest.mark.parametrize(
    ("name", "after", "changes"),
    [
        ("accelerators", "128", ["hardware.accelerators=128"]),
        ("precision", "fp8", ["workload.precision.compute=fp8"]),
        ("recompute", "none", ["recompute=none"]),
        ("global batch", "128", ["workload.global_batch=128 sequences"]),
        ("parallelism", "auto", ["parallelism=auto"]),
    ],
)
def test_a_changed_choice_is_the_estimate_with_that_choice(
    planner: Planner, run_file: Path, of_days: dict, name: str, after: str, changes: list[str]
) -> None:
    (choice,) = [c for c in of_days["choices"] if c["name"] == name and c["after"] in (after, f"{after} (auto)")]
    if choice["after"].endswith("(auto)"):
        changes = [*changes, "parallelism=auto"]
    options = [part for change in changes for part in ("--set", change)]
    done = planner("estimate", str(run_file), *options, "--output", "json=-")
    if choice["value"] is None:
        assert done.returncode == 3
    else:
        assert json.loads(done.stdout)["results"]["days"]["value"] == choice["value"]


def test_json_holds_to_its_schema(of_days: dict) -> None:
    jsonschema_rs.Draft202012Validator(schemas()["sensitivity"]).validate(of_days)


def test_the_table_fits_eighty_columns_and_bars_hold_the_middle(process: Planner, run_file: Path) -> None:
    done = process("sensitivity", str(run_file), measured=True)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    bars = [line for line in lines if "│" in line]
    assert len(bars) > 4
    assert len({line.index("│") for line in bars}) == 1
    ascii_only = process("sensitivity", str(run_file), env={"PYTHONIOENCODING": "ascii"})
    assert ascii_only.stdout.isascii()


def test_the_picture_is_well_formed_and_a_title_stays_text(planner: Planner, run_file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "tornado.svg"
    assert planner("sensitivity", str(run_file), "--output", f"svg={picture}").returncode == 0
    text = picture.read_text("utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<script" not in text
    assert "href" not in text
    widths = [float(rect.get("width", "0")) for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert all(width > 0 for width in widths)


def test_a_composite_is_moved_by_the_inputs_of_its_parts(planner: Planner) -> None:
    found = said(planner, "sensitivity", str(ROOT / "scenarios/examples/a-year-of-training.yaml"))
    assert found["inputs"]
    assert found["choices"] == []


@pytest.mark.parametrize(
    ("metric", "id_"), [("dayz", "unknown-metric"), ("ttft_ms", "no-result"), ("capital_usd", "result-unknown")]
)
def test_a_result_that_there_is_not_is_refused(planner: Planner, run_file: Path, metric: str, id_: str) -> None:
    done = planner("sensitivity", str(run_file), "--metric", metric)
    assert done.returncode == 2
    assert f"[{id_}]" in done.stderr
