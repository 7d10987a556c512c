"""A transformer as numbers: stacks of layers, each with a mixer and a feed-forward part, as weight matrices.

The central thing is the `Projection`, one weight matrix. Parameters, FLOPs, matrix products, sharding and
saved activations are all read off the projections of a layer, so that none of them can disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from enum import Enum

from planner.record import record


class Split(Enum):
    """How tensor parallelism divides a weight matrix."""

    COLUMN = "column"
    ROW = "row"
    NONE = "none"


@record
class Projection:
    """One weight matrix, applied to every token that reaches it.

    Parameters
    ----------
    name : what it is, unique in its layer.
    inputs, outputs : its shape [1].
    split : how tensor parallelism divides it.
    shards : number of pieces it can be divided into at most (the heads behind it); with a larger tensor
        degree every piece is held more than once.
    bias : whether it has a bias vector.
    kernel : projections of one kernel name run as one matrix product (query, key and value).
    rows : of the product for each token: 1, or of a convolution the positions of its map for one of the last map.
    """

    name: str
    inputs: int
    outputs: int
    split: Split
    shards: int = 2**31
    bias: bool = False
    kernel: str = ""
    rows: float = 1.0

    @property
    def weights(self) -> int:
        """Elements of the matrix."""
        return self.inputs * self.outputs

    @property
    def parameters(self) -> int:
        """Elements of the matrix and its bias."""
        return self.weights + (self.outputs if self.bias else 0)


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


@record
class Experts:
    """A mixture of experts: `projections` are the matrices of one expert, of which each token meets `top_k`.

    Biases of experts are held per expert. The router and shared experts stand among the layer's dense
    projections.
    """

    count: int
    top_k: int
    projections: tuple[Projection, ...]
    gated: bool
    activation: str = "silu"

    @property
    def width(self) -> int:
        """Width of one expert."""
        return self.projections[-1].inputs

    @property
    def parameters(self) -> int:
        """Elements of all experts."""
        return self.count * sum(p.parameters for p in self.projections)

    @property
    def active_parameters(self) -> int:
        """Elements of the experts that one token meets."""
        return self.top_k * sum(p.parameters for p in self.projections)


@record
class FeedForward:
    """The dense feed-forward part: its width and whether it is gated; the matrices are the layer's."""

    width: int
    gated: bool
    activation: str


@record
class Layer:
    """One kind of layer.

    Parameters
    ----------
    name : what it is ("full+dense", "sliding+experts").
    hidden : size of a token's vector.
    projections : every dense weight matrix, in the order in which a token meets them.
    cores : attention of the layer: none, one, or self- and cross-attention.
    scan : recurrence of the layer, if it has one.
    feed_forward : what every token meets of the feed-forward part: a dense one, shared experts, or both.
    experts : mixture of experts, if it has one.
    norms : normalisations over the hidden size.
    normalization : "rms" divides by the root mean square; others subtract the mean first.
    parallel : all parts of the layer read its input, and not each the one before.
    norm_parameters : elements of all norms, those of queries, keys and latents included.
    other_parameters : what is left: sinks, router scales.
    per_sample : projections of one vector per sample, not of every token (adaptive norms).
    maps : elements of feature maps that convolutions read and write for each token.
    """

    name: str
    hidden: int
    projections: tuple[Projection, ...]
    cores: tuple[AttentionCore, ...] = ()
    scan: Scan | None = None
    feed_forward: FeedForward | None = None
    experts: Experts | None = None
    norms: int = 2
    normalization: str = "rms"
    parallel: bool = False
    norm_parameters: int = 0
    other_parameters: int = 0
    per_sample: tuple[Projection, ...] = ()
    maps: float = 0.0

    @property
    def dense_parameters(self) -> int:
        """Elements held by every rank of an expert group: all but the routed experts."""
        scan = self.scan.parameters + self.scan.convolution_parameters if self.scan else 0
        held = sum(p.parameters for p in (*self.projections, *self.per_sample))
        return held + self.norm_parameters + self.other_parameters + scan

    @property
    def parameters(self) -> int:
        """Elements of the layer."""
        return self.dense_parameters + (self.experts.parameters if self.experts else 0)

    @property
    def active_parameters(self) -> int:
        """Elements that one token meets."""
        return self.dense_parameters + (self.experts.active_parameters if self.experts else 0)


