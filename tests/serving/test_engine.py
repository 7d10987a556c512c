"""One replica: never faster than its machine allows, and every part moves the way that physics says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.serving.adapters import Adapters
from planner.serving.engine import Engine, engine_of
from planner.serving.formats import Formats
from planner.serving.layout import Layout, divides
from planner.serving.speculation import speculation
from planner.workload.architecture import Architecture
from tests.serving.replicas import PROFILE, replica

CASES = [
    {"model": "llama-3.1-8b", "accelerator": "h100-sxm"},
    {"model": "llama-3.1-70b", "accelerator": "h100-sxm", "tensor": 4, "weights": "fp8", "cache_format": "fp8"},
    {"model": "llama-3.1-8b", "accelerator": "l4", "weights": "int4"},
    {"model": "deepseek-v3", "accelerator": "h200-sxm", "tensor": 8, "expert": 8, "weights": "fp8"},
    {"model": "qwen3-30b-a3b", "accelerator": "mi300x"},
    {"model": "gemma-2-9b", "accelerator": "a100-sxm-80gb"},
    {"model": "llama-3.1-8b", "accelerator": "trainium1", "engine": "neuron-vllm"},
    {"model": "llama-3.1-8b", "accelerator": "xeon-8480p", "engine": "llama.cpp"},
    {"model": "llama-3.1-70b", "accelerator": "b200-sxm", "tensor": 2, "weights": "nvfp4"},
]
BATCHES = np.array([1.0, 4.0, 32.0, 200.0])


def active_bytes(engine: Engine, batch: float, context: float) -> float:
    """Bytes that one rank cannot do without in a step: attention's weights once, and the cache of its sequences."""
    counts = engine.setting.counts
    held = engine.room.token_bytes * context * max(batch / float(engine.layout.data), 1.0)
    return float(counts.attention.read_bytes + counts.dense.read_bytes + held)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['model']}-{case['accelerator']}")
@pytest.mark.parametrize("engine_name", ["", "trtllm", "sglang", "transformers"])
def test_no_step_outruns_the_memory_and_no_prompt_the_peak(case: dict[str, object], engine_name: str) -> None:
    chosen = dict(case) | ({"engine": engine_name} if engine_name else {})
    engine = replica(**chosen)  # type: ignore[arg-type]
    bandwidth = float(engine.machine.machine.memory_bandwidth_bytes_per_s)
    for batch in BATCHES:
        step = float(engine.decode_step_s(batch, 2000.0))
        assert step > active_bytes(engine, batch, 2000.0) / bandwidth
    peak = max(float(np.nan_to_num(engine.machine.flops_per_s(np.asarray(b)))) for b in (4.0, 8.0, 16.0))
    active = engine.architecture.active_parameters / float(engine.layout.accelerators)
    tokens = 8000.0
    embedding = engine.architecture.embedding_parameters / float(engine.layout.accelerators)
    least = 2.0 * (active - 2.0 * embedding) * tokens / peak
    assert float(engine.marginal_prefill_s(tokens)) > least
    assert float(engine.prefill_s(tokens)) >= float(engine.marginal_prefill_s(tokens))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['model']}-{case['accelerator']}")
def test_more_sequences_and_longer_ones_never_take_less(case: dict[str, object]) -> None:
    engine = replica(**case)  # type: ignore[arg-type]
    by_batch = np.ravel(engine.decode_step_s(BATCHES, 1000.0))
    by_context = [float(engine.decode_step_s(32.0, context)) for context in (100.0, 1000.0, 8000.0)]
    by_prompt = np.ravel(engine.prefill_s(np.array([16.0, 128.0, 1024.0, 8192.0])))
    assert np.all(np.diff(by_batch) > 0)
    assert np.all(np.diff(by_context) >= 0)
    assert np.all(np.diff(by_prompt) >= 0)  # a graph that is compiled for one length takes the same up to it
    assert by_prompt[-1] > by_prompt[0]
    assert np.all(by_batch / BATCHES <= by_batch[0] * 1.0001)  # a batch is never worse than one after the other


def test_the_parts_of_a_step_are_all_there_and_none_is_negative() -> None:
    step = replica("deepseek-v3", "h200-sxm", tensor=8, expert=8, weights="fp8").decode_step(64.0, 1000.0)
    parts = [float(getattr(step, name)) for name in ("memory", "compute", "network", "host")]
    assert min(parts) > 0
    assert max(parts[:2]) + parts[2] + parts[3] <= float(step.total) <= sum(parts)


def test_experts_that_nobody_chose_are_not_read() -> None:
    """Of 128 experts a token meets 8: a batch of one reads those, a large batch all of them (GenZ reads 8 always)."""
    engine = replica("qwen3-30b-a3b", "h100-sxm")
    counts, bandwidth = engine.setting.counts, float(engine.machine.machine.memory_bandwidth_bytes_per_s)
    everything = float(counts.experts.read_bytes) / bandwidth
    one, many = (float(engine.decode_step(batch, 100.0).memory) for batch in (1.0, 256.0))
    assert one < 0.6 * everything
    assert many > everything


