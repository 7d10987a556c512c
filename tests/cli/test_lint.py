"""`planner lint`: exit codes, what it looks at, and what it prints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from planner.catalog.folders import built_in
from planner.catalog.kinds import KINDS
from planner.cli import run
from planner.cli.documents import CHECKS
from tests.conftest import ROOT, Planner
from tests.entries import entries_of

Shown = pytest.CaptureFixture[str]


def test_the_catalogs_and_scenarios_of_the_project_are_clean(planner: Planner) -> None:
    done = planner("lint", cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing is wrong" in done.stderr


def test_a_document_that_cannot_be_read_exits_with_two(tmp_path: Path, capsys: Shown) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("schema: planner/network/v1\nid: x\nid: y\n")
    assert run(["lint", str(file)]) == 2
    assert "yaml-duplicate-key" in capsys.readouterr().out


def test_a_finding_exits_with_one_and_json_has_its_place(tmp_path: Path, capsys: Shown) -> None:
    file = tmp_path / "h100-sxm.yaml"
    text = (built_in() / "accelerators" / "h100-sxm.yaml").read_text()
    file.write_text(text.replace("bf16: 989.4", "bf16: 1978.9"))
    assert run(["lint", str(file), "--output", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["unreadable"] == []
    clock = next(finding for finding in report["findings"] if finding["id"] == "peak-clock")
    assert clock["file"] == str(file)
    assert clock["line"] == text[: text.index("bf16")].count("\n") + 1


def test_a_folder_of_catalogs_is_looked_through(tmp_path: Path, capsys: Shown) -> None:
    folder = tmp_path / "mine" / "networks"
    folder.mkdir(parents=True)
    text = (built_in() / "networks" / "roce.yaml").read_text()
    (folder / "roce.yaml").write_text(text.replace("default: network-training-fit", "default: nobody"))
    assert run(["lint", str(tmp_path / "mine")]) == 1
    assert "source-unknown" in capsys.readouterr().out


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_entry_can_be_checked_alone(kind: str, capsys: Shown) -> None:
    assert run(["lint", str(entries_of(kind)[0])]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["sources", "node-power", "exchange-rates", "reliability", "prices/rules", "prices/spot"]
)
def test_single_documents_can_be_checked_alone(name: str, capsys: Shown) -> None:
    assert run(["lint", str(built_in() / f"{name}.yaml")]) == 0, capsys.readouterr().out


def test_a_document_of_no_known_kind_names_the_kinds(tmp_path: Path, capsys: Shown) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("schema: planner/acelerator/v1\n")
    assert run(["lint", str(file)]) == 2
    assert "did you mean 'planner/accelerator/v1'" in capsys.readouterr().out
    assert len(CHECKS) >= len(KINDS) + 3


def test_scenarios_of_the_project_are_looked_through(
    tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    broken = tmp_path / "scenarios" / "broken.yaml"
    broken.write_text("schema: planner/scenario/v1\nname: x\nworkload: {kind: traning}\n")
    monkeypatch.chdir(tmp_path)
    assert run(["lint"]) == 2
    assert "broken.yaml:3" in capsys.readouterr().out


def test_names_that_a_scenario_takes_from_no_catalog_are_told(tmp_path: Path, capsys: Shown) -> None:
    file = tmp_path / "x.yaml"
    text = (ROOT / "scenarios" / "examples" / "llama-3.1-405b-pretrain.yaml").read_text("utf-8")
    file.write_text(text.replace("llama-3.1-405b", "llama-3.1-450b"))
    assert run(["lint", str(file)]) == 2
    assert "did you mean 'llama-3.1-405b'" in capsys.readouterr().out


def test_a_rate_written_as_a_count_is_noted(tmp_path: Path, capsys: Shown) -> None:
    file = tmp_path / "h100-sxm.yaml"
    text = (built_in() / "accelerators" / "h100-sxm.yaml").read_text()
    file.write_text(text.replace("fp64: 34 TFLOP/s", "fp64: 34 TFLOPS"))
    assert run(["lint", str(file)]) == 1
    assert "rate-spelling" in capsys.readouterr().out
