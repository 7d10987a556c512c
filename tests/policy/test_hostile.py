"""Baselines and outputs of strangers: refused with exit code 2 and one clear line, and never run."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, plain_environment
from tests.policy.projects import RULES, TODAY, Project, digested, head


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.new(tmp_path_factory.mktemp("project"), RULES)


@pytest.mark.parametrize(
    "ref",
    [
        *("--upload-pack=touch${IFS}x", "-h", "--help", ":/text", "main:planner.yaml", "main..main", "@{-1}", ""),
        *("main^{/x}", "a b", "a\nb", "\x00", "x" * 300, "HEAD@{1}", "*", "main?"),
    ],
)
def test_what_is_no_name_of_a_commit_is_refused(project: Project, ref: str) -> None:
    outcome = project.check(f"--baseline={ref}")
    assert (outcome.code, outcome.out) == (2, "")
    assert "[baseline-ref]" in outcome.err


def test_a_deleted_branch_is_refused_with_what_to_do(project: Project) -> None:
    project.git("branch", "gone")
    project.git("branch", "-D", "gone")
    outcome = project.check("--baseline", "gone")
    assert (outcome.code, outcome.out) == (2, "")
    assert "fetch-depth: 0" in outcome.err


def test_a_shallow_clone_lacks_its_baseline_and_says_so(project: Project, tmp_path: Path) -> None:
    project.commit()
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{project.root}", str(tmp_path / "c")], check=True)
    outcome = Project(tmp_path / "c").check("--baseline", "HEAD~1")
    assert (outcome.code, outcome.out) == (2, "")
    assert "shallow" in outcome.err


def test_nothing_that_a_repository_configures_is_run(project: Project, tmp_path: Path) -> None:
    trap, mark = tmp_path / "trap.sh", tmp_path / "ran"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\n", "utf-8")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "core.alternateRefsCommand"):
        project.git("config", key, str(trap))
    project.git("config", "core.hooksPath", str(tmp_path))
    (tmp_path / "post-checkout").symlink_to(trap)
    environment = {"GIT_EXTERNAL_DIFF": str(trap), "GIT_PAGER": str(trap), "GIT_DIR": str(tmp_path), "PAGER": str(trap)}
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        assert project.check("--baseline", "main").code == 0
    finally:
        os.environ.clear()
        os.environ.update(before)
        for key in (
            "core.fsmonitor",
            "core.pager",
            "core.sshCommand",
            "diff.external",
            "core.alternateRefsCommand",
            "core.hooksPath",
        ):
            subprocess.run(["git", "config", "--unset", key], cwd=project.root, check=True)
    assert not mark.exists()


def test_files_in_lfs_links_and_submodules_are_refused_where_they_are_needed(tmp_path: Path) -> None:
    project = Project.new(tmp_path / "lfs")
    project.write("catalogs/prices/aws.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    project.commit()
    project.price(98.0)
    assert "[baseline-unreadable]" in project.check("--baseline", "main").err
    linked = Project.new(tmp_path / "link")
    (linked.root / "scenarios/alpha.yaml").rename(linked.root / "real.yaml")
    (linked.root / "scenarios/alpha.yaml").symlink_to("../real.yaml")
    linked.commit()
    (linked.root / "scenarios/alpha.yaml").unlink()
    (linked.root / "real.yaml").rename(linked.root / "scenarios/alpha.yaml")
    assert "is a link" in linked.check("--baseline", "main").err
    inner = Project.new(tmp_path / "inner")
    outer = Project.new(tmp_path / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(inner.root), "shared")
    outer.write("planner.yaml", head().replace("scenarios/*.yaml", "shared/scenarios/*.yaml"))
    outer.commit()
    assert "is a submodule" in outer.check("--baseline", "main").err


def test_a_broken_baseline_is_an_error_and_not_no_change(project: Project, tmp_path: Path) -> None:
    broken = Project.new(tmp_path)
    broken.write("scenarios/alpha.yaml", "schema: planner/scenario/v1\nname: [\n")
    broken.commit()
    broken.scenario("alpha")
    outcome = broken.check("--baseline", "main")
    assert (outcome.code, outcome.out) == (2, "")
    assert "main:scenarios/alpha.yaml:" in outcome.err
    assert "planner-baseline-" not in outcome.err


def test_broken_yaml_is_an_error_with_its_place(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES)
    project.write("scenarios/alpha.yaml", "schema: planner/scenario/v1\nname: [\n")
    outcome = project.check("--baseline", "main")
    assert (outcome.code, outcome.out) == (2, "")
    assert "scenarios/alpha.yaml:" in outcome.err


@pytest.mark.parametrize("place", ["planner.policy.check.compared", "planner.report.check_markdown.render"])
def test_a_bug_ends_with_70_and_writes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(place, broken)
    outcome = project.check("--output", "markdown=comment.md", "--baseline", "main")
    assert (outcome.code, outcome.out) == (70, "")
    assert "a bug in the planner" in outcome.err
    assert not (project.root / "comment.md").exists()


def test_a_place_names_its_file_in_full_however_long(tmp_path: Path) -> None:
    name = f"scenarios/{'n' * 240}.yaml"
    project = Project.new(tmp_path, "policies: [{id: p, metric: days, max: 0}]\n")
    (tmp_path / "scenarios/alpha.yaml").rename(tmp_path / name)
    (result,) = project.check(form="sarif").json["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith(name)
    (issue,) = project.check(form="gitlab").json
    assert issue["location"]["path"].endswith(name)
    assert f"{name},line=" in project.check(form="github").out


def test_a_baseline_without_a_project_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.git("init", "--quiet", "--initial-branch", "main")
    project.commit()
    Project.write(project, "planner.yaml", "schema: planner/project/v1\nscenarios: [scenarios/*.yaml]\n")
    project.scenario("alpha")
    outcome = project.check("--baseline", "main")
    assert outcome.code == 2
    assert "--no-baseline" in outcome.err


def tampered(document: dict[str, Any]) -> str:
    document["scenarios"]["alpha"]["results"]["days"]["value"] = 1.0
    return json.dumps(document)


def escaping(document: dict[str, Any]) -> str:
    document["documents"]["project"]["../../escape.yaml"] = "x: 1"
    return digested(document)


def infinite(document: dict[str, Any]) -> str:
    document["scenarios"]["alpha"]["results"]["cost_total_usd"]["value"] = "Infinity"
    return digested(document)


WRONG = {
    "tampered": tampered,
    "another version": lambda d: digested({**d, "schema": "planner/check/v2"}),
    "cut": lambda d: json.dumps(d)[:1000],
    "empty": lambda d: "",
    "deep": lambda d: "[" * 200_000 + "]" * 200_000,
    "a list": lambda d: "[]",
    "no documents": lambda d: digested({k: v for k, v in d.items() if k != "documents"}),
    "wrong types": lambda d: digested({**d, "scenarios": {"alpha": 3}}),
    "a path out of it": escaping,
    "no number": infinite,
    "not a number": lambda d: json.dumps(d).replace('"days"', "NaN", 1),
    "twice the same key": lambda d: '{"schema": "planner/check/v1", "schema": "planner/check/v1"}',
    "not UTF-8": lambda d: "\udcff",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_stored_result_that_is_not_what_was_written_is_refused(project: Project, kind: str) -> None:
    stored = project.check("--no-baseline").json
    file = project.root / "stored.json"
    file.write_bytes(WRONG[kind](stored).encode("utf-8", "surrogateescape"))
    outcome = project.check("--baseline-file", "stored.json")
    file.unlink()
    assert (outcome.code, outcome.out) == (2, "")
    assert not (project.root.parent / "escape.yaml").exists()


def bomb(document: dict[str, Any]) -> list[str]:
    text = base64.b64encode(zlib.compress(b" " * 2**26, 9)).decode("ascii")
    return [text]


WRONG_SMALL = {
    "a bomb": lambda d: digested({**d, "documents": bomb(d)}),
    "cut texts": lambda d: digested({**d, "documents": d["documents"][:1]}),
    "no base64": lambda d: digested({**d, "documents": ["\u20ac"]}),
    "not compressed": lambda d: digested({**d, "documents": ["e30="]}),
    "tampered": lambda d: json.dumps({**d, "planner": "9"}),
    "more than it says": lambda d: digested({**d, "metrics": []}),
    "too few ends": lambda d: digested({**d, "scenarios": {"alpha": {"results": {"days": [1, 2]}}}}),
    "no such metric": lambda d: digested({**d, "metrics": ["dayz"]}),
}


@pytest.mark.parametrize("kind", WRONG_SMALL)
def test_a_small_baseline_that_is_not_what_was_written_is_refused(project: Project, kind: str) -> None:
    stored = project.check("--no-baseline", form="baseline").json
    file = project.write("stored.json", WRONG_SMALL[kind](stored))
    outcome = project.check("--baseline-file", "stored.json")
    file.unlink()
    assert (outcome.code, outcome.out) == (2, "")
    assert "[baseline-file]" in outcome.err


def test_a_huge_or_missing_stored_result_is_refused(project: Project) -> None:
    with (project.root / "huge.json").open("wb") as stream:
        stream.truncate(2**30)
    assert "[file-too-large]" in project.check("--baseline-file", "huge.json").err
    (project.root / "huge.json").unlink()
    assert "[file-missing]" in project.check("--baseline-file", "none.json").err
    assert project.check("--baseline-file", "none.json").code == 2


@pytest.mark.parametrize(
    "outputs",
    [
        ["json=a.json", "csv=a.json"],
        ["json=-", "csv=-"],
        ["json=planner.yaml"],
        ["json=scenarios/alpha.yaml"],
        ["json=stored.json"],
        ["json=scenarios"],
        ["json=/dev/full"],
        ["json=no/such/folder/a.json"],
        ["json=link.json"],
        ["yaml=a"],
        ["json"],
    ],
)
def test_outputs_that_would_harm_are_refused_and_leave_nothing(tmp_path: Path, outputs: list[str]) -> None:
    project = Project.new(tmp_path, RULES)
    project.write("stored.json", project.check("--no-baseline").out)
    (tmp_path / "link.json").symlink_to("planner.yaml")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and ".git" not in file.parts}
    from tests.policy.projects import command

    words = [word for output in outputs for word in ("--output", output)]
    outcome = command("check", "--today", TODAY, "--baseline-file", "stored.json", *words, cwd=tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    after = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and ".git" not in file.parts}
    assert after == before


def test_a_reader_that_goes_away_ends_the_check_quietly(project: Project) -> None:
    line = f"{sys.executable} -m planner check --no-baseline -o json=- | head -c 10 >/dev/null; echo ${{PIPESTATUS[0]}}"
    environment = {**plain_environment(), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", line], cwd=project.root, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() in ("141", "0")
    assert "Traceback" not in done.stderr


def test_two_checks_at_once_do_not_disturb_each_other(project: Project) -> None:
    environment = {**plain_environment(), "PYTHONPATH": str(ROOT)}
    arguments = [
        sys.executable,
        "-m",
        "planner",
        "check",
        "--today",
        TODAY,
        "--baseline",
        "main",
        "-o",
        "json=both.json",
    ]
    runs = [subprocess.Popen(arguments, cwd=project.root, env=environment) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert json.loads((project.root / "both.json").read_text("utf-8"))["exit_code"] == 0
    (project.root / "both.json").unlink()


def test_no_temporary_folder_is_left(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert project.check("--baseline", "main").code == 0
    assert list(tmp_path.iterdir()) == []
