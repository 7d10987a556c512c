"""`planner search`: what it prints, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema_rs
import pytest

from planner.cli.schema import schemas
from tests.conftest import Planner

RUN = """
schema: planner/scenario/v1
name: small
title: Llama 3.1 8B on rented machines
workload: {kind: training, model: llama-3.1-8b, tokens: 100 B, sequence_length: 4096, global_batch: 32 sequences}
hardware: {node: p5.48xlarge, accelerators: 8, term: on-demand}
claim: {id: none, says: nothing, source: nobody, note: none, expect: [{metric: days, min: 0}]}
"""
QUICK = ("--nodes", "p5.48xlarge,p4d.24xlarge,trn2.48xlarge", "--accelerators", "16", "--keep", "context,recompute")


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    file = tmp_path / "run.yaml"
    file.write_text(RUN, encoding="utf-8")
    return file


def test_the_table_fits_eighty_columns_and_names_winner_losers_and_changes(planner: Planner, run_file: Path) -> None:
    done = planner("search", str(run_file), *QUICK, "--deadline", "1y")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for heading in ("The winner", "The best of each machine", "Unbeaten", "Cannot take part"):
        assert any(line.startswith(heading) for line in lines), heading
    assert "no price is known: on-demand: trn2.48xlarge" in done.stdout
    assert "at most 365 d" in done.stdout


def test_json_holds_to_its_schema_and_is_the_same_again(planner: Planner, run_file: Path) -> None:
    first = planner("search", str(run_file), *QUICK, "--output", "json=-")
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    jsonschema_rs.Draft202012Validator(schemas()["search"]).validate(found)
    assert found["schema"] == "planner/search/v1"
    assert found["winner"] == found["top"][0]
    counts = found["counts"]
    assert counts["points"] > counts["valid"] > counts["fit"] >= counts["within"] > 0
    assert planner("search", str(run_file), *QUICK, "--output", "json=-").stdout == first.stdout


def test_the_winner_as_a_scenario_estimates_to_what_the_search_says(
    planner: Planner, run_file: Path, tmp_path: Path
) -> None:
    best, table = tmp_path / "best.yaml", tmp_path / "found.json"
    done = planner("search", str(run_file), *QUICK, "--output", f"scenario={best}", "--output", f"json={table}")
    assert done.returncode == 0, done.stderr
    winner = json.loads(table.read_text("utf-8"))["winner"]
    assert planner("lint", str(best)).returncode == 0
    estimate = json.loads(planner("estimate", str(best), "--output", "json=-").stdout)
    for name in ("step_time_s", "days", "cost_total_usd", "energy_kwh", "peak_memory_gb"):
        assert estimate["results"][name]["value"] == winner["results"][name]


def test_csv_has_every_machine_and_every_unbeaten_strategy(planner: Planner, run_file: Path) -> None:
    done = planner("search", str(run_file), *QUICK, "--output", "csv=-")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["node"] for row in rows if row["list"] == "machines"} == {
        "p5.48xlarge",
        "p4d.24xlarge",
        "trn2.48xlarge",
    }
    front = [row for row in rows if row["list"] == "front"]
    assert front
    assert all(float(row["days"]) > 0 for row in front)


def test_without_prices_a_search_for_the_fastest_still_runs(planner: Planner, run_file: Path) -> None:
    asked = ("--nodes", "trn2.48xlarge", "--accelerators", "16", "--keep", "context,recompute,offload")
    assert planner("search", str(run_file), *asked).returncode == 3
    done = planner("search", str(run_file), *asked, "--minimise", "time", "--output", "json=-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["winner"]["results"]["cost_total_usd"] is None


@pytest.mark.parametrize(
    ("options", "code", "id_"),
    [
        (("--minimise", "tme"), 2, "search-option"),
        (("--deadline", "5 MUSD"), 2, "search-option"),
        (("--budget", "0 USD"), 2, "search-option"),
        (("--power", "nan W"), 2, "search-option"),
        (("--accelerators", "8,x"), 2, "search-option"),
        (("--accelerators", "99999999999999"), 2, "search-option"),
        (("--top", "-1"), 2, "search-option"),
        (("--keep", "recompte"), 2, "search-keep"),
        (("--nodes", "p5.48xlarg"), 2, "unknown-name"),
        (("--engine", "spark"), 2, "search-option"),
        (("--engine", "dask"), 2, "search-option"),
        (("--scheduler", "tcp://localhost:1"), 2, "search-option"),
        (("--nodes", "p5.48xlarge", "--accelerators", "8", "--deadline", "1 s"), 3, "no-strategy"),
        (("--nodes", "p5.48xlarge", "--accelerators", "7"), 3, "no-strategy"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    planner: Planner, run_file: Path, options: tuple[str, ...], code: int, id_: str
) -> None:
    done = planner("search", str(run_file), *options)
    assert done.returncode == code
    assert f"[{id_}]" in done.stderr
    assert "Traceback" not in done.stderr
