"""Live comparison with torch and transformers: published models cut to two layers, and random configurations."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from planner.workload.build import architecture
from planner.workload.flops import Masking, Samples, forward_flops
from planner.workload.huggingface import read_configuration

pytestmark = pytest.mark.oracle
_TRUTH = Path(__file__).resolve().parent.parent / "truth"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, _TRUTH / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_CASES = _load("configurations")
_RANDOM = _load("random_configurations")
_SEEDS = 4


def _compare(configuration: dict[str, Any], class_name: str, samples: int, length: int, source: int) -> None:
    oracle = sys.modules.get("torch_oracle") or _load("torch_oracle")
    counted = oracle.count(configuration, class_name, oracle.Shape(samples, length, source))
    built = architecture(read_configuration(configuration, class_name=class_name).spec, "drawn")
    forward = forward_flops(built, Samples(samples, length, source), Masking.FULL)

    assert built.parameters == counted.parameters
    assert forward.total - forward.recurrence == counted.forward_flops - counted.recurrence_flops
    if not counted.recurrence_flops:
        assert forward.backward == counted.backward_flops


@pytest.mark.parametrize("case", _CASES.CASES, ids=lambda case: case.name)
def test_two_layers_of_a_published_model(case: Any) -> None:
    cut = _CASES.two_layers(case)
    _compare(cut.configuration, cut.class_name, cut.samples, cut.length, cut.source)


@pytest.mark.parametrize("family", _RANDOM.FAMILIES)
def test_random_configurations(family: str) -> None:
    for seed in range(_SEEDS):
        drawn = _RANDOM.draw(family, seed)
        is_pair = "encoder_layers" in drawn.configuration or "d_ff" in drawn.configuration
        _compare(drawn.configuration, drawn.class_name, 2, 13, 17 if is_pair else 0)


@pytest.mark.parametrize("family", ["deepseek_v32", "glm_moe_dsa"])
def test_sparse_attention_counts_parameters_and_forward(family: str) -> None:
    """Torch gives the indexer no gradient, which is trained by a loss of its own: forward is what can be compared."""
    oracle = sys.modules.get("torch_oracle") or _load("torch_oracle")
    drawn = _RANDOM.draw("deepseek_v3", 1)
    class_name = {"deepseek_v32": "DeepseekV32ForCausalLM", "glm_moe_dsa": "GlmMoeDsaForCausalLM"}[family]
    index = {"index_n_heads": 3, "index_head_dim": 16, "index_topk": 5, "q_lora_rank": 26}
    configuration = {**drawn.configuration, "model_type": family, "n_shared_experts": 1, **index}
    counted = oracle.count(configuration, class_name, oracle.Shape(2, 13))
    built = architecture(read_configuration(configuration, class_name=class_name).spec, family)

    assert built.parameters == counted.parameters
    assert forward_flops(built, Samples(2, 13), Masking.FULL).total == counted.forward_flops


def test_switch_counts_parameters() -> None:
    """Its routing depends on values, so that it cannot run without them."""
    oracle = sys.modules.get("torch_oracle") or _load("torch_oracle")
    configuration = {
        "model_type": "switch_transformers",
        "vocab_size": 301,
        "d_model": 24,
        "d_kv": 6,
        "d_ff": 50,
        "num_layers": 6,
        "num_decoder_layers": 4,
        "num_sparse_encoder_layers": 3,
        "num_sparse_decoder_layers": 1,
        "num_heads": 4,
        "num_experts": 5,
    }
    class_name = "SwitchTransformersForConditionalGeneration"
    built = architecture(read_configuration(configuration, class_name=class_name).spec, "switch")

    assert built.parameters == oracle.count_parameters(oracle.build(configuration, class_name))
