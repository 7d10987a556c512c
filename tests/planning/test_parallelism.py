"""Degrees that contradict each other, the model or the batch are refused, with those that would work."""

from __future__ import annotations

import json

import pytest

from planner.documents.reader import parse_yaml
from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.dispatch import estimate
from planner.scenario.resolve import close

BOOKS = Books()


def refused(parallelism: dict[str, object]) -> list[str]:
    """Give what is said against a scenario; each fault has its place in it."""
    scenario = {
        "schema": "planner/scenario/v1",
        "name": "refused",
        "workload": {
            "kind": "training",
            "model": "llama-3.1-8b",
            "tokens": "1 G",
            "sequence_length": 4096,
            "global_batch": "64 sequences",
        },
        "hardware": {"node": "dgx-h100", "accelerators": 64},
        "parallelism": parallelism,
    }
    with pytest.raises(InputError) as raised:
        estimate(close(parse_yaml(json.dumps(scenario, indent=1))), BOOKS)
    assert all(fault.where is not None for fault in raised.value.faults)
    return [fault.message for fault in raised.value.faults]


@pytest.mark.parametrize(
    ("parallelism", "words"),
    [
        ({"tensor": 5}, "heads do not divide"),
        ({"tensor": 8, "pipeline": 16}, "does not divide 64 accelerators"),
        ({"tensor": 8, "data": 4}, "not 64 accelerators"),
        ({"tensor": 2, "pipeline": 32, "interleave": 2, "micro_batch": 1}, "more than the 32 layers"),
        ({"interleave": 2}, "interleaving needs a pipeline"),
        ({"tensor": 8, "pipeline": 4, "interleave": 2, "micro_batch": 16}, "no multiple of the pipeline's 4 stages"),
        ({"expert": 4}, "the model has no experts"),
        ({"tensor": 8, "micro_batch": 16}, "is smaller than data 8 x micro-batch 16"),
        ({"tensor": 8, "micro_batch": 3}, "does not divide by data 8 x micro-batch 3"),
        ({"sharding": "zero-3", "sharding_group": 7}, "does not divide the 64 data ranks"),
        ({"pipeline": 2, "interleave": 2, "schedule": "zb-h1"}, "modelled without interleaving"),
    ],
)
def test_contradictions_are_refused(parallelism: dict[str, object], words: str) -> None:
    messages = refused(parallelism)
    assert any(words in message for message in messages), messages
