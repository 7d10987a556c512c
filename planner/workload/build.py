"""The terse shape of a model to its numbers: stacks of layers, stems, heads."""

from __future__ import annotations

from dataclasses import replace

from planner.catalog.shape import (
    ArchitectureSpec,
    FeedForwardName,
    HeadSpec,
    LayerRunSpec,
    LayerSpec,
    StackSpec,
    layer_of_letter,
)
from planner.record import record
from planner.workload.architecture import Architecture, Convolution, Layer, Stack
from planner.workload.feed_forwards import feed_forward_part
from planner.workload.mixers import NORM_VECTORS, cross_attention, mixer
from planner.workload.projection import Projection, Split


def architecture(spec: ArchitectureSpec, name: str) -> Architecture:
    """Give a model's shape as numbers.

    Parameters
    ----------
    spec : the shape, as a catalog entry states it or a configuration was read.
    name : the model, for messages.

    Returns
    -------
    Every weight matrix, attention core and recurrence of the model, with the elements of what is neither.

    >>> from planner.catalog.shape import AttentionSpec, FeedForwardSpec
    >>> spec = ArchitectureSpec(
    ...     hidden=4096,
    ...     vocabulary=32000,
    ...     layers=32,
    ...     attention=AttentionSpec(heads=32),
    ...     feed_forward=FeedForwardSpec(width=11008, gated=True),
    ... )
    >>> architecture(spec, "llama-2-7b").parameters
    6738415616
    """
    tower = spec.tower()
    encoder = None
    if tower and spec.encoder:
        encoder = _Side(tower, spec.encoder.vocabulary, spec.encoder.role, spec.max_sequence)
    main = _Side(spec, spec.vocabulary, _role(spec), spec.max_sequence)
    source = tower.hidden if tower else spec.hidden
    sides = [side for side in (encoder, main) if side]
    stacks = [_stack(side, source if spec.cross_attention and side is main else None) for side in sides]
    tables = sum(side.vocabulary * side.table_width for side in sides)
    chains = [_chains(side) for side in sides]
    return Architecture(
        name=name,
        hidden=spec.hidden,
        vocabulary=spec.vocabulary,
        stacks=tuple(stacks),
        embedding_parameters=tables,
        position_parameters=sum(_vectors(side) for side in sides) + spec.other_parameters,
        head=chains[-1].every_token,
        tied=spec.tied_embeddings,
        head_token_share=spec.head_token_share,
        head_parameters=sum(chain.norm_parameters for chain in chains),
        convolutions=tuple(c for side in sides for c in _convolutions(side.spec)),
        multi_token=_multi_token(spec, stacks[-1]),
        max_sequence=spec.max_sequence or 0,
        embedding_projections=_embedding_projections(main),
        pooled=tuple(p for chain in chains for p in chain.one_vector),
        conditioning=_conditioning(spec),
        joint=spec.joint,
    )


def expanded(spec: StackSpec) -> list[LayerSpec]:
    """Give every layer of a stack, first to last."""
    if isinstance(spec.layers, int):
        return [LayerSpec()] * spec.layers
    if isinstance(spec.layers, str):
        return [layer_of_letter(letter) for letter in spec.layers]
    return [layer for run in spec.layers for layer in _run(run)]


def _run(run: LayerRunSpec) -> list[LayerSpec]:
    if run.period:
        return [layer for layer in run.period for _ in range(layer.count)] * run.count
    return [run] * run.count


@record
class _Side:
    """One stack with the token table in front of it."""

    spec: StackSpec
    vocabulary: int
    role: str
    max_sequence: int | None

    @property
    def table_width(self) -> int:
        return self.spec.embedding.size or self.spec.hidden


def _role(spec: ArchitectureSpec) -> str:
    if spec.image:
        return "vision"
    if spec.audio:
        return "speech"
    return "decoder" if spec.causal else "encoder"


