"""The fit: parameters that are known come back, rows left out are left out, and `estimate` uses what was fitted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from planner.bench.document import BenchRun, Fingerprint, Noise, RunRow
from planner.bench.entries import catalog_texts, entry_id
from planner.bench.fit import fitted, guess_of
from planner.bench.predictions import predicted_s
from planner.bench.shapes import HostRates
from planner.bench.suite import Case, cases_of, read_suite
from planner.catalog.store import Catalog
from planner.errors import MeasurementError
from tests.conftest import Planner

TRUE = {"matrix_peak": 0.7, "matrix_inner": 40.0, "attention": 0.3, "attention_length": 200.0, "optimizer": 2.5}
HOST = HostRates(peak_flops_per_s=1e11, bandwidth_bytes_per_s=2e10, memory_bytes=16e9, units=1.0, dtype="fp32")
PREDICTED = ("matmul", "attention", "attention-train", "adamw", "grouped", "loss")


def synthetic(*, noise: float, seed: int = 0) -> BenchRun:
    """A run of a machine whose parameters are known: times of the physics itself, with noise."""
    catalog = Catalog()
    training = {name: p.value for name, p in catalog.profile("training").parameters.items()}
    serving = {name: p.value for name, p in catalog.profile("serving").parameters.items()}
    from dataclasses import fields

    from planner.hardware.efficiency import Efficiency
    from planner.serving.efficiency import ServingEfficiency

    known = {f.name for f in fields(Efficiency)}, {f.name for f in fields(ServingEfficiency)}
    alone = {"matrix_sustained": 1.0, "memory": 1.0, "matrix_least_flop": 1.0}
    truth = {name: value for name, value in (training | TRUE | alone).items() if name in known[0]}
    guess = guess_of(truth, {name: value for name, value in serving.items() if name in known[1]})
    random = np.random.default_rng(seed)
    rows = []
    for case in cases_of(read_suite(), level="full", dtypes=("fp32",)):
        if case.kernel in PREDICTED and case.family not in ("decode", "vocabulary"):
            row = measured(case, 1.0)
            rows.append(measured(case, predicted_s(row, HOST, guess) * float(np.exp(random.normal(0.0, noise)))))
    # The peak and the bandwidth are read off the fastest product and stream.
    rows.append(
        measured(Case("matmul", "peak", "nt", "hot", (64, 64, 64), left_out=True, dtype="fp32"), 2 * 64**3 / 1e11)
    )
    rows.append(
        measured(Case("copy", "stream", "nt", "hot", (16_000_000, 1), left_out=False, dtype="fp32"), 128e6 / 2e10)
    )
    return run_of(rows)


def measured(case: Case, seconds: float) -> RunRow:
    return RunRow(
        case=case.name, kernel=case.kernel, family=case.family, layout=case.layout, operands=case.operands,
        size=case.size, left_out=case.left_out, dtype=case.dtype, state="measured", median_s=seconds, low_s=seconds,
        high_s=seconds, least_s=seconds, samples=9, flops=case.flops, bytes=case.bytes,
    )  # fmt: skip


def run_of(rows: list[RunRow], device: str = "a known machine") -> BenchRun:
    print_ = Fingerprint(device=device, cores=1, threads=1, memory_bytes=16e9, system="x", python="3")
    return BenchRun.model_construct(
        schema_="planner/bench-run/v1", suite=1, backend="torch-cpu", level="full", date="2026-11-28", seconds=1.0,
        complete=True, timer="none", fingerprint=print_, samples="", samples_sha256="", rows=tuple(rows),
        noise=Noise(floor=0.01, canary=0.01, preempted=0.0, verdict="quiet"),
    )  # fmt: skip


def fit_of(run: BenchRun) -> object:
    catalog = Catalog()
    return fitted(run, dtype="fp32", training=catalog.profile("training"), serving=catalog.profile("serving"))


def test_known_parameters_are_recovered_through_noise() -> None:
    fit = fit_of(synthetic(noise=0.02))
    for name in ("matrix_peak", "attention", "optimizer"):
        assert fit.training[name] == pytest.approx(TRUE[name], rel=0.1), name
    assert fit.errors["products, left out"].median < 0.04, "as good as the noise allows"


def test_noise_comes_back_as_error_on_rows_left_out() -> None:
    quiet, noisy = (fit_of(synthetic(noise=noise)).errors["products, left out"].median for noise in (0.01, 0.3))
    assert quiet < noisy / 3.0


def test_rows_left_out_change_nothing_in_the_fit() -> None:
    run = synthetic(noise=0.02)
    wrong = [
        row.model_copy(update={"median_s": row.median_s * 3.0}) if row.left_out and row.median_s else row
        for row in run.rows
    ]
    assert fit_of(run.model_copy(update={"rows": tuple(wrong)})).training == fit_of(run).training


def test_too_little_is_refused() -> None:
    with pytest.raises(MeasurementError, match="too-little-measured"):
        fit_of(run_of(list(synthetic(noise=0.0).rows[:3])))


def test_a_fit_is_a_catalog_that_estimate_uses_at_once(planner: Planner, tmp_path: Path) -> None:
    run = synthetic(noise=0.02)
    texts = catalog_texts(run, {"fp32": fit_of(run)})
    for name, text in texts.items():
        path = tmp_path / "catalogs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    node = entry_id(run, "fp32")
    asked = (
        "--model", "bert-base", "--tokens", "1M", "--node", node, "--accelerators", "1", "--precision", "fp32",
        "--framework", "torch-eager", "--sequence-length", "128", "--global-batch", "4", "--output", "json=-",
    )  # fmt: skip
    done = planner("estimate", *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    text = json.dumps(result)
    assert node in text
    checked = planner("lint", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_fits_of_two_machines_in_one_folder_are_warned_of(planner: Planner, tmp_path: Path) -> None:
    from planner.bench.documents import run_text

    for number, device in enumerate(("one machine", "another machine")):
        few = [row for row in synthetic(noise=0.02).rows if row.family in ("square", "stream", "peak")]
        run = run_of(few, device)
        file = tmp_path / f"{number}.yaml"
        file.write_text(run_text(run), "utf-8")
        done = planner("bench", "fit", str(file), "--output", str(tmp_path / "catalogs"))
        assert done.returncode == 0, done.stderr
        assert ("other fingerprints" in done.stderr) == (number == 1)
        asked = (
            "--model", "bert-base", "--tokens", "1M", "--node", entry_id(run, "fp32"), "--accelerators", "1",
            "--precision", "fp32", "--framework", "torch-eager", "--sequence-length", "128", "--global-batch", "4",
        )  # fmt: skip
        told = planner("estimate", *asked, "--output", "json=-", cwd=tmp_path)
        assert told.returncode == 0, told.stderr
        assert ("should not be mixed" in told.stdout) == (number == 1), "one machine alone is mixed with nothing"
