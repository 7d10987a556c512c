"""The rule of half stands beside every estimate of a service, and is what a pencil and a data sheet give."""

from __future__ import annotations

import re

import pytest

from planner.planning.books import Books
from planner.planning.serving import estimate_serving
from planner.scenario.resolve import read_scenario
from tests.conftest import ROOT

pytestmark = pytest.mark.unmeasured

BOOKS = Books()
EXAMPLES = ROOT / "scenarios" / "examples"


def rule(name: str, **changes: str) -> str:
    told = {key.replace("__", "."): value for key, value in changes.items()}
    plan = dict(estimate_serving(read_scenario(EXAMPLES / f"{name}.yaml", changes=told), BOOKS).plan)
    return plan["rule of half"]


def test_a_stream_reads_all_weights_for_each_token_at_half_of_the_bandwidth() -> None:
    words = rule(
        "llama-3.1-8b-chat",
        workload__load="{stream: true}",
        workload__requests="{prompt: 16, output: 16}",
        workload__objectives="{}",
        workload__precision="{weights: bf16}",
        hardware__node="p5.48xlarge",
        layout="{tensor: 1}",
        replicas="1",
    )
    found = re.search(r"([\d.]+) ms a token", words)
    assert found
    read = (8.03e9 - 128256 * 4096) * 2.0  # a token's own row alone is read of the embedding
    assert float(found[1]) == pytest.approx(read / (3.35e12 / 2.0) * 1e3, rel=0.02)


def test_machines_that_half_of_their_data_sheet_would_not_carry_are_told_so() -> None:
    assert "would not keep up" in rule("llama-3.1-8b-chat")
    assert "a token" not in rule("bert-embeddings", workload__load="{batch: 8}", workload__objectives="{}")
