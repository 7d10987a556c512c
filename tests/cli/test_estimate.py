"""`planner estimate` as people use it: every scenario of the project, its outputs, hostile titles, any environment."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from planner import cli
from planner.documents.reader import read_yaml
from planner.metrics import METRICS
from planner.report import json_report, table
from planner.report.columns import width
from planner.report.estimate_schema import estimate_schema
from planner.scenario.resolve import variant_names
from tests.conftest import ROOT, Planner, plain_environment
from tests.worked import worked

EXAMPLES = sorted((ROOT / "scenarios" / "examples").glob("*.yaml"))
CLAIMS = sorted((ROOT / "scenarios" / "claims").glob("*.yaml"))
VARIANTS = [(file, name) for file in EXAMPLES for name in variant_names(read_yaml(file))]
SCHEMA = Draft202012Validator(estimate_schema())

SMALL = """\
schema: planner/scenario/v1
name: small
title: %s
workload: {kind: training, model: llama-3.1-8b, tokens: 1 B, sequence_length: 8192, global_batch: 64 sequences}
hardware: {node: p5.48xlarge, accelerators: 8, term: on-demand}
parallelism: {sharding: zero-3}
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in the project; give its exit code, stdout and stderr."""
    monkeypatch.chdir(ROOT)

    def estimate(*arguments: object) -> tuple[int, str, str]:
        code = cli.run(["estimate", *map(str, arguments)])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out, told.err

    return estimate


def estimated(run: Run, file: Path, *options: str) -> dict[str, Any]:
    code, out, err = run(file, *options, "--output", "json=-")
    assert (code, err) == (0, "")
    document: dict[str, Any] = json.loads(out)  # one document, and nothing after it
    return document


@cache
def shown(file: Path) -> tuple[str, dict[str, Any]]:
    """Give the table and the document of a scenario's estimate; that the command prints these is tested below."""
    found = worked(file)[1]
    return table.render(found, width=80, ascii_only=False), json.loads(json_report.render(found))


