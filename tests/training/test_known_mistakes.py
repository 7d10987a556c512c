"""Mistakes that were found in other planners: none of them is made here.

Each test is named after the tool and its mistake. What a tool printed stands beside what is right.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.catalog.shape import ArchitectureSpec
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.hardware.collectives import Group, Links, all_reduce_time_s, send_time_s
from planner.hardware.kernels import attention_time_s
from planner.planning.evaluate import Problem, evaluate
from planner.training.strategy import Strategy
from planner.workload.architecture import Architecture
from planner.workload.build import architecture
from planner.workload.cores import AttentionCore
from planner.workload.flops import Masking, Samples, forward_flops
from planner.workload.layer_operators import attention
from planner.workload.operators import Sharding, Tokens
from tests.planning.problems import CATALOG, RULES, changed, efficiency, machine, model, problem
from tests.training.strategies import one, strategy

GIB = 2.0**30


def seconds(given: Problem, plan: Strategy, part: str = "") -> float:
    step = evaluate(given, plan).step
    return float(np.ravel(step.parts[part] if part else step.total)[0])


def memory(given: Problem, plan: Strategy, part: str = "allocated") -> float:
    return max(float(np.ravel(getattr(stage, part))[0]) for stage in evaluate(given, plan).stages)


def decoder(**changes: object) -> Architecture:
    """Give GPT-3's 1.7B neighbour of Narayanan et al.: 24 layers of 2304, gated and grouped only if asked."""
    shape = {
        "hidden": 2304,
        "vocabulary": 51_200,
        "layers": 24,
        "heads": 24,
        "kv_heads": 24,
        "head_dim": 96,
        "width": 9216,
        "gated": False,
    } | changes
    text = f"""
hidden: {shape["hidden"]}
vocabulary: {shape["vocabulary"]}
layers: {shape["layers"]}
attention: {{heads: {shape["heads"]}, kv_heads: {shape["kv_heads"]}, head_dim: {shape["head_dim"]}}}
feed_forward: {{width: {shape["width"]}, gated: {str(shape["gated"]).lower()}}}
tied_embeddings: true
"""
    return architecture(typed(parse_yaml(text), ArchitectureSpec), "1.7b")


NARAYANAN = problem(decoder(), "dgx-a100", length=2048.0, global_batch=512.0)


# 1. calculon


def test_calculon_turning_overlap_on_slowed_a_plan_that_recomputes() -> None:
    # It showed 2.745 s of communication for 0.136 s on the links.
    plan = strategy(accelerators=32, micro_batch=8, sharding=1, recompute={"layers": 1.0})
    shown = changed(NARAYANAN.efficiency, overlap_data=0.0, overlap_tensor=0.0)
    without, with_overlap = seconds(replace(NARAYANAN, efficiency=shown), plan), seconds(NARAYANAN, plan)
    assert with_overlap < without
    assert seconds(NARAYANAN, plan, "data") < seconds(replace(NARAYANAN, efficiency=shown), plan, "data")


@pytest.mark.parametrize("layers", [1, 6, 24, 96])
def test_calculon_added_the_running_total_to_each_recomputed_block(layers: int) -> None:
    given = problem(decoder(layers=layers), "dgx-a100", length=2048.0, global_batch=8.0)
    again = strategy(micro_batch=8, recompute={"layers": 1.0})
    one_layer = problem(decoder(layers=1), "dgx-a100", length=2048.0, global_batch=8.0)
    assert seconds(given, again, "recompute") == pytest.approx(layers * seconds(one_layer, again, "recompute"))


# 2. calculon


def test_calculon_had_no_embedding_and_no_logits() -> None:
    few, many = (problem(decoder(vocabulary=size), length=2048.0, global_batch=8.0) for size in (1_024, 256_000))
    plan = strategy(micro_batch=8)
    logits = 8 * 2048 * 256_000
    assert memory(many, plan) - memory(few, plan) > 2.0 * 0.99 * logits
    products = 3 * 2 * logits * 2304 / float(many.machine.matrix_16bit_flops_per_s[0])
    assert seconds(many, plan, "head") - seconds(few, plan, "head") > 0.99 * products


@pytest.mark.parametrize("change", [{"kv_heads": 4}, {"gated": True}, {"head_dim": 128}])
def test_calculon_knew_one_kind_of_layer(change: dict[str, object]) -> None:
    other = replace(NARAYANAN, architecture=decoder(**change))
    plan = strategy(accelerators=8, tensor=4, sequence_parallel=1)
    assert seconds(other, plan, "matrix") != seconds(NARAYANAN, plan, "matrix")
    assert memory(other, plan, "activations") != memory(NARAYANAN, plan, "activations")


