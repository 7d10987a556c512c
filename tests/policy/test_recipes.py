"""The CI recipes, run with what their runners would give them, and the walk of docs/ci.md, command by command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from planner.documents.reader import parse_yaml
from tests.conftest import ROOT
from tests.policy.projects import RULES, Project, environment

SCHEMAS = ROOT / "tests/report/schemas"
GUIDE = (ROOT / "docs/ci.md").read_text("utf-8")


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the command `planner`, and a stand-in for GitHub's that notes what it is asked."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "planner").write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m planner "$@"\n', "utf-8"
    )
    (folder / "gh").write_text(
        '#!/bin/sh\necho "$@" >>"$GH_NOTES"\ncase "$*" in *--jq*) [ -f "$GH_ID" ] && cat "$GH_ID";; esac\nexit 0\n',
        "utf-8",
    )
    for name in ("planner", "gh"):
        (folder / name).chmod(0o755)
    return folder


def surroundings(commands: Path, **more: str) -> dict[str, str]:
    identity = {
        f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    return {**environment(), **identity, "PATH": f"{commands}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", **more}


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def blocks() -> list[tuple[str, str]]:
    return re.findall(r"^```(sh|text|yaml)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def masked(text: str) -> list[str]:
    """Give lines without their numbers, which prices and models move, and without the names of commits."""
    text = re.sub(r"\([0-9a-f]{12}\)", "(COMMIT)", text)
    return [re.sub(r"\s+", " ", re.sub(r"\d[\d,.]*[KMBT]?", "N", line)).strip() for line in text.splitlines()]


def test_every_command_of_the_guide_does_what_the_guide_says(commands: Path, tmp_path: Path) -> None:
    script = ["set -e"]
    for number, (kind, text) in enumerate(blocks()):
        if kind == "sh":
            script += [f"echo '== {number}'", text]
    (tmp_path / "walk.sh").write_text("\n".join(script), "utf-8")
    done = subprocess.run(
        ["bash", "walk.sh"], cwd=tmp_path, env=surroundings(commands), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    outputs = dict(zip(*[iter(re.split(r"^== (\d+)$", done.stdout, flags=re.MULTILINE)[1:])] * 2, strict=True))
    last = ""
    for number, (kind, text) in enumerate(blocks()):
        if kind == "sh":
            last = outputs[str(number)]
        elif kind == "text":
            shown, real = "\n".join(masked(text)).strip(), "\n".join(masked(last))
            assert shown in real, f"the guide shows\n{text}\nand the command said\n{last}"
    assert done.stdout.count("exit code 1") == 1


def test_documents_of_the_recipes_hold_to_the_schemas_of_their_hosts() -> None:
    action = plain(parse_yaml((ROOT / "action.yml").read_text("utf-8")).value)
    jsonschema_rs.Draft7Validator(json.loads((SCHEMAS / "github-actions.json").read_text("utf-8"))).validate(action)
    template = plain(parse_yaml((ROOT / "ci/gitlab.yml").read_text("utf-8")).value)
    jsonschema_rs.Draft7Validator(json.loads((SCHEMAS / "gitlab-ci.json").read_text("utf-8"))).validate(template)
    workflow, include, _ = (plain(parse_yaml(text).value) for kind, text in blocks() if kind == "yaml")
    jsonschema_rs.Draft7Validator(json.loads((SCHEMAS / "github-workflows.json").read_text("utf-8"))).validate(workflow)
    jsonschema_rs.Draft7Validator(json.loads((SCHEMAS / "gitlab-ci.json").read_text("utf-8"))).validate(include)


@pytest.fixture
def clone(tmp_path: Path) -> Project:
    """A pull request as a runner has it: one commit of a clone, whose base is on the origin alone."""
    origin = Project.new(tmp_path / "origin", RULES)
    origin.git("switch", "--quiet", "--create", "change")
    origin.scenario("alpha", tokens="200 B")
    origin.commit()
    url = f"file://{origin.root}"
    arguments = ["git", "clone", "--quiet", "--depth", "1", "--branch", "change", url, str(tmp_path / "clone")]
    subprocess.run(arguments, check=True, env=environment())
    return Project(tmp_path / "clone")


def step(clone: Project, commands: Path, temp: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a step of the action with the variables that GitHub's runner sets."""
    temp.mkdir(exist_ok=True)
    runner = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_REPOSITORY": "owner/plans",
        "GITHUB_BASE_REF": "main",
        "GITHUB_OUTPUT": str(temp / "output"),
        "GITHUB_STEP_SUMMARY": str(temp / "summary"),
        "RUNNER_TEMP": str(temp),
        "GH_NOTES": str(temp / "notes"),
        "GH_ID": str(temp / "id"),
        "PROJECT": ".",
        **more,
    }
    env = surroundings(commands, **runner)
    return subprocess.run(["bash", "-c", script], cwd=clone.root, env=env, capture_output=True, text=True, check=False)


def steps() -> dict[str, dict[str, Any]]:
    action = parse_yaml((ROOT / "action.yml").read_text("utf-8")).value
    return {each["name"]: each for each in action["runs"]["steps"]}