def _stack(side: _Side, source_hidden: int | None) -> Stack:
    spec = side.spec
    kinds: dict[LayerSpec, int] = {}
    layers: list[Layer] = []
    order: list[int] = []
    for listed in expanded(spec):
        kind = _feed_forward_kind(spec, listed)
        plain = LayerSpec(mixer=listed.mixer, feed_forward=kind, kv_heads=listed.kv_heads, width=listed.width)
        if plain not in kinds:
            kinds[plain] = len(layers)
            layers.append(_layer(spec, plain, source_hidden))
        order.append(kinds[plain])
    return Stack(
        role=side.role,
        hidden=spec.hidden,
        kinds=tuple(layers),
        order=tuple(order),
        final_norm_parameters=NORM_VECTORS[spec.normalization] * spec.hidden if spec.final_norm else 0,
        tokens_per_sample=_tokens_per_sample(spec),
        shared_layers=spec.shared_layers,
        final_norm=spec.final_norm,
        embedding_norm=spec.embedding.norm or bool(spec.image and spec.image.norm),
    )


def _feed_forward_kind(spec: StackSpec, layer: LayerSpec) -> FeedForwardName:
    if layer.feed_forward:
        return layer.feed_forward
    return "experts" if spec.experts else "dense"


def _layer(spec: StackSpec, kind: LayerSpec, source_hidden: int | None) -> Layer:
    mixing = mixer(spec, kind)
    crossing = cross_attention(spec, source_hidden) if source_hidden else None
    part = feed_forward_part(spec, kind.feed_forward or "none", kind.width)
    has_both = kind.mixer != "none" and kind.feed_forward != "none"
    norms = spec.norms_per_layer if has_both else spec.norms_per_layer // 2
    if crossing:
        norms += spec.norms_per_layer // 2
    names = [kind.mixer, "cross" if crossing else "none", kind.feed_forward or "none"]
    cross_projections = crossing.projections if crossing else ()
    per_sample: tuple[Projection, ...] = ()
    if spec.conditioning:
        width = spec.conditioning.modulations * spec.hidden
        per_sample = (Projection("modulation", spec.hidden, width, Split.NONE, 1, bias=True),)
    return Layer(
        name="+".join(n for n in names if n != "none") + _own_sizes(kind),
        hidden=spec.hidden,
        projections=(*mixing.projections, *cross_projections, *part.projections),
        cores=(*mixing.cores, *(crossing.cores if crossing else ())),
        scan=mixing.scan,
        feed_forward=part.feed_forward,
        experts=part.experts,
        norms=norms,
        normalization=spec.normalization,
        parallel=spec.parallel_block,
        norm_parameters=norms * NORM_VECTORS[spec.normalization] * spec.hidden + mixing.norm_parameters,
        other_parameters=mixing.other_parameters + part.other_parameters,
        per_sample=per_sample,
    )


def _own_sizes(kind: LayerSpec) -> str:
    """Give what tells layers of one kind apart by name."""
    kv_heads = f" ({kind.kv_heads} kv)" if kind.kv_heads else ""
    return kv_heads + (f" ({kind.width} wide)" if kind.width else "")


