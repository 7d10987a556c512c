"""Parameters and FLOPs of published models, equal to the last digit to what torch counted.

The truths are in tests/truth/workloads.json, written by `make truth`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planner.workload.build import architecture
from planner.workload.flops import Masking, Samples, forward_flops
from planner.workload.huggingface import read_configuration

_FILE = Path(__file__).resolve().parent.parent / "truth" / "workloads.json"
_TRUTHS: list[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))["truths"]
# fmt: off
_REQUIRED = {
    "llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "gemma", "gemma2", "gemma3_text",
    "phi3", "gpt2", "gpt_neox", "opt", "bloom", "falcon", "gpt_oss", "deepseek_v2", "deepseek_v3",
    "bert", "roberta", "t5", "vit", "whisper",
}
# fmt: on


@pytest.mark.parametrize("truth", _TRUTHS, ids=lambda truth: truth["name"])
def test_published_models_equal_torch_to_the_last_digit(truth: dict[str, Any]) -> None:
    imported = read_configuration(truth["configuration"], class_name=truth["class"])
    built = architecture(imported.spec, truth["name"])
    samples = Samples(truth["samples"], truth["length"], truth["source"])
    forward = forward_flops(built, samples, Masking.FULL)

    assert built.parameters == truth["parameters"]
    # How a recurrence is written out differs between implementations; all else is one number.
    assert forward.total - forward.recurrence == truth["forward_flops"] - truth["recurrence_flops"]
    if not truth["recurrence_flops"]:
        assert forward.backward == truth["backward_flops"]


def test_the_truths_cover_the_families_that_must_be_read() -> None:
    assert len(_TRUTHS) >= 45
    assert {truth["configuration"]["model_type"] for truth in _TRUTHS} >= _REQUIRED


def test_backward_is_twice_forward_less_a_first_convolution() -> None:
    """Only models that start with a convolution have a smaller backward pass, and by less than one forward pass."""
    plain = [t for t in _TRUTHS if not t["recurrence_flops"]]
    smaller = {t["name"] for t in plain if t["backward_flops"] != 2 * t["forward_flops"]}
    with_stem = {t["name"] for t in plain if t["configuration"]["model_type"] in ("vit", "whisper", "clip")}
    assert smaller == with_stem
    assert all(t["forward_flops"] < t["backward_flops"] <= 2 * t["forward_flops"] for t in plain)
