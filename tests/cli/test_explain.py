"""`planner explain`: the parts of results, what moves them, and every input with its source."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from planner import cli
from planner.planning.explain import explain
from planner.report import explanation_json
from tests.conftest import ROOT, Planner
from tests.worked import worked

LLAMA = "scenarios/examples/llama-3.1-405b-pretrain.yaml"
YEAR = "scenarios/examples/a-year-of-training.yaml"
ROOM = "scenarios/examples/machine-room.yaml"
ALL = sorted((ROOT / "scenarios").glob("*/*.yaml"))

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(ROOT)

    def explain(*arguments: object) -> tuple[int, str, str]:
        code = cli.run(["explain", *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return explain


def explained(run: Run, *arguments: object) -> dict[str, Any]:
    code, out, err = run(*arguments, "--output", "json=-")
    assert (code, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    return document


def branches(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [tree, *(inner for part in tree["parts"] for inner in branches(part))]


@pytest.mark.unmeasured
@pytest.mark.parametrize("file", ALL, ids=lambda file: file.stem)
def test_its_json_holds_to_its_schema_and_sums_sum(file: Path) -> None:
    _, found, books = worked(file)
    document = json.loads(explanation_json.render(explain(found, books)))
    schema = Draft202012Validator(explanation_json.explanation_schema())
    assert [error.message for error in schema.iter_errors(document)] == []
    for tree in document["results"]:
        for branch in branches(tree):
            if branch["how"] == "sum" and branch["unit"] != "d":
                scale = {"kW": 1e3, "GB": 1e9, "ms": 1e-3}.get(branch["unit"], 1.0)
                parts = [part["value"] for part in branch["parts"]]
                if not branch["parts"][0]["metric"]:
                    assert math.fsum(parts) == pytest.approx(branch["value"] * scale, rel=1e-6)


def test_every_input_has_a_value_a_standing_and_a_source(run: Run) -> None:
    for item in explained(run, LLAMA)["inputs"]:
        assert item["value"]
        assert item["standing"] in ("read", "quoted", "recalled", "estimated")
        assert item["title"], item["name"]
        if item["standing"] in ("read", "quoted") and item["source"] not in ("scenario", "planner.yaml"):
            assert item["date"] or item["url"], item["name"]
    _, text, _ = run(LLAMA)
    assert "https://" in text
    assert "NVIDIA H100 Tensor Core GPU datasheet" in text
    assert "geometric mean" in text  # why the failure rate is what it is


def test_weak_inputs_come_first(run: Run) -> None:
    weak = [item["standing"] in ("recalled", "estimated") for item in explained(run, LLAMA)["inputs"]]
    assert weak == sorted(weak, reverse=True)
    assert True in weak
    assert False in weak


def test_an_effect_is_what_changing_the_input_does(run: Run) -> None:
    effects = explained(run, LLAMA, "--metric", "cost_total_usd")["effects"]["cost_total_usd"]
    (told,) = [effect for effect in effects if effect["input"] == "node price"]
    base, low = (
        explained(run, LLAMA, "--metric", "cost_total_usd", *changes)["results"][0]["value"]
        for changes in ((), ("--set", "hardware.ownership.price=216 kUSD"))
    )
    assert low / base == pytest.approx(told["low"], rel=1e-6)  # 216,000 USD is the low end in the catalog


def test_effects_are_told_the_largest_first(run: Run) -> None:
    for effects in explained(run, LLAMA)["effects"].values():
        sizes = [max(abs(math.log(e["low"])), abs(math.log(e["high"]))) for e in effects]
        assert sizes == sorted(sizes, reverse=True)


def test_one_metric_alone(run: Run) -> None:
    document = explained(run, LLAMA, "--metric", "carbon_kg")
    assert [tree["metric"] for tree in document["results"]] == ["carbon_kg"]
    assert {branch["metric"] for branch in branches(document["results"][0])} >= {"energy_kwh", "days", "step_time_s"}


def test_the_tree_of_a_sum_holds_its_parts(run: Run) -> None:
    (tree,) = explained(run, YEAR, "--metric", "energy_kwh")["results"]
    assert tree["how"] == "sum"
    assert len(tree["parts"]) == 3


def test_one_node_of_a_place(run: Run) -> None:
    document = explained(run, ROOM, "--of", "dgx-h100")
    assert document["name"] == "dgx-h100"
    assert {tree["metric"] for tree in document["results"]} >= {"nodes_that_fit", "cost_per_month_usd"}
    assert [item for item in document["inputs"] if item["name"] == "power.rated of dgx-h100"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((LLAMA, "--metric", "cost"), "[unknown-metric]"),
        ((LLAMA, "--metric", "cost_totl_usd"), "did you mean 'cost_total_usd'"),
        ((LLAMA, "--metric", "ttft_ms"), "[no-result]"),
        ((LLAMA, "--of", "x"), "[unknown-part]"),
        ((ROOM, "--of", "dgx-h10"), "did you mean 'dgx-h100'"),
        (("missing.yaml",), "[file-missing]"),
        ((), "see: planner explain --help"),
        ((LLAMA, "-o", f"text={LLAMA}"), "[output-input]"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], says: str, run: Run) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_the_text_is_the_same_in_any_environment_and_ascii_where_it_must_be(process: Planner) -> None:
    plain = process("explain", LLAMA, cwd=ROOT, measured=True)
    assert (plain.returncode, plain.stderr) == (0, "")
    assert process("explain", LLAMA, cwd=ROOT, env={"PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8"}).stdout == plain.stdout
    poor = process("explain", LLAMA, cwd=ROOT, env={"PYTHONIOENCODING": "ascii"})
    assert poor.stdout.isascii()
    assert "\\u" not in poor.stdout
