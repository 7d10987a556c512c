"""Rows as sources of 2025 and 2026 write them: read where all has a form, and refused for what has none."""

from __future__ import annotations

from functools import cache

import pytest

from planner.accuracy.cases import Refused
from planner.accuracy.inference_rows import InferenceRows
from planner.accuracy.serving_cases import Mode, ServingCase
from planner.accuracy.serving_measured import reader_of
from planner.catalog.folders import built_in
from planner.catalog.store import Catalog


@cache
def reader() -> InferenceRows:
    return reader_of(Catalog(), built_in() / "measurements")


def read(
    model: str, accelerator: str, engine: str, version: str, weights: str, **more: object
) -> ServingCase | Refused:
    row = {
        **{"id": "walk-in", "source": "a colleague", "quality": "A", "scenario": "offline", "tp": 1, "isl": 500},
        **{"model": model, "accelerator": accelerator, "engine": engine, "engine_version": version, "osl": 200},
        **{"weight_precision": weights, "metrics": {"output_tokens_per_s": 100.0}, "n_accelerators": 1},
    }
    return reader().read({**row, **more})


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (
            ("Qwen/Qwen3-Next-80B-A3B-Instruct", "NVIDIA H200 SXM", "vLLM", "0.11.2", "bf16"),
            ("qwen3-next-80b-a3b", "h200-sxm", "vllm-0.11"),
        ),
        (
            ("openai/gpt-oss-120b", "AMD Instinct MI355X", "vLLM", "0.12.0", "mxfp4"),
            ("gpt-oss-120b", "mi355x", "vllm-rocm"),
        ),
        (("zai-org/GLM-4.6-FP8", "NVIDIA B300", "SGLang", "v0.5.6", "fp8"), ("glm-4.5", "b300-sxm", "sglang")),
        (
            ("moonshotai/Kimi-K2-Instruct-0905", "GB300 NVL72", "TensorRT-LLM", "1.2.0rc4", "nvfp4"),
            ("kimi-k2", "gb300", "trtllm"),
        ),
        (
            ("tiiuae/Falcon-H1-34B-Instruct", "H100-SXM", "vLLM", "0.11", "bf16"),
            ("falcon-h1-34b", "h100-sxm", "vllm-0.11"),
        ),
        (
            ("ibm-granite/granite-4.0-h-tiny", "Intel Xeon 6 6980P", "OpenVINO", "2025.3", "int8"),
            ("granite-4.0-h-tiny", "xeon-6980p", "llama.cpp"),
        ),
        (("gemma3n:e2b", "Apple M5", "Ollama", "0.12.6", "q4_K_M"), ("gemma-3n-e2b", "apple-m5-10c", "llama.cpp")),
        (
            ("Qwen/QwQ-32B", "Ascend 910B3", "vLLM-Ascend", "0.11.0", "bf16"),
            ("qwen2.5-32b", "ascend-910b3", "vllm-0.11"),
        ),
        (
            ("CohereLabs/command-a-03-2025", "H100", "vLLM", "0.10", "bf16"),
            ("command-a-111b", "h100-sxm", "vllm-0.11"),
        ),
    ],
)
def test_names_that_sources_use_are_those_of_the_catalogs(
    words: tuple[str, str, str, str, str], found: tuple[str, str, str]
) -> None:
    case = read(*words)
    assert isinstance(case, ServingCase), case.reason
    assert (case.model, case.accelerator.id, case.engine) == found
    assert case.mode is Mode.OFFLINE


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ("offline", Mode.OFFLINE),
        ("Static batch", Mode.STATIC),
        ("fixed_batch", Mode.STATIC),
        ("closed-loop", Mode.CLOSED),
    ],
)
def test_loads_by_other_words_are_the_same_loads(words: str, mode: Mode) -> None:
    case = read("llama-3.1-8b", "H100", "vLLM", "0.11", "bf16", scenario=words, batch=8)
    assert isinstance(case, ServingCase), case.reason
    assert case.mode is mode


def test_files_that_others_have_quantised_are_smaller_than_the_checkpoint() -> None:
    """Ollama loads Q4_K_M of a model that is asked for by its name alone, which a card of 16 GB holds."""
    by_engine = {name: read("llama3.1:8b", "RTX 5080", name, "", "") for name in ("Ollama", "vLLM")}
    bytes_of = {
        name: float(case.formats.dense.bytes_per_weight)
        for name, case in by_engine.items()
        if isinstance(case, ServingCase)
    }
    assert bytes_of == {"Ollama": pytest.approx(4.85 / 8.0), "vLLM": 2.0}


@pytest.mark.parametrize(
    ("model", "accelerator", "reason"),
    [
        ("RWKV/v6-Finch-7B-HF", "RTX 4090", "(RWKV), which has no form here"),
        ("LiquidAI/LFM2-1.2B", "Apple M4 Pro", "short gated convolutions"),
        ("microsoft/deberta-v3-large", "T4", "disentangled attention"),
        ("llama-3.1-8b", "Groq LPU", "no accelerator 'Groq LPU' in the catalogs"),
        ("llama-9-8b", "H100", "no model 'llama-9-8b' in the catalogs"),
    ],
)
def test_what_has_no_form_is_refused_for_that(model: str, accelerator: str, reason: str) -> None:
    case = read(model, accelerator, "vLLM", "0.11", "fp16")
    assert isinstance(case, Refused)
    assert reason in case.reason
