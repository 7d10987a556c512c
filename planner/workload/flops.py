"""FLOPs of a model by named conventions, exact to the last digit, read off the same shapes as the operators.

A multiply-add is two operations. Counted are products with weights, attention's scores and weighted values,
convolutions and recurrences; norms, activations and softmax are not. What is called "the FLOPs" of a model
differs between sources in three ways, each of them a choice here: whether attention's mask is taken into
account, whether the product with the vocabulary is counted, and what recomputation adds.
"""

from __future__ import annotations

from enum import Enum

from planner.record import record
from planner.workload.architecture import Architecture, Layer, Stack
from planner.workload.cores import AttentionCore, Scan, ScanKind
from planner.workload.projection import Projection


class Masking(Enum):
    """How attention is counted."""

    FULL = "full"
    """Every query against every key: what torch's counter sees in plain attention; Megatron's and PaLM's rule."""
    VISIBLE = "causal"
    """Only the keys that a query may see: half of them for a causal mask, fewer with windows and chunks."""


class Recompute(Enum):
    """What the backward pass computes a second time."""

    NONE = "none"
    SELECTIVE = "selective"
    """Attention's scores and weighted values."""
    FULL = "full"
    """Every layer's forward pass; not the embedding and not the head."""


@record
class Samples:
    """The input that is counted.

    Parameters
    ----------
    count : sequences, or images, or pairs [1].
    length : tokens of each in the last stack; where the model fixes their number, that number counts [1].
    source_length : tokens of each in the encoder, where the model does not fix it [1].
    """

    count: int
    length: int
    source_length: int = 0


@record
class ForwardFlops:
    """Operations of one forward pass by part [FLOP]; each part is exact.

    Parameters
    ----------
    stem : convolutions and projections before the first layer.
    projections : dense products of the layers, routers and shared experts included.
    experts : products of the routed experts.
    attention : scores and weighted values, under the masking asked for.
    index : scores of sparse attention's indexer.
    recurrence : state updates and short convolutions of recurrent layers.
    head : products behind the last layer without the vocabulary's.
    logits : the product with the vocabulary.
    first_convolution : the part of `stem` whose input needs no gradient.
    """

    stem: int
    projections: int
    experts: int
    attention: int
    index: int
    recurrence: int
    head: int
    logits: int
    first_convolution: int

    @property
    def layers(self) -> int:
        """Operations of the layers alone [FLOP]."""
        return self.projections + self.experts + self.attention + self.index + self.recurrence

    @property
    def total(self) -> int:
        """All parts [FLOP]."""
        return self.stem + self.layers + self.head + self.logits

    @property
    def without_logits(self) -> int:
        """All parts but the product with the vocabulary [FLOP]."""
        return self.total - self.logits

    @property
    def backward(self) -> int:
        """Operations of the backward pass when everything is trained [FLOP].

        Each product has two in the backward pass, one for each operand's gradient; a product on the model's
        own input has one.
        """
        return 2 * self.total - self.first_convolution


@record
class TrainingFlops:
    """Operations of one training step [FLOP].

    Parameters
    ----------
    model : forward and backward pass, each operation counted once: model FLOPs, the numerator of MFU.
    forward_layers : forward pass of the layers, what full recomputation adds.
    forward_attention : forward pass of attention's core, what selective recomputation adds.
    """

    model: int
    forward_layers: int
    forward_attention: int

    def hardware(self, recompute: Recompute) -> int:
        """Give the operations that are carried out: hardware FLOPs, the numerator of HFU [FLOP]."""
        again = {Recompute.NONE: 0, Recompute.SELECTIVE: self.forward_attention, Recompute.FULL: self.forward_layers}
        return self.model + again[recompute]


