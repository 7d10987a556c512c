"""`planner model`: what it prints, in 80 columns and as JSON; what it imports is usable at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Planner

_CONFIGURATION: dict[str, Any] = {
    "architectures": ["MixtralForCausalLM"],
    "model_type": "mixtral",
    "hidden_size": 1024,
    "intermediate_size": 3584,
    "num_attention_heads": 16,
    "num_hidden_layers": 12,
    "num_key_value_heads": 4,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "vocab_size": 32000,
    "max_position_embeddings": 4096,
}
# Two tables, twelve layers: attention, router, eight experts of three matrices, two norms; the last norm.
_ATTENTION = 2 * 1024 * 1024 + 2 * 1024 * 256
_PARAMETERS = 2 * 32000 * 1024 + 12 * (_ATTENTION + 1024 * 8 + 8 * 3 * 1024 * 3584 + 2 * 1024) + 1024
_ENTRIES = len(list((ROOT / "catalogs/models").glob("*.yaml")))


def configuration(folder: Path, **changes: Any) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps({**_CONFIGURATION, **changes}, indent=2), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "name",
    ["llama-3.1-405b", "deepseek-v3", "nemotron-3-super-120b-a12b", "t5-11b", "vit-b-16", "wudao-2.0", "dit-xl-2"],
)
def test_a_sheet_fits_80_columns(planner: Planner, name: str) -> None:
    shown = planner("model", "show", name)

    assert shown.returncode == 0, shown.stderr
    assert not shown.stderr
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert shown.stdout.startswith(name)


def test_a_sheet_tells_counts_conventions_and_sources(planner: Planner) -> None:
    shown = planner("model", "show", "Llama-3-8B").stdout

    assert "8,030,261,248  as published" in shown
    assert "forward, full attention" in shown
    assert "training, model FLOPs, causal" in shown
    assert "hardware, full recompute" in shown
    assert "128 KiB per token" in shown
    assert "Sources" in shown


def test_json_has_exact_counts_that_add_up(planner: Planner) -> None:
    sheet = json.loads(planner("model", "show", "mixtral-8x7b", "--sequence", "512", "--output", "json").stdout)

    assert sheet["parameters"]["total"] == 46702792704
    assert sum(sheet["parameters"]["by_part"].values()) == 46702792704
    full = sheet["forward_flops"]["full"]
    assert full["backward"] == 2 * full["total"]
    assert full["total"] - full["logits"] == full["without_logits"]
    assert full["attention"] == 32 * 4 * 32 * 128 * 512 * 512
    assert sheet["input"] == {"samples": 1, "length": 512, "source_length": 0}


def test_two_runs_print_the_same_bytes(planner: Planner) -> None:
    first, second = (planner("model", "show", "deepseek-v3", "--output", "json").stdout for _ in range(2))

    assert first == second


def test_samples_and_sequence_are_counted(planner: Planner) -> None:
    flops = [
        json.loads(planner("model", "show", "gpt2-xl", "--samples", str(n), "--output", "json").stdout) for n in (1, 3)
    ]

    assert flops[1]["forward_flops"]["causal"]["total"] == 3 * flops[0]["forward_flops"]["causal"]["total"]


def test_an_imported_configuration_is_an_entry_that_reads_back(planner: Planner, tmp_path: Path) -> None:
    entry = tmp_path / "my-mixtral.yaml"
    done = planner("model", "import", str(configuration(tmp_path)), "--output", str(entry))

    assert done.returncode == 0, done.stderr
    assert f"{_PARAMETERS:,}" in done.stderr
    assert not done.stdout
    sheet = json.loads(planner("model", "show", str(entry), "--output", "json").stdout)
    assert sheet["id"] == "my-mixtral"
    assert sheet["parameters"]["total"] == _PARAMETERS


def test_an_imported_entry_passes_the_lint(planner: Planner, tmp_path: Path) -> None:
    entry = tmp_path / "mine.yaml"
    planner("model", "import", str(configuration(tmp_path)), "--output", str(entry))
    linted = planner("lint", str(entry))

    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_stdout_holds_the_entry_alone(planner: Planner, tmp_path: Path) -> None:
    done = planner("model", "import", str(configuration(tmp_path)), "--id", "mine")

    assert done.stdout.startswith("schema: planner/model/v1\nid: mine\n")
    assert "experts: {count: 8, top_k: 2, width: 3584}" in done.stdout


def test_an_imported_model_is_found_among_the_projects_catalogs(planner: Planner, tmp_path: Path) -> None:
    (tmp_path / "catalogs" / "models").mkdir(parents=True)
    (tmp_path / "planner.yaml").write_text("schema: planner/project/v1\n", encoding="utf-8")
    target = tmp_path / "catalogs" / "models" / "mine.yaml"
    planner("model", "import", str(configuration(tmp_path)), "--output", str(target))
    shown = planner("model", "show", "mine", cwd=tmp_path)

    assert shown.returncode == 0, shown.stderr
    assert f"{_PARAMETERS:,}" in shown.stdout


def test_a_configuration_is_shown_without_importing_it(planner: Planner, tmp_path: Path) -> None:
    shown = planner("model", "show", str(configuration(tmp_path)), "--output", "json")

    assert json.loads(shown.stdout)["parameters"]["total"] == _PARAMETERS


def test_the_class_can_be_named(planner: Planner, tmp_path: Path) -> None:
    path = str(configuration(tmp_path))
    plain, base = (
        json.loads(planner("model", "show", path, *more, "--output", "json").stdout)["parameters"]["total"]
        for more in ((), ("--as", "MixtralModel"))
    )

    assert plain - base == 32000 * 1024


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"model_type": "mixtrall"}, ":5:17"),
        ({"num_key_value_heads": 5}, ":10:26"),
        ({"hidden_size": -1}, ":6:18"),
        ({"architectures": ["MixtralForChess"]}, ":2:20"),
    ],
)
def test_a_bad_configuration_is_refused_at_its_place(
    planner: Planner, tmp_path: Path, changes: dict[str, Any], place: str
) -> None:
    path = configuration(tmp_path, **changes)
    done = planner("model", "import", str(path))

    assert done.returncode == 2
    assert not done.stdout
    assert f"{path}{place}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["", "[]", "{", '{"model_type": NaN}', "\x00", '{"a":' * 100_000])
def test_what_is_no_configuration_is_refused(planner: Planner, tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text, encoding="utf-8")
    done = planner("model", "import", str(path))

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_python_writers_infinity_is_read(planner: Planner, tmp_path: Path) -> None:
    """Published configurations of Mamba-2 models hold it."""
    path = tmp_path / "config.json"
    text = json.dumps({**_CONFIGURATION, "time_step_limit": [0.0, float("inf")]})
    path.write_text(text, encoding="utf-8")

    assert planner("model", "import", str(path)).returncode == 0


def test_an_entry_is_not_written_over_its_configuration(planner: Planner, tmp_path: Path) -> None:
    path = configuration(tmp_path)
    before = path.read_bytes()
    done = planner("model", "import", str(path), "--id", "config", "--output", str(path))

    assert done.returncode == 2
    assert path.read_bytes() == before


def test_an_id_and_a_file_of_another_name_are_refused(planner: Planner, tmp_path: Path) -> None:
    done = planner("model", "import", str(configuration(tmp_path)), "--id", "a", "--output", str(tmp_path / "b.yaml"))

    assert done.returncode == 2
    assert not (tmp_path / "b.yaml").exists()


def test_the_list_filters_by_family(planner: Planner) -> None:
    every = json.loads(planner("model", "list", "--output", "json").stdout)["models"]
    some = json.loads(planner("model", "list", "--family", "encoder", "--output", "json").stdout)["models"]

    assert len(every) == _ENTRIES
    assert {row["family"] for row in some} == {"encoder"}
    assert {row["id"] for row in some} < {row["id"] for row in every}
    table = planner("model", "list").stdout.splitlines()
    assert len(table) == 1 + _ENTRIES
    assert max(map(len, table)) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "llama-9"), "no model 'llama-9'"),
        (("list", "--family", "decodr"), "no model of family 'decodr'"),
        (("show", "missing.yaml"), "missing.yaml"),
        (("import", "missing.json"), "no such file"),
        (("show", "gpt2-xl", "--as", "GPT2Model"), "--as is for"),
    ],
)
def test_what_is_not_there_is_told(planner: Planner, arguments: tuple[str, ...], said: str) -> None:
    done = planner("model", *arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert not done.stdout


def test_an_imported_model_can_be_estimated_at_once(planner: Planner, tmp_path: Path) -> None:
    entry = tmp_path / "mine.yaml"
    planner("model", "import", str(configuration(tmp_path)), "--output", str(entry))
    done = planner(
        "estimate", "--model", str(entry), "--tokens", "10B", "--node", "dgx-h100", "--accelerators", "8", cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    assert "mine" in done.stdout
