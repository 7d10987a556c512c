"""`planner bench run` and `show` as a user runs them, and what they refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planner.bench import host
from planner.bench.documents import read_run
from planner.bench.suite import cases_of, read_suite
from planner.errors import InputError
from tests.conftest import Planner


@pytest.fixture(scope="module")
def recorded(process: Planner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run on numpy, which is always there."""
    file = tmp_path_factory.mktemp("bench") / "run.yaml"
    for budget in ("5s", "10s", "20s", "60s"):  # where others use the machine, a short run finds no quiet moment
        done = process("bench", "run", "--threads", "1", "--budget", budget, "--record", str(file), measured=True)
        assert done.returncode == 0, done.stderr
        if any(row.kernel == "matmul" and row.state == "measured" for row in read_run(file).rows):
            break
    return file


def test_a_live_run_measures_products_and_says_why_it_has_no_more(recorded: Path) -> None:
    run = read_run(recorded)
    measured = {row.kernel for row in run.rows if row.state == "measured"}
    assert "matmul" in measured
    for row in run.rows:
        if row.state == "measured":
            assert row.least_s is not None
            assert row.median_s is not None
            assert row.high_s is not None
            assert 0.0 < row.least_s <= row.median_s <= row.high_s
        else:
            assert row.median_s is None, "what was not measured has no number"
            assert row.reason
    assert run.fingerprint.threads == 1
    assert "numpy" in run.fingerprint.libraries


def test_a_larger_product_takes_longer(recorded: Path) -> None:
    rows = read_run(recorded).rows
    times = {row.size: row.least_s for row in rows if row.family == "square" and row.least_s}  # others slow the rest
    ordered = [times[size] for size in sorted(times)]
    assert len(ordered) >= 2
    assert ordered == sorted(ordered)


def test_samples_that_were_changed_are_noticed(recorded: Path, tmp_path: Path) -> None:
    copy = tmp_path / recorded.name
    copy.write_text(recorded.read_text("utf-8"), "utf-8")
    samples = recorded.with_suffix(".csv").read_text("utf-8")
    (tmp_path / "run.csv").write_text(samples.replace("matmul", "matmvl", 1), "utf-8")
    with pytest.raises(InputError, match="samples-changed"):
        read_run(copy)


def test_a_run_is_read_before_numpy_is_loaded_with_some_number_of_threads(recorded: Path) -> None:
    asked = "import sys; from pathlib import Path; from planner.bench.documents import read_run; "
    asked += f"read_run(Path({str(recorded)!r})); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("key", "changed", "said"),
    [
        ("median_s", lambda row: row["median_s"] / 1e3, "out of order"),
        ("median_s least_s low_s high_s", lambda row: row["median_s"] / 1e3, "cannot come from its raw samples"),
        ("median_s least_s low_s high_s", lambda row: 1e-15, "no device computes"),
        ("flops", lambda row: row["flops"] * 10.0, "not those of its size"),
        ("high_s", lambda row: None, "is missing"),
        ("state", lambda row: "unsupported", "though it was not measured"),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_place(
    planner: Planner, recorded: Path, tmp_path: Path, key: str, changed: Callable[[dict[str, Any]], Any], said: str
) -> None:
    lines = recorded.read_text("utf-8").splitlines()
    number = next(n for n, line in enumerate(lines) if '"square"' in line and '"measured"' in line)
    row = json.loads(lines[number].removeprefix("  - "))
    row |= dict.fromkeys(key.split(), changed(row))
    lines[number] = f"  - {json.dumps({name: value for name, value in row.items() if value is not None})}"
    copy = tmp_path / recorded.name
    copy.write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "run.csv").write_text(recorded.with_suffix(".csv").read_text("utf-8"), "utf-8")
    for command in ("show", "fit"):
        refused = planner("bench", command, str(copy))
        assert refused.returncode == 2
        assert "[row-impossible]" in refused.stderr
        assert said in refused.stderr
        assert f"run.yaml:{number + 1}" in refused.stderr


def test_a_run_is_shown_as_table_and_pictures(process: Planner, recorded: Path, tmp_path: Path) -> None:
    shown = process("bench", "show", str(recorded), measured=True)
    assert shown.returncode == 0, shown.stderr
    assert "matmul-nt-hot-256x256x256-fp32" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    page = tmp_path / "run.html"
    assert process("bench", "show", str(recorded), "-o", f"html={page}", measured=True).returncode == 0
    assert "<svg" in page.read_text("utf-8")


def test_a_full_run_meets_every_kind_of_work_before_it_goes_into_breadth() -> None:
    quick, full = (cases_of(read_suite(), level=level, dtypes=("bf16",)) for level in ("quick", "full"))
    assert full[: len(quick)] == quick
    assert len({case.name for case in full}) == len(full)
    fitted = {"matmul", "attention", "attention-train", "block", "block-train", "loss", "adamw", "copy", "grouped"}
    assert fitted <= {case.kernel for case in quick}


def test_a_processor_without_products_in_bf16_is_told_by_its_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "flags : fpu avx2 avx512_bf16": True,
        "Features : asimd bf16": True,
        "flags : fpu avx2": False,
        "x : y": None,
    }
    for line, has in told.items():
        monkeypatch.setattr(host, "_lines", lambda _, line=line: ["processor : 0", line])
        assert host.multiplies_bf16() is has


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--backend", "cupy"), 2, "unknown-backend"),
        (("--dtype", "fp42"), 2, "unknown-dtype"),
        (("--dtype", "fp8"), 4, "dtype-missing"),
        (("--threads", "4000"), 4, "threads-oversubscribed"),
        (("--budget", "soon"), 2, "budget"),
        (("--backend", "torch-xla"), 4, "no-device"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    process: Planner, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    refused = process("bench", "run", *arguments, "--record", str(tmp_path / "run.yaml"), measured=True)
    assert refused.returncode == code, refused.stderr
    assert f"[{said}]" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written_is_told_before_measuring(process: Planner, tmp_path: Path) -> None:
    missing = process("bench", "run", "--record", str(tmp_path / "nowhere" / "run.yaml"))
    assert missing.returncode == 4
    assert "[record-unwritable]" in missing.stderr
    file = tmp_path / "run.yaml"
    file.mkdir()
    assert process("bench", "run", "--record", str(file)).returncode == 4
    if os.geteuid() != 0:
        read_only = tmp_path / "old.yaml"
        read_only.touch(mode=0o444)
        assert process("bench", "run", "--record", str(read_only)).returncode == 4
