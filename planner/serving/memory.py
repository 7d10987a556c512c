"""Device memory of a model that answers: weights, and the keys and values of the sequences it works on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.workload.architecture import Architecture
from planner.workload.cores import AttentionCore, Scan
from planner.workload.operators import local_share

Array = NDArray[np.float64]

# Frameworks keep recurrent states in 32 bits, whatever the cache's format: rounding errors would add up.
_STATE_BYTES = 4.0


def weight_bytes(architecture: Architecture, *, element_bytes: float, tensor: Array | float = 1.0) -> Array:
    """Weights of one copy on one of the accelerators that share it [B].

    Parameters
    ----------
    architecture : the model.
    element_bytes : of one weight [B].
    tensor : accelerators that share the copy; norms, which each of them holds whole, are less than a
        thousandth of a model and are taken as shared [1].
    """
    return np.asarray(architecture.parameters * element_bytes / np.asarray(tensor, dtype=float))


def cache_bytes(
    architecture: Architecture, *, context: Array | float, element_bytes: float, tensor: Array | float = 1.0
) -> Array:
    """Keys, values and recurrent states of one sequence on one of the accelerators that share a copy [B].

    Parameters
    ----------
    architecture : the model; of an encoder nothing is kept.
    context : tokens of the sequence so far [1].
    element_bytes : of one key or value [B].
    tensor : accelerators that share the copy [1].

    Notes
    -----
    A layer keeps 2 h_kv d elements for each token that its mask can still reach. Heads are dealt to the
    accelerators; with more accelerators than heads each head is kept more than once. The latent of latent
    attention serves all heads and is kept by every accelerator [1]_.

    References
    ----------
    .. [1] DeepSeek-AI, DeepSeek-V2, arXiv:2405.04434, 2024.
    """
    tokens, shared_by = np.asarray(context, dtype=float), np.asarray(tensor, dtype=float)
    kept = np.zeros(np.broadcast_shapes(tokens.shape, shared_by.shape))
    stack = architecture.main
    for kind, count in zip(stack.kinds, stack.counts, strict=True):
        for core in kind.cores:
            if core.causal or core.cross:
                kept = kept + count * element_bytes * _core_elements(core, tokens, shared_by)
        if kind.scan:
            kept = kept + count * _scan_bytes(kind.scan, shared_by, element_bytes)
    return kept


def cache_elements(core: AttentionCore, tokens: Array, tensor: Array) -> Array:
    """Give the elements of so many tokens' keys and values on one of the ranks that share a layer [1].

    Heads are dealt out; with more ranks than heads each is kept more than once, and a latent by all of them.
    """
    share = np.ones_like(tensor, dtype=float) if core.latent_rank else local_share(core.kv_heads, tensor)
    elements: Array = core.cache_elements * tokens * share
    return elements


def _core_elements(core: AttentionCore, tokens: Array, shared_by: Array) -> Array:
    reach = np.minimum(tokens, core.window) if core.window else tokens
    return cache_elements(core, reach, shared_by)


def _scan_bytes(scan: Scan, shared_by: Array, element_bytes: float) -> Array:
    heads = np.maximum(scan.heads / shared_by, 1.0) / scan.heads
    inputs = scan.convolution_channels * (scan.convolution_width - 1)
    kept: Array = (scan.state_elements * _STATE_BYTES + inputs * element_bytes) * heads
    return kept
