"""Drawn replicas, of everything in the catalogs: none does what bandwidth and peak forbid, and a better machine helps.

The bounds are worked out here from the catalogs' data sheets and shapes alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from planner.accuracy.serving_words import as_run
from planner.catalog.accelerator import Accelerator
from planner.catalog.shape import ArchitectureSpec, LayerSpec, layer_of_letter
from planner.serving.batching import Requests, closed_loop, offline
from planner.serving.engine import Engine
from planner.serving.formats import Formats
from planner.serving.layout import Layout, divides
from planner.serving.power import accelerator_power_w, rest_w
from planner.serving.queueing import Arrivals, capacity, open_loop
from planner.workload.build import architecture
from tests.serving.replicas import CATALOG, PROFILE, engine_on, replica

pytestmark = pytest.mark.unmeasured

Array = NDArray[np.float64]

BYTES = {"fp32": 4.0, "bf16": 2.0, "fp8": 1.0, "int8": 1.0, "q8_0": 1.0, "q4_k_m": 0.5, "int4": 0.5, "nvfp4": 0.5}
FASTEST = {32: ("fp32", "fp32_matrix", "tf32"), 16: ("bf16", "fp16"), 8: ("fp8", "int8"), 4: ("fp4", "int4")}
BATCHES = np.array([1.0, 2.0, 16.0, 256.0, 4096.0])[:, None]
CONTEXTS = np.array([1.0, 128.0, 2000.0, 128_000.0])[None, :]
PROMPTS = np.array([1.0, 16.0, 128.0, 1000.0, 8000.0, 128_000.0])
CASES = 120


@dataclass
class Own:
    """Elements of a decoder's matrices, and of its attention: all layers, each once for each token of a context."""

    met: float = 0.0  # by every token, experts apart
    chosen: float = 0.0  # of the experts that one token chooses
    kept: list[tuple[float, float, bool]] = field(default_factory=list)  # elements, tokens seen at most, latent
    scored: list[tuple[float, float]] = field(default_factory=list)  # operations of a query and a key, tokens seen


def layers_of(spec: ArchitectureSpec) -> Iterator[tuple[int, LayerSpec]]:
    if isinstance(spec.layers, int):
        yield spec.layers, LayerSpec()
    elif isinstance(spec.layers, str):
        yield from ((spec.layers.count(letter), layer_of_letter(letter)) for letter in set(spec.layers))
    else:
        for run in spec.layers:
            yield from ((run.count * layer.count, layer) for layer in run.period) if run.period else ((run.count, run),)


@cache
def counted(model: str) -> Own:
    spec = CATALOG.model(model).architecture
    assert spec is not None
    own = Own()
    for number, layer in layers_of(spec):
        if layer.mixer in ("full", "sliding"):
            attend(own, spec, layer, number)
        part = layer.feed_forward or ("experts" if spec.experts else "dense")
        if part.startswith("dense") and spec.feed_forward:
            width = layer.width or spec.feed_forward.width
            own.met += number * (3 if spec.feed_forward.gated else 2) * spec.hidden * width
        if part.endswith("experts") and spec.experts:
            matrices = (3 if spec.experts.gated else 2) * number
            own.met += matrices * spec.hidden * spec.experts.shared_width
            own.chosen += matrices * (spec.experts.latent or spec.hidden) * spec.experts.width * spec.experts.top_k
    return own


