"""Time of one layer for one micro-batch on one device, by cause, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planner.hardware.collectives import (
    Group,
    Links,
    all_to_all_time_s,
    gather_or_scatter_time_s,
)
from planner.hardware.efficiency import Efficiency
from planner.hardware.kernels import HOST_BLEND, forward_and_backward_s, joined
from planner.hardware.machine import Machine
from planner.record import record
from planner.training.held import LayerUse
from planner.training.implementation import Implementation
from planner.training.stages import DUAL_PIPE
from planner.training.strategy import Recompute, Strategy
from planner.workload.architecture import Layer
from planner.workload.layer_operators import layer_operators
from planner.workload.operators import (
    Attention,
    MatrixProduct,
    Operator,
    Sharding,
    Streaming,
    Tokens,
    local_inputs,
    local_outputs,
)

Array = NDArray[np.float64]

_ZERO = np.asarray(0.0)
_COUNTED_BYTES = 2.0  # of an activation's element, as `workload.layer_operators` counts passes over memory
_HOST_SHARE_OF_WEIGHTS = 0.5  # of a backward pass's kernels, those that make weight gradients


@record
class LayerTime:
    """One layer, one micro-batch, forward and backward together by cause [s].

    `forward`, `backward` and `weight` (the part of the backward pass that makes weight gradients, which
    zero-bubble schedules move) are totals of the causes before them, without recomputation.
    """

    matrix: Array
    attention: Array
    streaming: Array
    recompute: Array
    host: Array
    tensor: Array
    context: Array
    expert: Array
    forward: Array
    backward: Array
    weight: Array

    @property
    def total(self) -> Array:
        """The whole layer, recomputation included [s]."""
        return self.forward + self.backward + self.recompute


@record
class Setting:
    """What all layers of a run share.

    Parameters
    ----------
    strategy, machine, efficiency, links : how the run is spread, over what.
    bytes_per_element : of the operands of the layers' products [B].
    quantised : the products' operands are converted from 16 bits first (8- and 4-bit recipes).
    implementation : how a layer is computed: whether attention's scores pass through memory, what is kept.
    adapted : where adapters of a frozen model stand: beside all projections, or attention's alone.
    """

    strategy: Strategy
    machine: Machine
    efficiency: Efficiency
    links: Links
    bytes_per_element: Array | float
    quantised: bool
    implementation: Implementation
    adapted: Literal["all", "attention"] = "all"

    @property
    def element_bytes(self) -> float:
        """Size of an activation's element, in memory and in messages [B]."""
        return self.implementation.element_bytes

    def widened(self, operator: Operator) -> Operator:
        """Give memory-bound work, which is counted in 16 bits, in the activations' own format."""
        if isinstance(operator, Streaming) and self.element_bytes != _COUNTED_BYTES:
            return replace(operator, bytes_moved=operator.bytes_moved * self.element_bytes / _COUNTED_BYTES)
        return operator


@record
class _Sums:
    """Device time by kind of work, forward and backward [s]."""

    matrix: tuple[Array, Array]
    attention: tuple[Array, Array]
    streaming: tuple[Array, Array]
    weight: Array
    again: Array


def layer_time(use: LayerUse, setting: Setting) -> LayerTime:
    """Give the time of one layer.

    Parameters
    ----------
    use : kind of layer, its tokens, and whether its weights train.
    setting : what all layers share.

    Returns
    -------
    Seconds by cause, each broadcast over just the axes that it depends on [s].

    Notes
    -----
    A layer takes as long as its device or its host, whichever is longer, joined softly; communication that
    cannot hide behind either is added. Recomputation runs a share of the forward pass again, and where
    whole layers are recomputed their tensor-parallel communication too.
    """
    strategy, efficiency = setting.strategy, setting.efficiency
    operators = layer_operators(use.layer, use.tokens, strategy.sharding_of_layers)
    if setting.quantised:
        operators.append(_quantisation(use, strategy.sharding_of_layers, efficiency))
    if not use.trained:
        operators.append(_adapters(use, setting))
    sums = _sums(operators, use, setting)

    host = efficiency.host_layer_s * _host_share(use.layer, setting) * _unfused_share(use, setting)
    device_f = sums.matrix[0] + sums.attention[0] + sums.streaming[0]
    device_b = sums.matrix[1] + sums.attention[1] + sums.streaming[1]
    wait_f = joined(device_f, host, HOST_BLEND) - device_f
    wait_b = joined(device_b, host * efficiency.host_backward, HOST_BLEND) - device_b

    tensor = tensor_time_s(use, setting)
    # Each kind of communication hides behind time that none before it has used up.
    context = _context_time_s(use, setting, (sums.attention[0] + wait_f, sums.attention[1] + wait_b))
    before_f, before_b = device_f + wait_f + context[0], device_b + wait_b + context[1]
    waits = wait_f + wait_b
    beside, attention = 0.5 * (device_f + device_b + waits), 0.5 * (sums.attention[0] + sums.attention[1] + waits)
    expert = _expert_time_s(use, setting, (before_f, before_b), beside, attention)
    forward, backward = before_f + tensor + expert[0], before_b + tensor + expert[1]
    whole = strategy.recompute.layers * efficiency.recompute_whole * forward
    return LayerTime(
        matrix=sums.matrix[0] + sums.matrix[1],
        attention=sums.attention[0] + sums.attention[1],
        streaming=sums.streaming[0] + sums.streaming[1],
        recompute=whole + (1.0 - strategy.recompute.layers) * (sums.again + strategy.recompute.other * device_f),
        host=wait_f + wait_b,
        tensor=2.0 * tensor,
        context=context[0] + context[1],
        expert=expert[0] + expert[1],
        forward=forward,
        backward=backward,
        weight=sums.weight + _HOST_SHARE_OF_WEIGHTS * wait_b,
    )


