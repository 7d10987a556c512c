"""`planner calibrate`: own rows move the answers towards them, and the file that it writes is what estimates read."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from planner.catalog.folders import built_in
from planner.catalog.store import Catalog
from planner.documents.reader import read_yaml
from tests.conftest import Planner

SLOWER = 1.5


@pytest.fixture
def own_rows(tmp_path: Path) -> Path:
    """Give published rows of one engine and chip on which everything took half as long again."""
    published = built_in() / "measurements" / "serving_closed_loop.csv"
    with published.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    mine = [row for row in table if (row["system"], row["backend"], row["mode"]) == ("h200_sxm", "vllm", "agg")][:16]
    for row in mine:
        row["silicon_tpot_ms"] = str(float(row["silicon_tpot_ms"]) * SLOWER)
        row["silicon_ttft_ms"] = str(float(row["silicon_ttft_ms"]) * SLOWER)
    path = tmp_path / "mine.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(mine[0]))
        writer.writeheader()
        writer.writerows(mine)
    return path


def test_errors_fall_on_rows_that_the_fit_saw_and_on_those_that_it_did_not(
    planner: Planner, own_rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = planner("calibrate", str(own_rows), "--date", "2026-11-28")
    assert found.returncode == 0, found.stderr
    line = next(line for line in found.stdout.splitlines() if line.startswith("tpot_ms"))
    before, after, unseen = (float(cell.rstrip("%")) for cell in line.split()[1:])
    assert after < 0.6 * before
    assert unseen < 0.8 * before
    written = tmp_path / "catalogs" / "profiles" / "serving.yaml"
    assert read_yaml(written).value["fit"]["date"] == "2026-11-28"
    own = Catalog(layers=(tmp_path / "catalogs", built_in())).profile("serving")
    assert own.engines["vllm"].factors != Catalog().profile("serving").engines["vllm"].factors
    again = planner("accuracy", str(own_rows))
    assert again.returncode == 0, again.stderr


def test_a_dry_run_writes_nothing(
    planner: Planner, own_rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert planner("calibrate", str(own_rows), "--dry-run").returncode == 0
    assert not (tmp_path / "catalogs").exists()


def test_rows_of_which_none_can_be_predicted_are_refused_with_the_first_reason(
    planner: Planner, own_rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own_rows.write_text(own_rows.read_text().replace("h200_sxm", "quantum_sxm"), "utf-8")
    found = planner("calibrate", str(own_rows))
    assert found.returncode == 2
    assert "too-few-rows" in found.stderr
    assert "no accelerator" in found.stderr


def test_columns_by_plain_names_are_those_of_the_published_table(
    planner: Planner, own_rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with own_rows.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    plain = {
        "model": "model_path", "accelerator": "system", "engine": "backend", "version": "backend_version",
        "weights": "precision", "prompt": "isl", "output": "osl", "clients": "batch_size", "tensor": "tp_size",
        "pipeline": "pp_size", "data": "attention_dp_size", "moe_tp_size": "moe_tp_size", "expert": "moe_ep_size",
        "ttft_ms": "silicon_ttft_ms", "tpot_ms": "silicon_tpot_ms", "silicon_data_source": "silicon_data_source",
        "id": "id",
    }  # fmt: skip
    path = tmp_path / "plain.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(plain)
        writer.writerows([[row[name] for name in plain.values()] for row in table])
    found, published = (planner("calibrate", str(name), "--dry-run") for name in (path, own_rows))
    assert found.returncode == 0, found.stderr
    assert found.stdout == published.stdout


def test_a_table_of_something_else_is_told_the_columns_that_it_lacks(
    planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.csv").write_text("foo,bar\n1,2\n", "utf-8")
    found = planner("calibrate", "other.csv")
    assert found.returncode == 2
    assert "unknown-measurements" in found.stderr
    assert "columns model, accelerator, engine, concurrency, prompt, output" in found.stderr


HEADER = "model,accelerator,engine,version,weights,tensor,concurrency,prompt,output,ttft_ms,tpot_ms"
RUN = "llama-3.1-8b,h100-sxm,vllm,0.8.5,bf16,1,{},1000,200,{},{}"
RUNS = [RUN.format(*each) for each in ((8, 60, 8.2), (32, 180, 11.1), (64, 310, 15.1))]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "mine.csv: the file is empty"),
        ([HEADER], "0 measured numbers"),
        ([HEADER.replace("accelerator", "host"), RUNS[0]], "no column 'accelerator'"),
        ([HEADER.replace(",", ";"), RUNS[0].replace(",", ";")], "separated by ';', and commas are read"),
        ([HEADER, RUN.format(8, "60 ms", "8 ms")], "mine.csv:2: ttft_ms of '60 ms' is no number"),
        ([HEADER, RUN.format(8, '"60,5"', 8)], "ttft_ms of '60,5' is no number: digits and a decimal point"),
        ([HEADER, RUNS[0].replace("h100-sxm", "h900")], "mine.csv:2: no accelerator 'h900'"),
        ([HEADER, *RUNS[:1] * 5], "rows that repeat another run, which counts once: 4"),
        (
            [HEADER, RUN.format(8, 0, 8), RUN.format(8, -3, 8), RUN.format(8, "inf", 8)],
            "ttft_ms of 0 is no measurement",
        ),
        (
            [HEADER, RUN.format(8, 0.06, 0.0082), RUN.format(32, 0.18, 0.0111)],
            "times below what is told of such a run: a slip, or another unit",
        ),
    ],
)
def test_a_table_that_teaches_nothing_says_what_is_wrong_with_it(
    planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("\n".join(lines), "utf-8")
    found = planner("calibrate", "mine.csv")
    assert found.returncode == 2
    assert words in found.stderr.replace("\n", " ")
    assert not (tmp_path / "catalogs").exists()


def test_what_is_a_slip_moves_nothing_and_is_told(
    planner: Planner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [HEADER, *RUNS, RUN.format(16, 90_000, 9.4)]
    (tmp_path / "slip.csv").write_text("\ufeff" + "\n".join(lines), "utf-8")
    found = planner("calibrate", "slip.csv", "--dry-run")
    assert found.returncode == 0, found.stderr
    assert "7 measured numbers fitted" in found.stdout
    assert "slip.csv:5: ttft_ms of 90000 is" in found.stdout
    after = [float(line.split()[2].rstrip("%")) for line in found.stdout.splitlines() if line.startswith("t")]
    assert max(after) < 50.0  # of 600 per cent, where the slip counts
