"""How far real software stays below the data sheet: every fitted number of the training model, by meaning.

The values live in `catalogs/profiles/`, with the rows that they were fitted on and their error on rows
left out; this module only names them. All are floats or arrays that broadcast with the strategies.
"""

from __future__ import annotations

from dataclasses import MISSING, field, fields

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]


def _none() -> Array:
    return np.array([0.0])


def _alike() -> Array:
    return np.array([1.0])


@record
class Efficiency:
    """Efficiencies of one machine under one framework generation.

    Matrix products
    ---------------
    matrix_peak : share of the dense peak that the largest products reach [1].
    matrix_sustained : share of that which a long training run keeps, power and clocks included [1].
    matrix_inner : inner size at which a product reaches half of its rate [1].
    matrix_tile : length of a tile's edge at which its two edges cost as much as its area [1].
    matrix_least_flop : operations of the smallest step of the inner dimension that keeps multipliers busy [1].
    matrix_split_s : a second kernel that adds up the parts of an inner dimension cut in pieces [s].
    matrix_traffic : operands that pass from the cache to the multiprocessors, against the memory's bandwidth [1].
    matrix_packed : rows that bring an operand in order before every product; 0 where kernels read it as it lies [1].
    input_gradient, weight_gradient : rate of the products of a backward pass, whose operands lie in other layouts,
        against those of the forward pass [1].
    launch_s : from one kernel's end to the next one's first results [s].
    grouped : rate of grouped products (experts) against plain ones [1].
    head : rate of the vocabulary product against plain ones [1].

    Attention
    ---------
    attention : share of the 16-bit peak that long flash attention reaches [1].
    attention_backward : rate of its backward pass against forward [1].
    attention_length : length at which it reaches half of that [tokens].
    attention_head : exponent of the rate's fall with heads of less than 128 dimensions of key and value each [1].
    plain_attention_passes : passes over the scores in memory, both directions together, where attention is not
        flash [1].

    Memory-bound work
    -----------------
    memory : share of the device memory's bandwidth [1].
    element_wise : passes over activations against the count of `workload.layer_operators` (fusion lowers it) [1].
    quantisation_bytes : bytes moved per quantised element in 8- and 4-bit recipes [B].
    optimizer : bytes moved per parameter against the least the update needs [1].

    Links
    -----
    domain_bandwidth, fabric_bandwidth : share of the line rate that large messages reach [1].
    domain_latency_s, fabric_latency_s : one step of a collective [s].
    small_messages : rate of the protocol for few bytes against that for many [1].
    large_start_s : more that the protocol for many bytes needs to start [s].

    Overlap: share of each kind of communication that can hide behind other work [1]
    ----------------------------------------------------------------------------------
    overlap_tensor, overlap_context, overlap_expert, overlap_data, overlap_sharded, overlap_pipeline.

    Host and scale
    --------------
    host_layer_s : host time to launch one layer's forward pass [s].
    host_backward : backward against forward [1].
    host_experts : a layer with experts against one without [1].
    host_each_expert : what every expert that a device holds adds to that [1].
    step_s : fixed time of one optimizer step [s].
    recompute_whole : share of a layer's forward pass that computing it again runs; compilers leave out what
        nobody reads [1].
    jitter : loss per doubling of the accelerators above eight [1].
    imbalance : load of the fullest expert rank against the mean [1].
    """

    matrix_peak: Array
    matrix_sustained: Array
    matrix_inner: Array
    matrix_tile: Array
    matrix_least_flop: Array
    matrix_split_s: Array
    matrix_traffic: Array
    launch_s: Array
    grouped: Array
    head: Array
    attention: Array
    attention_backward: Array
    attention_length: Array
    attention_head: Array
    plain_attention_passes: Array
    memory: Array
    element_wise: Array
    quantisation_bytes: Array
    optimizer: Array
    domain_bandwidth: Array
    fabric_bandwidth: Array
    domain_latency_s: Array
    fabric_latency_s: Array
    small_messages: Array
    large_start_s: Array
    overlap_tensor: Array
    overlap_context: Array
    overlap_expert: Array
    overlap_data: Array
    overlap_sharded: Array
    overlap_pipeline: Array
    host_layer_s: Array
    host_backward: Array
    host_experts: Array
    host_each_expert: Array
    step_s: Array
    recompute_whole: Array
    jitter: Array
    imbalance: Array
    matrix_packed: Array = field(default_factory=_none)
    input_gradient: Array = field(default_factory=_alike)
    weight_gradient: Array = field(default_factory=_alike)


NAMES = tuple(each.name for each in fields(Efficiency) if each.default_factory is MISSING)
"""Parameters that every profile of training names; the others are nothing, or 1, unless it does."""
