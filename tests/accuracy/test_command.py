"""`planner accuracy` on files of one's own: every row comes back, predicted or refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest

from planner.cli import run
from planner.report.accuracy_json import accuracy_schema

GOOD = {
    "id": "run-1",
    "quality": "A",
    "source": {"key": "mine"},
    "model": {
        "name": "own", "arch": "dense", "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8, "ffn": 14336,
        "vocab": 128256, "mlp": "swiglu", "tied_embeddings": False,
    },
    "seq_len": 4096,
    "precision": "bf16",
    "global_batch_seqs": 512,
    "micro_batch": 1,
    "parallelism": {"tp": 2, "pp": 1, "dp": 32},
    "recompute": "none",
    "framework": "Megatron-Core",
    "accelerator": "H100-SXM-80GB",
    "n_accelerators": 64,
    "accelerators_per_node": 8,
    "measured": {"step_time_s": 4.0, "peak_memory_gb": 60.0},
}  # fmt: skip


def told(tmp_path: Path, rows: list[object], *options: str) -> list[dict[str, object]]:
    """Give the rows of the command's document for a file with `rows`."""
    (tmp_path / "cases.yaml").write_text(json.dumps(rows), "utf-8")
    out = tmp_path / "out.json"
    assert run(["accuracy", str(tmp_path / "cases.yaml"), *options, "--output", f"json={out}"]) == 0
    document = json.loads(out.read_text("utf-8"))
    jsonschema_rs.Draft202012Validator(accuracy_schema()).validate(document)
    found: list[dict[str, object]] = document["rows"]
    return found


def test_every_observation_comes_back_predicted_with_its_range_or_refused_with_its_reason(tmp_path: Path) -> None:
    odd: list[object] = [
        GOOD,
        GOOD | {"id": "unknown-framework", "framework": "home-grown 3"},
        GOOD | {"id": "no-batch", "global_batch_seqs": None, "micro_batch": None},
        GOOD | {"id": "no-degrees", "parallelism": None, "recompute": None, "surprise": [1, 2]},
        GOOD | {"id": "unknown-chip", "accelerator": "Zeta-9"},
        GOOD | {"id": "no-model", "model": {"name": "nobody-knows"}},
        GOOD | {"id": "words", "n_accelerators": "many"},
        GOOD | {"id": "format", "accelerator": "V100-SXM-32GB", "precision": "nvfp4"},
        "not a map",
    ]
    rows = told(tmp_path, odd)
    by_id = {(row["id"], row["metric"]): row for row in rows}
    for name in ("run-1", "unknown-framework", "no-batch", "no-degrees"):
        row = by_id[name, "step_time_s"]
        assert row["status"] == "ok"
        assert row["low"] < row["predicted"] < row["high"]  # type: ignore[operator]
        assert by_id[name, "peak_memory_gb"]["status"] == "ok"
    for name in ("unknown-chip", "no-model", "words", "format", "row 9"):
        refused = by_id[name, "step_time_s"]
        assert refused["status"] == "refused"
        assert refused["reason"]
        assert refused["predicted"] is None
    known, loose = by_id["run-1", "step_time_s"], by_id["no-degrees", "step_time_s"]
    assert loose["high"] / loose["low"] > known["high"] / known["low"]  # type: ignore[operator]


def test_a_row_of_a_table_is_called_by_its_file_and_line(tmp_path: Path) -> None:
    header = (
        "source,model,params_b,layers,hidden,heads,kv_heads,ffn,vocab,seq,global_batch,microbatch,tp,pp,interleave,"
        "dp,cp,ep,recompute,seq_parallel,zero,precision,accelerator,n_accel,metric,measured_value,unit"
    )
    good = "own,GPT,1,24,2048,16,16,8192,51200,2048,64,4,1,1,1,8,1,1,full,0,1,bf16,A100-SXM-80GB,8,iteration_time,2.0,s"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "table.csv").write_text(f"{header}\n{good}\n{good.replace('2.0', 'soon')}\n", "utf-8")
    out = tmp_path / "out.json"
    assert run(["accuracy", str(folder / "table.csv"), "-o", f"json={out}"]) == 0
    rows = json.loads(out.read_text("utf-8"))["rows"]
    assert [(row["id"], row["status"]) for row in rows] == [("table.csv:2", "ok"), ("table.csv:3", "refused")]


@pytest.mark.parametrize("text", ["- 1\n", "a: 1\n", "", "x,y\n1,2\n"])
def test_a_file_of_no_known_form_is_refused(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = "cases.csv" if "," in text else "cases.yaml"
    (tmp_path / name).write_text(text, "utf-8")
    assert run(["accuracy", str(tmp_path / name)]) == 2
    told = capsys.readouterr()
    assert "unknown-measurements" in told.err
    assert told.out == ""


def test_words_for_yes_and_numbers_that_no_run_measured_are_read_for_what_they_are(tmp_path: Path) -> None:
    rows = told(
        tmp_path,
        [
            GOOD | {"id": "yes", "recompute": True},
            GOOD | {"id": "full", "recompute": "full"},
            GOOD | {"id": "no", "recompute": False},
            GOOD | {"id": "none", "recompute": "none"},
            GOOD | {"id": "negative", "measured": {"step_time_s": -4.0}},
            GOOD | {"id": "whole", "measured": {"tokens_per_s": 500_000}},
            GOOD | {"id": "flops", "measured": {"model_tflops_per_accelerator": 400}},
        ],
    )
    step = {row["id"]: row["predicted"] for row in rows if row["metric"] == "step_time_s"}
    by_id = {row["id"]: row for row in rows}
    assert step["yes"] == step["full"] != step["none"]
    assert step["no"] == step["none"]
    assert "no measurement" in str(by_id["negative"]["reason"])
    assert by_id["whole"]["measured"] == pytest.approx(500_000 / 64)
    assert by_id["whole"]["status"] == "ok"
    assert "source counts" in str(by_id["flops"]["reason"])


def test_experts_that_a_row_does_not_describe_are_never_dense_layers(tmp_path: Path) -> None:
    shape = {
        "name": "own mixture",
        "arch": "moe",
        "layers": 32,
        "hidden": 4096,
        "heads": 32,
        "ffn": 14336,
        "vocab": 32000,
    }
    known = shape | {"name": "Mixtral 8x7B"}
    rows = told(tmp_path, [GOOD | {"id": "unknown", "model": shape}, GOOD | {"id": "known", "model": known}])
    status = {row["id"]: row["status"] for row in rows}
    assert status == {"unknown": "refused", "known": "ok"}


def test_cards_bridged_in_pairs_meet_the_others_over_pcie(tmp_path: Path) -> None:
    wide = GOOD | {"n_accelerators": 8, "global_batch_seqs": 64, "parallelism": {"tp": 8, "pp": 1, "dp": 1}}
    pair = wide | {"parallelism": {"tp": 2, "pp": 1, "dp": 4}}
    rows = [
        degrees | {"id": f"{name} {part}", "accelerator": part}
        for name, degrees in (("eight", wide), ("pair", pair))
        for part in ("A100-SXM-80GB", "A100-PCIe-80GB")
    ]
    step = {row["id"]: row["predicted"] for row in told(tmp_path, rows) if row["metric"] == "step_time_s"}
    slower = {name: step[f"{name} A100-PCIe-80GB"] / step[f"{name} A100-SXM-80GB"] for name in ("eight", "pair")}  # type: ignore[operator]
    assert slower["eight"] > 1.1 > slower["pair"] > 1.0