def test_a_latent_is_kept_by_every_tensor_rank_and_heads_are_dealt_out() -> None:
    for model, shared in (("deepseek-v3", 1.0), ("llama-3.1-70b", 8.0)):
        whole, split = (replica(model, "h200-sxm", tensor=t, weights="fp8").room.token_bytes for t in (1, 8))
        assert float(whole / split) == pytest.approx(shared)


def test_the_cache_of_a_70b_model_on_eight_gpus_holds_what_its_shards_leave() -> None:
    """80 layers of 8 heads of 128 in 16 bits are 320 KiB a token: 40 KiB on each of eight ranks."""
    engine = replica("llama-3.1-70b", "h100-sxm", tensor=8, weights="fp8")
    assert float(engine.room.token_bytes) == 40 * 1024
    assert 1.2e6 < float(engine.cache_tokens) < 1.6e6


def test_weights_in_fewer_bits_are_read_sooner_but_products_stay_in_16_bits() -> None:
    plain, packed = replica(weights="bf16"), replica(weights="int4")
    assert float(packed.decode_step_s(1.0, 100.0)) < float(plain.decode_step_s(1.0, 100.0))
    # What is left to gain over a long prompt is the reading of weights, a thousandth of its time.
    assert float(packed.marginal_prefill_s(4000.0)) >= 0.999 * float(plain.marginal_prefill_s(4000.0))


def test_a_cache_in_fewer_bits_holds_more_and_is_read_sooner() -> None:
    wide, narrow = replica(), replica(cache_format="fp8")
    assert float(narrow.cache_tokens) == pytest.approx(2.0 * float(wide.cache_tokens))
    assert float(narrow.decode_step_s(64.0, 8000.0)) < float(wide.decode_step_s(64.0, 8000.0))


def test_a_cached_prefix_is_not_read_again_but_attended_to() -> None:
    engine = replica()
    whole, rest = float(engine.prefill_s(8000.0)), float(engine.prefill_s(1000.0, 7000.0))
    assert float(engine.prefill_s(1000.0)) < rest < whole


@pytest.mark.parametrize(("acceptance", "faster"), [(0.9, True), (0.0, False)])
def test_speculation_helps_where_drafts_are_accepted_and_costs_where_not(acceptance: float, *, faster: bool) -> None:
    plain = replica("llama-3.1-70b", "h100-sxm", tensor=4)
    drafts = speculation(drafted=3, acceptance=acceptance, draft_share=0.05)
    drafting = replace(plain, speculation=drafts)
    each = float(drafting.decode_step_s(4.0, 1000.0) / drafting.tokens_per_round)
    assert (each < float(plain.decode_step_s(4.0, 1000.0))) is faster


def test_adapters_take_memory_and_time_and_many_more_than_one() -> None:
    plain = replica()
    few, many = (with_adapters(plain, used) for used in (1.0, 64.0))
    times = [float(engine.decode_step_s(64.0, 500.0)) for engine in (plain, few, many)]
    assert times == sorted(times)
    assert times[2] > 1.02 * times[0]
    assert float(many.cache_tokens) < float(few.cache_tokens) < float(plain.cache_tokens)


def with_adapters(engine: Engine, used: float) -> Engine:
    moves = PROFILE.engines["vllm"]
    from planner.planning.serving_efficiency import engine_memory

    each = Adapters(np.asarray(16.0), np.asarray(used), np.asarray(used))
    return engine_of(
        engine.architecture, layout=engine.layout, formats=engine.formats, machine=engine.machine,
        efficiency=engine.efficiency, limits=engine.limits, memory=engine_memory(moves), adapters=each,
    )  # fmt: skip


def test_stages_add_memory_and_do_not_shorten_a_lone_sequence() -> None:
    one, two = replica(), replica(pipeline=2)
    assert float(two.cache_tokens) > 2.0 * float(one.cache_tokens)
    assert float(two.decode_step_s(1.0, 500.0)) > 0.95 * float(one.decode_step_s(1.0, 500.0))


def test_attention_ranks_with_sequences_of_their_own_hold_more_latents() -> None:
    shared = replica("deepseek-v3", "h200-sxm", tensor=8, expert=8, weights="fp8")
    apart = replica("deepseek-v3", "h200-sxm", data=8, expert=8, weights="fp8")
    assert 4.0 * float(shared.cache_tokens) < float(apart.cache_tokens) < 8.0 * float(shared.cache_tokens)


def shape() -> Architecture:
    return replica().architecture


@pytest.mark.parametrize(("tensor", "allowed"), [(1, True), (8, True), (3, False), (12, False)])
def test_heads_are_dealt_out_whole(tensor: int, *, allowed: bool) -> None:
    assert bool(divides(shape(), Layout.of(tensor=tensor))) is allowed


def test_every_efficiency_of_the_profile_lies_inside_its_bounds() -> None:
    for name, entry in PROFILE.parameters.items():
        assert entry.low < entry.value < entry.high, name