def forward_flops(architecture: Architecture, samples: Samples, masking: Masking) -> ForwardFlops:
    """Operations of one forward pass of the whole model.

    Parameters
    ----------
    architecture : the model.
    samples : its input.
    masking : how attention is counted.

    Returns
    -------
    Exact whole numbers by part [FLOP].

    Notes
    -----
    A product of an (m, k) with a (k, n) matrix takes 2 m n k. Of routed experts each token meets `top_k`.

    References
    ----------
    .. [1] Narayanan et al., SC 2021, appendix; Korthikanti et al., MLSys 2023, appendix A.
    """
    main = architecture.stacks[-1]
    lengths = [_length(stack, samples, is_main=stack is main) for stack in architecture.stacks]
    source = lengths[0] if len(lengths) > 1 else samples.source_length
    parts = [
        _layer_flops(kind, count, samples.count, length, source if stack is main else 0, masking)
        for stack, length in zip(architecture.stacks, lengths, strict=True)
        for kind, count in zip(stack.kinds, stack.counts, strict=True)
    ]
    tokens = samples.count * lengths[-1]
    convolutions = [2 * samples.count * c.positions_per_sample * c.weights for c in architecture.convolutions]
    stem = sum(convolutions) + tokens * _twice(architecture.embedding_projections)
    conditioning = [2 * samples.count * p.weights for p in architecture.conditioning]
    inputs = [f for f, c in zip(convolutions, architecture.convolutions, strict=True) if not c.input_needs_gradient]
    head = [p for p in architecture.head if p.name != "vocabulary"]
    logits = [p for p in architecture.head if p.name == "vocabulary"]
    pairs = 2 * samples.count**2 * architecture.joint
    return ForwardFlops(
        stem=stem + sum(conditioning),
        projections=sum(p.projections for p in parts),
        experts=sum(p.experts for p in parts),
        attention=sum(p.attention for p in parts),
        index=sum(p.index for p in parts),
        recurrence=sum(p.recurrence for p in parts),
        head=tokens * _twice(head) + samples.count * _twice(architecture.pooled) + pairs,
        logits=tokens * _twice(logits),
        first_convolution=sum(inputs) + sum(conditioning[:1]),
    )


def training_flops(
    architecture: Architecture,
    *,
    sequences: int,
    length: int,
    source_length: int | None = None,
    masking: Masking = Masking.VISIBLE,
    logits: bool = True,
    trained: bool = True,
) -> TrainingFlops:
    """Operations of one training step.

    Parameters
    ----------
    architecture : the model; its layers for further tokens are counted with it.
    sequences : sequences of the step [1].
    length, source_length : tokens of each, in the last stack and in the encoder [1].
    masking : how attention is counted; by default what a mask lets through.
    logits : the product with the vocabulary is counted; of a masked language model at the share of the tokens
        that it sees in training.
    trained : the weights are trained; where they are frozen and small adapters train, their products have one
        product in the backward pass and not two. The adapters' own are not counted.

    Returns
    -------
    Model FLOPs, and what recomputation would add [FLOP].
    """
    samples = Samples(sequences, length, source_length or 0)
    forward = forward_flops(architecture, samples, masking)
    seen = _head_share(architecture, forward.head + forward.logits if logits else forward.head)
    further = _further_tokens(architecture, samples, masking, logits=logits)
    layers, attention = forward.layers + further.layers, forward.attention + further.attention
    once = forward.stem + forward.layers + seen + further.total
    if trained:
        model = 3 * once - forward.first_convolution
    else:
        # Both operands of attention and of a recurrence are activations, and have gradients all the same.
        both = attention + forward.recurrence + further.recurrence
        model = 2 * once + both - forward.stem
    return TrainingFlops(model=model, forward_layers=layers, forward_attention=attention)


def six_n_flops_per_token(architecture: Architecture) -> int:
    """The rule 6 N for one token's training: six operations per weight that the token meets [FLOP].

    N is without token and position tables and without the vocabulary matrix [1]_; attention is left out.

    References
    ----------
    .. [1] Kaplan et al., arXiv 2001.08361, section 2.1.
    """
    tables = architecture.embedding_parameters + architecture.position_parameters
    matrix = 0 if architecture.tied else sum(p.parameters for p in architecture.head if p.name == "vocabulary")
    return 6 * (architecture.active_parameters - tables - matrix)


