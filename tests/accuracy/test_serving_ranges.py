"""Ranges of serving: wider where less is known, alike in estimates and beside rows, honest on sources not seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from planner.accuracy.closed_loop_rows import COLUMNS, ClosedLoopRows
from planner.accuracy.inference_rows import InferenceRows
from planner.accuracy.serving_cases import ServingCase
from planner.accuracy.serving_measured import inference_rows, reader_of
from planner.accuracy.serving_predictions import Predictions
from planner.accuracy.serving_problem import Bench
from planner.accuracy.serving_ranges import inside_unseen
from planner.catalog.folders import built_in
from planner.planning.books import Books
from planner.planning.serving import estimate_serving
from planner.planning.serving_ranges import KINDS, Footing, spread_of
from planner.scenario.resolve import read_scenario
from tests.conftest import ROOT

pytestmark = pytest.mark.unmeasured

BOOKS = Books()
PROFILE = BOOKS.catalog.profile("serving")
EXAMPLES = sorted((ROOT / "scenarios" / "examples").glob("*.yaml"))
LOADS = ("closed-loop", "served", "offline-dense", "static-batch", "single-stream", "encoder", "nobody's")
LINES = ("nvidia", "cdna", "tpu", "gaudi", "neuron", "host", "other")


@pytest.fixture(scope="module")
def reader() -> InferenceRows:
    return reader_of(BOOKS.catalog, built_in() / "measurements")


def width(footing: Footing, kind: str) -> float:
    found = spread_of(PROFILE, footing, kind)
    assert 0.0 < found.low <= 1.0 <= found.high < math.inf
    return math.log(found.high / found.low)


@pytest.mark.parametrize(("load", "line"), list(product(LOADS, LINES)))
def test_what_is_not_known_widens_every_range(load: str, line: str) -> None:
    for kind in set(KINDS.values()):
        known = width(Footing("measured", line, load), kind)
        steps = [known, width(Footing("relative", line, load), kind), width(Footing("family", line, load), kind)]
        assert np.all(np.diff(steps) > 0)
        assert width(Footing("measured", line, load, release=False), kind) > known
        assert width(Footing("measured", line, load, prompt=False), kind) > known
        assert width(Footing("measured", line, load, answer=False), kind) > known


def test_a_first_token_is_the_less_known_the_more_clients_wait_for_one_another() -> None:
    widths = [width(Footing("measured", "nvidia", "closed-loop", clients=n), "ttft") for n in (8, 32, 64, 512)]
    assert widths[0] == widths[1] < widths[2] < widths[3]


def test_an_estimate_has_the_range_that_the_same_run_has_beside_its_measurement(reader: InferenceRows) -> None:
    changes = {
        "workload.requests": "{prompt: 1024, output: 512}",
        "workload.load": "{clients: 64}",
        "workload.objectives": "{}",
        "workload.precision": "{weights: fp8}",
        "hardware.node": "p5.48xlarge",
        "engine": "vllm 0.12.0",
        "layout": "{tensor: 1}",
        "replicas": "1",
    }
    scenario = read_scenario(ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml", changes=changes)
    results = estimate_serving(scenario, BOOKS).results
    told = {
        "id": "a_c64_a", "backend": "vllm", "backend_version": "0.12.0", "model_path": "meta-llama/Llama-3.1-8B",
        "system": "h100_sxm", "precision": "fp8", "mode": "agg", "isl": "1024", "osl": "512", "tp_size": "1",
        "silicon_ttft_ms": "100", "silicon_tpot_ms": "10",
    }  # fmt: skip
    case = ClosedLoopRows(reader).row(dict.fromkeys(COLUMNS, "") | told, name="mine.csv:2")
    assert isinstance(case, ServingCase)
    for row in Predictions.of(Bench.of([case], PROFILE), BOOKS, None).rows(0):
        result = results[row.metric]
        assert result.mid is not None
        assert (result.low, result.high) == pytest.approx(
            tuple(result.mid * end / row.predicted for end in (row.low, row.high)),  # type: ignore[operator]
        )


def services() -> Iterator[str]:
    for path in EXAMPLES:
        if "kind: serving" in path.read_text("utf-8") and "children" not in path.read_text("utf-8"):
            yield path.name


@pytest.mark.parametrize("name", list(services()))
def test_no_end_of_a_range_is_on_the_wrong_side_or_below_zero(name: str) -> None:
    estimate = estimate_serving(read_scenario(ROOT / "scenarios" / "examples" / name), BOOKS)
    assert "cost_per_million_tokens_usd" in estimate.results
    for metric, result in estimate.results.items():
        if result.mid is not None and result.low is not None:
            assert 0.0 <= result.low <= result.mid, metric
            assert result.high is None or result.mid <= result.high, metric


@pytest.fixture(scope="module")
def bench(reader: InferenceRows) -> Bench:
    rows = inference_rows(built_in() / "measurements" / "inference.yaml")[::9]
    found = [reader.read(row) for row in rows]
    return Bench.of([case for case in found if isinstance(case, ServingCase) and case.quality != "C"], PROFILE)


def test_most_published_numbers_lie_in_their_ranges(bench: Bench) -> None:
    predictions = Predictions.of(bench, BOOKS, None)
    rows = [row for number in range(len(bench.cases)) for row in predictions.rows(number) if row.predicted is not None]
    assert len(rows) > 500
    assert 0.75 < np.mean([row.inside for row in rows]) < 0.9


def test_ranges_hold_most_numbers_of_sources_that_they_have_not_seen(bench: Bench) -> None:
    """Sources whose rows err together, each by a bias of its own, somewhat smaller than what its rows differ by."""
    random = np.random.default_rng(11)
    names = sorted({case.source for case in bench.cases})
    owner = np.array([names.index(bench.cases[case].source) for case in bench.observed.case])
    held = []
    for _ in range(6):
        errors = random.normal(0.0, 0.1, len(names))[owner] + random.normal(0.0, 0.15, len(owner))
        held.append(np.mean(inside_unseen(bench, {"source": errors}, "source")))
    assert 0.74 < np.mean(held) < 0.88
