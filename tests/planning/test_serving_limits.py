"""At any setting: no faster than bandwidth and peak allow, and told in numbers or refused with a reason."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import PlannerError
from planner.planning.books import Books
from planner.planning.estimate import Estimate
from planner.planning.serving import estimate_serving
from planner.scenario.resolve import read_scenario
from tests.conftest import ROOT

pytestmark = pytest.mark.unmeasured

CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"
BOOKS = Books()
BYTES = {"bf16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.5}

DENSE = st.sampled_from(["llama-3.1-8b", "llama-2-7b", "qwen2.5-14b", "gemma-2-9b", "llama-3.1-70b"])
OTHERS = st.sampled_from(
    ["deepseek-v3", "mixtral-8x7b", "t5-11b", "whisper-large", "bert-large", "nemotron-nano-9b-v2"]
)
NODES = st.sampled_from(
    ["p5.48xlarge", "g6e.xlarge", "g5.12xlarge", "inf2.24xlarge", "ct5lp-hightpu-8t", "m7i.48xlarge"]
)
LOADS = st.one_of(
    st.integers(1, 5000).map(lambda n: f"{{clients: {n}}}"),
    st.floats(1e-4, 1e4).map(lambda x: f"{{rate: {x:.6g} requests/s}}"),
    st.tuples(st.floats(0.1, 50.0), st.floats(0.0, 5.0)).map(
        lambda x: f"{{rate: {x[0]:.4g} requests/s, variability: {x[1]:.3g}}}"
    ),
    st.integers(1, 2000).map(lambda n: f"{{batch: {n}}}"),
    st.sampled_from(["{stream: true}", "{offline: true}", "{demand: {mean: 3 requests/s, peak_to_mean: 3}}"]),
)
REQUESTS = st.tuples(st.integers(1, 400), st.integers(1, 110), st.floats(0.0, 2.0)).map(
    lambda x: f"{{prompt: {x[0]}, output: {x[1]}, prompt_variability: {x[2]:.2f}, output_variability: {x[2]:.2f}}}"
)
EXTRAS = st.sampled_from(
    [
        {},
        {"workload.adapters": "{rank: 32, held: 20}"},
        {"workload.speculation": "{drafted: 3, acceptance: 0.8}"},
        {"disaggregation": "{prefill: 1, decode: 2}"},
        {"layout": "{tensor: 4}"},
        {"layout": "{tensor: 2, pipeline: 2}"},
        {"replicas": "3", "spare": "1"},
        {"hardware.accelerators": "16"},
        {"settings": "{sequences: 8, chunked: false}"},
        {"engine": "vllm 0.6.3"},
        {"workload.objectives": "{ttft_p99: 2 s, tpot_p90: 80 ms}"},
        {"workload.objectives": "{ttft: 300 ms}"},
        {"hardware.term": "owned"},
        {"simulate": "{requests: 600}"},
    ]
)


def told(changes: dict[str, str]) -> Estimate | None:
    """Give an estimate, or None where it is refused; what is refused is told without numbers that are none."""
    try:
        return estimate_serving(read_scenario(CHAT, changes={"workload.objectives": "{}", **changes}), BOOKS)
    except PlannerError as error:
        text = str(error)
        assert not re.search(r"\b(nan|inf)\b", text.lower()), text
        assert not re.search(r"(?<![\w.])-\d[\d.]* ?(%|ms|s|GiB|accelerators|nodes)\b", text), text
        return None


def require_numbers(e: Estimate) -> None:
    for each in (e, *e.children.values()):
        for name, result in each.results.items():
            for value in (result.low, result.mid, result.high):
                assert value is None or (math.isfinite(value) and value >= 0), (name, result)
        for breakdown in each.breakdowns:
            assert all(math.isfinite(part.value) and part.value >= 0 for part in breakdown.parts), breakdown


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(model=st.one_of(DENSE, OTHERS), node=NODES, load=LOADS, requests=REQUESTS, extra=EXTRAS)
def test_whatever_is_asked_is_told_in_numbers_or_refused_with_a_reason(
    model: str, node: str, load: str, requests: str, extra: dict[str, str]
) -> None:
    changes = {"workload.model": model, "hardware.node": node, "workload.load": load, "workload.requests": requests}
    e = told({**changes, **extra})
    if e is not None:
        require_numbers(e)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    model=DENSE,
    node=NODES,
    load=LOADS,
    requests=REQUESTS,
    weights=st.sampled_from(sorted(BYTES)),
    tensor=st.sampled_from([1, 2, 4, 8]),
)
def test_no_service_outruns_the_memory_or_the_peak(
    model: str, node: str, load: str, requests: str, weights: str, tensor: int
) -> None:
    e = told(
        {
            **{"workload.model": model, "hardware.node": node, "workload.load": load, "workload.requests": requests},
            **{"workload.precision.weights": weights, "layout": f"{{tensor: {tensor}}}"},
        }
    )
    if e is None:
        return
    entry = BOOKS.catalog.node(node)
    chip = BOOKS.catalog.accelerator(entry.accelerator)
    layers = (e.value("parameters") or 0.0) * 0.75  # without token tables, the largest of which is a fifth
    if e.value("tpot_ms") is not None:
        read = layers * BYTES[weights] / tensor / chip.memory.bandwidth
        assert (e.value("tpot_ms") or 0.0) / 1e3 > read
    peak = max(chip.peak.values()) * tensor * (e.value("replicas") or 1.0)
    assert 2.0 * layers * (e.value("total_tokens_per_s") or 0.0) < peak


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workload.model": "bert-large", "workload.objectives": "{tpot: 20 ms}"}, "makes none here"),
        (
            {"workload.requests": "{prompt: 10, output: 1}", "workload.objectives": "{tpot_p90: 20 ms}"},
            "makes none here",
        ),
        ({"hardware.node": "m7i.48xlarge", "layout": "{pipeline: 2}"}, "needs a link between accelerators"),
        ({"workload.load": "{clients: 8}", "workload.objectives": "{tpot: 1 ms}"}, "a replica with one client takes"),
        (
            {"workload.load": "{stream: true}", "workload.objectives": "{ttft: 1 ms}"},
            "as long, on one accelerator",
        ),
        (
            {
                "workload.model": "esm2-15b",
                "hardware.node": "g2-standard-16",
                "layout": "{tensor: 1}",
            },
            "does not fit",
        ),
        ({"workload.model": "t5-11b", "disaggregation": "{prefill: 1, decode: 1}"}, "no cache that one replica"),
    ],
)
def test_what_cannot_be_says_why(changes: dict[str, str], words: str) -> None:
    with pytest.raises(PlannerError, match=words):
        estimate_serving(read_scenario(CHAT, changes={"workload.objectives": "{}", **changes}), BOOKS)
