"""Accelerators by the names that sources write, and never one for another."""

from __future__ import annotations

import pytest

from planner.catalog.accelerator import Accelerator
from planner.catalog.store import Catalog

CATALOG = Catalog()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("RTX 4090", "rtx-4090"),
        ("NVIDIA GeForce RTX 3090", "rtx-3090"),
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("H100 SXM", "h100-sxm"),
        ("HGX B200", "b200-sxm"),
        ("B200-SXM-192GB", "b200-sxm"),
        ("GB200-NVL72", "gb200"),
        ("A800-SXM-80GB", "a800-sxm"),
        ("H20-SXM-96GB", "h20"),
        ("H20-SXM-141GB", "h20-141gb"),
        ("V100-SXM-16GB", "v100-sxm2-16gb"),
        ("Tesla V100-SXM2-32GB", "v100-sxm2-32gb"),
        ("GH200 144GB", "gh200-144gb"),
        ("AMD Instinct MI355X", "mi355x"),
        ("MI250X (GCD)", "mi250x-gcd"),
        ("Gaudi 3", "gaudi3"),
        ("Trn2 (Trainium2 chip)", "trainium2"),
        ("TPU v6e (Trillium)", "tpu-v6e"),
        ("Xeon Platinum 8480+", "xeon-8480p"),
        ("L40S_PCIe", "l40s"),
        ("NVIDIA DGX Spark (GB10)", "gb10"),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", "rtx-4070-ti-super"),
        ("RTX A4000", "rtx-a4000"),
        ("Quadro RTX 6000", "quadro-rtx-6000"),
        ("Tesla P100-PCIE-16GB", "p100-pcie-16gb"),
        ("AMD Radeon RX 7900 XTX", "rx-7900-xtx"),
        ("Intel Xeon Platinum 8490H", "xeon-8490h"),
        ("AMD EPYC 9755", "epyc-9755"),
        ("Apple-M2-Max-38c-96GB", "apple-m2-max-38c"),
        ("Apple-M2-Max-38c-32GB", "apple-m2-max-38c"),
    ],
)
def test_what_sources_write_around_a_name_says_nothing(name: str, part: str) -> None:
    assert CATALOG.resolve("accelerator", name) == part


@pytest.mark.parametrize(
    "name",
    [
        "H100 96GB HBM3",
        "L40S-24GB",
        "RTX 6000",
        "A800-PCIe-40GB",
        "MI300",
        "nvidia",
        "GPU",
        "CPU: Apple M4 Max (16-core)",
    ],
)
def test_a_name_that_is_no_part_or_several_is_nobody_s(name: str) -> None:
    assert CATALOG.resolve("accelerator", name) is None


def test_every_part_answers_to_its_own_name() -> None:
    for part in CATALOG.entries("accelerator"):
        assert isinstance(part, Accelerator)
        found = CATALOG.resolve("accelerator", part.name)
        assert found in (part.id, None), part.name


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("GPT-2 XL", "gpt2-xl"),
        ("Llama3-8B", "llama-3.1-8b"),
        ("llama3.1:8b", "llama-3.1-8b"),
        ("DiT-XL/2", "dit-xl-2"),
        ("ResNet-50", "resnet50"),
        ("gptoss-120b", "gpt-oss-120b"),
        ("mistralai/Mistral-Small-Instruct-2409", "mistral-small-22b"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "llama-3.1-8b"),
    ],
)
def test_models_are_known_whatever_stands_between_their_words(name: str, model: str) -> None:
    assert CATALOG.resolve("model", name) == model


def test_a_point_between_digits_is_never_lost() -> None:
    assert CATALOG.resolve("model", "Qwen2.5 7B") == "qwen2.5-7b"
    assert CATALOG.resolve("model", "Qwen257B") is None


def test_the_edge_of_a_patch_is_no_name() -> None:
    assert CATALOG.resolve("model", "ViT-B/32") == "vit-b-32"
    assert CATALOG.resolve("model", "ViT-G/14") is None
