"""Time of one pass through a model: a step that decodes, or prompts that are read; pure functions of counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.hardware.collectives import Group, Links, all_reduce_time_s, all_to_all_time_s, send_time_s
from planner.hardware.kernels import HOST_BLEND, joined
from planner.record import record
from planner.serving.adapters import Adapters
from planner.serving.efficiency import ServingEfficiency
from planner.serving.layout import Layout
from planner.serving.machine import VECTOR_SHARE, ServingMachine
from planner.serving.work import Cores, Counts, Weights

Array = NDArray[np.float64]

_CORE_RATE = 0.5  # of the products' rate: scores and values of few queries fill a tile badly; our estimate
# Of the 32-bit peak, by published rates of TensorRT-LLM to 0.9 on A100, H100 and H200; our estimate.
_ALONE_RATE = 0.15
_ACTIVATION_BYTES = 2.0
# A score that is written out: 32 bits by the product; read beside its mask and written again by the softmax; brought
# into 16 bits for the product with the values, that reads them.
_SCORE_BYTES = 4.0 + (4.0 + 4.0 + 4.0) + (4.0 + 2.0) + 2.0
_NOTHING = np.asarray(0.0)
_FEWEST = 1e-9  # experts that are met: no division by none
_MOVED_BYTES = 1.5  # of an element sent to an expert and back, the mean of 8 bits out and 16 bits in


@record
class PassTime:
    """Time of one pass by cause [s].

    Parameters
    ----------
    total : of the pass.
    memory, compute : of its groups of operators, each as if the other were free; their soft maxima add up to
        what `total` has beside network and host.
    cache : of `memory`, what attention reads of keys and values.
    useful : of `compute`, without the rows that products are padded with.
    network : collectives.
    host : launches and scheduling.
    """

    total: Array
    memory: Array
    cache: Array
    compute: Array
    useful: Array
    network: Array
    host: Array


@record
class Setting:
    """What times are taken on: counts of one rank, how ranks stand, machine and engine.

    Parameters
    ----------
    counts, head : of one rank.
    layout, machine, efficiency : how ranks stand, what they run on, how far they stay below its data sheet.
    adapters : beside the weights, if any.
    eager : 1 where the host launches every operation by itself while the device works on earlier ones, and attention
        has no kernel for grouped heads; 0 where whole passes are launched at once.
    written_scores : 1 where attention over a prompt writes its scores to memory and reads them back; 0 where a fused
        kernel keeps them.
    overlapping : 1 where the host works on what a step gave each sequence while the device takes the next; 0 where
        the device waits for it.
    """

    counts: Counts
    head: Weights
    layout: Layout
    machine: ServingMachine
    efficiency: ServingEfficiency
    adapters: Adapters | None = None
    eager: Array | float = 0.0
    written_scores: Array | float = 0.0
    overlapping: Array | float = 0.0


def soft_maximum(first: Array, second: Array) -> Array:
    """Give (a^3 + b^3)^(1/3): kernels near the ridge of the roofline reach neither roof.

    >>> float(soft_maximum(np.asarray(0.0), np.asarray(2.0)))
    2.0
    """
    soft: Array = np.cbrt(first * first * first + second * second * second)
    return soft


class _Groups:
    """Adds up groups of operators."""

    def __init__(self) -> None:
        self.memory: Array = np.asarray(0.0)
        self.compute: Array = np.asarray(0.0)
        self.useful: Array = np.asarray(0.0)
        self.total: Array = np.asarray(0.0)

    def add(self, memory: Array, compute: Array, times: Array | float = 1.0, *, useful: Array | None = None) -> None:
        self.memory = self.memory + memory * times
        self.compute = self.compute + compute * times
        self.useful = self.useful + (compute if useful is None else useful) * times
        self.total = self.total + soft_maximum(memory, compute) * times


def decode_step(setting: Setting, cores: Cores, *, batch: Array, queries: Array | float = 1.0) -> PassTime:
    """Time from one token of every sequence to the next.

    Parameters
    ----------
    setting : model, layout, machine, engine.
    cores : attention of one sequence at its context.
    batch : sequences on the replica [1].
    queries : tokens of one sequence that are scored together: 1, or a draft and one more [1].

    Returns
    -------
    Seconds by cause, of all stages one after the other [s].
    """
    counts, layout, e = setting.counts, setting.layout, setting.efficiency
    staged = np.maximum(batch / layout.pipeline, 1.0)  # sequences of one stage at a time
    here = np.maximum(staged / layout.data, 1.0)  # of one attention rank
    groups = _Groups()
    _projections(groups, setting, here * queries, relative=1.0)
    _experts(groups, setting, staged * queries, relative=1.0)
    _sampled(groups, setting, counts.sample, here)
    bandwidth = setting.machine.machine.memory_bandwidth_bytes_per_s
    cache = here * (_cache_bytes(setting, cores) + queries * cores.flops * e.core_bytes)
    cache = cache / (bandwidth * e.cache_bandwidth)
    groups.add(cache, here * queries * _attending(setting, cores))
    _elements(groups, setting, here * queries)
    _adapters(groups, setting, here, here * queries)
    _sampled(groups, setting, setting.head, here * queries)
    network = _network(setting, here * queries)
    host = _exposed(setting, groups.total + network) + e.step_s
    host = host + _waited_for(setting, groups.total + network + host, e.sequence_s * batch)
    return PassTime(groups.total + network + host, groups.memory, cache, groups.compute, groups.useful, network, host)


def prefill(
    setting: Setting,
    cores: Cores,
    *,
    length: Array,
    requests: Array | float = 1.0,
    ranks: Array | float = 1.0,
    budget: Array | float = np.inf,
    sampled: float = 1.0,
) -> PassTime:
    """Time of reading prompts that pass together.

    Parameters
    ----------
    setting : model, layout, machine, engine.
    cores : attention of one prompt over its length.
    length : tokens of one prompt that pass [1].
    requests : prompts that pass together on one attention rank [1].
    ranks : attention ranks that read prompts at the same time, and share the experts [1].
    budget : tokens that one pass takes at most; a longer input goes through in several [tokens].
    sampled : share of the prompts whose next token is wanted [1].

    Returns
    -------
    Seconds by cause [s]. Stages work on the passes of one input at the same time.
    """
    counts, layout, e = setting.counts, setting.layout, setting.efficiency
    tokens = requests * length
    passes = np.maximum(np.ceil(tokens / budget), 1.0)
    each = tokens / passes
    groups = _Groups()
    _projections(groups, setting, each, relative=e.prefill, times=passes)
    _experts(groups, setting, each * ranks, relative=e.prefill, times=passes)
    _sampled(groups, setting, counts.sample, requests)
    bandwidth = setting.machine.machine.memory_bandwidth_bytes_per_s
    sixteen = setting.machine.flops_per_s_16
    seen = 2.0 * cores.seen
    rate = e.attention * seen / (seen + e.attention_length)
    before = groups.total
    cache = requests * cores.read_bytes / (bandwidth * e.cache_bandwidth)
    groups.add(cache, requests * cores.flops / (sixteen * np.maximum(rate, 1e-9)))
    if np.any(setting.written_scores):
        written = setting.written_scores * requests * cores.scores * _SCORE_BYTES
        groups.add(written * e.element_wise / bandwidth, _NOTHING)
    attending = groups.total - before
    _elements(groups, setting, each, times=passes)
    _adapters(groups, setting, np.maximum(each / np.maximum(length, 1.0), 1.0), each, times=passes)
    _sampled(groups, setting, setting.head, requests * sampled)
    network = _network(setting, each) * passes
    host = (_exposed(setting, (groups.total + network) / passes) + e.prompt_s) * passes
    total = groups.total + network + host
    # Stages take passes one after the other; all but one wait for the longest, the last, which attends to all others.
    own = np.maximum(np.ceil(length / budget), 1.0)
    longer = (1.0 - 1.0 / own) * np.minimum(0.5 * length / np.maximum(cores.seen, 1.0), 1.0)
    longest = (total + attending * longer) / passes
    overlapped = (total + (layout.pipeline - 1.0) * longest) / (layout.pipeline * total)
    return PassTime(
        total * overlapped,
        groups.memory * overlapped,
        cache * overlapped,
        groups.compute * overlapped,
        groups.useful * overlapped,
        network * overlapped,
        host * overlapped,
    )


def attended(setting: Setting, tokens: Array) -> PassTime:
    """Time of the keys and values that a decoder's layers keep of so many of its encoder's tokens, once [s]."""
    groups = _Groups()
    _matrices(groups, setting, setting.counts.source, tokens, relative=setting.efficiency.prefill)
    none = np.zeros_like(groups.total)
    return PassTime(groups.total, groups.memory, none, groups.compute, groups.useful, none, none)


def _projections(
    groups: _Groups,
    setting: Setting,
    tokens: Array,
    *,
    relative: Array | float,
    times: Array | float = 1.0,
) -> None:
    for weights in (setting.counts.attention, setting.counts.dense):
        _matrices(groups, setting, weights, tokens, relative=relative, times=times)
    if np.any(setting.counts.map_bytes):
        slower = relative * setting.efficiency.convolution
        _matrices(groups, setting, setting.counts.convolutions, tokens, relative=slower, times=times)


def _matrices(
    groups: _Groups,
    setting: Setting,
    weights: Weights,
    tokens: Array,
    *,
    relative: Array | float = 1.0,
    times: Array | float = 1.0,
) -> None:
    if not np.any(weights.read_bytes):  # a search pays for every group
        return
    e, machine = setting.efficiency, setting.machine
    slower = np.where(weights.unpacked > 0, e.unpacking, 1.0)
    bandwidth = machine.machine.memory_bandwidth_bytes_per_s * e.weight_bandwidth * slower
    memory = (weights.read_bytes + weights.rows * e.row_bytes) / bandwidth
    rate = machine.flops_per_s(weights.bits) * e.matrix_rate(weights.bits, relative) * slower
    each = weights.flops / rate
    groups.add(memory, each * (tokens + padding(e, tokens, weights.width)), times, useful=each * tokens)


def _experts(
    groups: _Groups, setting: Setting, tokens: Array, *, relative: Array | float, times: Array | float = 1.0
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


def _sampled(groups: _Groups, setting: Setting, weights: Weights, vectors: Array | float) -> None:
    _matrices(groups, setting, weights, np.asarray(vectors, dtype=float))


def _elements(groups: _Groups, setting: Setting, tokens: Array, *, times: Array | float = 1.0) -> None:
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


def _adapters(
    groups: _Groups, setting: Setting, sequences: Array, tokens: Array, *, times: Array | float = 1.0
) -> None:
    """Adapters of the sequences in a pass: those that differ are read once, every token goes through its own."""
    own, e, machine = setting.adapters, setting.efficiency, setting.machine
    if own is None:
        return
    elements = setting.counts.adapted * own.rank
    memory = own.met(sequences) * elements * _ACTIVATION_BYTES
    rate = machine.flops_per_s_16 * e.matrix_rate(np.asarray(16.0), e.grouped)
    bandwidth = machine.machine.memory_bandwidth_bytes_per_s * np.minimum(e.weight_bandwidth * e.grouped, 1.0)
    groups.add(memory / bandwidth, 2.0 * elements * (tokens + own.met(sequences) * e.padding_tokens) / rate, times)


def _network(setting: Setting, tokens: Array) -> Array:
    """Collectives of one pass: all-reduces of tensor ranks, exchange with experts, messages between stages."""
    counts, layout, e, m = setting.counts, setting.layout, setting.efficiency, setting.machine.machine
    switched = setting.machine.switched > 0
    # Without a link of its own a pair reaches the PCIe rate's share, and more ranks share its bridges.
    far = m.domain_bandwidth_bytes_per_s * e.far_bandwidth * np.sqrt(2.0 / np.maximum(layout.tensor, 2.0))
    links = Links(
        np.where(switched, m.domain_bandwidth_bytes_per_s * e.link_bandwidth, far),
        m.fabric_bandwidth_bytes_per_s * e.link_bandwidth,
        np.where(switched, e.link_latency_s, e.far_latency_s),
        np.maximum(m.fabric_latency_s, e.link_latency_s),
    )
    vector = counts.hidden * _ACTIVATION_BYTES
    group = Group(layout.tensor, np.minimum(layout.tensor, m.domain))
    time = counts.reductions * all_reduce_time_s(tokens * vector, group, links)
    ranks = layout.stage_ranks
    if np.any(layout.data > 1):
        wide = Group(ranks, np.minimum(ranks, m.domain))
        copies = np.minimum(counts.top_k, ranks)
        exchanged = tokens / layout.tensor * copies * counts.hidden * _MOVED_BYTES
        exchange = 2.0 * counts.expert_layers * all_to_all_time_s(exchanged, wide, links)
        time = time + np.where(layout.data > 1, exchange, 0.0)
    if np.any(layout.pipeline > 1):
        stages = layout.pipeline * ranks > m.domain
        sent = send_time_s(tokens * vector, outside=stages.astype(float), links=links)
        with np.errstate(invalid="ignore"):
            time = time + np.where(layout.pipeline > 1, (layout.pipeline - 1.0) * sent, 0.0)
    return time


def _attending(setting: Setting, cores: Cores) -> Array:
    """Time of scores and weighted values of one token, if keys and values came at once [s]."""
    rate = setting.machine.flops_per_s_16 * setting.efficiency.matrix * _CORE_RATE
    if not np.any(cores.vector_flops):  # most engines have none, and a search pays for every operation
        together: Array = cores.flops / rate
        return together
    alone = setting.machine.vector_flops_per_s * _ALONE_RATE
    one_by_one = np.where(cores.vector_flops > 0, cores.vector_flops / alone, 0.0)
    both: Array = (cores.flops - cores.vector_flops) / rate + one_by_one
    return both


def _cache_bytes(setting: Setting, cores: Cores) -> Array:
    """Bytes that attention of one sequence moves [B].

    Without a kernel for grouped heads a step copies the cache to append to it, which reads and writes it, and reads it
    once more to write it out for every query head, which attention then reads.
    """
    apart = 3.0 * cores.read_bytes + 2.0 * cores.expanded_bytes
    moved: Array = np.where(np.asarray(setting.eager) > 0, apart, cores.read_bytes)
    return moved


def _exposed(setting: Setting, device: Array) -> Array:
    """Time of a pass beside the device's own for launching its layers [s].

    A host that launches operations one by one runs ahead of its device, so that the slower of them counts, as in
    training; else what lies between layers adds up.
    """
    launching = _between_layers(setting)
    if not np.any(setting.eager):
        return launching
    exposed: Array = np.where(np.asarray(setting.eager) > 0, joined(device, launching, HOST_BLEND) - device, launching)
    return exposed


def _waited_for(setting: Setting, step: Array, sequences: Array) -> Array:
    """Time beside a step's own for what the host does with each sequence's token [s]."""
    overlapping = np.asarray(setting.overlapping) > 0
    if not np.any(overlapping):
        return sequences
    waited: Array = np.where(overlapping, joined(step, sequences, HOST_BLEND) - step, sequences)
    return waited


def _between_layers(setting: Setting) -> Array:
    counts, e = setting.counts, setting.efficiency
    layers = counts.layers + e.layer_experts * counts.expert_layers + e.layer_special * counts.special_layers
    layers = layers + e.layer_gated * counts.gated_layers
    return e.layer_s * layers
