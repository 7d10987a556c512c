"""Saved activations against what torch saves of small models written by hand."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml

from planner.catalog.shape import ArchitectureSpec
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.planning.training_plan import layers_of
from planner.training.end_activations import head_bytes
from planner.training.implementation import PLAIN_TORCH, RmsNorm
from planner.training.memory import MemoryModel, MemoryRules, StateBytes
from planner.training.stages import stage_load
from planner.workload.build import architecture
from tests.conftest import ROOT
from tests.training.strategies import one, strategy

sys.path.insert(0, str(ROOT / "tests" / "truth"))

from activation_cases import CASES, KINDS, Case
from activations import measured

TRUTHS = json.loads((ROOT / "tests" / "truth" / "activations.json").read_text("utf-8"))["saved_bytes"]
USUAL = {"sequences": 2, "length": 64, "source": 48}  # sizes of the models where a case does not say others
BYTES = {"float32": 4.0, "bfloat16": 2.0}
ALL = [pytest.param(case, kind, id=f"{case.name}, {kind}") for case in CASES for kind in KINDS]


def resized(case: Case, number: int) -> Case:
    """Give a case in other sizes, the same ones for one number."""
    chance = random.Random(number)
    heads, kv_heads = chance.choice([(2, 1), (4, 4), (6, 3), (8, 2)])
    size = chance.choice([8, 16, 40])
    sizes = {
        "hidden": heads * size,
        "heads": heads,
        "kv_heads": kv_heads if "kv_heads" in case.shape else heads,
        "head_dim": size,
        "width": chance.randrange(16, 700),
        "layers": chance.randrange(1, 6),
        "vocabulary": chance.randrange(50, 2000),
        "length": chance.randrange(16, 300),
        "sequences": chance.randrange(1, 6),
    }
    shape = yaml.safe_load(case.shape)
    shape |= {key: sizes[key] for key in ("hidden", "vocabulary", "layers")}
    shape["attention"] |= {"heads": heads, "kv_heads": sizes["kv_heads"], "head_dim": size}
    shape["feed_forward"] |= {"width": sizes["width"]}
    if "max_sequence" in shape:
        shape["max_sequence"] = sizes["length"]
    return replace(case, shape=yaml.safe_dump(shape), sizes=sizes)


def planned(case: Case, kind: str) -> float:
    """Give what the planner says one device keeps of one micro-batch, from embedding to loss [B]."""
    model = architecture(typed(parse_yaml(case.shape), ArchitectureSpec), case.name)
    sizes = USUAL | case.sizes
    code = {key: RmsNorm(value) if key == "rms_norm" else value for key, value in case.code.items()}
    one_device = strategy(micro_batch=sizes["sequences"])
    encoded = len(model.stacks) > 1
    layers = layers_of(
        model,
        sequences=one_device.micro_batch,
        length=float(sizes["length"]),
        source_length=sizes["source"] if encoded else None,
        trained=True,
    )
    how = replace(PLAIN_TORCH, element_bytes=BYTES[kind], **code)
    memory = MemoryModel.of(
        model,
        layers.uses,
        strategy=one_device,
        micro_batches=one(1),
        states=StateBytes(weights=0.0, gradients=0.0, optimizer=0.0),
        rules=MemoryRules(how, logits_copies=1.0, head_gradient_bytes=0.0, reserve_bytes=0.0, fragmentation=0.0),
    ).stage(stage_load(layers.order, len(layers.uses), one_device, one(0)))
    head = head_bytes(model, layers.uses[-1].tokens, one_device.sharding_of_layers, how, copies=1.0)
    return float(np.ravel(memory.activations + head)[0])


@pytest.mark.parametrize(("case", "kind"), ALL)
def test_planned_bytes_are_those_that_torch_saves(case: Case, kind: str) -> None:
    assert planned(case, kind) == pytest.approx(TRUTHS[case.name][kind], rel=0.003)


def test_every_truth_is_tested() -> None:
    assert list(TRUTHS) == [case.name for case in CASES]
    assert all(set(kinds) == set(KINDS) for kinds in TRUTHS.values())


@pytest.mark.oracle
@pytest.mark.parametrize(("case", "kind"), ALL)
def test_frozen_bytes_are_what_torch_saves_now(case: Case, kind: str) -> None:
    assert measured(case, kind) == TRUTHS[case.name][kind]


RESIZED = [
    pytest.param(resized(case, number), kind, id=f"{case.name}, {kind}, {number}")
    for case in CASES
    if case.name in ("gpt2", "llama", "gpt-j", "llama, plain attention")
    for kind in KINDS
    for number in range(6)
]


@pytest.mark.oracle
@pytest.mark.parametrize(("case", "kind"), RESIZED)
def test_other_sizes_are_as_torch_saves_them(case: Case, kind: str) -> None:
    assert planned(case, kind) == pytest.approx(measured(case, kind), rel=0.003)
