"""Time of one operator on one accelerator: matrix products, attention, memory-bound work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.hardware.attention import FlashRates, Prompt, prompt_attention_time_s
from planner.hardware.chip import Chip
from planner.hardware.efficiency import Efficiency
from planner.hardware.machine import Machine
from planner.hardware.products import matrix_product_time_s
from planner.hardware.streams import StreamRates, pass_time_s
from planner.workload.operators import Attention, MatrixProduct, Operator, Streaming

Array = NDArray[np.float64]

_ROWS_FOR_RATE = 64.0  # an expert's rows are padded to this many where its size decides how well it runs
_BACKWARD_ATTENTION = 2.5  # flash attention recomputes the scores: 5 products against 2


HOST_BLEND = 6.0
"""How sharply work turns from device-bound to host-bound [1]; hardly identifiable, our estimate."""


def joined(first: Array, second: Array, exponent: Array | float) -> Array:
    """Give a soft maximum of two times: (a^p + b^p)^(1/p), at least either and at most their sum.

    >>> float(joined(np.asarray(3.0), np.asarray(4.0), 2.0))
    5.0
    """
    larger = np.maximum(first, second)
    smaller = np.minimum(first, second)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(larger > 0, smaller / larger, 0.0)
    soft: Array = larger * (1.0 + share**exponent) ** (1.0 / np.asarray(exponent))
    return soft


def attention_time_s(operator: Attention, machine: Machine, efficiency: Efficiency) -> Array:
    """Time of the forward pass of flash attention [s].

    The form of `hardware.attention`, with what a training run tells apart: a rate, how it falls with small heads, and
    the length at which half of it is reached; a tile's start costs half of that length.
    """
    nothing = 0.0 * efficiency.attention
    rates = FlashRates(
        rate=efficiency.attention,
        start=efficiency.attention_length / 2.0,
        tail=nothing,
        head=efficiency.attention_head,
        passes=nothing + 1.0,
        memory=efficiency.memory,
        launch_s=0.0 * efficiency.launch_s,
    )
    prompt = Prompt(
        operator.sequences,
        operator.queries,
        operator.keys,
        operator.visible,
        operator.heads,
        operator.kv_heads,
        operator.key_dim,
        operator.value_dim,
    )
    chip = Chip(machine.matrix_16bit_flops_per_s, machine.memory_bandwidth_bytes_per_s, machine.units)
    return prompt_attention_time_s(prompt, chip, rates)


def plain_attention_time_s(operator: Attention, machine: Machine, efficiency: Efficiency) -> tuple[Array, Array]:
    """Time of attention that writes its scores to memory: forward and backward [s].

    Batched products over every pair of query and key, masked or not, with the head size as their inner
    dimension, and passes over the scores in 16 bits for mask, softmax and dropout; of the passes of both
    directions together two fifths are forward. Heads whose rows do not begin at multiples of 16 bytes are left
    to the vector units.
    """
    inner = operator.key_dim / (operator.key_dim + efficiency.matrix_inner)
    rate = efficiency.matrix_peak * efficiency.matrix_sustained * inner
    aligned = np.mod(operator.key_dim, _ALIGNED_ELEMENTS) + np.mod(operator.value_dim, _ALIGNED_ELEMENTS) == 0.0
    rate = np.where(aligned, rate, np.minimum(rate, _VECTOR_SHARE))
    compute = operator.flops_full / (machine.matrix_16bit_flops_per_s * rate)
    scores = 2.0 * operator.sequences * operator.queries * operator.keys * operator.heads
    passes = efficiency.plain_attention_passes * scores
    memory = passes / (machine.memory_bandwidth_bytes_per_s * efficiency.memory)
    return compute + 0.4 * memory, 2.0 * compute + 0.6 * memory


def streaming_time_s(operator: Streaming, machine: Machine, efficiency: Efficiency) -> Array:
    """Time of memory-bound work in the forward pass [s]; its few operations run at the vector units' rate.

    Vector units are taken at a sixteenth of the 16-bit matrix peak, our estimate from data sheets of
    A100 (1/16), H100 (1/15) and MI300X (1/8).
    """
    nothing = 0.0 * efficiency.launch_s
    rates = StreamRates(efficiency.memory, efficiency.element_wise, nothing, nothing)
    chip = Chip(machine.matrix_16bit_flops_per_s, machine.memory_bandwidth_bytes_per_s, machine.units)
    memory = pass_time_s(operator.bytes_moved, np.zeros(1), chip, rates)
    return np.maximum(memory, operator.flops / (machine.matrix_16bit_flops_per_s * _VECTOR_SHARE))


_VECTOR_SHARE = 1.0 / 16.0
# Of 16 bits in the 16 bytes that operands' rows are aligned to where batched products use matrix units: NVIDIA, Matrix
# Multiplication Background User's Guide, 3.
_ALIGNED_ELEMENTS = 8.0


def forward_and_backward_s(
    operator: Operator,
    *,
    machine: Machine,
    efficiency: Efficiency,
    bytes_per_element: Array | float,
    weight_gradient: Array | float = 1.0,
    plain_attention: bool = False,
) -> tuple[Array, Array]:
    """Time of an operator's forward and backward pass.

    Parameters
    ----------
    operator : sizes on one device.
    bytes_per_element : size of the operands of the layers' products; attention and the head use 16 bits [B].
    weight_gradient : 1 where weights are trained, 0 where they are frozen (LoRA).
    plain_attention : scores pass through memory, as before flash attention.

    Returns
    -------
    Forward and backward [s]. A product's backward is two products: the gradient of the input (m, k, n) and
    of the weight (k, n, m).
    """
    if isinstance(operator, Attention) and plain_attention:
        return plain_attention_time_s(operator, machine, efficiency)
    if isinstance(operator, Attention):
        forward = attention_time_s(operator, machine, efficiency)
        return forward, forward * _BACKWARD_ATTENTION / efficiency.attention_backward
    if isinstance(operator, Streaming):
        forward = streaming_time_s(operator, machine, efficiency)
        return forward, 2.0 * forward
    return _product(operator, machine, efficiency, bytes_per_element, weight_gradient)


# Operations of one expert's product at which grouping costs half of what it costs small ones: large experts run
# like plain products. Chosen on rows left out among 1e9, 1e11, 2e11, 3e11 and 1e12.
_LARGE_EXPERT_FLOP = 2e11


def _product(
    operator: MatrixProduct,
    machine: Machine,
    efficiency: Efficiency,
    bytes_per_element: Array | float,
    weight_gradient: Array | float,
) -> tuple[Array, Array]:
    relative: Array | float = 1.0
    peak, size = machine.matrix_flops_per_s, bytes_per_element
    if operator.role == "experts":
        each = 2.0 * np.maximum(operator.m, _ROWS_FOR_RATE) * operator.n * operator.k
        relative = efficiency.grouped + (1.0 - efficiency.grouped) * each / (each + _LARGE_EXPERT_FLOP)
    elif operator.role in ("head", "router"):
        relative = efficiency.head
        peak, size = machine.matrix_16bit_flops_per_s, 2.0

    def time(m: Array, n: Array, k: Array, layout: Array | float = 1.0) -> Array:
        return matrix_product_time_s(
            m,
            n,
            k,
            operator.groups,
            peak_flops_per_s=peak,
            bytes_per_element=size,
            machine=machine,
            efficiency=efficiency,
            relative_rate=relative * layout,
        )

    m, n, k = operator.m, operator.n, operator.k
    backward = time(m, k, n, efficiency.input_gradient)
    return time(m, n, k), backward + weight_gradient * time(n, k, m, efficiency.weight_gradient)
