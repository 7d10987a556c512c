"""Time of one pass through a model: a step that decodes, or prompts that are read; pure functions of counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.between import exposed_s, network_s, waited_for_s
from planner.serving.operator_groups import (
    Groups,
    adapters,
    attending_s,
    cache_bytes,
    elements,
    experts,
    matrices,
    of_sequences,
    projections,
)
from planner.serving.setting import Setting
from planner.serving.work import Cores

Array = NDArray[np.float64]

# A score that is written out: 32 bits by the product; read beside its mask and written again by the softmax; brought
# into 16 bits for the product with the values, that reads them.
_SCORE_BYTES = 4.0 + (4.0 + 4.0 + 4.0) + (4.0 + 2.0) + 2.0
_NOTHING = np.asarray(0.0)


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
    groups = Groups()
    projections(groups, setting, here * queries, relative=1.0)
    experts(groups, setting, staged * queries, relative=1.0)
    of_sequences(groups, setting, counts.sample, here)
    bandwidth = setting.machine.machine.memory_bandwidth_bytes_per_s
    cache = here * (cache_bytes(setting, cores) + queries * cores.flops * e.core_bytes)
    cache = cache / (bandwidth * e.cache_bandwidth)
    groups.add(cache, here * queries * attending_s(setting, cores))
    elements(groups, setting, here * queries)
    adapters(groups, setting, here, here * queries)
    of_sequences(groups, setting, setting.head, here * queries)
    network = network_s(setting, here * queries)
    host = exposed_s(setting, groups.total + network) + e.step_s
    host = host + waited_for_s(setting, groups.total + network + host, e.sequence_s * batch)
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
    groups = Groups()
    projections(groups, setting, each, relative=e.prefill, times=passes)
    experts(groups, setting, each * ranks, relative=e.prefill, times=passes)
    of_sequences(groups, setting, counts.sample, requests)
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
    elements(groups, setting, each, times=passes)
    adapters(groups, setting, np.maximum(each / np.maximum(length, 1.0), 1.0), each, times=passes)
    of_sequences(groups, setting, setting.head, requests * sampled)
    network = network_s(setting, each) * passes
    host = (exposed_s(setting, (groups.total + network) / passes) + e.prompt_s) * passes
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
    groups = Groups()
    matrices(groups, setting, setting.counts.source, tokens, relative=setting.efficiency.prefill)
    none = np.zeros_like(groups.total)
    return PassTime(groups.total, groups.memory, none, groups.compute, groups.useful, none, none)
