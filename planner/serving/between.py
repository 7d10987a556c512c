"""What a pass takes beside its operators: collectives of its ranks, and what its host does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.hardware.collectives import Group, Links, all_reduce_time_s, all_to_all_time_s, send_time_s
from planner.hardware.kernels import HOST_BLEND, joined
from planner.serving.setting import ACTIVATION_BYTES, Setting

Array = NDArray[np.float64]

_MOVED_BYTES = 1.5  # of an element sent to an expert and back, the mean of 8 bits out and 16 bits in


def network_s(setting: Setting, tokens: Array) -> Array:
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
    vector = counts.hidden * ACTIVATION_BYTES
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


def exposed_s(setting: Setting, device: Array) -> Array:
    """Time of a pass beside the device's own for launching its layers [s].

    A host that launches operations one by one runs ahead of its device, so that the slower of them counts, as in
    training; else what lies between layers adds up.
    """
    launching = _between_layers(setting)
    if not np.any(setting.eager):
        return launching
    exposed: Array = np.where(np.asarray(setting.eager) > 0, joined(device, launching, HOST_BLEND) - device, launching)
    return exposed


def waited_for_s(setting: Setting, step: Array, sequences: Array) -> Array:
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
