"""Times of operators: never below what the data sheet allows, and never better for more work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.hardware.chip import Chip
from planner.hardware.efficiency import NAMES, Efficiency
from planner.hardware.kernels import attention_time_s, forward_and_backward_s, joined, plain_attention_time_s
from planner.hardware.products import ProductRates, matrix_product_time_s, product_time_s
from planner.workload.cores import AttentionCore
from planner.workload.layer_operators import attention
from planner.workload.operators import MatrixProduct, Sharding, Streaming, Tokens
from tests.planning.problems import CLUSTERS, changed, efficiency, machine
from tests.training.strategies import one

H100, USUAL = machine("dgx-h100"), efficiency("dgx-h100")
WHOLE = Sharding(one(1), one(1), one(1), one(1), one(0))


def number(value: np.ndarray) -> float:
    return float(np.ravel(value)[0])


def product_s(m: float, n: float, k: float, groups: float = 1.0, node: str = "dgx-h100", **changes: object) -> float:
    return number(
        matrix_product_time_s(
            one(m),
            one(n),
            one(k),
            one(groups),
            peak_flops_per_s=machine(node).matrix_flops_per_s,
            bytes_per_element=2.0,
            machine=changes.get("machine", machine(node)),
            efficiency=changes.get("efficiency", efficiency(node)),
        )
    )


lengths = st.floats(1.0, 200_000.0)


@given(node=st.sampled_from(CLUSTERS), m=lengths, n=lengths, k=lengths, groups=st.floats(1.0, 256.0))
def test_no_product_beats_the_roofline(node: str, m: float, n: float, k: float, groups: float) -> None:
    given_machine = machine(node)
    operations = 2.0 * groups * m * n * k / float(given_machine.matrix_flops_per_s[0])
    moved = 2.0 * groups * (m * k + n * k + m * n) / float(given_machine.memory_bandwidth_bytes_per_s[0])
    assert product_s(m, n, k, groups, node) >= max(operations, moved)


@given(m=lengths, n=lengths, k=lengths, which=st.sampled_from("mnk"), factor=st.floats(1.0, 50.0))
def test_a_larger_product_is_never_faster(m: float, n: float, k: float, which: str, factor: float) -> None:
    sizes = {"m": m, "n": n, "k": k}
    larger = sizes | {which: sizes[which] * factor}
    assert product_s(**larger) >= product_s(**sizes) * (1 - 1e-12)


@given(m=lengths, n=lengths, k=lengths, parts=st.integers(2, 64))
def test_one_product_is_never_slower_than_the_same_cut_into_groups(m: float, n: float, k: float, parts: int) -> None:
    assert product_s(m, n, k) <= product_s(m / parts, n, k, parts) * (1 + 1e-12)


@given(a=st.floats(0.0, 1e6), b=st.floats(0.0, 1e6), exponent=st.floats(1.0, 8.0))
def test_a_soft_maximum_lies_between_the_larger_time_and_their_sum(a: float, b: float, exponent: float) -> None:
    soft = number(joined(one(a), one(b), exponent))
    assert max(a, b) * (1 - 1e-12) <= soft <= (a + b) * (1 + 1e-12)


def perfect() -> Efficiency:
    """Give efficiencies of one, without any start-up: the data sheet itself."""
    all_one = dict.fromkeys(NAMES, one(1.0))
    nothing = dict.fromkeys(("matrix_inner", "matrix_tile", "matrix_least_flop", "launch_s", "attention_length"), 0.0)
    endless = {"matrix_traffic": 1e12, "matrix_split_s": 1e12}
    return changed(replace(USUAL, **all_one), **nothing, **endless)


@pytest.mark.parametrize(("m", "n", "k"), [(8192, 8192, 8192), (64, 128, 256), (16384, 53248, 16384)])
def test_without_losses_a_product_of_whole_tiles_takes_the_roofline_itself(m: int, n: int, k: int) -> None:
    whole = changed(H100, units=1.0)  # no wave is left partly empty
    operations = 2 * m * n * k / float(H100.matrix_flops_per_s[0])
    moved = 2 * (m * k + n * k + m * n) / float(H100.memory_bandwidth_bytes_per_s[0])
    slowest = product_s(m, n, k, machine=whole, efficiency=perfect())
    assert max(operations, moved) * (1 - 1e-9) <= slowest <= (operations**4 + moved**4) ** 0.25 * (1 + 1e-9)


def dealt_out(m: int, n: int, units: int) -> float:
    """Deal the tiles of a result to units one by one, for each size of tile; give the least area of the fullest."""
    fullest = []
    for rows, columns in ((128, 256), (128, 128), (64, 64), (16, 64)):
        loads = [0] * units
        for tile, _ in enumerate((r, c) for r in range(0, m, rows) for c in range(0, n, columns)):
            loads[tile % units] += rows * columns
        fullest.append(max(loads))
    return min(fullest)


@given(m=st.integers(1, 1500), n=st.integers(1, 1500), units=st.integers(1, 160))
@settings(max_examples=40)
def test_a_product_waits_for_the_unit_with_the_most_tiles(m: int, n: int, units: int) -> None:
    machine_ = changed(H100, units=float(units), memory_bandwidth_bytes_per_s=1e30)
    operations = 2.0 * 4096 * units * dealt_out(m, n, units)
    found = product_s(m, n, 4096, machine=machine_, efficiency=perfect())
    assert found == pytest.approx(operations / float(H100.matrix_flops_per_s[0]), rel=1e-5)


def visible_pairs(length: int, *, window: int = 0, causal: bool = True) -> int:
    """Count what a mask lets through, query by query and key by key."""
    return sum(
        1
        for query in range(length)
        for key in range(length)
        if (not causal or key <= query) and (not window or query - key < window)
    )


@pytest.mark.parametrize(
    ("length", "window", "causal"), [(64, 0, True), (64, 0, False), (64, 16, True), (48, 48, True)]
)
def test_without_losses_attention_takes_the_operations_that_its_mask_lets_through(
    length: int, window: int, causal: bool
) -> None:
    core = AttentionCore(heads=8, kv_heads=8, key_dim=128, value_dim=128, window=window, causal=causal)
    operator = attention(core, Tokens(one(1000), one(length)), WHOLE)
    fast = replace(H100, memory_bandwidth_bytes_per_s=one(1e30))
    operations = 1000 * 8 * visible_pairs(length, window=window, causal=causal) * 2 * (128 + 128)
    found = number(attention_time_s(operator, fast, perfect()))
    assert found == pytest.approx(operations / float(H100.matrix_16bit_flops_per_s[0]), rel=1e-9)


@given(
    length=st.integers(16, 100_000), factor=st.floats(1.0, 16.0), heads=st.integers(1, 128), window=st.integers(0, 4096)
)
def test_attention_over_a_longer_sequence_is_never_faster(length: int, factor: float, heads: int, window: int) -> None:
    core = AttentionCore(heads=heads, kv_heads=1, key_dim=128, value_dim=128, window=window)

    def seconds(tokens: float) -> float:
        return number(attention_time_s(attention(core, Tokens(one(1), one(tokens)), WHOLE), H100, USUAL))

    assert seconds(length * factor) >= seconds(length) * (1 - 1e-12)


def test_a_product_s_backward_pass_is_a_product_for_each_operand() -> None:
    operator = MatrixProduct("up", "layer", one(4096), one(8192), one(2048), one(1))

    def backward(trained: float) -> float:
        return number(
            forward_and_backward_s(
                operator, machine=H100, efficiency=USUAL, bytes_per_element=2.0, weight_gradient=trained
            )[1]
        )

    assert backward(0.0) == product_s(4096, 2048, 8192)
    assert backward(1.0) == product_s(4096, 2048, 8192) + product_s(8192, 2048, 4096)


def test_memory_bound_work_takes_its_bytes_over_the_bandwidth_reached() -> None:
    operator = Streaming("norms", one(3.35e12), one(0.0))
    forward, backward = forward_and_backward_s(operator, machine=H100, efficiency=perfect(), bytes_per_element=2.0)
    assert number(forward) == pytest.approx(1.0, rel=1e-3)
    assert number(backward) == 2.0 * number(forward)


@given(m=lengths, n=lengths, k=lengths, factor=st.floats(1.0, 50.0))
def test_a_faster_memory_never_slows_a_product(m: float, n: float, k: float, factor: float) -> None:
    better = changed(H100, memory_bandwidth_bytes_per_s=float(H100.memory_bandwidth_bytes_per_s[0]) * factor)
    assert product_s(m, n, k, machine=better) <= product_s(m, n, k) * (1 + 1e-12)


def plain_s(head_dim: int, heads: int = 96) -> float:
    core = AttentionCore(heads, heads, head_dim, head_dim)
    tokens = Tokens(one(2), one(2048))
    return number(sum(plain_attention_time_s(attention(core, tokens, WHOLE), H100, USUAL)))


@pytest.mark.parametrize(("odd", "next_aligned"), [(108, 112), (100, 104), (30, 32)])
def test_heads_that_matrix_units_cannot_take_are_slower_than_larger_ones_that_they_can(
    odd: int, next_aligned: int
) -> None:
    vector_flops = 134e12  # of H100 SXM's data sheet, dense 16 bits without matrix units
    whole_square = 4 * 2 * 2048 * 2048 * 96 * odd
    assert plain_s(odd) > plain_s(next_aligned)
    assert plain_s(odd) > 3 * whole_square / vector_flops


def test_a_power_limit_slows_large_products_to_what_it_allows_and_leaves_small_ones_alone() -> None:
    def seconds(size: float, watts: float | None) -> float:
        chip = Chip(one(362e12), one(864e9), one(142), None if watts is None else one(watts))
        rates = replace(ProductRates.of(USUAL), flop_per_joule=one(1e12))
        return number(
            product_time_s(one(size), one(size), one(size), one(1), chip=chip, element_bytes=(2.0, 2.0), rates=rates)
        )

    assert seconds(16384, 100.0) >= 2 * 16384**3 / (1e12 * 100.0)
    assert seconds(16384, 300.0) > seconds(16384, 600.0) > seconds(16384, None)
    assert seconds(16, 300.0) == pytest.approx(seconds(16, None), rel=0.05)