@record
class Stack:
    """Layers one after the other.

    Parameters
    ----------
    role : "decoder", "encoder", "vision", "speech".
    hidden : size of a token's vector.
    kinds : the different layers.
    order : index into `kinds` of every layer, first to last.
    final_norm, final_norm_parameters : whether a norm follows the last layer; its elements.
    embedding_norm : a norm stands before the first layer.
    tokens_per_sample : tokens that one sample makes here, when the model fixes it (197 patches); 0 where
        the sequence length does.
    shared_layers : layers of one kind use one set of weights (ALBERT).
    """

    role: str
    hidden: int
    kinds: tuple[Layer, ...]
    order: tuple[int, ...]
    final_norm_parameters: int = 0
    tokens_per_sample: int = 0
    shared_layers: bool = False
    final_norm: bool = True
    embedding_norm: bool = False

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.order)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of layers of each kind."""
        return tuple(self.order.count(kind) for kind in range(len(self.kinds)))

    @property
    def held_counts(self) -> tuple[int, ...]:
        """Sets of weights of each kind: one per layer, or one in all where layers share them."""
        return tuple(min(count, 1) for count in self.counts) if self.shared_layers else self.counts

    @property
    def parameters(self) -> int:
        """Elements of all layers and the final norm."""
        per_kind = (k.parameters * n for k, n in zip(self.kinds, self.held_counts, strict=True))
        return sum(per_kind) + self.final_norm_parameters


@record
class Convolution:
    """A convolution before the first layer (image patches, Whisper's stem).

    `outputs_per_sample` is the number of positions it produces; `input_needs_gradient` is false for the
    first one, whose backward pass is therefore one forward pass and not two.
    """

    name: str
    kernel_inputs: int
    outputs: int
    positions_per_sample: int
    bias: bool
    input_needs_gradient: bool = False

    @property
    def weights(self) -> int:
        """Elements of the kernel."""
        return self.kernel_inputs * self.outputs

    @property
    def parameters(self) -> int:
        """Elements of the kernel and its bias."""
        return self.weights + (self.outputs if self.bias else 0)


@record
class Architecture:
    """A whole model.

    Parameters
    ----------
    name : for messages.
    hidden : size of a token's vector in the last stack.
    vocabulary : rows of the token embedding; 0 where the input is no text.
    stacks : in the order in which a sample meets them; the last one makes the outputs.
    embedding_parameters : token embedding, as held once.
    position_parameters : learned positions, token types, class tokens and norms of the embedding.
    head : projections behind the last layer; with tied embeddings the vocabulary's is not held twice.
    tied : the head's vocabulary matrix is the token embedding.
    head_token_share : share of the positions that the head sees (0.15 for masked language models).
    head_parameters : norms and biases of the head that are no projection.
    convolutions : before the first stack.
    multi_token : extra layers that predict further tokens, trained like layers of the last stack; no part of
        `parameters`.
    embedding_projections : between the token table and the first layer, for every token of the last stack.
    pooled : projections of one vector per sample: poolers, classifiers, joint embeddings.
    conditioning : projections of one vector per sample before the first layer (time step of a diffusion
        model); its input needs no gradient.
    joint : width of the space in which each sample of a batch is compared with each other one; else 0.
    """

    name: str
    hidden: int
    vocabulary: int
    stacks: tuple[Stack, ...]
    embedding_parameters: int
    position_parameters: int = 0
    head: tuple[Projection, ...] = ()
    tied: bool = False
    head_token_share: float = 1.0
    head_parameters: int = 0
    convolutions: tuple[Convolution, ...] = ()
    multi_token: Stack | None = None
    max_sequence: int = 0
    notes: tuple[str, ...] = field(default=())
    embedding_projections: tuple[Projection, ...] = ()
    pooled: tuple[Projection, ...] = ()
    conditioning: tuple[Projection, ...] = ()
    joint: int = 0

    @property
    def head_held_parameters(self) -> int:
        """Elements of everything behind the last layer that is not held elsewhere: a tied matrix is not."""
        products = sum(
            (p.outputs if p.bias else 0) if self.tied and p.name == "vocabulary" else p.parameters for p in self.head
        )
        return products + sum(p.parameters for p in self.pooled) + self.head_parameters

    @property
    def stem_parameters(self) -> int:
        """Elements before the first layer, without the token table."""
        products = sum(p.parameters for p in (*self.embedding_projections, *self.conditioning))
        return self.position_parameters + products + sum(c.parameters for c in self.convolutions)

    @property
    def parameters(self) -> int:
        """Elements of the model, each counted once."""
        stacks = sum(stack.parameters for stack in self.stacks)
        return self.embedding_parameters + self.stem_parameters + stacks + self.head_held_parameters

    @property
    def active_parameters(self) -> int:
        """Elements that one token meets: of routed experts only the chosen ones."""
        idle = 0
        for stack in self.stacks:
            for kind, count in zip(stack.kinds, stack.held_counts, strict=True):
                idle += (kind.parameters - kind.active_parameters) * count
        return self.parameters - idle

    @property
    def main(self) -> Stack:
        """The stack that makes the outputs: a decoder, or the only stack there is."""
        return self.stacks[-1]

    @property
    def layers(self) -> int:
        """Layers of all stacks."""
        return sum(stack.layers for stack in self.stacks)


def kernels(projections: Sequence[Projection]) -> list[tuple[str, tuple[Projection, ...]]]:
    """Give the matrix products that a layer's projections run as: those of one kernel name are one."""
    groups: dict[str, list[Projection]] = {}
    for projection in projections:
        groups.setdefault(projection.kernel or projection.name, []).append(projection)
    return [(name, tuple(group)) for name, group in groups.items()]
