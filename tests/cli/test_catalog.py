"""`planner catalog`: the real command, listing, showing, comparing and adding."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from rich.cells import cell_len

from planner.catalog.folders import built_in
from planner.cli import run
from planner.cli.catalog import KIND_NAMES
from planner.cli.catalog_rows import list_names
from tests.conftest import Planner

Shown = pytest.CaptureFixture[str]


def output(capsys: Shown, *arguments: str, code: int = 0) -> str:
    assert run(["catalog", *arguments]) == code
    return capsys.readouterr().out


def test_the_sentence_of_the_manual_works(planner: Planner) -> None:
    done = planner("catalog", "list", "nodes", "--accelerator", "trainium2")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["node", "accelerator", "n", "Gb/s", "kW", "USD/h"]
    assert [line.split()[0] for line in lines[1:]] == ["trn2.3xlarge", "trn2.48xlarge", "trn2u.48xlarge"]


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_every_list_fits_eighty_columns(kind: str, capsys: Shown) -> None:
    lines = output(capsys, "list", kind).splitlines()
    assert len(lines) > 1
    assert max(cell_len(line) for line in lines) <= 80


def test_help_names_what_can_be_listed() -> None:
    assert list(KIND_NAMES) == sorted(list_names(), key=KIND_NAMES.index)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_json_and_csv_hold_the_same_rows(kind: str, capsys: Shown) -> None:
    rows = json.loads(output(capsys, "list", kind, "--output", "json"))["rows"]
    table = list(csv.DictReader(io.StringIO(output(capsys, "list", kind, "--output", "csv"))))
    assert len(rows) == len(table) > 0
    assert [set(row) for row in rows[:1]] == [set(table[0])]


def test_filters_keep_what_they_say(capsys: Shown) -> None:
    def ids(*options: str) -> set[str]:
        return {row["id"] for row in json.loads(output(capsys, "list", *options, "--output", "json"))["rows"]}

    assert ids("accelerators", "--vendor", "aws") == {
        *("inferentia1", "inferentia2", "trainium1", "trainium2", "trainium3"),
        *("graviton2", "graviton3", "graviton3e", "graviton4"),
    }
    assert ids("nodes", "--accelerator", "H100-SXM5-80GB", "--provider", "azure") == {"nd96isr_h100_v5"}
    assert ids("nodes", "--kind", "gaudi") == {"gaudi3-8"}
    assert ids("facilities", "--region", "us-east-1") == {"aws-us-east-1"}
    assert "ebs-gp3" in ids("storage", "--kind", "block")


def test_prices_are_filtered_by_term_and_region_and_sorted(capsys: Shown) -> None:
    options = ("--accelerator", "h100", "--term", "spot", "--sort", "usd_per_h", "--output", "json")
    rows = json.loads(output(capsys, "list", "prices", *options))["rows"]
    assert {row["accelerator"] for row in rows} == {"h100-sxm"}
    assert {row["term"] for row in rows} == {"spot"}
    assert [row["usd_per_h"] for row in rows] == sorted(row["usd_per_h"] for row in rows)
    text = output(capsys, "list", "prices", "--provider", "aws", "--region", "us-east-1", "--output", "json")
    assert {(row["provider"], row["region"]) for row in json.loads(text)["rows"]} == {("aws", "us-east-1")}


def test_sorting_falls_with_a_minus(capsys: Shown) -> None:
    lines = output(capsys, "list", "accelerators", "--vendor", "google", "--sort", "-W").splitlines()
    assert lines[1].split()[0] == "tpu-v7"


def test_nothing_like_that_is_said_and_no_error(capsys: Shown) -> None:
    assert run(["catalog", "list", "nodes", "--provider", "nobody"]) == 0
    assert "no nodes like that" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("list", "nods"), "nods"),
        (("list", "nodes", "--sort", "prize"), "sort-field"),
        (("list", "nodes", "--output", "xml"), "output-format"),
        (("show", "h100-sxn"), "did you mean 'h100-sxm'"),
        (("show", "p5.48xlarge", "--kind", "nods"), "unknown-kind"),
        (("diff", "/nowhere"), "catalog-folder"),
        (("list", "nodes", "--catalogs", "/nowhere"), "catalog-folder"),
    ],
)
def test_wrong_questions_exit_with_two(arguments: tuple[str, ...], told: str, capsys: Shown) -> None:
    assert run(["catalog", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_an_entry_is_shown_with_sources_standing_and_prices(capsys: Shown) -> None:
    text = output(capsys, "show", "aws.p5.48xlarge")
    assert max(cell_len(line) for line in text.splitlines() if "http" not in line) <= 80
    for part in ("p5.48xlarge: node", "3200 Gb/s", "recalled", "estimated", "on-demand", "55.04", "2026-07-20"):
        assert part in text
    assert "our estimate, by the rule in node-power.yaml" in " ".join(text.split())


def test_json_of_an_entry_holds_each_value_with_its_source(capsys: Shown) -> None:
    shown = json.loads(output(capsys, "show", "h100-sxm", "--output", "json"))
    values = {value["path"]: value for value in shown["values"]}
    assert values["peak.bf16"]["value"] == "989.4 TFLOP/s"
    assert values["peak.bf16"]["standing"] == "quoted"
    assert values["peak.bf16"]["confirmed_by"] == ["epoch-hardware"]
    assert values["link.kind"]["standing"] == "recalled"
    assert set(shown["sources"]) >= {value["source"] for value in shown["values"]}


def test_a_node_s_json_has_offers_and_power(capsys: Shown) -> None:
    shown = json.loads(output(capsys, "show", "dgx-h100", "--output", "json"))
    assert shown["offers"] == []
    assert shown["power"]["rated_w"] == {"low": 10200, "mid": 10200, "high": 10200}
    assert shown["power"]["rated_is_published"] is True


@pytest.mark.parametrize("name", ["tpu-v4", "aws-us-east-1", "s3", "efa-v2", "gb200-nvl72", "korea-university-floor"])
def test_entries_of_every_kind_are_shown(name: str, capsys: Shown) -> None:
    assert "Sources" in output(capsys, "show", name)


def test_output_goes_to_a_file_whole(tmp_path: Path, capsys: Shown) -> None:
    target = tmp_path / "nodes.csv"
    assert output(capsys, "list", "nodes", "--output", f"csv={target}") == ""
    assert len(list(csv.DictReader(target.open()))) >= 137


@pytest.mark.unmeasured
def test_a_copy_of_the_catalogs_differs_in_nothing_and_then_in_what_was_changed(tmp_path: Path, capsys: Shown) -> None:
    other = tmp_path / "other"
    shutil.copytree(built_in(), other)
    assert output(capsys, "diff", str(other), "--output", "csv").splitlines() == ["kind,id,path,here,there"]
    part = other / "accelerators" / "h100-sxm.yaml"
    part.write_text(part.read_text().replace("3.35 TB/s", "3350 GB/s").replace("tdp: 700 W", "tdp: 650 W"))
    (other / "nodes" / "dgx-2.yaml").unlink()
    prices = other / "prices" / "runpod.csv"
    prices.write_text(prices.read_text().replace("on-demand,1.39", "on-demand,1.49"))
    rows = list(csv.DictReader(io.StringIO(output(capsys, "diff", str(other), "--output", "csv"))))
    assert [(row["kind"], row["id"], row["path"]) for row in rows] == [
        ("accelerator", "h100-sxm", "power.tdp"),
        ("node", "dgx-2", ""),
        ("prices", "runpod", ""),
        ("prices", "runpod", ""),
    ]
    assert (rows[0]["here"], rows[0]["there"]) == ("700 W", "650 W")


NETWORK = """schema: planner/network/v1
id: {id}
aliases: [{alias}]
name: Our network
kind: roce
latency: 5 us
efficiency: 0.8
sources: {{default: our-estimate}}
"""


def draft(folder: Path, *, name: str = "ours", alias: str = "Our Own") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(NETWORK.format(id=name, alias=alias))
    return file


def test_a_new_entry_goes_into_the_project_and_is_found_there(
    tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = draft(tmp_path)
    output(capsys, "add", file.name)
    kept = tmp_path / "catalogs" / "networks" / "ours.yaml"
    assert kept.read_text() == file.read_text()
    assert "ours" in output(capsys, "list", "networks")
    assert "Our network" in output(capsys, "show", "OUR OWN")
    file.write_text(file.read_text().replace("0.8", "0.9"))
    assert run(["catalog", "add", file.name]) == 2
    assert "entry-exists" in capsys.readouterr().err
    assert "0.8" in kept.read_text()


def test_the_project_is_the_folder_of_the_nearest_planner_yaml(
    tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "planner.yaml").write_text("schema: planner/project/v1\n")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    output(capsys, "add", str(draft(tmp_path)))
    assert (tmp_path / "catalogs" / "networks" / "ours.yaml").is_file()


def test_a_built_in_entry_is_stood_over_only_when_asked(
    tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = draft(tmp_path, name="roce")
    assert run(["catalog", "add", file.name]) == 2
    assert "--over" in capsys.readouterr().err
    output(capsys, "add", file.name, "--over")
    assert "Our network" in output(capsys, "show", "roce")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("efficiency: 0.8", "efficiency: 8"), "out-of-range"),
        (("default: our-estimate", "default: nobody"), "source-unknown"),
        (("Our Own", "InfiniBand NDR 400G"), "alias-twice"),
        (("id: ours", "id: theirs"), "id-file-name"),
        (("planner/network/v1", "planner/scenario/v1"), "schema-unknown"),
    ],
)
def test_an_entry_with_a_fault_is_not_added(
    change: tuple[str, str], told: str, tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = draft(tmp_path)
    file.write_text(file.read_text().replace(*change))
    assert run(["catalog", "add", file.name]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "catalogs").exists()


def test_hidden_characters_of_an_entry_do_not_reach_the_terminal(
    tmp_path: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = draft(tmp_path)
    file.write_text(file.read_text().replace("name: Our network", 'name: "a\\e[31m\\u202eb"'))
    output(capsys, "add", file.name)
    assert not set(output(capsys, "show", "ours")) & set("\x1b\u202e")