def _host_share(layer: Layer, setting: Setting) -> Array | float:
    """Host time of a layer against one without experts [1]: each expert's products are launched by themselves."""
    if not layer.experts:
        return 1.0
    held = layer.experts.count / setting.strategy.expert
    return setting.efficiency.host_experts + setting.efficiency.host_each_expert * held


def _unfused_share(use: LayerUse, setting: Setting) -> Array | float:
    """Host time of a layer against one whose plain attention masks and normalises in one kernel [1].

    Megatron's kernel takes matrices of scores by four; other counts of them run operator by operator.
    """
    if setting.implementation.flash or not use.layer.cores:
        return 1.0
    matrices = use.tokens.sequences * use.layer.cores[0].heads / setting.strategy.tensor
    return np.where(np.mod(matrices, _SCORES_TOGETHER) == 0.0, 1.0, _UNFUSED)


_SCORES_TOGETHER = 4.0  # Megatron-LM, fused_softmax: is_kernel_available
_UNFUSED = 1.2  # conversions, scale, mask and softmax: five kernels more beside some 25 of a layer; our count


def _sums(operators: Sequence[Operator], use: LayerUse, setting: Setting) -> _Sums:
    matrix, attention, streaming = [_ZERO, _ZERO], [_ZERO, _ZERO], [_ZERO, _ZERO]
    weight, again = _ZERO, _ZERO
    recompute = setting.strategy.recompute
    for operator in operators:
        forward, backward = forward_and_backward_s(
            setting.widened(operator),
            machine=setting.machine,
            efficiency=setting.efficiency,
            bytes_per_element=setting.bytes_per_element,
            weight_gradient=1.0 if use.trained else 0.0,
            plain_attention=not setting.implementation.flash,
        )
        if isinstance(operator, MatrixProduct):
            if operator.role == "experts":
                forward, backward = forward * setting.efficiency.imbalance, backward * setting.efficiency.imbalance
            weight = weight + 0.5 * backward
        kind = matrix if isinstance(operator, MatrixProduct) else streaming
        kind = attention if isinstance(operator, Attention) else kind
        kind[0], kind[1] = kind[0] + forward, kind[1] + backward
        again = again + _share_again(operator, recompute) * forward
    return _Sums((matrix[0], matrix[1]), (attention[0], attention[1]), (streaming[0], streaming[1]), weight, again)


def _share_again(operator: Operator, recompute: Recompute) -> Array:
    """Share of an operator's forward pass that per-module recomputation runs again [1]."""
    name = operator.name
    if name == "norms":
        return 0.5 * recompute.norms  # the norms themselves; residual additions are not repeated
    if name == "activation":
        return np.maximum(recompute.activation, recompute.feed_forward)
    if name in ("attention", "cross-attention"):
        return recompute.attention
    if name in ("query.up", "kv.up"):
        return recompute.latent
    if name in ("up", "gate", "shared-up", "expert dispatch", "router") or name.startswith("expert"):
        return recompute.feed_forward
    return _ZERO


def _quantisation(use: LayerUse, sharding: Sharding, efficiency: Efficiency) -> Streaming:
    """Converting the operands of 8- and 4-bit products: bytes per element of inputs that are converted."""
    here = use.tokens.sequences * use.tokens.length / sharding.context
    width = 2.0 * use.layer.hidden / sharding.sequence_split
    for core in use.layer.cores:
        width = width + core.heads * core.value_dim / np.minimum(sharding.tensor, float(core.heads))
    if use.layer.feed_forward:
        width = width + use.layer.feed_forward.width / sharding.tensor
    if use.layer.experts:
        copies = use.layer.experts.top_k / sharding.tensor
        width = width + copies * use.layer.experts.width / sharding.expert_tensor
    # Streaming work is scaled by `element_wise` where it is timed; conversion has its own fitted count.
    return Streaming("quantisation", efficiency.quantisation_bytes / efficiency.element_wise * here * width, _ZERO)


