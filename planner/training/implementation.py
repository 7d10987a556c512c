"""How a framework computes a layer, as far as it decides which tensors its backward pass finds again."""

from __future__ import annotations

from enum import Enum

from planner.record import record


class RmsNorm(Enum):
    """How a root-mean-square norm is computed. Each keeps one statistic of 4 bytes per row."""

    FUSED = "fused"
    """One kernel: its input is kept."""
    WIDE = "wide"
    """Written out in 32 bits: its input and its normalised values are kept in 32 bits."""
    CAST = "cast"
    """As `WIDE`, but the values are cast to the activations' format before they are scaled, and kept so."""


@record
class Implementation:
    """What is saved, choice by choice.

    Parameters
    ----------
    element_bytes : size of an activation's element [B].

    Attention
    ---------
    flash : attention keeps its result and one statistic per row, not the probabilities.
    flash_limited : the flash kernel neither drops probabilities nor takes values of another size than keys;
        plain attention runs instead.
    unfused_bytes : least size of an element of plain attention [B].
    fused_projection : queries, keys and values are cut from one product's result. What still refers to a part
        keeps all of it alive, as values do where positions or norms made new queries and keys.
    packed_values : in plain attention too the values are read where that product wrote them.
    repeated_heads : keys and values are copied for every query head that shares them.
    latent_views : values of latent attention are cut from the product that made them with the keys.
    windows_by_mask, causal_by_mask : windows, or all masking, is a tensor that attention keeps: of the
        activations' format for a flash kernel, of bytes where plain attention is written out.
    attention_dropout : probabilities are dropped.

    Norms
    -----
    rms_norm : how a root-mean-square norm is computed.
    norm_outputs_kept : a norm's result is kept as the next product's input; else it is computed again.
    statistic_bytes : of mean and deviation, each, of a row of another norm [B]; 0 for the activations' format.

    The rest
    --------
    fused_gate : a gated activation is one kernel: the activated gate is not kept by itself.
    dropout : masks after every part of a layer and behind the embedding.
    inner_dropout : dropout also between the feed-forward part's two products.
    float_masks : dropout masks are of the format of what they drop; else of one byte.
    rotary_tables : tables of sines and cosines, of a row per position, that all layers share [1].
    router_bytes : kept per token and expert by the choice of experts [B].
    every_expert : each expert computes every token, and what is not chosen is weighed with zero.
    added_by_index : weighed results of experts are added up by an operation that keeps them.
    logit_bytes : of an element of the loss's log-probabilities; 0 for the activations' format [B].
    """

    element_bytes: float = 2.0
    flash: bool = True
    flash_limited: bool = False
    unfused_bytes: float = 0.0
    fused_projection: bool = True
    packed_values: bool = False
    repeated_heads: bool = False
    latent_views: bool = False
    windows_by_mask: bool = False
    causal_by_mask: bool = False
    attention_dropout: bool = False
    rms_norm: RmsNorm = RmsNorm.FUSED
    norm_outputs_kept: bool = True
    statistic_bytes: float = 4.0
    fused_gate: bool = True
    dropout: bool = False
    inner_dropout: bool = False
    float_masks: bool = False
    rotary_tables: float = 0.0
    router_bytes: float = 8.0
    every_expert: bool = False
    added_by_index: bool = False
    logit_bytes: float = 0.0

    def mask_bytes(self, dropped_bytes: float) -> float:
        """Give the size of a dropout mask's element, where what is dropped has elements of that size [B]."""
        return dropped_bytes if self.float_masks else 1.0


MEGATRON = Implementation()
"""Fused kernels of Megatron-Core with Transformer Engine, and of frameworks that compile their layers."""

TORCH_CUDA = Implementation(
    unfused_bytes=4.0,
    fused_projection=False,
    latent_views=True,
    windows_by_mask=True,
    fused_gate=False,
    rotary_tables=2.0,
    router_bytes=4.0,
    added_by_index=True,
)
"""Modules of torch.nn with `scaled_dot_product_attention`, by the kernels that they run on a GPU."""

PLAIN_TORCH = Implementation(
    flash_limited=True,
    unfused_bytes=4.0,
    fused_projection=False,
    latent_views=True,
    windows_by_mask=True,
    rms_norm=RmsNorm.WIDE,
    statistic_bytes=0.0,
    fused_gate=False,
    float_masks=True,
    rotary_tables=2.0,
    router_bytes=4.0,
    added_by_index=True,
)
"""The same modules by the kernels of a CPU, which is what torch traces where there is no GPU (FakeTensorMode).

There `torch.nn.RMSNorm` is written out in 32 bits, a dropout mask is a tensor of factors, statistics of a norm
have the activations' format, and attention with dropout keeps its probabilities, in 32 bits.
"""