def attend(own: Own, spec: ArchitectureSpec, layer: LayerSpec, number: int) -> None:
    said, window = spec.attention, spec.sliding if layer.mixer == "sliding" else None
    assert said is not None
    most = float(window.window) / (2.0 if window.chunked else 1.0) if window else np.inf
    most = min(most, said.index.top_k) if said.index else most
    if latent := said.latent:
        inner = latent.nope_dim + latent.rope_dim
        queries = said.heads * inner
        own.met += number * (latent.query_rank * queries if latent.query_rank else spec.hidden * queries)
        own.met += number * latent.kv_rank * said.heads * (latent.nope_dim + latent.value_dim)
        own.met += number * said.heads * latent.value_dim * spec.hidden
        own.kept.append((number * (latent.kv_rank + latent.rope_dim), most, True))
        own.scored.append((number * 2.0 * said.heads * (inner + latent.value_dim), most))
        return
    size = (window and window.head_dim) or said.head_dim or spec.hidden // said.heads
    shared = layer.kv_heads or (window and window.kv_heads) or said.kv_heads or said.heads
    one = said.value_is_key if window is None or window.value_is_key is None else window.value_is_key
    own.met += number * spec.hidden * size * (2 * said.heads + (1 if one else 2) * shared)
    own.kept.append((number * size * shared * (1 if one else 2), most, False))
    own.scored.append((number * 4.0 * said.heads * size, most))


@dataclass(frozen=True)
class Drawn:
    """One replica, with what its bounds follow from."""

    engine: Engine
    part: Accelerator
    own: Own
    weight_bytes: float
    peak: float  # of the products
    peak_16: float  # of attention
    words: str

    def least_step_s(self) -> Array:
        """Bytes of weights and caches, each once, at the whole bandwidth; operations at the whole peak."""
        layout = self.engine.layout
        tensor, ranks, data = float(layout.tensor), float(layout.stage_ranks), float(layout.data)
        each = np.maximum(BATCHES / float(layout.pipeline), 1.0) / data
        read = (self.own.met / tensor + self.own.chosen / ranks) * self.weight_bytes
        operations = 2.0 * (self.own.met / tensor * each + self.own.chosen / ranks * each * data) / self.peak
        for elements, most, latent in self.own.kept:
            shared = 1.0 if latent else tensor
            read = read + elements / shared * np.minimum(CONTEXTS, most) * each * float(self.engine.formats.cache_bytes)
        for work, most in self.own.scored:
            operations = operations + work / tensor * np.minimum(CONTEXTS, most) * each / self.peak_16
        return np.maximum(read / self.part.memory.bandwidth, operations)

    def least_prompt_s(self) -> Array:
        """Operations of a prompt at the peak of all ranks."""
        work = 2.0 * (self.own.met + self.own.chosen) * PROMPTS / self.peak
        for each, most in self.own.scored:
            work = work + 0.49 * each * PROMPTS * np.minimum(PROMPTS, most) / self.peak_16
        least: Array = work / float(self.engine.layout.accelerators)
        return least


def drawn(number: int) -> Iterator[Drawn]:
    draw = random.Random(20)
    models = [name for name in CATALOG.ids("model") if is_decoder(name)]
    parts, engines = CATALOG.ids("accelerator"), sorted(PROFILE.engines)
    found = 0
    while found < number:
        model, part, name = draw.choice(models), CATALOG.accelerator(draw.choice(parts)), draw.choice(engines)
        weights, products = draw.choice(sorted(BYTES)), draw.choice([None, None, "bf16"])
        formats = as_run(Formats.of(weights, products=products, cache=draw.choice([None, "fp8"])), part, weights)
        tensor, data, pipeline = (draw.choice(of) for of in ((1, 1, 2, 4, 8), (1, 1, 1, 2, 8), (1, 1, 1, 2, 4)))
        layout = Layout.of(tensor=tensor, data=data, pipeline=pipeline, expert=draw.choice([1, tensor * data]))
        spec = CATALOG.model(model).architecture
        assert spec is not None
        if not divides(architecture(spec, model), layout):
            continue
        found += 1
        engine = engine_on(model, part, name, layout=layout, formats=formats)
        yield Drawn(
            engine, part, counted(model), BYTES[weights], peak_of(part, int(formats.dense.bits)), peak_of(part, 16),
            f"{model} {part.id} {name} {weights} {products} {tensor} {data} {pipeline} {float(layout.expert):g}",
        )  # fmt: skip


def is_decoder(model: str) -> bool:
    spec = CATALOG.model(model).architecture
    return bool(spec and spec.encoder is None and spec.causal and spec.attention and not spec.shared_layers)


