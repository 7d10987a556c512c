"""`planner compare` as people use it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator

from planner import cli
from planner.report.columns import width
from planner.report.compare_json import comparison_schema
from tests.conftest import ROOT, plain_environment

PRETRAIN = "scenarios/examples/llama-3.1-405b-pretrain.yaml"
ON_P5 = "scenarios/examples/llama-3.1-70b-on-p5.yaml"
SIX = "p5.48xlarge,p4d.24xlarge,trn2.48xlarge,p4de.24xlarge,p5en.48xlarge,trn1.32xlarge"

SMALL = """\
schema: planner/scenario/v1
name: %s
workload: {kind: training, model: llama-3.1-8b, tokens: 1 B, sequence_length: 8192, global_batch: 64 sequences}
hardware: {node: p5.48xlarge, accelerators: 8, term: on-demand}
parallelism: {sharding: zero-3}
variants:
  spot: {hardware.term: spot}
  too-large: {workload.model: llama-3.1-405b}
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in the project; give its exit code, stdout and stderr."""
    monkeypatch.chdir(ROOT)

    def compare(*arguments: object) -> tuple[int, str, str]:
        code = cli.run(["compare", *map(str, arguments)])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out, told.err

    return compare


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL % "small")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        (PRETRAIN, "--variants"),
        (ON_P5, "--nodes", SIX, "--set", "parallelism=auto"),
        ("scenarios/examples/machine-room.yaml",),
        ("scenarios/examples/where-to-train.yaml",),
        (ON_P5, PRETRAIN),
    ],
    ids=["variants", "six-nodes", "place", "alternatives", "other-work"],
)
def test_every_form_fits_80_columns_and_says_how_sure_it_is(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert max(width(line) for line in out.splitlines()) <= 80
    assert "How sure that is" in out
    assert "moves in\n  both at once" in out


def test_what_is_named_stands_side_by_side(run: Run, small: Path) -> None:
    code, out, _ = run(small, f"{small}@spot", ON_P5)
    assert code == 0
    assert [line for line in out.splitlines() if line[:2] in ("A ", "B ", "C ")] == [
        "A  small",
        "B  small@spot",
        "C  llama-3.1-70b-on-p5",
    ]


def test_what_does_not_fit_stands_beside_those_that_do(run: Run, small: Path) -> None:
    code, out, _ = run(small, "--variants")
    assert code == 0
    assert "C  small@too-large\n   does not fit: " in out
    assert out.count("does not fit") == 1, "the reason does not say it again"


def test_where_nothing_fits_the_command_ends_with_3(run: Run, small: Path) -> None:
    code, out, err = run(f"{small}@too-large", f"{small}@too-large", "--set", "hardware.term=spot")
    assert (code, out) == (3, "")
    assert "does-not-fit" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{small}"], "[one-scenario]"),
        (["{small}", "{small}"], "[same-scenario]"),
        (["{small}@nope", "{small}"], "[unknown-variant]"),
        (["{small}", "missing.yaml"], "[file-missing]"),
        (["{small}", "--nodes", "p5.48xlarg,p4d.24xlarge"], "did you mean 'p5.48xlarge'"),
        (["{small}", "--nodes", ","], "[usage]"),
        (["scenarios/examples/machine-room.yaml", "--nodes", "dgx-h100"], "[usage]"),
        ([], "[usage]"),
    ],
)
def test_what_cannot_be_compared_ends_with_2_and_a_way_out(
    run: Run, small: Path, arguments: list[str], says: str
) -> None:
    code, out, err = run(*(argument.format(small=small) for argument in arguments))
    assert (code, out) == (2, "")
    assert says in err


def test_a_file_with_a_sign_in_its_name_is_that_file(run: Run, small: Path) -> None:
    odd = small.with_name("odd@name.yaml")
    odd.write_text(SMALL % "odd")
    code, out, _ = run(odd, f"{odd}@spot")
    assert code == 0
    assert "B  odd@spot" in out


def test_a_hostile_name_is_shown_and_does_nothing(run: Run, small: Path) -> None:
    small.write_text(SMALL % '"\\e[31mred \\u202e [link=x]"')
    code, out, _ = run(small, "--variants")
    assert code == 0
    assert "\\x1b[31mred \\u202e [link=x]" in out
    assert "\x1b" not in out


def test_the_same_bytes_come_whatever_the_hash_seed_and_the_locale(small: Path) -> None:
    seen = set()
    for seed, locale in (("1", "C.UTF-8"), ("2", "de_DE.UTF-8")):
        command = [sys.executable, "-m", "planner", "compare", str(small), "--variants"]
        environment = {**plain_environment(), "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONPATH": str(ROOT)}
        environment["PYTHONUTF8"] = "1"
        done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, timeout=60, check=True)
        seen.add(done.stdout)
    assert len(seen) == 1


def test_a_terminal_of_ascii_gets_ascii(small: Path) -> None:
    environment = {**plain_environment(), "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "planner", "compare", str(small), "--variants"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=environment, timeout=60, check=True)
    assert done.stdout.isascii()


class TestFormats:
    def test_the_json_holds_to_its_schema_and_to_the_estimates(self, run: Run, small: Path) -> None:
        code, out, _ = run(small, "--variants", "--output", "json=-")
        assert code == 0
        document = json.loads(out)
        Draft202012Validator(comparison_schema()).validate(document)
        by_letter = {each["letter"]: each["estimate"] for each in document["candidates"]}
        assert document["candidates"][2]["estimate"]["why_not"]
        for metric, line in document["metrics"].items():
            for letter, result in line["results"].items():
                if result is not None:
                    assert result["value"] == by_letter[letter]["results"][metric]["value"]
        assert document["metrics"]["cost_total_usd"]["winner"] == "B"

    def test_the_json_of_a_place_and_of_other_work_holds_to_its_schema(self, run: Run) -> None:
        for arguments in (("scenarios/examples/machine-room.yaml",), (ON_P5, PRETRAIN)):
            code, out, _ = run(*arguments, "--output", "json=-")
            assert code == 0
            Draft202012Validator(comparison_schema()).validate(json.loads(out))

    def test_csv_has_a_row_for_each_result_and_runs_nothing(self, run: Run, small: Path) -> None:
        small.write_text(SMALL % '"=1+1"')
        code, out, _ = run(small, "--variants", "--output", "csv=-")
        assert code == 0
        rows = list(csv.DictReader(io.StringIO(out)))
        assert {row["scenario"] for row in rows} == {"'=1+1", "'=1+1@spot"}
        cost = {row["letter"]: row for row in rows if row["what"] == "cost_total_usd"}
        assert float(cost["A"]["value"]) / float(cost["B"]["value"]) == pytest.approx(float(cost["A"]["ratio_to_best"]))
        assert (cost["A"]["standing"], cost["B"]["standing"]) == ("behind", "ahead")
        assert [row["what"] for row in rows if row["what"].startswith("break-even")] == ["break-even: node-hour price"]

    def test_markdown_keeps_its_cells_whatever_a_name_says(self, run: Run, small: Path) -> None:
        small.write_text(SMALL % '"@team a|b <img src=x> [x](https://e.org) `c` <!-- "')
        code, out, _ = run(small, "--variants", "--output", "markdown=-")
        assert code == 0
        first = next(line for line in out.splitlines() if line.startswith("| A |"))
        assert first.count("|") == 5
        for harmful in ("@team", "<img", "](", "`c`", "<!--", "https://e"):
            assert harmful not in out

    def test_all_formats_are_written_at_once(self, run: Run, small: Path) -> None:
        folder = small.parent
        asked = [f"{name}={folder / name}.out" for name in ("table", "markdown", "csv", "json")]
        options = [piece for each in asked for piece in ("--output", each)]
        assert run(small, "--variants", *options) == (0, "", "")
        assert all((folder / f"{name}.out").stat().st_size > 500 for name in ("table", "markdown", "csv", "json"))
        code, _, err = run(small, "--variants", "--output", f"json={small}")
        assert code == 2
        assert "[output-input]" in err
