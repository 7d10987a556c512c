"""Kinds of kernels in published timings: which rows they have, which sizes these need, what predicts them.

A kind gives seconds of all its rows from parameters of `catalogs/profiles/kernels.yaml`, through the functions of
`planner.hardware` that whole steps are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.kernel_formats import FORMATS, chip_of, format_of
from planner.accuracy.kernel_table import KernelTable, library
from planner.hardware.attention import (
    Cached,
    DecodeRates,
    FlashRates,
    Prompt,
    cached_attention_time_s,
    prompt_attention_time_s,
)
from planner.hardware.experts import ExpertLayer, ExpertRates, expert_layer_time_s
from planner.hardware.kernels import HOST_BLEND, joined
from planner.hardware.products import Cache, ProductRates, conversion_time_s, product_time_s
from planner.hardware.streams import StreamRates, pass_time_s
from planner.planning.machines import sixteen_bit_peak

Array = NDArray[np.float64]
Words = NDArray[np.str_]
Parameters = Mapping[str, Array]
Predict = Callable[[Parameters], Array]
Rates = TypeVar("Rates")


@dataclass(frozen=True)
class Kind:
    """One kind of kernel.

    Parameters
    ----------
    name : prefix of its parameters.
    operators : values of the column `op`.
    needs : columns whose numbers a row has to state. other_needs : those of single operators that differ.
    formats : formats of operands that are known.
    build : gives what predicts the rows of a table.
    libraries : gives the library of every row.
    shape : columns of what repeats in neighbouring rows, which is left out whole.
    """

    name: str
    operators: tuple[str, ...]
    needs: tuple[str, ...]
    formats: tuple[str, ...]
    build: Callable[[KernelTable], Predict]
    libraries: Callable[[KernelTable], Words]
    shape: tuple[str, ...]
    other_needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def rates(kind: type[Rates], prefix: str, values: Parameters, **more: object) -> Rates:
    """Give a record of rates from parameters, by the names of its fields behind a prefix; defaults are left alone."""
    stated = [each.name for each in fields(kind) if each.default is MISSING]  # type: ignore[arg-type]
    names = [name for name in stated if name not in more]
    return kind(**{name: values[f"{prefix}_{name}"] for name in names}, **more)


_NO_CACHE_BYTES = 1.0  # of a chip whose cache nobody states: nothing is found there


def _product(table: KernelTable) -> Predict:
    return _product_of(table, "matrix")


def _narrow_product(table: KernelTable) -> Predict:
    return _product_of(table, "narrow")


def _product_of(table: KernelTable, kind: str) -> Predict:
    names = table.words("dtype")
    parts = [part for part in table.parts if part is not None]
    formats = [format_of(name, part) for name, part in zip(names, parts, strict=True)]
    chip = chip_of(table, names.tolist())
    first, weight = np.array([each.first for each in formats]), np.array([each.weight for each in formats])
    converted = np.array([float(each.converted) for each in formats])
    m, n, k = (table.numbers(column) for column in "mnk")
    capacity = np.array([part.cache or _NO_CACHE_BYTES for part in parts])
    multipliers = np.array([sixteen_bit_peak(part) for part in parts])
    one = np.ones_like(m)

    def predict(values: Parameters) -> Array:
        cache = Cache(
            capacity, values[f"{kind}_cache_share"], values[f"{kind}_sharpness"], values[f"{kind}_copies"],
            values[f"{kind}_cache_rate"] * multipliers,
        )  # fmt: skip
        device = product_time_s(
            m, n, k, one, chip=chip, element_bytes=(first, weight),
            rates=rates(ProductRates, kind, values, flop_per_joule=values.get(f"{kind}_flop_per_joule")), cache=cache,
        ) + conversion_time_s(m * k * converted, bytes_each=values[f"{kind}_conversion"], chip=chip)  # fmt: skip
        return joined(device, values[f"{kind}_host_s"], HOST_BLEND)

    return predict


def _prompt(table: KernelTable) -> Predict:
    eight = table.words("dtype") == "fp8"
    chip = chip_of(table, ["fp8" if each else "bf16" for each in eight])
    sequences, length = table.numbers("batch"), table.numbers("q_len")
    keys, size = table.numbers("kv_len"), table.numbers("head_dim")
    prompt = Prompt(
        sequences, length, keys, keys - length / 2.0, table.numbers("n_heads"), table.numbers("n_kv_heads"), size, size,
        element_bytes=np.where(eight, 1.0, 2.0),
    )  # fmt: skip
    return lambda values: prompt_attention_time_s(prompt, chip, rates(FlashRates, "flash", values))


# Of DeepSeek's latent attention: dimensions of a head's key with its position part, and of its value, when a prompt's
# latents are expanded; of the latent and the position part that the cache holds (DeepSeek-V2, arXiv:2405.04434).
_LATENT_KEY, _LATENT_VALUE, _LATENT, _POSITION = 192.0, 128.0, 512.0, 64.0


def _latent_prompt(table: KernelTable) -> Predict:
    chip = chip_of(table)
    sequences, length, keys = table.numbers("batch"), table.numbers("q_len"), table.numbers("kv_len")
    heads = table.numbers("n_heads")
    prompt = Prompt(sequences, length, keys, keys - length / 2.0, heads, heads, _LATENT_KEY, _LATENT_VALUE)
    return lambda values: prompt_attention_time_s(prompt, chip, rates(FlashRates, "latent_flash", values))


def _cached(table: KernelTable) -> Predict:
    chip = chip_of(table)
    cached = Cached.of_heads(
        table.numbers("batch"), table.numbers("kv_len"), heads=table.numbers("n_heads"),
        kv_heads=table.numbers("n_kv_heads"), dims=2.0 * table.numbers("head_dim"), size=_cache_bytes(table),
    )  # fmt: skip
    return lambda values: cached_attention_time_s(cached, chip, rates(DecodeRates, "decode", values))


def _latent_cached(table: KernelTable) -> Predict:
    chip = chip_of(table)
    cached = Cached.of_latents(
        table.numbers("batch"), table.numbers("kv_len"), heads=table.numbers("n_heads"),
        latent=_LATENT, position=_POSITION, size=_cache_bytes(table),
    )  # fmt: skip
    return lambda values: cached_attention_time_s(cached, chip, rates(DecodeRates, "latent_decode", values))


def _cache_bytes(table: KernelTable) -> Array:
    return np.where(table.words("kv_dtype") == "fp8", 1.0, 2.0)


def _experts(table: KernelTable) -> Predict:
    names = table.words("dtype")
    parts = [part for part in table.parts if part is not None]
    formats = [format_of(name, part) for name, part in zip(names, parts, strict=True)]
    layer = ExpertLayer(
        tokens=table.numbers("n_tokens"),
        hidden=table.numbers("hidden"),
        inner=table.numbers("inter") / table.numbers("tp"),
        chosen=table.numbers("topk"),
        experts=table.numbers("n_experts"),
        ranks=table.numbers("ep"),
        gates=np.where(np.char.find(table.words("kernel_source"), "nongated") >= 0, 1.0, 2.0),
        uneven=np.where(np.char.startswith(table.words("distribution"), "power_law"), 1.0, 0.0),
        element_bytes=(np.array([each.first for each in formats]), np.array([each.weight for each in formats])),
    )
    chip = chip_of(table, names.tolist())

    def predict(values: Parameters) -> Array:
        products = rates(ProductRates, "experts", values, launch_s=np.zeros(len(table)))
        return expert_layer_time_s(layer, chip, rates(ExpertRates, "experts", values, products=products))

    return predict


# Elements that a kernel reads and writes for each element of its row; positions turn queries and keys, of which the
# heads that share keys are not stated, so their share is part of the fitted passes.
_STREAMED = {"rmsnorm": 2.0, "layernorm": 2.0, "softmax": 2.0, "rope": 2.0, "activation": 3.0, "add": 3.0}


def _stream(table: KernelTable) -> Predict:
    chip, operator = chip_of(table), table.words("op")
    rows = np.where(np.isin(operator, ("layernorm", "softmax")), table.numbers("m"), table.numbers("n_tokens"))
    width = np.where(np.isin(operator, ("layernorm", "softmax")), table.numbers("n"), table.numbers("hidden"))
    width = np.where(operator == "activation", table.numbers("inter"), width)
    ranks = table.numbers("tp")
    width = np.where(np.isin(operator, ("activation", "rope")) & (ranks > 0), width / ranks, width)
    moved = 2.0 * rows * width * np.array([_STREAMED[name] for name in operator])
    return lambda values: pass_time_s(moved, rows, chip, rates(StreamRates, "stream", values))


def _by(*columns: str) -> Callable[[KernelTable], Words]:
    def libraries(table: KernelTable) -> Words:
        each = zip(*(table.words(column) for column in columns), strict=True)
        return np.array([library(*map(str, words)) for words in each], dtype=np.str_)

    return libraries


_SIXTEEN = ("bf16", "fp16")
KINDS: tuple[Kind, ...] = (
    Kind("matrix", ("gemm",), ("m", "n", "k"), _SIXTEEN, _product, _by("framework", "dtype"), ("n", "k")),
    Kind("narrow", ("gemm",), ("m", "n", "k"), tuple(name for name in FORMATS if name not in _SIXTEEN),
         _narrow_product, _by("framework", "dtype"), ("n", "k")),
    Kind(
        "flash", ("attention_prefill",), ("batch", "q_len", "kv_len", "n_heads", "n_kv_heads", "head_dim"),
        ("bf16", "fp16", "fp8"), _prompt, _by("framework", "dtype", "kv_dtype"), ("n_heads", "n_kv_heads", "head_dim"),
    ),
    Kind(
        "latent_flash", ("mla_prefill",), ("batch", "q_len", "kv_len", "n_heads"), _SIXTEEN, _latent_prompt,
        _by("framework", "dtype", "kv_dtype"), ("n_heads", "q_len"),
    ),
    Kind(
        "decode", ("attention_decode",), ("batch", "kv_len", "n_heads", "n_kv_heads", "head_dim"), _SIXTEEN, _cached,
        _by("framework", "dtype", "kv_dtype"), ("n_heads", "n_kv_heads", "head_dim"),
    ),
    Kind(
        "latent_decode", ("mla_decode",), ("batch", "kv_len", "n_heads"), _SIXTEEN, _latent_cached,
        _by("framework", "dtype", "kv_dtype"), ("n_heads", "kv_len"),
    ),
    Kind(
        "experts", ("moe",), ("n_tokens", "hidden", "inter", "topk", "n_experts", "tp", "ep"), tuple(FORMATS), _experts,
        _by("kernel_source", "dtype"), ("hidden", "inter", "n_experts", "tp", "ep"),
    ),
    Kind(
        "stream", tuple(_STREAMED), ("n_tokens", "hidden"), _SIXTEEN, _stream, _by("op", "framework"),
        ("op_detail", "n"), {"layernorm": ("m", "n"), "softmax": ("m", "n"), "activation": ("n_tokens", "inter")},
    ),
)  # fmt: skip
"""Kinds of kernels on one accelerator."""
