"""What the planner's physics says of one row of a run: by the same functions that predict clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.bench.document import RunRow
from planner.bench.models import Shape, layer_shape
from planner.bench.shapes import HostRates, block_time, engine_on
from planner.bench.suite import ELEMENT_BYTES
from planner.hardware.efficiency import Efficiency
from planner.hardware.kernels import forward_and_backward_s
from planner.hardware.products import matrix_product_time_s
from planner.record import record
from planner.serving.efficiency import ServingEfficiency
from planner.serving.operator_groups import padding, soft_maximum
from planner.workload.operators import Attention, MatrixProduct, Streaming

_CORE_RATE = 0.5  # of the products' rate, as planner.serving.step has it for few queries
_LOSS_BYTES = 2.0 + 4.0 + 4.0  # of a logit, as planner.workload.layer_operators counts it in 16 bits


@record
class Guess:
    """Efficiencies of training and of serving."""

    training: Efficiency
    serving: ServingEfficiency


def predicted_s(row: RunRow, host: HostRates, guess: Guess, *, serving: bool = False) -> float:
    """Predict one row [s]; see `predicted_all_s`."""
    return float(predicted_all_s([row], host, guess, serving=serving)[0, 0])


def predicted_all_s(rows: Sequence[RunRow], host: HostRates, guess: Guess, *, serving: bool = False) -> np.ndarray:
    """Predict rows by several guesses at once: a fit asks how times follow each of its parameters.

    Parameters
    ----------
    rows : of kernels that the physics has. host, guess : machine and efficiencies, each of shape (guesses, 1) or (1,).
    serving : by the model of serving, else by that of training.

    Returns
    -------
    Times of shape (guesses, rows) [s].
    """
    first = rows[0]
    alike = all(
        row.kernel == "matmul" and (row.family == "vocabulary") == (first.family == "vocabulary") for row in rows
    )
    if alike and not serving:
        sizes = np.array([row.size for row in rows], dtype=float).T
        layouts = [row.layout for row in rows]
        return np.atleast_2d(_products(sizes, first, host, guess.training, layouts=layouts))
    times = [_served(row, host, guess.serving) if serving else _trained(row, host, guess.training) for row in rows]
    return np.concatenate(np.broadcast_arrays(*(np.reshape(each, (-1, 1)) for each in times)), axis=1)


def _trained(row: RunRow, host: HostRates, e: Efficiency) -> np.ndarray:
    if row.kernel == "matmul":
        return _products(np.array([[float(number)] for number in row.size]), row, host, e, layouts=[row.layout])
    if row.kernel == "grouped":
        groups, m, n, k = row.size
        return _operator(MatrixProduct("up", "experts", *_arrays(m, n, k, groups)), host, e)[0]
    if row.kernel.startswith("attention"):
        forward, backward = _operator(_attention(row), host, e)
        return forward + backward if row.kernel.endswith("train") else forward
    if row.kernel == "loss":
        bytes_moved = row.size[0] * row.size[1] * _LOSS_BYTES * ELEMENT_BYTES[row.dtype] / 2.0
        return sum(
            _operator(Streaming("loss", np.array([bytes_moved]), np.array([0.0])), host, e), start=np.array([0.0])
        )
    if row.kernel == "adamw":
        # As planner.training.state_time counts it: two moments read and written, gradient and weights once.
        traffic = 6.0 * ELEMENT_BYTES[row.dtype] * row.size[0]
        return np.asarray(traffic * e.optimizer / (host.bandwidth_bytes_per_s * e.memory))
    if row.kernel.startswith("block"):
        shape, sequences, length = block_shape(row)
        time = block_time(shape, host, e, sequences=sequences, length=length)
        return time.forward + time.backward if row.kernel.endswith("train") else time.forward
    raise AssertionError(f"no prediction of {row.kernel}")


def _served(row: RunRow, host: HostRates, e: ServingEfficiency) -> np.ndarray:
    bandwidth, peak = host.bandwidth_bytes_per_s, host.peak_flops_per_s
    if row.kernel == "matmul":
        m, n, k = row.size
        relative = 1.0 if row.family == "decode" else e.prefill
        memory = n * (k * ELEMENT_BYTES[row.dtype] + e.row_bytes) / (bandwidth * e.weight_bandwidth)
        rows = m + padding(e, np.asarray(float(m)), np.asarray(float(n)))
        return soft_maximum(memory, 2.0 * n * k * rows / (peak * e.matrix * relative))
    if row.kernel == "attention":
        operator = _attention(row)
        beside = e.core_bytes * operator.flops if row.family == "decode" else 0.0
        memory = (row.bytes + beside) / (bandwidth * e.cache_bandwidth)
        seen = 2.0 * operator.visible
        rate = e.attention * seen / (seen + e.attention_length) if row.family == "prefill" else e.matrix * _CORE_RATE
        return soft_maximum(memory, operator.flops / (peak * rate))
    if row.kernel.startswith("block"):
        shape, sequences, length = block_shape(row)
        engine = engine_on(shape, host, _without_passes(e))
        if length == 1:
            return engine.decode_step_s(float(sequences), 1.0)
        return engine.prompts(float(length), requests=float(sequences)).total
    raise AssertionError(f"no prediction of {row.kernel}")


def _without_passes(e: ServingEfficiency) -> ServingEfficiency:
    """Give efficiencies without what a whole pass costs around its layers."""
    from dataclasses import replace

    nothing = np.asarray(0.0)
    return replace(e, step_s=nothing, prompt_s=nothing, sequence_s=nothing)


def block_shape(row: RunRow) -> tuple[Shape, int, int]:
    """Give the layer that a row measured, its sequences and their length."""
    return layer_shape(row.size, experts="experts" in row.kernel), row.size[0], row.size[1]


def _products(sizes: np.ndarray, like: RunRow, host: HostRates, e: Efficiency, *, layouts: Sequence[str]) -> np.ndarray:
    m, n, k = sizes
    head = like.family == "vocabulary"
    nn, tn = (np.array([layout == wanted for layout in layouts]) for wanted in ("nn", "tn"))
    relative = np.where(nn, e.input_gradient, np.where(tn, e.weight_gradient, 1.0))
    return matrix_product_time_s(
        m, n, k, np.array([1.0]),
        peak_flops_per_s=np.array([host.peak_flops_per_s]),
        bytes_per_element=2.0 if head else ELEMENT_BYTES[like.dtype],
        machine=host.machine(), efficiency=e, relative_rate=relative * (e.head if head else 1.0),
    )  # fmt: skip


def _operator(
    operator: MatrixProduct | Attention | Streaming, host: HostRates, e: Efficiency
) -> tuple[np.ndarray, np.ndarray]:
    return forward_and_backward_s(
        operator, machine=host.machine(), efficiency=e, bytes_per_element=ELEMENT_BYTES[host.dtype]
    )


def _attention(row: RunRow) -> Attention:
    sequences, heads, kv_heads, queries, keys, head = row.size
    seen = keys if queries == 1 else (keys + 1) / 2.0
    count, asked, kept, visible, query_heads, key_heads = _arrays(sequences, queries, keys, seen, heads, kv_heads)
    return Attention("attention", count, asked, kept, visible, query_heads, key_heads, float(head), float(head))


def _arrays(*numbers: float) -> tuple[np.ndarray, ...]:
    return tuple(np.array([float(number)]) for number in numbers)