def _adapters(use: LayerUse, setting: Setting) -> Streaming:
    """Low-rank adapters beside projections: their products are thin, so that memory decides.

    The input is read once more, the projection's output read and written once more.
    """
    sharding = setting.strategy.sharding_of_layers
    here = use.tokens.sequences * use.tokens.length / sharding.context
    widths = _ZERO
    for projection in use.layer.projections:
        if setting.adapted == "attention" and projection.name in _FEED_FORWARD:
            continue
        widths = widths + local_inputs(projection, sharding.tensor) + 2.0 * local_outputs(projection, sharding.tensor)
    return Streaming("adapters", 2.0 * here * widths, _ZERO)


_FEED_FORWARD = ("gate", "up", "down")


def tensor_blocks(layer: Layer) -> int:
    """Give how often a layer's forward pass joins its tensor ranks: once per mixer and dense feed-forward part.

    Parts that run in parallel on the layer's input join once.
    """
    mixers = len(layer.cores) + (1 if layer.scan else 0)
    if layer.parallel and mixers and layer.feed_forward:
        return mixers
    return mixers + (1 if layer.feed_forward else 0)


def tensor_time_s(use: LayerUse, setting: Setting) -> Array:
    """Exposed tensor-parallel communication of one layer's forward pass; backward takes the same [s]."""
    strategy = setting.strategy
    here = use.tokens.sequences * use.tokens.length / strategy.context
    group = Group.of(strategy.tensor, stride=np.ones_like(strategy.tensor), machine=setting.machine)
    once = gather_or_scatter_time_s(setting.element_bytes * here * use.layer.hidden, group, setting.links)
    both = 2.0 * tensor_blocks(use.layer) * once
    return (1.0 - setting.efficiency.overlap_tensor) * both


def _context_time_s(use: LayerUse, setting: Setting, windows: tuple[Array, Array]) -> tuple[Array, Array]:
    """Exposed passing of keys and values between context ranks, forward and backward [s].

    Every rank gathers the others' keys and values; backward passes them and their gradients. It hides behind
    attention and what the device waits for its host.
    """
    strategy, share = setting.strategy, setting.efficiency.overlap_context
    here = use.tokens.sequences * use.tokens.length  # the whole sequence is gathered
    group = Group.of(strategy.context, stride=strategy.tensor, machine=setting.machine)
    forward = _ZERO
    for core in use.layer.cores:
        width = core.kv_heads * (core.key_dim + core.value_dim)
        local = width / np.minimum(strategy.tensor, float(core.kv_heads))
        forward = forward + gather_or_scatter_time_s(setting.element_bytes * here * local, group, setting.links)
    backward = 2.0 * forward
    return exposed(forward, share, windows[0]), exposed(backward, share, windows[1])


def _expert_time_s(
    use: LayerUse, setting: Setting, windows: tuple[Array, Array], beside: Array, attention: Array
) -> tuple[Array, Array]:
    """Exposed dispatch and combine of a layer's experts, forward and backward, which move the same [s].

    `beside` and `attention` are means of both passes: all work, and attention with what waits for the host.
    """
    experts = use.layer.experts
    if not experts:
        return _ZERO, _ZERO
    strategy = setting.strategy
    tokens: Tokens = use.tokens
    sent = tokens.sequences * tokens.length / strategy.context / strategy.tensor * experts.top_k
    message = setting.element_bytes * sent * experts.projections[0].inputs
    group = Group.of(strategy.expert, stride=strategy.expert_tensor, machine=setting.machine)
    once = all_to_all_time_s(message, group, setting.links, copies=float(experts.top_k))
    inner = Group.of(strategy.expert_tensor, stride=np.ones_like(strategy.expert_tensor), machine=setting.machine)
    joined_ranks = gather_or_scatter_time_s(message * strategy.expert_tensor, inner, setting.links)
    both, share = 2.0 * (once + joined_ranks), setting.efficiency.overlap_expert
    paired = strategy.schedule == DUAL_PIPE
    if np.any(paired):
        # One micro-batch's exchange runs beside the other's work, but for what context ranks' passing hides behind.
        share = np.where(paired, np.maximum(share, _HIDDEN_BY_DUAL_PIPE), share)
        mean = np.where(strategy.context > 1.0, beside - attention, beside)
        windows = np.where(paired, mean, windows[0]), np.where(paired, mean, windows[1])
    return exposed(both, share, windows[0]), exposed(both, share, windows[1])


_HIDDEN_BY_DUAL_PIPE = 0.9  # DeepSeek-V3 Technical Report, 3.2.1: nearly all of it; the tenth is our estimate


def exposed(communication: Array, share: Array, window: Array) -> Array:
    """Give what is left of communication when a share of it hides behind a window of other work [s].

    >>> float(exposed(np.asarray(4.0), np.asarray(0.5), np.asarray(1.0)))
    3.0
    """
    left: Array = communication - np.minimum(share * communication, window)
    return left
