"""Engines by name and release: which generation is meant, and what an open question costs in certainty."""

from __future__ import annotations

import pytest

from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.serving import estimate_serving
from planner.planning.serving_plan import ServingGround, ground_of
from planner.scenario.resolve import read_scenario
from planner.scenario.serving_load import ServingLoad
from tests.conftest import ROOT

CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"
BOOKS = Books()


def ground(**changes: str) -> ServingGround:
    resolved = read_scenario(CHAT, changes=changes)
    assert isinstance(resolved.document, ServingLoad)
    return ground_of(resolved.document, resolved.tree, BOOKS, Ledger(BOOKS.catalog))


@pytest.mark.parametrize(
    ("words", "generation"),
    [
        ("vllm", "vllm"),
        ("vllm 0.8.5", "vllm-0.6"),
        ("vllm 0.9", "vllm-0.11"),
        ("vllm 0.12", "vllm"),
        ("vllm v0.10.1", "vllm-0.11"),
        ("vllm 0.6", "vllm-0.6"),
        ("trtllm 0.7.1", "trtllm-0.5"),
        ("trtllm 0.9", "trtllm-0.8"),
        ("trtllm 0.10", "trtllm-0.14"),
        ("tensorrt-llm 0.17.0", "trtllm-0.14"),
        ("trtllm 1.0rc2", "trtllm"),
        ("sglang 0.4.6", "sglang"),
    ],
)
def test_a_release_means_its_generation(words: str, generation: str) -> None:
    assert ground(engine=words).engine.id == generation


def test_an_unstated_release_makes_the_range_wider() -> None:
    def width(words: str) -> float:
        result = estimate_serving(read_scenario(CHAT, changes={"engine": words}), BOOKS).results["tpot_ms"]
        assert result.high is not None
        assert result.low is not None
        return result.high / result.low

    assert width("vllm") > width("vllm 0.10")


def test_what_the_engine_is_started_with_is_the_scenario_s_word() -> None:
    whole = ground(engine="vllm 0.10", settings="{chunked: false, pass_tokens: 2048, sequences: 32}")
    assert [float(each) for each in (whole.limits.chunked, whole.limits.pass_tokens, whole.limits.sequences)] == [
        0.0,
        2048.0,
        32.0,
    ]
    assert float(ground(engine="vllm 0.10").limits.chunked) == 1.0


def test_a_prompt_that_is_read_whole_is_read_sooner_and_stops_the_others() -> None:
    told = {"workload.requests": "{prompt: 3000, output: 100}", "workload.load": "{rate: 2 requests/s}"}
    told |= {"workload.objectives": "{}", "replicas": "1", "simulate": "{requests: 2000}", "engine": "vllm 0.10"}
    first, last = [], []
    for chunked in ("true", "false"):
        changes = {**told, "settings": f"{{chunked: {chunked}, pass_tokens: 1024}}"}
        seen = estimate_serving(read_scenario(CHAT, changes=changes), BOOKS).children["simulated"]
        first.append(seen.value("ttft_ms") or 0.0)
        last.append(seen.value("tpot_p99_ms") or 0.0)
    assert first[1] < first[0]
    assert last[1] != last[0]
