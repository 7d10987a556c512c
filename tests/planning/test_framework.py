"""Which framework a run is taken to use when its scenario names none: what its chips are usually trained with."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Planner


@pytest.mark.parametrize(
    ("node", "framework"),
    [("trn2.48xlarge", "neuron"), ("tpu-v4-host", "maxtext"), ("gaudi3-8", "gaudi"), ("p5.48xlarge", "megatron-core")],
)
def test_a_run_without_a_framework_takes_that_of_its_chips(planner: Planner, node: str, framework: str) -> None:
    options = ("--model", "llama-3.1-8b", "--tokens", "1T", "--accelerators", "64", "--output", "json=-")
    done = planner("estimate", "--node", node, *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["plan"]["framework"] == framework
