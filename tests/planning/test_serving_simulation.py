"""The closed form of services beside the simulation of the same, where engines stop for prompts or have stages."""

from __future__ import annotations

import pytest

from planner.planning.books import Books
from planner.planning.serving import estimate_serving
from planner.scenario.resolve import read_scenario
from tests.conftest import ROOT

pytestmark = pytest.mark.unmeasured

BOOKS = Books()
CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"


@pytest.mark.parametrize(
    ("layout", "varied", "rate"),
    [("{tensor: 8, pipeline: 2}", 0.0, 2.0), ("{tensor: 4, pipeline: 4}", 0.0, 2.0), ("{tensor: 8}", 1.0, 1.5)],
)
def test_an_engine_that_stops_for_prompts(layout: str, varied: float, rate: float) -> None:
    e = estimate_serving(
        read_scenario(
            CHAT,
            changes={
                "hardware.node": "trn1.32xlarge",
                "layout": layout,
                "workload.requests": f"{{prompt: 3000, output: 300, prompt_variability: {varied}}}",
                "workload.load": f"{{rate: {rate} requests/s}}",
                "workload.objectives": "{}",
                "replicas": "1",
                "simulate": "{requests: 4000}",
            },
        ),
        BOOKS,
    )
    simulated = e.children["simulated"]
    for metric, near in (("tpot_ms", 0.12), ("ttft_ms", 0.2), ("tpot_p90_ms", 0.15), ("ttft_p90_ms", 0.25)):
        assert e.value(metric) == pytest.approx(simulated.value(metric), rel=near), metric


@pytest.mark.parametrize(
    ("model", "node", "requests", "rate", "objectives"),
    [
        ("llama-3.1-8b", "inf2.48xlarge", (128, 700, 0.3, 1.0), 5.0, "ttft_p99: 1 s"),
        ("deepseek-v2-lite", "g5.12xlarge", (1000, 200, 0.5, 0.5), 5.0, "ttft_p99: 10 s, tpot_p99: 200 ms"),
        ("gemma-2-9b", "ct5lp-hightpu-8t", (1000, 200, 0.5, 0.5), 20.0, "ttft_p50: 300 ms, tpot_p50: 40 ms"),
        ("llama-3.1-8b", "g6e.xlarge", (128, 700, 0.3, 1.0), 10.0, "ttft_p99: 5 s"),
    ],
)
def test_a_service_of_the_size_that_is_found_keeps_its_objectives_event_by_event(
    model: str, node: str, requests: tuple[float, ...], rate: float, objectives: str
) -> None:
    prompt, output, varied, answers = requests
    lengths = f"prompt: {prompt}, output: {output}, prompt_variability: {varied}, output_variability: {answers}"
    e = estimate_serving(
        read_scenario(
            CHAT,
            changes={
                "workload.model": model,
                "hardware.node": node,
                "workload.requests": f"{{{lengths}}}",
                "workload.load": f"{{rate: {rate} requests/s}}",
                "workload.objectives": f"{{{objectives}}}",
                "simulate": "{requests: 8000}",
            },
        ),
        BOOKS,
    )
    for each in objectives.split(", "):
        name, limit, unit = each.replace(":", "").split()
        seen = e.children["simulated"].value(f"{name}_ms")
        assert seen is not None
        assert seen <= 1.05 * float(limit) * {"s": 1e3, "ms": 1.0}[unit], (name, seen)


@pytest.mark.parametrize(("rate", "warned"), [(20.0, False), (2000.0, True)])
def test_requests_that_end_before_replicas_are_full_are_said_to_be_too_few(rate: float, warned: bool) -> None:
    changes = {"workload.load": f"{{rate: {rate} requests/s}}", "simulate": "{requests: 3000}"}
    e = estimate_serving(read_scenario(CHAT, changes=changes), BOOKS)
    latency = e.children["simulated"].value("e2e_latency_ms")
    assert latency is not None
    assert (10.0 * rate * latency / 1e3 > 3000) is warned
    assert any("simulated requests are" in text for text in e.warnings) is warned