def test_calculon_put_every_group_on_one_network() -> None:
    # Sixteen tensor ranks on nodes of eight: part of each message crosses the network.
    inside, across = strategy(accelerators=16, tensor=8), strategy(accelerators=16, tensor=16)
    slow = changed(NARAYANAN.machine, fabric_bandwidth_bytes_per_s=1e9)
    assert seconds(replace(NARAYANAN, machine=slow), inside, "tensor") == seconds(NARAYANAN, inside, "tensor")
    assert seconds(replace(NARAYANAN, machine=slow), across, "tensor") > 2 * seconds(NARAYANAN, across, "tensor")


def test_calculon_kept_whole_checkpoints_on_every_tensor_rank_despite_sequence_parallelism() -> None:
    plan = {"accelerators": 8, "tensor": 8, "recompute": {"layers": 1.0}}
    whole = memory(NARAYANAN, strategy(**plan), "activations")
    split = memory(NARAYANAN, strategy(**plan, sequence_parallel=1), "activations")
    numbers = 8.0 * 2048
    assert split - numbers == pytest.approx((whole - numbers) / 8)


# 3. llm-analysis


def test_llm_analysis_had_no_pipeline_bubble() -> None:
    given = problem(decoder(), "dgx-a100", length=2048.0, global_batch=8.0)
    working = seconds(given, strategy(accelerators=8, pipeline=8), "matrix") * 7 / 8
    assert seconds(given, strategy(accelerators=8, pipeline=8), "bubble") > working


def test_llm_analysis_reduced_gradients_that_tensor_ranks_had_divided_already() -> None:
    # It was 126 to 138 % off on 310B to 1T.
    shown = changed(NARAYANAN.efficiency, overlap_data=0.0, domain_latency_s=0.0, fabric_latency_s=0.0)
    given = replace(NARAYANAN, efficiency=shown, machine=changed(NARAYANAN.machine, fabric_latency_s=0.0))
    by_tensor = [seconds(given, strategy(accelerators=64 * t, tensor=t, sharding=0), "data") for t in (8, 4, 2)]
    # Each tensor rank's data ranks stand on 64 nodes, or several on one: what they send shrinks with the degree.
    assert by_tensor[0] < by_tensor[1] < by_tensor[2]


def test_llm_analysis_had_no_time_for_gradients() -> None:
    assert seconds(NARAYANAN, strategy(accelerators=64), "data") > 0.0


def test_llm_analysis_counted_the_layers_twice_when_attention_is_recomputed() -> None:
    # It was 71 % off on 22B.
    def recompute(layers: int) -> float:
        given = problem(decoder(layers=layers), "dgx-a100", length=2048.0, global_batch=8.0)
        return seconds(given, strategy(recompute={"attention": 1.0}), "recompute")

    assert recompute(48) == pytest.approx(2 * recompute(24))


def test_llm_analysis_gave_each_accelerator_its_node_s_whole_network() -> None:
    node = CATALOG.node("dgx-a100")
    assert node.network is not None
    share = float(machine("dgx-a100").fabric_bandwidth_bytes_per_s[0])
    assert share <= node.network.bandwidth / node.accelerators


# 4. Bud


def test_bud_made_a_run_sixteen_times_cheaper_by_accumulating_gradients() -> None:
    # 10 B tokens of Llama-2-7B on 8 devices: 29.9 h and 717 USD without, 1.9 h and 45 USD with 16 micro-batches.
    tokens = 10e9

    def hours(rounds: int) -> float:
        given = problem("llama-2-7b", length=4096.0, global_batch=8.0 * rounds)
        return tokens / (8 * rounds * 4096) * seconds(given, strategy(accelerators=8, sharding=1)) / 3600

    often = [hours(rounds) for rounds in (1, 4, 16, 64)]
    assert often == sorted(often, reverse=True)  # the optimizer's step is shared by more tokens
    assert often[-1] > 0.75 * often[0]


# 5. SimuMax


def test_simumax_had_no_overlap() -> None:
    hidden = changed(NARAYANAN.efficiency, overlap_data=0.9)
    shown = changed(NARAYANAN.efficiency, overlap_data=0.0)
    plan = strategy(accelerators=64)
    assert seconds(replace(NARAYANAN, efficiency=hidden), plan) < seconds(replace(NARAYANAN, efficiency=shown), plan)


@pytest.mark.parametrize("zero", [1, 2, 3])
def test_simumax_silently_ignored_zero_2_and_3(zero: int) -> None:
    less, more = (strategy(accelerators=64, sharding=stage) for stage in (zero - 1, zero))
    assert memory(NARAYANAN, more) < memory(NARAYANAN, less)
    assert seconds(NARAYANAN, more) != seconds(NARAYANAN, less)