def _patches(spec: StackSpec) -> int:
    image = spec.image
    return (image.height // image.patch_height) * (image.width // image.patch_width) if image else 0


def _tokens_per_sample(spec: StackSpec) -> int:
    if spec.image:
        return _patches(spec) + spec.image.class_tokens
    return spec.audio.positions if spec.audio else 0


def _vectors(side: _Side) -> int:
    """Elements of positions, token types, class tokens and norms in front of the first layer."""
    spec = side.spec
    width = side.table_width
    norm = NORM_VECTORS[spec.normalization]
    total = _position_rows(side) * (spec.embedding.position_size or width)
    total += spec.embedding.token_types * width
    if spec.embedding.norm:
        total += norm * width
    if spec.attention:
        total += spec.relative_buckets * spec.attention.heads
    if spec.image:
        total += spec.image.class_tokens * spec.hidden + (norm * spec.hidden if spec.image.norm else 0)
    if spec.conditioning:
        total += spec.conditioning.classes * spec.hidden
    return total


def _position_rows(side: _Side) -> int:
    spec = side.spec
    if spec.position_rows is not None:
        return spec.position_rows
    if spec.positions != "learned":
        return 0
    return _tokens_per_sample(spec) or side.max_sequence or 0


def _convolutions(spec: StackSpec) -> list[Convolution]:
    if spec.image:
        image = spec.image
        inputs = image.channels * image.patch_height * image.patch_width
        return [Convolution("patches", inputs, spec.hidden, _patches(spec), image.bias)]
    if spec.audio:
        audio = spec.audio
        first = Convolution("sound.1", audio.bands * audio.kernel, spec.hidden, 2 * audio.positions, bias=True)
        inputs = spec.hidden * audio.kernel
        second = Convolution("sound.2", inputs, spec.hidden, audio.positions, bias=True, input_needs_gradient=True)
        return [first, second]
    return []


def _embedding_projections(side: _Side) -> tuple[Projection, ...]:
    embedding = side.spec.embedding
    if embedding.size is None:
        return ()
    bias = embedding.projection_bias
    return (Projection("embedding-in", embedding.size, side.spec.hidden, Split.NONE, 1, bias),)


def _conditioning(spec: StackSpec) -> tuple[Projection, ...]:
    if not spec.conditioning:
        return ()
    first = Projection("time-step.1", spec.conditioning.frequencies, spec.hidden, Split.NONE, 1, bias=True)
    return (first, Projection("time-step.2", spec.hidden, spec.hidden, Split.NONE, 1, bias=True))


@record
class _Chains:
    """The products behind a stack: those of every token and those of one vector per sample."""

    every_token: tuple[Projection, ...]
    one_vector: tuple[Projection, ...]
    norm_parameters: int


def _chains(side: _Side) -> _Chains:
    spec = side.spec
    listed = spec.head
    if listed is None:
        listed = (HeadSpec(),) if side.vocabulary else ()
    ends = {"all": spec.hidden, "one": spec.hidden}
    chains: dict[str, list[Projection]] = {"all": [], "one": []}
    norms = 0
    if spec.conditioning:
        width = spec.conditioning.final_modulations * spec.hidden
        chains["one"].append(Projection("final-modulation", spec.hidden, width, Split.NONE, 1, bias=True))
    for number, product in enumerate(listed):
        inputs, outputs = ends[product.tokens], product.outputs or side.vocabulary
        split = Split.NONE if product.outputs else Split.COLUMN
        name = f"{side.role}-head.{number}" if product.outputs else "vocabulary"
        shards = 1 if product.outputs else side.vocabulary
        chains[product.tokens].append(Projection(name, inputs, outputs, split, shards, product.bias))
        ends[product.tokens] = outputs
        norms += NORM_VECTORS[spec.normalization] * outputs if product.norm else 0
    return _Chains(tuple(chains["all"]), tuple(chains["one"]), norms)


def _multi_token(spec: ArchitectureSpec, main: Stack) -> Stack | None:
    """Layers like the last one, each after a product that joins a token with the one before [arXiv 2412.19437]."""
    if not spec.multi_token_layers:
        return None
    last = main.kinds[main.order[-1]]
    norm = NORM_VECTORS[spec.normalization] * spec.hidden
    joined = replace(
        last,
        name=f"{last.name}, next tokens",
        projections=(Projection("join", 2 * spec.hidden, spec.hidden, Split.NONE, 1), *last.projections),
        norms=last.norms + 3,
        norm_parameters=last.norm_parameters + 3 * norm,
    )
    return Stack(main.role, spec.hidden, (joined,), (0,) * spec.multi_token_layers)