def every(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Give an estimate and all of its parts."""
    return [document, *(inner for child in document["children"].values() for inner in every(child))]


@pytest.mark.unmeasured
class TestExamples:
    @pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
    def test_each_fits_and_costs_something(self, file: Path) -> None:
        parts = [part for part in every(shown(file)[1]) if not part["children"]]
        assert parts
        for part in parts:
            if not part["why_not"]:
                costs = [part["results"].get(name) for name in ("cost_total_usd", "cost_per_month_usd")]
                known = [result["value"] for result in costs if result and result["value"] is not None]
                assert all(value > 0 for value in known)
                assert known or part["kind"] == "node"
        assert any(not part["why_not"] for part in parts)

    @pytest.mark.parametrize(("file", "variant"), VARIANTS, ids=lambda value: getattr(value, "stem", value))
    def test_so_does_each_variant(self, file: Path, variant: str, run: Run) -> None:
        document = estimated(run, file, "--variant", variant)
        assert document["name"].endswith(f"@{variant}")
        assert document["results"] or document["children"]

    @pytest.mark.parametrize("file", [*EXAMPLES, *CLAIMS], ids=lambda file: file.stem)
    def test_its_table_fits_80_columns(self, file: Path) -> None:
        lines = shown(file)[0].splitlines()
        assert max(width(line) for line in lines) <= 80
        assert all(line == line.rstrip() for line in lines)

    @pytest.mark.parametrize("file", [*EXAMPLES, *CLAIMS], ids=lambda file: file.stem)
    def test_its_json_holds_to_the_schema_and_its_parts_sum(self, file: Path) -> None:
        document = shown(file)[1]
        assert [error.message for error in SCHEMA.iter_errors(document)] == []
        wholes = {"step": ("step_time_s", 1.0), "run": ("days", 86400.0), "cost": ("cost_total_usd", 1.0)}
        compared = 0
        for part in every(document):
            assert set(part["results"]) <= set(METRICS)
            for key, (metric, scale) in wholes.items():
                whole = part["results"].get(metric)
                if whole and key in part["breakdowns"]:
                    parts = math.fsum(part["breakdowns"][key]["parts"].values())
                    assert parts == pytest.approx(whole["value"] * scale, rel=1e-6), f"{key} of {part['name']}"
                    compared += 1
            for stage in part["memory"]["stages"]:
                assert math.fsum(stage["parts"].values()) == pytest.approx(stage["total_bytes"], rel=1e-6)
                assert stage["total_bytes"] <= part["memory"]["capacity_bytes"]
            if part["memory"]["stages"]:
                fullest = max(stage["total_bytes"] for stage in part["memory"]["stages"])
                assert part["results"]["peak_memory_gb"]["value"] * 1e9 == pytest.approx(fullest, rel=1e-6)
            for name, result in part["results"].items():
                if None not in (result["low"], result["value"], result["high"]):
                    assert result["low"] <= result["value"] <= result["high"], name
        assert compared or document["kind"] == "capacity" or all(not p["results"] for p in every(document)[:1])

    @pytest.mark.parametrize("name", ["llama-3.1-405b-pretrain", "a-year-of-training", "machine-room"])
    def test_the_command_prints_what_these_tests_look_at(self, name: str, run: Run) -> None:
        file = ROOT / f"scenarios/examples/{name}.yaml"
        printed, document = shown(file)
        assert run(file, "--output", "table=-") == (0, printed, "")
        assert estimated(run, file) == document

    def test_power_of_a_node_is_that_of_its_parts(self) -> None:
        document = shown(ROOT / "scenarios/examples/llama-3.1-405b-pretrain.yaml")[1]
        parts = math.fsum(document["breakdowns"]["power"]["parts"].values())
        assert parts == pytest.approx(document["results"]["node_power_kw"]["value"] * 1e3, rel=1e-6)


class TestOptions:
    ASKED = ("--model", "llama-3.1-8b", "--tokens", "1T", "--node", "p5.48xlarge", "--accelerators", "64")

    def test_a_run_can_be_described_without_a_file(self, run: Run) -> None:
        code, out, _ = run(*self.ASKED, "--output", "json=-")
        assert code == 0
        assert json.loads(out)["results"]["accelerators"]["value"] == 64

    def test_and_says_what_is_missing(self, run: Run) -> None:
        code, out, err = run(*self.ASKED[:4])
        assert (code, out) == (2, "")
        assert "--node, --accelerators is missing" in err

    def test_a_value_is_changed_by_its_path(self, tmp_path: Path, run: Run) -> None:
        file = tmp_path / "small.yaml"
        file.write_text(SMALL % "t")
        whole = estimated(run, file)["results"]
        half = estimated(run, file, "--set", "workload.tokens=500 M")["results"]
        assert half["steps"]["value"] == pytest.approx(whole["steps"]["value"] / 2)
        assert run(file, "--set", "workload.token=1")[0] == 2
        assert run(file, "--set", "workload")[0] == 2


class TestOutputs:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "small.yaml"
        file.write_text(SMALL % "t")
        return file

    def test_several_at_once_are_the_same_as_one_by_one(self, file: Path, tmp_path: Path, run: Run) -> None:
        table, document = tmp_path / "t.txt", tmp_path / "d.json"
        code, out, _ = run(file, "-o", f"table={table}", "-o", f"json={document}", "-o", "json=-")
        assert code == 0
        assert document.read_text() == out
        assert table.read_text() == run(file)[1]

    @pytest.mark.parametrize(
        ("outputs", "says"),
        [
            (["json"], "json=PATH"),
            (["json="], "name a path"),
            (["jsn=x"], "did you mean 'json'?"),
            (["json=-", "table=-"], "[output-twice]"),
            (["json=x", "table=./x"], "[output-twice]"),
            (["json=."], "[output-folder]"),
            (["json=no/such/x"], "[output-unwritable]"),
            (["json=/dev/full"], "[output-file]"),
            (["json=link"], "[output-file]"),
            (["table=t.txt", "json=small.yaml"], "[output-input]"),
        ],
    )
    def test_what_is_refused(
        self, outputs: list[str], says: str, file: Path, monkeypatch: pytest.MonkeyPatch, run: Run
    ) -> None:
        monkeypatch.chdir(file.parent)
        (file.parent / "link").symlink_to("elsewhere")
        code, out, err = run(file, *(word for output in outputs for word in ("-o", output)))
        assert (code, out) == (2, "")
        assert says in err
        assert file.read_text() == SMALL % "t"

    def test_nothing_that_was_read_is_overwritten(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
    ) -> None:
        (tmp_path / "planner.yaml").write_text("schema: planner/project/v1\n")
        (tmp_path / "base.yaml").write_text(SMALL % "t")
        (tmp_path / "upper.yaml").write_text("schema: planner/scenario/v1\nextends: base.yaml\n")
        parts = "parts: {a: {scenario: upper.yaml}}"
        (tmp_path / "whole.yaml").write_text(
            f"schema: planner/scenario/v1\nname: w\nworkload: {{kind: composite, combine: sum, {parts}}}\n"
        )
        monkeypatch.chdir(tmp_path)
        for name in ("planner.yaml", "base.yaml", "upper.yaml", "whole.yaml"):
            before = (tmp_path / name).read_text()
            code, _, err = run("whole.yaml", "-o", f"json={name}")
            assert (code, "[output-input]" in err) == (2, True)
            assert (tmp_path / name).read_text() == before


HOSTILE = [
    *("[/oops]", "[link=https://example.org]x[/link]", "[bold", ":smile:"),
    *("red \\x1b[31m", "\\x1b]8;;https://example.org\\x07link", "\\x9b31m", "bell \\a"),
    *("right to left \\u202e", "zero\\u200bwidth", "two\\nlines", "a\\tb", "\\u2028", "\\ufeff"),
    *("{0}", "%s%n", "${HOME}", "$(id)", "`id`", "</script>", "::error ::x", "=1+1"),
    *("한국어 제목", "🦙" * 50, "x" * 19_000),
]
FORBIDDEN = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x200B, 0x202E, 0x2028, 0xFEFF)} - {"\n"}


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
def test_titles_are_shown_literally_and_move_nothing(title: str, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL % f'"{title}"')
    code, out, err = run(file)
    assert (code, err) == (0, "")
    assert not FORBIDDEN & set(out)
    assert max(width(line) for line in out.splitlines()) <= 80
    shown = read_yaml(file).value["title"]
    if shown.isascii() and shown.isprintable():
        assert "".join(shown.split()) in "".join(out.split())
    # JSON holds the title as it was given.
    assert estimated(run, file)["title"] == shown


def test_a_title_too_long_is_refused(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL % ("x" * 2**20))
    code, _, err = run(file)
    assert code == 2
    assert "[text]" in err
    assert len(err) < 2000


SUM = "scenarios/examples/a-year-of-training.yaml"


@pytest.fixture(scope="module")
def expected(process: Planner) -> str:
    done = process("estimate", SUM, "-o", "json=-", cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class TestAnyEnvironment:
    CASES = (
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "COLUMNS": "1", "PYTHONWARNINGS": "error"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "HOME": "/nonexistent"},
        {"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Seoul", "PYTHONOPTIMIZE": "2"},
        {"TERM": "dumb", "NO_COLOR": "1", "OPENBLAS_NUM_THREADS": "1"},
    )

    @pytest.mark.parametrize("changes", CASES, ids="-".join)
    def test_the_same_bytes(self, changes: dict[str, str], expected: str, process: Planner) -> None:
        done = process("estimate", SUM, "-o", "json=-", cwd=ROOT, env=changes)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == expected

    def test_the_table_too(self, process: Planner) -> None:
        tables = {process("estimate", SUM, cwd=ROOT, env=changes).stdout for changes in self.CASES[:2]}
        assert len(tables) == 1

    def test_from_another_folder_the_names_differ_and_the_numbers_do_not(
        self, expected: str, tmp_path: Path, process: Planner
    ) -> None:
        done = process("estimate", str(ROOT / SUM), "-o", "json=-", cwd=tmp_path)
        assert json.loads(done.stdout)["results"] == json.loads(expected)["results"]

    def test_a_terminal_that_knows_ascii_alone(self, process: Planner) -> None:
        done = process("estimate", SUM, cwd=ROOT, env={"PYTHONIOENCODING": "ascii"})
        assert done.returncode == 0
        assert done.stdout.isascii()
        assert "\\u" not in done.stdout
        assert "####" in done.stdout

    @pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
    def test_json_is_utf_8_whatever_the_terminal(self, encoding: str, tmp_path: Path) -> None:
        file = tmp_path / "small.yaml"
        file.write_text(SMALL % "한국어 🦙", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "planner", "estimate", str(file), "-o", "json=-"],
            capture_output=True,
            cwd=ROOT,
            env={**plain_environment(), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
            timeout=60,
        )
        assert done.returncode == 0
        assert json.loads(done.stdout.decode("utf-8"))["title"] == "한국어 🦙"


def test_an_estimate_imports_neither_frames_nor_charts_nor_solvers() -> None:
    program = (
        "import sys\nfrom planner import cli\n"
        "cli.run(['estimate', 'scenarios/examples/llama-3.1-405b-pretrain.yaml'])\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, env=plain_environment(), timeout=60
    )
    imported = set(done.stderr.replace("'", "").strip("[]\n").split(", "))
    assert {"click", "numpy", "pydantic", "yaml"} <= imported
    assert imported & {"pandas", "scipy", "jinja2", "altair", "torch", "rich", "matplotlib"} == set()
