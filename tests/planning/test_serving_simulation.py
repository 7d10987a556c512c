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