def test_simumax_slowed_even_one_node_by_stragglers() -> None:
    assert seconds(NARAYANAN, strategy(accelerators=8), "jitter") == 0.0
    assert seconds(NARAYANAN, strategy(accelerators=512), "jitter") > 0.0


# 6. Megatron's own estimate


@pytest.mark.parametrize("recompute", [{}, {"attention": 1.0}, {"layers": 1.0}])
def test_megatron_used_sequence_parallelism_only_together_with_selective_recomputation(
    recompute: dict[str, float],
) -> None:
    without, split = (
        memory(
            NARAYANAN,
            strategy(accelerators=8, tensor=8, sequence_parallel=sequence, recompute=recompute),
            "activations",
        )
        for sequence in (0, 1)
    )
    assert split < without


def test_megatron_s_activations_ignored_experts_context_groups_and_head_sizes() -> None:
    plan = strategy()
    usual = memory(NARAYANAN, plan, "activations")
    for change in ({"kv_heads": 4}, {"head_dim": 256}):
        assert memory(replace(NARAYANAN, architecture=decoder(**change)), plan, "activations") != usual
    assert memory(NARAYANAN, strategy(accelerators=2, context=2), "activations") == pytest.approx(usual / 2)
    sparse, dense = (problem(name, length=2048.0, global_batch=8.0) for name in ("mixtral-8x7b", "mistral-7b"))
    tokens, hidden = 2048, 4096
    # Each token's two copies go to experts, and come back.
    more = memory(sparse, plan, "activations") - memory(dense, plan, "activations")
    assert more > 32 * 2 * 2 * 2.0 * tokens * hidden


# 7. DeepSpeed's estimate


def test_deepspeed_s_zero_2_kept_gradients_twice_and_it_had_no_zero_1() -> None:
    # 2 + 18/N bytes where 2 + (2 + 12)/N are kept with 16-bit gradients; and 2 + 2 + 12/N under ZeRO-1.
    given = replace(NARAYANAN, states=replace(NARAYANAN.states, gradients=2.0))
    parameters = given.architecture.parameters
    for zero, exact in ((1, 4.0 + 12.0 / 64), (2, 2.0 + 14.0 / 64)):
        plan = strategy(accelerators=64, sharding=zero)
        states = memory(given, plan, "weights") + memory(given, plan, "gradients") + memory(given, plan, "optimizer")
        assert states == pytest.approx(exact * parameters)


def test_deepspeed_s_zero_3_left_out_activations_and_live_parameters() -> None:
    # Issue 4527: 0.49 GB were shown where 20 GB were used.
    given = problem("llama-2-7b", length=4096.0, global_batch=1024.0)
    plan = strategy(accelerators=1024, sharding=3)
    states = sum(memory(given, plan, part) for part in ("weights", "gradients", "optimizer"))
    assert states < 0.2 * GIB
    assert memory(given, plan, "gathered") > 2 * 2 * 0.2e9  # two layers of 0.2 G parameters in 16 bits
    assert memory(given, plan) > 20e9


# 8. The cookbook's and accelerate's estimates


@pytest.mark.parametrize("part", ["gradients", "optimizer", "activations"])
def test_cookbook_divided_neither_gradients_nor_optimizer_nor_activations(part: str) -> None:
    alone = memory(NARAYANAN, strategy(), part)
    by_tensor = memory(NARAYANAN, strategy(accelerators=8, tensor=8, sequence_parallel=1), part)
    assert by_tensor < alone / 7
    by_stage = [
        float(np.ravel(getattr(stage, part))[0])
        for stage in evaluate(replace(NARAYANAN, global_batch=1.0), strategy(accelerators=8, pipeline=8)).stages
    ]
    assert max(by_stage) < alone / 4


def test_cookbook_always_kept_the_scores() -> None:
    # Flash attention keeps four bytes per row, not a row: twice the length keeps twice as much.
    plan = strategy()
    short, long = (memory(replace(NARAYANAN, length=length), plan, "activations") for length in (2048.0, 4096.0))
    assert long == pytest.approx(2 * short)
    scores = replace(RULES, implementation=replace(RULES.implementation, flash=False))
    kept = memory(replace(NARAYANAN, rules=scores), plan, "activations") - short
    assert kept == pytest.approx(24 * 24 * 2048 * 2.0 * 2048, rel=0.1)


def test_accelerate_trained_in_four_times_the_weights_whatever_the_batch() -> None:
    sizes = [memory(NARAYANAN, strategy(micro_batch=batch)) for batch in (1, 2, 4)]
    assert sizes[2] - sizes[1] == pytest.approx(2 * (sizes[1] - sizes[0]))
    assert sizes[1] - sizes[0] > GIB


