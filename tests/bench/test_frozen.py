"""Runs of real machines, kept with their raw samples: what the fit and the proof gave on them, they give again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema_rs
import numpy as np
import pytest

from planner.bench.documents import SAMPLE_COLUMNS, read_run
from planner.bench.end_to_end import COLUMNS, SHAPE_COLUMNS, SHAPES, at_pace, verdicts, wholes_of
from planner.bench.entries import catalog_texts, entry_id
from planner.bench.fit import Fitted, fitted, guess_of
from planner.bench.pace import pace_of
from planner.bench.shapes import decode_s
from planner.catalog.folders import built_in
from planner.catalog.store import Catalog
from planner.documents.files import ReadBudget
from planner.documents.reader import parse_yaml
from planner.documents.rows import read_table
from planner.planning.efficiencies import efficiency_of
from planner.planning.serving_efficiency import serving_efficiency_of
from tests.conftest import ROOT

FOLDER = ROOT / "tests" / "bench" / "frozen"
STATED = json.loads((FOLDER / "stated.json").read_text("utf-8"))
RUNS = sorted(STATED)
SLACK = 0.05  # of an error: what is believed before any row stands in shared profiles, which other fits move
_FITS: dict[str, Fitted] = {}


def fit_of(name: str) -> Fitted:
    if name not in _FITS:
        catalog = Catalog()
        run = read_run(FOLDER / f"{name}.yaml")
        profiles = {"training": catalog.profile("training"), "serving": catalog.profile("serving")}
        _FITS[name] = fitted(run, dtype=STATED[name]["dtype"], **profiles)
    return _FITS[name]


@pytest.mark.parametrize("name", RUNS)
def test_medians_are_those_of_the_raw_samples(name: str) -> None:
    run = read_run(FOLDER / f"{name}.yaml")
    with (FOLDER / run.samples).open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == SAMPLE_COLUMNS
    for told, column in ((run.noise.canary_s, "canary_s"), (run.noise.memory_canary_s, "memory_canary_s")):
        assert told == pytest.approx(float(np.median([float(row[column]) for row in rows])), rel=1e-3)
    times: dict[str, list[float]] = {}
    for row in rows:
        times.setdefault(row["case"], []).append(float(row["seconds"]))
    for row in run.rows:
        if row.median_s is not None and row.family != "collective":
            # Times were brought to one pace, which moves none further than the machine's own pace moved.
            assert 0.5 < row.median_s / float(np.median(times[row.case])) < 2.0
            assert row.samples <= len(times[row.case])


@pytest.mark.parametrize("name", RUNS)
def test_errors_of_the_fit_are_those_that_are_stated(name: str) -> None:
    found = {label: error.median for label, error in fit_of(name).errors.items()}
    assert found == pytest.approx(STATED[name]["errors"], abs=SLACK)


@pytest.mark.parametrize("name", RUNS)
def test_errors_on_whole_models_are_those_that_are_stated(name: str) -> None:
    fit, run = fit_of(name), read_run(FOLDER / f"{name}.yaml")
    table = read_table(FOLDER / f"{name}-models.csv", columns=(*COLUMNS, *SHAPE_COLUMNS), budget=ReadBudget())
    wholes = at_pace(wholes_of(table.rows), pace_of(run))
    found = {v.phase: [v.median, v.bias] for v in verdicts(wholes, fit.host, fit.guess)}
    assert set(found) == set(STATED[name]["models"])
    for phase, (median, bias) in found.items():
        assert [median, bias] == pytest.approx(STATED[name]["models"][phase], abs=SLACK), phase


@pytest.mark.parametrize("name", RUNS)
def test_no_size_of_a_whole_model_is_one_of_the_suite(name: str) -> None:
    suite = {tuple(row.size[1:]) for row in read_run(FOLDER / f"{name}.yaml").rows if row.kernel == "matmul"}
    table = read_table(FOLDER / f"{name}-models.csv", columns=(*COLUMNS, *SHAPE_COLUMNS), budget=ReadBudget())
    for whole in wholes_of(table.rows):
        weights = {(whole.shape.width, whole.shape.hidden), (whole.shape.hidden, whole.shape.width)}
        assert not weights & suite, whole.shape.name


@pytest.mark.parametrize("name", RUNS)
def test_what_a_host_alone_pays_comes_back_from_its_catalog(name: str, tmp_path: Path) -> None:
    run, fit, shared = read_run(FOLDER / f"{name}.yaml"), fit_of(name), Catalog()
    for file, text in catalog_texts(run, {fit.host.dtype: fit}).items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    written = Catalog(layers=(tmp_path, *shared.layers))
    profile, chip = written.profile("serving"), written.accelerator(entry_id(run, fit.host.dtype))
    read, _ = serving_efficiency_of(profile, chip, profile.engines["torch-eager"])
    for parameter in ("packed_tokens", "row_bytes", "gated_elements", "layer_gated", "weight_bandwidth", "matrix"):
        assert float(getattr(read, parameter)) == pytest.approx(fit.serving[parameter], rel=1e-4), parameter
    trained, _ = efficiency_of(
        written.profile("training"),
        chip,
        precision=fit.host.dtype,
        framework=written.profile("training").frameworks["torch-eager"],
    )
    for parameter in ("matrix_packed", "matrix_peak", "matrix_tile"):
        assert float(getattr(trained, parameter)[0]) == pytest.approx(fit.training[parameter], rel=1e-4), parameter
    other, _ = serving_efficiency_of(profile, written.accelerator("h100-sxm"), profile.engines["torch-eager"])
    assert float(other.packed_tokens) == float(other.row_bytes) == float(other.layer_gated) == 0.0, "others pay nothing"


@pytest.mark.parametrize("name", RUNS)
def test_a_fit_holds_what_was_measured_and_ages_with_no_profile(name: str, tmp_path: Path) -> None:
    run, fit, shared = read_run(FOLDER / f"{name}.yaml"), fit_of(name), Catalog()
    texts = catalog_texts(run, {fit.host.dtype: fit})
    assert {Path(file).parent.name for file in texts} == {"accelerators", "nodes", "hosts"}
    schema = json.loads((ROOT / "docs" / "schemas" / "measured-host.json").read_text("utf-8"))
    written = parse_yaml(texts[f"hosts/{entry_id(run, fit.host.dtype)}.yaml"]).value
    assert list(jsonschema_rs.Draft202012Validator(schema).iter_errors(json.loads(json.dumps(written)))) == []
    assert "overlap_data" not in written["training"], "one device overlaps nothing"
    for file, text in texts.items():
        path = tmp_path / "own" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    later = tmp_path / "later" / "profiles" / "training.yaml"  # the planner's own profile, a fit later
    later.parent.mkdir(parents=True)
    told = (built_in() / "profiles" / "training.yaml").read_text("utf-8")
    for parameter in ("matrix_peak", "overlap_data"):
        value = shared.profile("training").parameters[parameter].value
        changed = told.replace(f"  {parameter}: {{value: {value:g},", f"  {parameter}: {{value: {value * 0.9:g},")
        assert changed != told
        told = changed
    later.write_text(told, "utf-8")
    folders = {"today": (tmp_path / "own", *shared.layers), "later": (tmp_path / "own", tmp_path / "later", built_in())}
    found = {}
    for day, layers in folders.items():
        catalog = Catalog(layers=layers)
        profile = catalog.profile("training")
        for chip in (entry_id(run, fit.host.dtype), "h100-sxm"):
            moves = profile.frameworks["torch-eager" if chip.startswith("host-") else "megatron-core"]
            accelerator = catalog.accelerator(chip)
            found[day, chip], _ = efficiency_of(profile, accelerator, precision="bf16", framework=moves)
    host = entry_id(run, fit.host.dtype)
    assert found["today", host].matrix_peak == found["later", host].matrix_peak, "measured"
    assert found["later", host].overlap_data == pytest.approx(0.9 * found["today", host].overlap_data), "not measured"
    assert found["later", "h100-sxm"].matrix_peak < found["today", "h100-sxm"].matrix_peak


@pytest.mark.parametrize("name", RUNS)
def test_one_row_brings_no_weight_in_order(name: str) -> None:
    fit, steps = fit_of(name), {}
    for packed in (0.0, 30.0):
        guess = guess_of(fit.training, fit.serving | {"packed_tokens": packed})
        rows = (1, 2, 8)
        steps[packed] = [
            decode_s(SHAPES["llama-30m"], fit.host, guess.serving, sequences=row, context=128) for row in rows
        ]
    assert steps[0.0][0] == steps[30.0][0]
    assert all(more > less for less, more in zip(steps[0.0][1:], steps[30.0][1:], strict=True))
    assert all(times == sorted(times) for times in steps.values()), "more sequences take no less time"


def test_every_frozen_file_is_used() -> None:
    kept = {path.name for path in FOLDER.iterdir() if path.name != "stated.json"}
    used = {f"{name}{end}" for name in RUNS for end in (".yaml", ".csv", "-models.csv")}
    assert kept == used
    assert all((FOLDER / Path(name)).stat().st_size < 5_000_000 for name in kept)
