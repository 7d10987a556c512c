"""Times of the groups of operators that a pass adds up, each a soft maximum of its memory and its arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.serving.efficiency import ServingEfficiency
from planner.serving.machine import VECTOR_SHARE
from planner.serving.setting import ACTIVATION_BYTES, Setting
from planner.serving.work import Cores, Weights

Array = NDArray[np.float64]

_CORE_RATE = 0.5  # of the products' rate: scores and values of few queries fill a tile badly; our estimate
# Of the 32-bit peak, by published rates of TensorRT-LLM to 0.9 on A100, H100 and H200; our estimate.
_ALONE_RATE = 0.15
_FEWEST = 1e-9  # experts that are met: no division by none


def soft_maximum(first: Array, second: Array) -> Array:
    """Give (a^3 + b^3)^(1/3): kernels near the ridge of the roofline reach neither roof.

    >>> float(soft_maximum(np.asarray(0.0), np.asarray(2.0)))
    2.0
    """
    soft: Array = np.cbrt(first * first * first + second * second * second)
    return soft


class Groups:
    """Adds up groups of operators: each as if arithmetic or memory were free, and as it is [s]."""

    def __init__(self) -> None:
        self.memory: Array = np.asarray(0.0)
        self.compute: Array = np.asarray(0.0)
        self.useful: Array = np.asarray(0.0)
        self.total: Array = np.asarray(0.0)

    def add(self, memory: Array, compute: Array, times: Array | float = 1.0, *, useful: Array | None = None) -> None:
        """Add one group, so many times; `useful` is its arithmetic without rows that are padding."""
        self.memory = self.memory + memory * times
        self.compute = self.compute + compute * times
        self.useful = self.useful + (compute if useful is None else useful) * times
        self.total = self.total + soft_maximum(memory, compute) * times


def projections(
    groups: Groups,
    setting: Setting,
    tokens: Array,
    *,
    relative: Array | float,
    times: Array | float = 1.0,
) -> None:
    """Add products that every token meets: those around attention and recurrences, the dense parts, convolutions."""
    for weights in (setting.counts.attention, setting.counts.dense):
        matrices(groups, setting, weights, tokens, relative=relative, times=times)
    if np.any(setting.counts.map_bytes):
        slower = relative * setting.efficiency.convolution
        matrices(groups, setting, setting.counts.convolutions, tokens, relative=slower, times=times)


def matrices(
    groups: Groups,
    setting: Setting,
    weights: Weights,
    tokens: Array,
    *,
    relative: Array | float = 1.0,
    times: Array | float = 1.0,
) -> None:
    """Add products of one kind: each token meets all of their weights, which are read once."""
    if not np.any(weights.read_bytes):  # a search pays for every group
        return
    e, machine = setting.efficiency, setting.machine
    slower = np.where(weights.unpacked > 0, e.unpacking, 1.0)
    bandwidth = machine.machine.memory_bandwidth_bytes_per_s * e.weight_bandwidth * slower
    memory = (weights.read_bytes + weights.rows * e.row_bytes) / bandwidth
    rate = machine.flops_per_s(weights.bits) * e.matrix_rate(weights.bits, relative) * slower
    each = weights.flops / rate
    groups.add(memory, each * (tokens + padding(e, tokens, weights.width)), times, useful=each * tokens)


def experts(
    groups: Groups, setting: Setting, tokens: Array, *, relative: Array | float, times: Array | float = 1.0
) -> None:
    """Experts that some token of the pass chose are read; each of them is padded on its own.

    Of E experts, T tokens that choose k each meet E (1 - (1 - k/E)^T) in the mean. Tokens after the first tend to
    choose what others chose, and count as fewer; the first meets its k whatever the others do. Where whole experts
    are dealt out the fullest rank governs, in what it reads and in what it computes.
    """
    e, machine, counts = setting.efficiency, setting.machine, setting.counts
    weights = counts.experts
    if not np.any(weights.read_bytes):
        return
    count, top_k = counts.expert_count, counts.top_k
    apart = 1.0 + (tokens - 1.0) * e.spread
    met = 1.0 - np.exp(apart * np.log1p(-np.minimum(top_k / count, 1.0 - 1e-12)))
    dealt = 1.0 + (e.skew - 1.0) * (1.0 - 1.0 / setting.layout.expert)
    slower = np.where(weights.unpacked > 0, e.unpacking, 1.0)
    bandwidth = machine.machine.memory_bandwidth_bytes_per_s * np.minimum(e.weight_bandwidth * e.expert_bandwidth, 1.0)
    ranks = setting.layout.expert
    fullest = _fullest_met(met, count / ranks, ranks) if np.any(ranks > 1) else met
    memory = (weights.read_bytes + weights.rows * e.row_bytes) * fullest / (bandwidth * slower)
    chosen = tokens * top_k
    copies = chosen * dealt + count * met * padding(e, chosen / np.maximum(count * met, _FEWEST), weights.width)
    rate = machine.flops_per_s(weights.bits) * e.matrix_rate(weights.bits, e.grouped * relative) * slower
    # Operations are those of the token's top_k copies: one copy's are a k-th of them.
    each = weights.flops / top_k / rate
    groups.add(memory, each * copies, times, useful=each * tokens * top_k * dealt)


def _fullest_met(met: Array, held: Array, ranks: Array) -> Array:
    """Share of its experts that the fullest rank meets; `met` is the mean share, `held` what a rank holds [1].

    A rank meets a number of experts that is nearly normal; of so many of them the largest lies as far above the mean as
    normal order statistics do (Harter, Biometrika 48, 1961).
    """
    above = np.interp(np.log2(ranks), np.arange(len(_LARGEST_OF)), _LARGEST_OF)
    share: Array = np.minimum(met + above * np.sqrt(met * (1.0 - met) / held), 1.0)
    return share


# Mean of the largest of 1, 2, 4, ... 64 standard normal numbers.
_LARGEST_OF = np.array([0.0, 0.564, 1.029, 1.424, 1.766, 2.070, 2.344])


def padding(e: ServingEfficiency, tokens: Array, width: Array) -> Array:
    """Rows that a product of so many counts for beside its own [tokens].

    One row is a product with a vector, which reads weights as they lie; two and more bring them in order first, where
    the engine has not done so once and for all. The copy in order of a weight of many rows, its `width`, leaves the
    caches before it is used: of x rows so far, and as W `wide_tokens`, w^2 / (w^2 + `wide_rows`^2) x W / (x + W) more.
    The form is the best of seven tried on products of 1 to 512 rows with 19 weights, on one processor.
    """
    rows = e.padding_tokens + e.packed_tokens * np.clip(tokens - 1.0, 0.0, 1.0)
    if not np.any(e.wide_tokens):
        return rows
    square, counted = width * width, tokens + rows
    left = square / (square + e.wide_rows * e.wide_rows + _FEWEST)
    brought: Array = rows + left * counted * e.wide_tokens / (counted + e.wide_tokens)
    return brought


def of_sequences(groups: Groups, setting: Setting, weights: Weights, vectors: Array | float) -> None:
    """Add products that meet one vector of each sequence."""
    matrices(groups, setting, weights, np.asarray(vectors, dtype=float))


def elements(groups: Groups, setting: Setting, tokens: Array, *, times: Array | float = 1.0) -> None:
    """Add norms, positions, activations and recurrences, which move bytes and multiply little."""
    counts, e, machine = setting.counts, setting.efficiency, setting.machine
    moved = tokens * counts.element_bytes
    if np.any(counts.map_bytes):
        moved = moved + _spilled_bytes(setting, tokens)
    written_out = 1.0 + e.gated_elements * counts.gated_layers / counts.layers
    memory = moved * e.element_wise * written_out / machine.machine.memory_bandwidth_bytes_per_s
    compute = tokens * counts.scan_flops / (machine.flops_per_s_16 * VECTOR_SHARE)
    groups.add(memory, compute, times)


def _spilled_bytes(setting: Setting, tokens: Array) -> Array:
    """Feature maps that go through device memory [B].

    Memory on the chip that software manages holds the maps of a picture from one layer to the next, of whose mean layer
    the share x / (x + memory) does not fit; a cache sees those of a whole batch pass by, and keeps none.
    """
    counts = setting.counts
    each = counts.map_bytes * counts.sample_tokens / counts.layers
    with np.errstate(invalid="ignore"):
        share = np.where(each > 0, each / (each + setting.machine.chip_memory_bytes), 0.0)
    spilled: Array = tokens * counts.map_bytes * share
    return spilled


def adapters(groups: Groups, setting: Setting, sequences: Array, tokens: Array, *, times: Array | float = 1.0) -> None:
    """Adapters of the sequences in a pass: those that differ are read once, every token goes through its own."""
    own, e, machine = setting.adapters, setting.efficiency, setting.machine
    if own is None:
        return
    elements = setting.counts.adapted * own.rank
    memory = own.met(sequences) * elements * ACTIVATION_BYTES
    rate = machine.flops_per_s_16 * e.matrix_rate(np.asarray(16.0), e.grouped)
    bandwidth = machine.machine.memory_bandwidth_bytes_per_s * np.minimum(e.weight_bandwidth * e.grouped, 1.0)
    groups.add(memory / bandwidth, 2.0 * elements * (tokens + own.met(sequences) * e.padding_tokens) / rate, times)


def attending_s(setting: Setting, cores: Cores) -> Array:
    """Time of scores and weighted values of one token, if keys and values came at once [s]."""
    rate = setting.machine.flops_per_s_16 * setting.efficiency.matrix * _CORE_RATE
    if not np.any(cores.vector_flops):  # most engines have none, and a search pays for every operation
        together: Array = cores.flops / rate
        return together
    alone = setting.machine.vector_flops_per_s * _ALONE_RATE
    one_by_one = np.where(cores.vector_flops > 0, cores.vector_flops / alone, 0.0)
    both: Array = (cores.flops - cores.vector_flops) / rate + one_by_one
    return both


def cache_bytes(setting: Setting, cores: Cores) -> Array:
    """Bytes that attention of one sequence moves [B].

    Without a kernel for grouped heads a step copies the cache to append to it, which reads and writes it, and reads it
    once more to write it out for every query head, which attention then reads.
    """
    apart = 3.0 * cores.read_bytes + 2.0 * cores.expanded_bytes
    moved: Array = np.where(np.asarray(setting.eager) > 0, apart, cores.read_bytes)
    return moved
