"""A transformer as numbers: stacks of layers, each with a mixer and a feed-forward part, as weight matrices.

The central thing is the `Projection` of `projection.py`, one weight matrix; what mixes tokens stands in `cores.py`.
"""

from __future__ import annotations

from dataclasses import field

from planner.record import record
from planner.workload.cores import AttentionCore, Scan
from planner.workload.projection import Projection


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