def test_formats_hold_their_scales() -> None:
    assert float(Formats.of("nvfp4").experts.bytes_per_weight) == pytest.approx(4.5 / 8.0)
    assert float(Formats.of("fp8").cache_bytes) == 2.0


def test_a_host_that_runs_ahead_of_its_device_hides_the_faster_of_the_two() -> None:
    """Published runs of one sequence on an A100: 20 to 25 ms for 24 to 28 layers, whatever the bytes of 0.5B to 7B."""
    engine = replica("qwen2.5-7b", "a100-sxm-80gb", engine="transformers")
    launched = replace(engine.setting, eager=np.asarray(0.0))
    added = float(replace(engine, setting=launched).decode_step_s(1.0, 10.0))
    hidden = float(engine.decode_step_s(1.0, 10.0))
    host = float(engine.efficiency.layer_s) * engine.architecture.main.layers
    assert host < hidden < added
    assert hidden == pytest.approx(host + float(engine.efficiency.step_s + engine.efficiency.sequence_s), rel=0.1)


def test_attention_without_a_kernel_for_grouped_heads_moves_the_cache_many_times() -> None:
    """Appending reads and writes all, and seven query heads share each of the four heads that are written out."""
    engine = replica("qwen2.5-7b", "a100-sxm-80gb", engine="transformers")
    grouped = replace(engine, setting=replace(engine.setting, eager=np.asarray(0.0)))
    long, short = 120_000.0, 60_000.0
    extra = [float(e.decode_step(1.0, long).memory - e.decode_step(1.0, short).memory) for e in (engine, grouped)]
    assert extra[0] / extra[1] == pytest.approx(3.0 + 2.0 * 7.0)


def test_sums_in_sixteen_bits_double_the_peak_of_cards_for_games_alone() -> None:
    """Data sheets: 165 and 330 TFLOP/s on an RTX 4090; an L40S sums in 32 bits at its full rate."""
    for part, ratio in (("rtx-4090", 2.0), ("l40s", 1.0)):
        under = {name: replica("llama-3.1-8b", part, engine=name).machine for name in ("llama.cpp", "vllm")}
        rates = [float(under[name].flops_per_s(np.asarray(16.0))) for name in ("llama.cpp", "vllm")]
        assert rates[0] / rates[1] == pytest.approx(ratio, rel=0.01)
        narrow = {float(machine.flops_per_s(np.asarray(8.0))) for machine in under.values()}
        assert len(narrow) == 1


def test_heads_taken_one_by_one_cost_what_no_wider_memory_gives_back() -> None:
    """Falcon 180B: 232 query heads on 8 key heads. Published rates on H100 and H200 grew less than their bandwidth."""
    engines = ("trtllm-0.14", "trtllm-0.8")
    joined, alone = (replica("falcon-180b", "h200-sxm", tensor=8, engine=name) for name in engines)
    assert float(alone.decode_step(64.0, 2000.0).compute) > 2.0 * float(joined.decode_step(64.0, 2000.0).compute)
    assert float(alone.decode_step_s(64.0, 2000.0)) > 1.3 * float(joined.decode_step_s(64.0, 2000.0))
    assert float(alone.decode_step_s(1.0, 10.0)) == pytest.approx(float(joined.decode_step_s(1.0, 10.0)), rel=0.1)


def test_a_kernel_for_groups_of_eight_leaves_other_groups_to_the_old_one() -> None:
    """Llama 2 70B has eight query heads on each key head, Mistral 7B four."""
    for model, faster in (("llama-2-70b", True), ("mistral-7b-v0.1", False)):
        old, new = (replica(model, "h200-sxm", tensor=2, engine=name) for name in ("trtllm-0.5", "trtllm-0.8"))
        compute = [float(engine.decode_step(128.0, 2000.0).compute) for engine in (old, new)]
        assert (compute[0] > 1.5 * compute[1]) is faster


def test_the_rank_that_meets_most_experts_governs_where_they_are_dealt_out_whole() -> None:
    """Eight of 256 experts, 32 on each of eight ranks: the fullest has 2.5 of them in the mean, by drawing."""
    dealt = replica("deepseek-v3", "h200-sxm", tensor=8, expert=8, weights="fp8")
    split = replica("deepseek-v3", "h200-sxm", tensor=8, expert=1, weights="fp8")

    def ratio(batch: float) -> float:
        return float(dealt.decode_step(batch, 100.0).memory / split.decode_step(batch, 100.0).memory)

    random = np.random.default_rng(1)
    fullest = np.mean([np.bincount(random.choice(256, 8, replace=False) // 32).max() for _ in range(2000)])
    experts = float(split.setting.counts.experts.read_bytes) * 8.0 / 256.0
    whole = float(split.decode_step(1.0, 100.0).memory) * float(split.machine.machine.memory_bandwidth_bytes_per_s)
    most = 1.0 + (fullest - 1.0) * experts / (whole * float(split.efficiency.weight_bandwidth))
    assert ratio(1.0) > 1.0
    assert ratio(1.0) == pytest.approx(most, rel=0.15)