def key_pairs(core: AttentionCore, queries: int, keys: int, masking: Masking) -> int:
    """Pairs of a query and a key that one sequence's attention computes, per head [1].

    Parameters
    ----------
    core : the attention.
    queries, keys : tokens of one sequence; the queries are the last of the keys [1].
    masking : whether the mask counts.

    Returns
    -------
    The sum over the queries of the keys that each sees.

    >>> causal = AttentionCore(1, 1, 64, 64)
    >>> key_pairs(causal, 4, 4, Masking.FULL), key_pairs(causal, 4, 4, Masking.VISIBLE)
    (16, 10)
    >>> key_pairs(AttentionCore(1, 1, 64, 64, window=2), 4, 4, Masking.VISIBLE)
    7
    """
    if masking is Masking.FULL:
        return queries * keys
    if core.cross or (not core.causal and not core.window):
        return queries * (min(keys, core.top_k) if core.top_k else keys)
    if not core.causal:
        return sum(min(keys, n + core.window) - max(0, n - core.window + 1) for n in range(queries))
    before = keys - queries
    if core.window and core.chunked:
        most = min(core.window, core.top_k or core.window)
        return sum(min((before + n) % core.window + 1, most) for n in range(queries))
    most = min(core.window or keys, core.top_k or keys, keys)
    growing = max(0, min(queries, most - before))  # queries that still see every earlier token
    return growing * before + growing * (growing + 1) // 2 + (queries - growing) * most


def _length(stack: Stack, samples: Samples, *, is_main: bool) -> int:
    return stack.tokens_per_sample or (samples.length if is_main else samples.source_length)


def _twice(projections: list[Projection] | tuple[Projection, ...]) -> int:
    return 2 * sum(round(p.weights * p.rows) for p in projections)


def _layer_flops(
    layer: Layer, layers: int, samples: int, length: int, source_length: int, masking: Masking
) -> ForwardFlops:
    """Operations of all layers of one kind."""
    tokens, source_tokens = samples * length, samples * source_length
    of_source = [p for p in layer.projections if p.name in _OF_SOURCE]
    of_queries = [p for p in layer.projections if p.name not in _OF_SOURCE]
    if not source_length:
        # Without an encoder's output the cross-attention is skipped.
        of_queries = [p for p in of_queries if not p.name.startswith("cross.")]
    projections = tokens * _twice(of_queries) + source_tokens * _twice(of_source) + samples * _twice(layer.per_sample)
    experts = layer.experts
    attention = index = 0
    for core in layer.cores:
        keys = source_length if core.cross else length
        pairs = samples * key_pairs(core, length, keys, masking)
        attention += 2 * core.heads * (core.key_dim + core.value_dim) * pairs
        scored = AttentionCore(1, 1, 0, 0, causal=core.causal)
        index += 2 * core.index_heads * (core.index_dim + 1) * samples * key_pairs(scored, length, keys, masking)
    return ForwardFlops(
        stem=0,
        projections=layers * projections,
        experts=layers * tokens * experts.top_k * _twice(experts.projections) if experts else 0,
        attention=layers * attention,
        index=layers * index,
        recurrence=layers * tokens * recurrence_flops_per_token(layer.scan) if layer.scan else 0,
        head=0,
        logits=0,
        first_convolution=0,
    )


_OF_SOURCE = frozenset({"cross.key", "cross.value"})


def recurrence_flops_per_token(scan: Scan) -> int:
    """Operations of a recurrence and its short convolution for one token [FLOP].

    Mamba-2 takes 6 per element of the state: decay, outer product and read-out with their sums [1]_; a gated
    delta net takes 8: it also reads the state before it writes [2]_.

    References
    ----------
    .. [1] Dao and Gu, arXiv 2405.21060.
    .. [2] Yang, Kautz, Hatamizadeh, arXiv 2412.06464.
    """
    per_state = 6 if scan.kind is ScanKind.MAMBA2 else 8
    return per_state * scan.state_elements + 2 * scan.convolution_channels * scan.convolution_width


def _head_share(architecture: Architecture, flops: int) -> int:
    """A head on a share of the tokens; a whole one stays exact."""
    return flops if architecture.head_token_share == 1.0 else round(flops * architecture.head_token_share)


def _further_tokens(architecture: Architecture, samples: Samples, masking: Masking, *, logits: bool) -> ForwardFlops:
    """The layers that predict further tokens, each with a product with the vocabulary of its own."""
    empty = ForwardFlops(0, 0, 0, 0, 0, 0, 0, 0, 0)
    stack = architecture.multi_token
    if stack is None:
        return empty
    layer = _layer_flops(stack.kinds[0], stack.layers, samples.count, samples.length, 0, masking)
    once = samples.count * samples.length * _twice([p for p in architecture.head if p.name == "vocabulary"])
    return ForwardFlops(
        stem=0,
        projections=layer.projections,
        experts=layer.experts,
        attention=layer.attention,
        index=layer.index,
        recurrence=layer.recurrence,
        head=0,
        logits=once * stack.layers if logits else 0,
        first_convolution=0,
    )