def outputs_of(temp: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (temp / "output").read_text("utf-8").splitlines())


def test_the_action_turns_a_pull_request_red_and_comments_once(clone: Project, commands: Path, tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    done = step(clone, commands, temp, steps()["check"]["run"])
    assert done.returncode == 0, done.stderr
    found = outputs_of(temp)
    assert found["exit-code"] == "1"
    annotations = [line for line in done.stdout.splitlines() if line.startswith("::error ")]
    assert len(annotations) == 1
    assert "file=scenarios/alpha.yaml,line=6" in annotations[0]
    folder = Path(found["folder"])
    assert sorted(file.name for file in folder.iterdir()) >= [
        "annotations.txt",
        "comment.md",
        "errors.txt",
        "junit.xml",
    ]
    assert (temp / "summary").read_text("utf-8") == (folder / "comment.md").read_text("utf-8")
    comment = {"COMMENT": str(folder / "comment.md"), "PULL_REQUEST": "7", "GH_TOKEN": "none"}
    assert step(clone, commands, temp, steps()["comment"]["run"], **comment).returncode == 0
    (temp / "id").write_text("4242\n4243\n", "utf-8")
    assert step(clone, commands, temp, steps()["comment"]["run"], **comment).returncode == 0
    notes = (temp / "notes").read_text("utf-8").splitlines()
    assert "--method POST repos/owner/plans/issues/7/comments" in notes[1]
    assert "--method PATCH repos/owner/plans/issues/comments/4242" in notes[3]
    assert step(clone, commands, temp, steps()["outcome"]["run"], CODE=found["exit-code"]).returncode == 1
    assert step(clone, commands, temp, steps()["outcome"]["run"], CODE="").returncode == 70


@pytest.mark.parametrize("fault", ["broken YAML", "no base", "a bug"])
def test_the_action_fails_closed(clone: Project, commands: Path, tmp_path: Path, fault: str) -> None:
    more = {"GITHUB_BASE_REF": "deleted"} if fault == "no base" else {}
    if fault == "broken YAML":
        clone.write("scenarios/alpha.yaml", "name: [\n::set-output name=exit-code::0\n")
    if fault == "a bug":  # which shows after the comment was written
        stub = tmp_path / "planner"
        stub.write_text('#!/bin/sh\necho "No change" >"$RUNNER_TEMP/planner-check/comment.md"\nexit 70\n', "utf-8")
        stub.chmod(0o755)
        more = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    temp = tmp_path / "temp"
    done = step(clone, commands, temp, steps()["check"]["run"], **more)
    code = "70" if fault == "a bug" else "2"
    assert outputs_of(temp)["exit-code"] == code
    told = (temp / "summary").read_text("utf-8")
    assert f"could not be made (exit code {code})" in told
    assert "No change" not in told
    assert step(clone, commands, temp, steps()["outcome"]["run"], CODE=code).returncode == int(code)
    lines = done.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("::stop-commands::"))
    end = lines.index(f"::{lines[start].removeprefix('::stop-commands::')}::")
    outside = [line for line in (*lines[:start], *lines[end + 1 :]) if line.startswith("::")]
    assert [line.split("::")[1].split(" ")[0] for line in outside] == ["error"]


def test_the_script_of_the_gitlab_template_runs(clone: Project, commands: Path) -> None:
    clone.git("fetch", "--quiet", "--unshallow", "origin", "main")
    job = parse_yaml((ROOT / "ci/gitlab.yml").read_text("utf-8")).value["planner-check"]
    script = job["script"][-1].replace(".planner-check/bin/planner", "planner")
    base = clone.git("rev-parse", "FETCH_HEAD")
    env = surroundings(commands, PLANNER_PROJECT=".", CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    done = subprocess.run(["sh", "-c", script], cwd=clone.root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    promised = [*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()]
    assert [name for name in promised if not (clone.root / name).is_file()] == []


def test_the_hooks_of_pre_commit_run(clone: Project, commands: Path) -> None:
    hooks = {hook["id"]: hook for hook in parse_yaml((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")).value}
    assert set(hooks) == {"planner-lint", "planner-check"}
    known = {"id", "name", "description", "entry", "language", "files", "require_serial", "pass_filenames"}
    assert all(set(hook) <= known for hook in hooks.values())
    tracked = clone.git("ls-files").splitlines()
    matched = [name for name in tracked if re.search(hooks["planner-lint"]["files"], name)]
    assert matched == ["planner.yaml", "scenarios/alpha.yaml"]
    env = surroundings(commands)
    lint = f"{hooks['planner-lint']['entry']} {' '.join(matched)}"
    assert subprocess.run(["sh", "-c", lint], cwd=clone.root, env=env, capture_output=True).returncode == 0
    check = f"{hooks['planner-check']['entry']} --no-baseline"
    assert subprocess.run(["sh", "-c", check], cwd=clone.root, env=env, capture_output=True).returncode == 0


def test_shell_scripts_are_sound() -> None:
    for script in sorted((ROOT / "ci").glob("*.sh")):
        assert subprocess.run(["bash", "-n", str(script)], capture_output=True).returncode == 0
