"""What mixes the tokens of a sequence, without its weight matrices: attention, and recurrences."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from planner.record import record


@record
class AttentionCore:
    """Scores and weighted values of one attention layer, without its projections.

    Parameters
    ----------
    heads, kv_heads : query heads and key-value heads.
    key_dim, value_dim : size of one head's key and value.
    window : tokens that one query sees at most; 0 is all of them.
    chunked : the window is a fixed chunk of the sequence, not a sliding one.
    causal : a query sees no later token.
    cross : keys come from another stack (an encoder).
    latent_rank : for latent attention, elements of the cached latent with its rotary part; else 0.
    latent_values : elements of that latent which values are made of: all but the rotary part.
    top_k : sparse attention: tokens that one query attends to; 0 is all that it sees.
    index_heads, index_dim : heads and head size of the sparse indexer.
    value_is_key : values are the keys, and are cached once.
    rotary : queries and keys are turned by their positions.
    normed : queries and keys, or their latents, pass a norm each.
    """

    heads: int
    kv_heads: int
    key_dim: int
    value_dim: int
    window: int = 0
    chunked: bool = False
    causal: bool = True
    cross: bool = False
    latent_rank: int = 0
    latent_values: int = 0
    top_k: int = 0
    index_heads: int = 0
    index_dim: int = 0
    value_is_key: bool = False
    rotary: bool = False
    normed: bool = False

    @property
    def cache_elements(self) -> int:
        """Elements that one token leaves in the key-value cache of this layer."""
        if self.latent_rank:
            return self.latent_rank + self.index_dim
        values = 0 if self.value_is_key else self.value_dim
        return self.kv_heads * (self.key_dim + values) + self.index_dim

    @property
    def absorbed(self) -> AttentionCore:
        """This core as it runs over a cache.

        Latent attention then scores the latents themselves: what would expand them to keys and values is
        multiplied into queries and outputs instead, so that all heads share one key and value [1]_.

        References
        ----------
        .. [1] DeepSeek-AI, DeepSeek-V2, arXiv 2405.04434, section 2.1.2.
        """
        if not self.latent_rank:
            return self
        return replace(self, kv_heads=1, key_dim=self.latent_rank, value_dim=self.latent_values, value_is_key=True)


class ScanKind(Enum):
    """Recurrent mixers."""

    MAMBA2 = "mamba-2"
    GATED_DELTA = "gated-delta"


@record
class Scan:
    """The recurrence of a state-space or linear-attention layer, without its projections.

    Parameters
    ----------
    heads : recurrent heads.
    head_dim : size of one head's value.
    state_dim : size of the state per value element (Mamba's state, the key size of a delta net).
    convolution_channels, convolution_width : channels of the short causal convolution, its length in tokens.
    parameters : vectors of the recurrence (decay, time step, skip, gated norm).
    convolution_bias : the convolution has a bias.
    """

    kind: ScanKind
    heads: int
    head_dim: int
    state_dim: int
    convolution_channels: int
    convolution_width: int
    parameters: int
    convolution_bias: bool = True

    @property
    def state_elements(self) -> int:
        """Elements of the recurrent state of one sequence."""
        return self.heads * self.head_dim * self.state_dim

    @property
    def convolution_parameters(self) -> int:
        """Weights of the short convolution, with its bias."""
        return self.convolution_channels * (self.convolution_width + self.convolution_bias)
