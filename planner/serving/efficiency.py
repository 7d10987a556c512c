"""How far a serving engine stays below the data sheet: every fitted number of the serving model, by meaning.

The values live in `catalogs/profiles/serving.yaml`, with the rows that they were fitted on and their error on
rows left out; this module only names them. All are floats or arrays that broadcast with machines and layouts.
"""

from __future__ import annotations

from dataclasses import MISSING, field, fields

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]


def _none() -> Array:
    return np.asarray(0.0)


@record
class ServingEfficiency:
    """Efficiencies of one machine under one engine generation.

    Device
    ------
    weight_bandwidth : share of the memory bandwidth at which weights are read [1].
    cache_bandwidth : share of it at which keys and values are read [1].
    core_bytes : bytes that an operation on them counts for beside those read, in a step that decodes; 0 where the next
        are read meanwhile [B/FLOP].
    matrix : share of the dense peak of matrix products, few rows apart [1].
    eight_bit, four_bit : the same of an 8-bit or 4-bit peak, against 16 bits [1].
    unpacking : rate of products whose weights are kept in fewer bits, against plain ones, memory and compute [1].
    padding_tokens : rows that a product is padded with [tokens].
    packed_tokens : rows that bring the weights in order at every product of two rows and more; 0 where an engine keeps
        them so [tokens].
    wide_tokens, wide_rows : rows at most that bring back the copy in order of a wide weight, which has left the caches
        before it is used [tokens]; rows of a weight at which half of its copy has [1].
    row_bytes : what every row of a weight takes beside its bytes, at the rate at which they are read [B].
    prefill : rate of products over whole prompts against few rows [1].
    attention : share of the 16-bit peak that attention over a long prompt reaches [1].
    attention_length : length of prompt at which it reaches half of that [tokens].
    element_wise : passes over activations against the count of operators [1].
    gated_elements : more of it in a gated layer whose norms, positions and gate are written out; 0 where they are
        kernels of their own [1].
    grouped : rate of the experts' products against plain ones [1].
    convolution : rate of convolutions against plain products [1].
    expert_bandwidth : rate at which experts' weights are read against plain ones [1].
    spread : tokens that meet as many different experts as one would if all were equally popular [1].
    skew : load of the fullest expert rank against the mean where experts are dealt out whole [1].

    Links
    -----
    link_bandwidth : share of the line rate that collectives reach [1].
    link_latency_s : one step of a collective [s].
    far_bandwidth : share of the PCIe rate that collectives without a link reach between two [1].
    far_latency_s : one step of a collective over PCIe [s].

    Host
    ----
    layer_s : time between a layer's kernels [s].
    layer_experts, layer_special : more of it for a layer with experts, with a latent, recurrent or sparse mixer [1].
    layer_gated : more of it for a gated layer whose norms, positions and gate are written out [1].
    step_s : host time of one decode step [s].
    sequence_s : host time of one sequence in it [s].
    prompt_s : host time of one pass over a prompt [s].

    Load
    ----
    interference : share of prefill work that delays the sequences that decode [1].
    request_s : time of a request outside the engine's steps: network, tokeniser, router [s].
    wait_steps : decode steps that a new request waits for [1].
    queue : waiting for other prompts against the mean of a random queue [1].
    gathered : share of the others' prompts that is read before a request's first token, after the first wave: 1/2
        where an engine reads all that wait before it decodes on, near 0 where prompts share its passes [1].

    Memory and power
    ----------------
    memory_share : of device memory that an engine can fill, against what it says [1].
    power_idle, power_waiting, power_busy, power_compute, power_cool : of the power limit: without a request, while host
        or network is waited for, more of it in any kernel, more of it where products never wait, less of it in a chip
        that was at rest [1].
    byte_j, cache_byte_j : energy of a byte of weights, and of keys and values, from device memory through the products
        [J].
    """

    weight_bandwidth: Array
    cache_bandwidth: Array
    matrix: Array
    eight_bit: Array
    four_bit: Array
    unpacking: Array
    padding_tokens: Array
    prefill: Array
    attention: Array
    attention_length: Array
    element_wise: Array
    grouped: Array
    convolution: Array
    expert_bandwidth: Array
    spread: Array
    skew: Array
    link_bandwidth: Array
    link_latency_s: Array
    far_bandwidth: Array
    far_latency_s: Array
    layer_s: Array
    layer_experts: Array
    layer_special: Array
    step_s: Array
    sequence_s: Array
    prompt_s: Array
    interference: Array
    request_s: Array
    wait_steps: Array
    queue: Array
    gathered: Array
    memory_share: Array
    power_idle: Array
    power_waiting: Array
    power_busy: Array
    power_compute: Array
    power_cool: Array
    byte_j: Array
    cache_byte_j: Array
    packed_tokens: Array = field(default_factory=_none)
    row_bytes: Array = field(default_factory=_none)
    wide_tokens: Array = field(default_factory=_none)
    wide_rows: Array = field(default_factory=_none)
    core_bytes: Array = field(default_factory=_none)
    gated_elements: Array = field(default_factory=_none)
    layer_gated: Array = field(default_factory=_none)

    def matrix_rate(self, bits: Array, relative: Array | float = 1.0) -> Array:
        """Give the share of its own peak that products in a width reach, all of it at most [1].

        Parameters
        ----------
        bits : of their format [1].
        relative : their rate against plain products of few rows: over whole prompts, of experts [1].
        """
        narrow = np.where(bits >= 8.0, self.eight_bit, self.four_bit)
        share: Array = np.minimum(self.matrix * np.where(bits >= 16.0, 1.0, narrow) * relative, 1.0)
        return share


NAMES = tuple(each.name for each in fields(ServingEfficiency) if each.default_factory is MISSING)
"""Parameters that every profile of serving names; the others are nothing unless it does."""

POWER = ("power_idle", "power_waiting", "power_busy", "power_compute", "power_cool", "byte_j", "cache_byte_j")
"""Those of power alone."""
