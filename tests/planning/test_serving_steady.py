"""What a service is sized with, beside the replica that it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.serving_layouts import as_arrays
from planner.planning.serving_plan import ground_of
from planner.planning.serving_steady import Steady
from planner.scenario.resolve import read_scenario
from planner.scenario.serving_load import ServingLayout, ServingLoad
from tests.conftest import ROOT

pytestmark = pytest.mark.unmeasured

CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"
BOOKS = Books()


@pytest.mark.parametrize(
    ("node", "engine", "more"),
    [
        ("p5.48xlarge", "vllm", {}),
        ("p4d.24xlarge", "tensorrt-llm 0.5", {}),
        ("trn1.32xlarge", "neuron-vllm", {}),
        ("inf2.48xlarge", "transformers-neuronx", {}),
        ("p5.48xlarge", "vllm", {"workload.speculation": "{drafted: 3, acceptance: 0.6}"}),
        ("p5.48xlarge", "vllm", {"workload.model": "whisper-large-v3", "workload.requests.prompt": "4"}),
    ],
)
def test_sizing_takes_the_steps_that_the_replica_takes(node: str, engine: str, more: dict[str, str]) -> None:
    resolved = read_scenario(CHAT, changes={"hardware.node": node, "engine": engine, **more})
    load = resolved.document
    assert isinstance(load, ServingLoad)
    ground = ground_of(load, resolved.tree, BOOKS, Ledger(BOOKS.catalog))
    replica = ground.replica(as_arrays([ServingLayout(tensor=4)]))
    steady, batches = Steady(replica), np.array([[1.0], [7.0], [50.0]])
    for context in (50.0, 300.0, 450.0):  # the last one has more than graphs are compiled for
        told, taken = steady.decode_step(batches, context), replica.decode_step(batches, context)
        assert np.array_equal(told.total, taken.total)
        assert np.array_equal(told.memory, taken.memory)
