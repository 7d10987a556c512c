"""The shape of a transformer, written tersely: what most layers share stands once.

`layers` says which layers there are: a number of like ones, a list of runs, or a text with one letter per
layer. `planner.workload.build` expands the shape into numbers.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import ConfigDict, model_validator

from planner.catalog.shape_parts import (
    MAX_LAYERS,
    AttentionSpec,
    AudioSpec,
    ConditioningSpec,
    DeltaSpec,
    EmbeddingSpec,
    ExpertsSpec,
    FeedForwardName,
    FeedForwardSpec,
    HeadSpec,
    ImageSpec,
    IndexSpec,
    LatentSpec,
    LayerCount,
    LayerPattern,
    LayerRunSpec,
    Layers,
    LayerSpec,
    MambaSpec,
    MixerName,
    NormName,
    PositionName,
    SlidingSpec,
)
from planner.documents.types import Flag, Record, Share, Whole, WholeOrZero, problem, whole

__all__ = [
    "MAX_LAYERS",
    "ArchitectureSpec",
    "AttentionSpec",
    "AudioSpec",
    "ConditioningSpec",
    "DeltaSpec",
    "EmbeddingSpec",
    "ExpertsSpec",
    "FeedForwardName",
    "FeedForwardSpec",
    "HeadSpec",
    "ImageSpec",
    "IndexSpec",
    "LatentSpec",
    "LayerCount",
    "LayerPattern",
    "LayerRunSpec",
    "LayerSpec",
    "Layers",
    "MambaSpec",
    "MixerName",
    "NormName",
    "PositionName",
    "SlidingSpec",
    "StackSpec",
    "TowerSpec",
    "layer_of_letter",
]


class StackSpec(Record):
    """One stack of layers and what comes before and after it.

    Parameters
    ----------
    norms_per_layer : norms of a layer with a mixer and a feed-forward part; half of them in a layer with one.
    parallel_block : both parts read the same input.
    shared_layers : one set of weights is used by all layers (ALBERT).
    relative_buckets : buckets of relative positions, one table for the stack (T5).
    position_rows : rows of the position table, where they are not `max_sequence`.
    head : products behind the last layer; unsaid, the vocabulary's.
    """

    hidden: Whole
    layers: Layers
    attention: AttentionSpec | None = None
    sliding: SlidingSpec | None = None
    mamba: MambaSpec | None = None
    delta: DeltaSpec | None = None
    feed_forward: FeedForwardSpec | None = None
    experts: ExpertsSpec | None = None
    normalization: NormName = "rms"
    norms_per_layer: Whole = 2
    final_norm: Flag = True
    parallel_block: Flag = False
    shared_layers: Flag = False
    positions: PositionName = "rotary"
    position_rows: WholeOrZero | None = None
    relative_buckets: WholeOrZero = 0
    causal: Flag = True
    embedding: EmbeddingSpec = EmbeddingSpec()
    image: ImageSpec | None = None
    audio: AudioSpec | None = None
    conditioning: ConditioningSpec | None = None
    head: tuple[HeadSpec, ...] | None = None


class TowerSpec(Record):
    """A stack before the main one: an encoder, or the image side of a pair. Unsaid values as in the main stack.

    `vocabulary` is said where the stack has a token table of its own.
    """

    role: Literal["encoder", "vision", "speech"] = "encoder"
    layers: Layers
    hidden: Whole | None = None
    vocabulary: WholeOrZero = 0
    attention: AttentionSpec | None = None
    feed_forward: FeedForwardSpec | None = None
    experts: ExpertsSpec | None = None
    positions: PositionName | None = None
    position_rows: WholeOrZero | None = None
    final_norm: Flag | None = None
    embedding: EmbeddingSpec | None = None
    image: ImageSpec | None = None
    audio: AudioSpec | None = None
    head: tuple[HeadSpec, ...] = ()


class ArchitectureSpec(StackSpec):
    """The shape of a whole model.

    Parameters
    ----------
    vocabulary : rows of the token table; 0 where the input is no text.
    max_sequence : most tokens of one sequence.
    encoder : a stack that a sample meets first.
    cross_attention : the layers also attend to the encoder's output.
    tied_embeddings : the vocabulary matrix of the head is the token table.
    head_token_share : share of the tokens that the head sees in training (0.15 for masked tokens).
    other_parameters : scalars and vectors that belong to no product (a temperature).
    joint : width of a space in which each sample of a batch meets each other one (CLIP).
    multi_token_layers : extra layers that predict further tokens.
    """

    # Three kinds of documents hold a shape: read by each of them, its forty parts would be made ready three times.
    model_config = ConfigDict(defer_build=False)

    vocabulary: WholeOrZero = 0
    max_sequence: Whole | None = None
    encoder: TowerSpec | None = None
    cross_attention: Flag = False
    tied_embeddings: Flag = False
    head_token_share: Share = 1.0
    other_parameters: WholeOrZero = 0
    joint: WholeOrZero = 0
    multi_token_layers: Annotated[int, whole(0, MAX_LAYERS)] = 0

    @model_validator(mode="after")
    def _consistent(self) -> ArchitectureSpec:
        check_stack(self)
        tower = self.tower()
        if tower:
            check_stack(tower)
        _check_ends(self)
        return self

    def tower(self) -> StackSpec | None:
        """Give the encoder as a stack of its own, with what it leaves unsaid taken from the main one."""
        if self.encoder is None:
            return None
        shared = {name: getattr(self, name) for name in StackSpec.model_fields if name not in _OWN}
        own = {name: value for name in TowerSpec.model_fields if (value := getattr(self.encoder, name)) is not None}
        own = {name: value for name, value in own.items() if name in StackSpec.model_fields}
        return StackSpec.model_construct(**{**shared, "causal": False, **own})


# What an encoder never takes over from the decoder.
_OWN = frozenset({"causal", "image", "audio", "head", "embedding", "conditioning", "shared_layers", "sliding"})


def check_stack(spec: StackSpec) -> None:
    """Refuse a stack whose parts contradict one another or are missing."""
    kinds = _kinds(spec)
    mixers = {kind.mixer for kind in kinds}
    feed_forwards = {kind.feed_forward or ("experts" if spec.experts else "dense") for kind in kinds}
    wanted: dict[str, bool] = {
        "attention": bool(mixers & {"full", "sliding"}),
        "sliding": "sliding" in mixers,
        "mamba": "mamba" in mixers,
        "delta": "delta" in mixers,
        "feed_forward": bool(feed_forwards & {"dense", "dense-and-experts"}),
        "experts": bool(feed_forwards & {"experts", "dense-and-experts"}),
    }
    for name, is_wanted in wanted.items():
        if is_wanted and getattr(spec, name) is None:
            raise problem("shape", f"the layers need '{name}', which is missing")
    if spec.attention:
        _check_heads(spec, spec.attention)
    if spec.experts and spec.experts.top_k > spec.experts.count:
        raise problem("shape", f"each token meets {spec.experts.top_k} of {spec.experts.count} experts")
    if spec.image and (spec.image.patch_height > spec.image.height or spec.image.patch_width > spec.image.width):
        raise problem("shape", "the patch is larger than the image")


def _kinds(spec: StackSpec) -> list[LayerSpec]:
    """Give the layers that a stack lists, each once; refuse too many of them."""
    if isinstance(spec.layers, int):
        return [LayerSpec()]
    if isinstance(spec.layers, str):
        return [layer_of_letter(letter) for letter in sorted(set(spec.layers))]
    total = sum(run.count * (sum(layer.count for layer in run.period) or 1) for run in spec.layers)
    if not 1 <= total <= MAX_LAYERS:
        raise problem("shape", f"{total:,} layers", allowed=f"1 to {MAX_LAYERS:,}")
    return [layer for run in spec.layers for layer in (run.period or (run,))]


def _check_heads(spec: StackSpec, attention: AttentionSpec) -> None:
    if attention.head_dim is None and attention.latent is None and spec.hidden % attention.heads:
        raise problem(
            "shape",
            f"hidden {spec.hidden} is not a multiple of {attention.heads} heads",
            hint="say attention.head_dim",
        )
    sliding = spec.sliding.kv_heads if spec.sliding else None
    for kv_heads in (attention.kv_heads, sliding, *(kind.kv_heads for kind in _kinds(spec))):
        if kv_heads and attention.heads % kv_heads:
            raise problem("shape", f"{attention.heads} heads are not a multiple of {kv_heads} key-value heads")


def _check_ends(spec: ArchitectureSpec) -> None:
    if spec.positions == "learned" and not (spec.position_rows or spec.max_sequence or spec.image or spec.audio):
        raise problem("shape", "learned positions need 'max_sequence' or 'position_rows'")
    if spec.tied_embeddings and not spec.vocabulary:
        raise problem("shape", "tied embeddings need a 'vocabulary'")
    chain = [product for product in spec.head or () if product.tokens == "all"]
    if spec.tied_embeddings and chain and chain[-1].outputs is None:
        inputs = chain[-2].outputs if len(chain) > 1 else spec.hidden
        if inputs != (spec.embedding.size or spec.hidden):
            raise problem("shape", f"a tied vocabulary matrix cannot take {inputs} inputs")


@cache
def layer_of_letter(letter: str) -> LayerSpec:
    """Give what a letter of a layer pattern stands for.

    >>> layer_of_letter("*").mixer, layer_of_letter("*").feed_forward
    ('full', 'none')
    """
    mixer, feed_forward = _LETTERS[letter]
    return LayerSpec(mixer=mixer, feed_forward=feed_forward)


_LETTERS: dict[str, tuple[MixerName, FeedForwardName]] = {
    "M": ("mamba", "none"),
    "*": ("full", "none"),
    "-": ("none", "dense"),
    "E": ("none", "experts"),
}
