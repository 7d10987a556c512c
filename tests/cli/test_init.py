"""`planner init`: a project that works as written, and nothing overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner import cli
from planner.scenario.project import find_project, read_project, scenario_files
from tests.conftest import Planner


def test_what_it_writes_is_a_project_whose_first_scenario_runs(tmp_path: Path, process: Planner) -> None:
    done = process("init", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.split() == ["planner.yaml", "scenarios/first.yaml"]
    assert "planner estimate" in done.stderr
    project = read_project(tmp_path / "planner.yaml")
    assert project.document.prices.on
    (first,) = scenario_files(project)
    for variant in ((), ("--variant", "spot"), ("--variant", "twice")):
        estimate = process("estimate", str(first), *variant, cwd=tmp_path)
        assert (estimate.returncode, estimate.stderr) == (0, "")
        assert "unknown" not in estimate.stdout


def test_it_makes_the_folder_that_is_named(tmp_path: Path) -> None:
    assert cli.run(["init", str(tmp_path / "a" / "b")]) == 0
    assert (tmp_path / "a" / "b" / "planner.yaml").is_file()
    assert find_project(tmp_path / "a" / "b" / "scenarios") == tmp_path / "a" / "b" / "planner.yaml"


@pytest.mark.parametrize("there", ["planner.yaml", "scenarios/first.yaml"])
def test_nothing_that_is_there_is_overwritten_and_nothing_else_is_written(
    there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / there).write_text("mine")
    assert cli.run(["init", str(tmp_path)]) == 2
    assert "[already-there]" in capsys.readouterr().err
    assert (tmp_path / there).read_text() == "mine"
    assert [file.name for file in tmp_path.rglob("*.yaml")] == [Path(there).name]


def test_a_dangling_link_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "planner.yaml").symlink_to("elsewhere")
    assert cli.run(["init", str(tmp_path)]) == 2
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert cli.run(["init", str(tmp_path / "file" / "x")]) == 2
    assert "[output-unwritable]" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a b", "x'y\"z", "모델", "{0}", "-"])
def test_any_name_of_a_folder_gives_a_project_that_reads(name: str, tmp_path: Path) -> None:
    assert cli.run(["init", str(tmp_path / name)]) == 0
    assert read_project(tmp_path / name / "planner.yaml").document.name