# 9. vTrain


def test_vtrain_reduced_over_many_nodes_at_the_speed_of_one_node_s_switch() -> None:
    given = machine("dgx-a100")
    links = Links.of(given, efficiency("dgx-a100"))
    eight, many = (Group.of(one(ranks), stride=one(1), machine=given) for ranks in (8, 64))
    inside, across = (float(all_reduce_time_s(one(1e9), group, links)[0]) for group in (eight, many))
    assert across > inside * 1.05
    # With the whole tensor degree inside the nodes every rank has its own port, and only that.
    apart = Group.of(one(8), stride=one(8), machine=given)
    assert float(all_reduce_time_s(one(1e9), apart, links)[0]) > 5 * inside


def test_vtrain_sent_between_stages_at_a_quarter_of_the_bandwidth_everywhere() -> None:
    given = machine("dgx-a100")
    links = Links.of(given, efficiency("dgx-a100"))
    inside = float(send_time_s(one(1e9), outside=one(0), links=links)[0])
    outside = float(send_time_s(one(1e9), outside=one(1), links=links)[0])
    ratio = float(links.domain_bytes_per_s[0] / links.fabric_bytes_per_s[0])
    assert outside == pytest.approx(ratio * inside, rel=0.01)


def test_vtrain_let_the_last_stage_skip_recomputation() -> None:
    given = problem(decoder(), "dgx-a100", length=2048.0, global_batch=64.0)
    plan = strategy(accelerators=4, pipeline=4, recompute={"layers": 1.0})
    # The head makes the last stage the slowest one, and it computes its layers again like all others.
    alone = seconds(replace(given, global_batch=1.0), strategy(recompute={"layers": 1.0}), "recompute")
    assert seconds(given, plan, "recompute") == pytest.approx(64 * alone / 4)


# What planners of inference got wrong in what training shares with them


def test_genz_and_llm_analysis_counted_what_a_causal_mask_hides() -> None:
    built = model("llama-3.1-8b")
    full, seen = (forward_flops(built, Samples(1, 8192), masking).attention for masking in Masking)
    assert seen / full == pytest.approx(0.5, rel=1e-3)
    core = AttentionCore(heads=32, kv_heads=8, key_dim=128, value_dim=128)
    whole = Sharding(one(1), one(1), one(1), one(1), one(0))
    assert float(attention(core, Tokens(one(1), one(8192)), whole).flops[0]) * 32 == pytest.approx(seen, rel=1e-9)


def test_llm_viewer_read_keys_and_values_for_every_query_head() -> None:
    whole = Sharding(one(1), one(1), one(1), one(1), one(0))
    slow = changed(machine("dgx-h100"), memory_bandwidth_bytes_per_s=1.0)

    def moved(kv_heads: int) -> float:
        core = AttentionCore(heads=64, kv_heads=kv_heads, key_dim=128, value_dim=128)
        time = attention_time_s(attention(core, Tokens(one(1), one(4096)), whole), slow, efficiency("dgx-h100"))
        return float(time[0]) * float(efficiency("dgx-h100").memory[0])

    assert moved(64) - moved(8) == pytest.approx(2.0 * 4096 * 56 * 256, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "precision", "dense"),
    [
        ("gh200-96gb", "bf16", 989.4e12),  # GenZ: 1,979
        ("b200-sxm", "bf16", 2250e12),  # GenZ: 4,500
        ("l40s", "fp8", 733e12),  # BLIS: 1,466
        ("h100-sxm", "fp8", 1978.9e12),
    ],
)
def test_genz_and_blis_took_sparse_peaks_for_dense_ones(name: str, precision: str, dense: float) -> None:
    assert CATALOG.accelerator(name).peak[precision] == pytest.approx(dense, rel=0.01)


def test_vidur_had_a_peak_ten_per_cent_too_high_because_tera_was_read_as_two_to_the_fortieth() -> None:
    assert CATALOG.accelerator("a100-sxm-80gb").peak["bf16"] == 312e12


def test_one_roofline_over_a_whole_model_hides_what_its_operators_wait_for() -> None:
    # Compute-bound products and memory-bound norms follow each other: neither hides behind the other.
    given = problem("llama-3.1-8b", length=4096.0, global_batch=1.0)
    plan = strategy()
    parts = {name: seconds(given, plan, name) for name in ("matrix", "attention", "streaming", "head")}
    assert seconds(given, plan) >= sum(parts.values())
    assert parts["streaming"] > 0.0


def test_fleet_sim_forgot_one_of_three_matrices_of_a_gated_part() -> None:
    dense, gated = decoder(layers=1), decoder(layers=1, gated=True)
    assert gated.parameters - dense.parameters == 2304 * 9216