def peak_of(part: Accelerator, bits: int) -> float:
    stated = [part.peak[name] for name in (*FASTEST[bits], "fp16_acc16") if name in part.peak]
    return max(stated or list(part.peak.values()))


@cache
def all_drawn() -> tuple[Drawn, ...]:
    return tuple(drawn(CASES))


def test_no_step_is_faster_than_its_bytes_and_operations_allow() -> None:
    for each in all_drawn():
        step, least = each.engine.decode_step(BATCHES, CONTEXTS), each.least_step_s()
        total = np.broadcast_to(step.total, least.shape)
        assert np.all(np.isfinite(total)), each.words
        assert np.all(total > least), (each.words, float(np.max(least / total)))
        assert np.all(step.memory + step.compute > least), each.words
        assert np.all(np.diff(total, axis=0) >= 0), each.words
        assert np.all(np.diff(total, axis=1) >= 0), each.words
        assert np.all(np.diff(BATCHES / total, axis=0) > 0), each.words


def test_no_prompt_is_faster_than_its_operations_allow() -> None:
    for each in all_drawn():
        alone, among = (np.ravel(of(PROMPTS)) for of in (each.engine.prefill_s, each.engine.marginal_prefill_s))
        assert np.all(np.isfinite(alone)), each.words
        assert np.all(among > each.least_prompt_s()), (each.words, float(np.max(each.least_prompt_s() / among)))
        assert np.all(alone >= among * (1.0 - 1e-9)), each.words
        assert np.all(np.diff(alone) >= 0), each.words
        assert np.all(np.diff(among) >= 0), each.words


