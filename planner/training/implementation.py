"""How a framework computes a layer, as far as it decides which tensors its backward pass finds again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Implementation:
    """What is saved, choice by choice.

    Parameters
    ----------
    element_bytes : size of an activation's element [B].
    dropout : masks after attention and feed-forward, on attention's probabilities and behind the embedding.

    Attention
    ---------
    flash : attention keeps its result and one statistic per row, not the probabilities.
    flash_drops : the flash kernel can drop probabilities; else those are kept where there is dropout.
    unfused_bytes : least size of an element of attention that is no flash kernel [B].
    fused_projection : queries, keys and values are cut from one product's result. What still refers to a part
        keeps all of it alive, as values do where positions or norms made new queries and keys.
    repeated_heads : keys and values are copied for every query head that shares them.
    latent_views : values of latent attention are cut from the product that made them with the keys.
    windows_by_mask, causal_by_mask : windows, or all masking, is a tensor given to the kernel, which keeps it.
    output_copied : attention's result is copied to another layout for its projection, and both are kept.

    Norms
    -----
    fused_norm : a norm is one kernel, which keeps its input and statistics; else a root-mean-square norm keeps
        its input and its normalised values, both in 32 bits.
    norm_outputs_kept : a norm's result is kept as the next product's input; else it is computed again.
    statistic_bytes : mean and deviation of one row, each [B]; a root-mean-square norm keeps one of 4 bytes.

    The rest
    --------
    fused_gate : a gated activation is one kernel: the activated gate is not kept by itself.
    inner_dropout : dropout also between the feed-forward part's two products.
    float_masks : dropout masks are of the activations' format; else of one byte.
    rotary_tables : tables of sines and cosines, of a row per position, that all layers share [1].
    router_bytes : kept per token and expert by the choice of experts [B].
    every_expert : each expert computes every token, and what is not chosen is weighed with zero.
    logit_bytes : size of an element of the loss's log-probabilities; 0 for that of the activations [B].
    """

    element_bytes: float = 2.0
    dropout: bool = False
    flash: bool = True
    flash_drops: bool = True
    unfused_bytes: float = 0.0
    fused_projection: bool = True
    repeated_heads: bool = False
    latent_views: bool = False
    windows_by_mask: bool = False
    causal_by_mask: bool = False
    output_copied: bool = False
    fused_norm: bool = True
    norm_outputs_kept: bool = True
    statistic_bytes: float = 4.0
    fused_gate: bool = True
    inner_dropout: bool = False
    float_masks: bool = False
    rotary_tables: float = 0.0
    router_bytes: float = 8.0
    every_expert: bool = False
    logit_bytes: float = 0.0

    @property
    def mask_bytes(self) -> float:
        """Size of an element of a dropout mask [B]."""
        return self.element_bytes if self.float_masks else 1.0

    @property
    def keeps_scores(self) -> bool:
        """Attention keeps its probabilities."""
        return not self.flash or (self.dropout and not self.flash_drops)


MEGATRON = Implementation()
"""Fused kernels of Megatron-Core with Transformer Engine, and of frameworks that compile their layers."""

TORCH_CUDA = Implementation(
    fused_projection=False,
    latent_views=True,
    windows_by_mask=True,
    unfused_bytes=4.0,
    fused_gate=False,
    rotary_tables=2.0,
    router_bytes=4.0,
)
"""Modules of torch.nn with `scaled_dot_product_attention`, by the kernels that they run on a GPU."""

PLAIN_TORCH = Implementation(
    flash_drops=False,
    fused_projection=False,
    latent_views=True,
    windows_by_mask=True,
    unfused_bytes=4.0,
    fused_norm=False,
    statistic_bytes=0.0,
    fused_gate=False,
    float_masks=True,
    rotary_tables=2.0,
    router_bytes=4.0,
)
"""The same modules by the kernels of a CPU, which is what torch traces where there is no GPU (FakeTensorMode).

There a root-mean-square norm is written out, a dropout mask is a tensor of factors, statistics of a norm have
the activations' format, and attention with dropout keeps its probabilities, in 32 bits.
"""