@pytest.mark.parametrize("wider", ["bandwidth", "peak", "link"])
def test_a_machine_with_more_of_something_is_never_slower(wider: str) -> None:
    for each in all_drawn()[: CASES // 2]:
        better = engine_with(each.engine, wider)
        for of in (lambda e: e.decode_step_s(BATCHES, CONTEXTS), lambda e: e.prefill_s(PROMPTS)):
            assert np.all(of(better) <= of(each.engine) * (1.0 + 1e-9)), each.words


def engine_with(engine: Engine, wider: str) -> Engine:
    whole = engine.machine
    more = {
        "bandwidth": {"memory_bandwidth_bytes_per_s": whole.machine.memory_bandwidth_bytes_per_s * 1.25},
        "link": {
            "domain_bandwidth_bytes_per_s": whole.machine.domain_bandwidth_bytes_per_s * 1.25,
            "fabric_bandwidth_bytes_per_s": whole.machine.fabric_bandwidth_bytes_per_s * 1.25,
        },
        "peak": {},
    }[wider]
    made = replace(whole, machine=replace(whole.machine, **more))
    if wider == "peak":
        made = replace(
            whole, flops_per_s_32=whole.flops_per_s_32 * 1.25, flops_per_s_16=whole.flops_per_s_16 * 1.25,
            flops_per_s_8=whole.flops_per_s_8 * 1.25, flops_per_s_4=whole.flops_per_s_4 * 1.25,
        )  # fmt: skip
    return replace(engine, machine=made, setting=replace(engine.setting, machine=made))


def test_rates_stay_below_the_peak_and_power_between_rest_and_limit() -> None:
    draw = random.Random(3)
    for each in all_drawn():
        prompt, output = draw.choice([1.0, 500.0, 32_000.0]), draw.choice([2.0, 300.0])
        requests = Requests(np.asarray(prompt), np.asarray(output))
        work = 2.0 * (each.own.met + each.own.chosen) * (prompt + output - 1.0) / float(each.engine.layout.accelerators)
        loop = closed_loop(each.engine, requests, clients=np.ravel(BATCHES))
        for served in (loop, offline(each.engine, requests)):
            assert np.all(served.output_tokens_per_s / output * work < max(each.peak, each.peak_16)), each.words
            assert np.all(served.output_tokens_per_s > 0), each.words
        assert np.all(np.diff(loop.tpot_s) >= 0), each.words
        assert np.all(np.diff(loop.ttft_s) >= 0), each.words
        limit = float(each.engine.machine.power_limit_w)
        if limit != limit:
            continue
        machine, efficiency = each.engine.machine, each.engine.efficiency
        phases = each.engine.decode_step(BATCHES, CONTEXTS), each.engine.prefill(prompt)
        for share in (0.0, 0.5, 1.0):
            watts = accelerator_power_w(machine, efficiency, *phases, prefill_share=share)
            assert np.all((watts <= limit * (1.0 + 1e-9)) & (watts > rest_w(machine, efficiency))), each.words


def test_one_sequence_reads_all_experts_that_its_token_chooses() -> None:
    """Grok 1 on a card whose weights arrive at 0.9 of its bandwidth: no popularity spares a lone token its experts."""
    engine = replica("grok-1", "rtx-4090", engine="trtllm")
    own, bandwidth = counted("grok-1"), CATALOG.accelerator("rtx-4090").memory.bandwidth
    assert float(engine.decode_step(1.0, 1.0).memory) > 2.0 * (own.met + own.chosen) / bandwidth


def test_an_engine_on_a_chip_that_it_has_never_met_stays_below_the_peak() -> None:
    """Apple's peaks are those of vector units, which some engines reach nearly; other engines' merits do not add up."""
    part = CATALOG.accelerator("apple-m2-ultra-60c")
    rate = float(replica("llama-3.1-70b", part.id).prefill_s(16_000.0))
    own = counted("llama-3.1-70b")
    assert rate > 2.0 * (own.met + own.chosen) * 16_000.0 / part.peak["fp16"]


def test_vector_units_without_a_stated_peak_still_take_time() -> None:
    """Old kernels of TensorRT-LLM work on vector units; a TPU's data sheet does not say what those reach."""
    assert "fp32" not in CATALOG.accelerator("tpu-v5e").peak
    alone, joined = (replica("llama-3.1-8b", "tpu-v5e", engine=name) for name in ("trtllm-0.5", "trtllm-0.14"))
    assert float(joined.decode_step_s(64.0, 4000.0)) < float(alone.decode_step_s(64.0, 4000.0)) < 10.0


def test_no_percentile_at_a_rate_comes_sooner_than_an_idle_replica_answers() -> None:
    """Long prompts and short answers, which vary: a median may lie far below its mean, but not below a lone request."""
    for model, part, engine, lengths in (
        ("qwen2.5-0.5b", "ryzen-5800x", "vllm", (4000.0, 2.0)),
        ("llama-3.1-8b", "h100-sxm", "sglang", (8000.0, 20.0)),
        ("gemma-2-27b", "h20", "trtllm-0.5", (32_000.0, 300.0)),
    ):
        each = replica(model, part, engine=engine)
        requests = Requests(np.asarray(lengths[0]), np.asarray(lengths[1]))
        rates = np.array([0.01, 0.2, 0.5, 0.8, 0.95]) * float(capacity(each, requests, output_variability=1.0))
        seen = open_loop(each, requests, Arrivals(rates, variability=2.0, output_variability=1.0))
        lone = float(each.decode_step_s(1.0, requests.context))
        assert np.all(seen.tpot_percentiles_s >= lone), model
        assert np.all(seen.ttft_percentiles_s > float(each.request_s + each.prefill_s(lengths[0]))), model
        assert np.all(np.diff(seen.ttft_s) > 0), model
        assert np.all(np.diff(seen.tpot_s) > 0), model


def test_attention_ranks_read_other_prompts_meanwhile_and_not_ones_own() -> None:
    """Eight ranks take eight prompts in the time of one: none of them is told in an eighth of it, however busy."""
    each = replica("qwen3-235b-a22b", "h200-sxm", data=8, expert=8, weights="fp8")
    requests = Requests(np.asarray(16_000.0), np.asarray(300.0))
    rates = np.array([0.01, 0.3, 0.6]) * float(np.ravel(capacity(each, requests))[0])
    seen = open_loop(each, requests, Arrivals(rates))
    assert np.all(seen.ttft_s > float(each.prefill_s(16_000.0)))
    assert np.all(np.diff(seen.ttft_s) > 0)
