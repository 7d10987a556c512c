"""One published model: its shape as data, and what is known of how it was trained.

The shape is written tersely: what most layers share stands once, and `layers` says which layers there
are. `planner.workload.architecture` expands it into numbers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import Count, Date, Flag, Id, Record, Text, Tokens, Whole, WholeOrZero

MixerName = Literal["full", "sliding", "mamba", "delta", "none"]
FeedForwardName = Literal["dense", "experts", "none"]


class LatentSpec(Record):
    """Multi-head latent attention: queries and keys pass through low-rank latents (DeepSeek-V2 on)."""

    query_rank: Whole | None = None
    kv_rank: Whole
    nope_dim: Whole
    rope_dim: Whole
    value_dim: Whole


class IndexSpec(Record):
    """The indexer of sparse attention: each query attends to its `top_k` best tokens."""

    heads: Whole
    head_dim: Whole
    top_k: Whole


class AttentionSpec(Record):
    """Attention of most layers.

    `bias` names the projections that have one; `qk_norm` whether queries and keys are normalised per head
    or over the whole projection; `value_is_key` layers whose values are their keys.
    """

    heads: Whole
    kv_heads: Whole | None = None
    head_dim: Whole | None = None
    bias: Literal["none", "qkv", "output", "all"] = "none"
    qk_norm: Literal["none", "head", "projection"] = "none"
    output_gate: Flag = False
    sinks: Flag = False
    value_is_key: Flag = False
    latent: LatentSpec | None = None
    index: IndexSpec | None = None


class SlidingSpec(Record):
    """Layers that see a window of tokens, or the tokens of their own chunk; other values as in `attention`."""

    window: Whole
    chunked: Flag = False
    kv_heads: Whole | None = None
    head_dim: Whole | None = None


class FeedForwardSpec(Record):
    """The dense feed-forward part."""

    width: Whole
    gated: Flag
    activation: Text = "silu"
    bias: Flag = False


class ExpertsSpec(Record):
    """A mixture of experts: `shared_width` is the width of all shared experts together."""

    count: Whole
    top_k: Whole
    width: Whole
    gated: Flag = True
    bias: Flag = False
    shared_width: WholeOrZero = 0
    shared_gate: Flag = False
    router_bias: Flag = False


class LayerSpec(Record):
    """What one layer is made of; unsaid, full attention and experts where there are any."""

    mixer: MixerName = "full"
    feed_forward: FeedForwardName | None = None


class LayerRunSpec(LayerSpec):
    """Like layers one after the other; with `period`, that many repeats of the layers listed in it."""

    count: Whole
    period: tuple[LayerSpec, ...] = ()


class ArchitectureSpec(Record):
    """The shape of a transformer."""

    hidden: Whole
    vocabulary: Whole
    max_sequence: Whole | None = None
    layers: tuple[LayerRunSpec, ...] | Whole
    attention: AttentionSpec
    sliding: SlidingSpec | None = None
    feed_forward: FeedForwardSpec | None = None
    experts: ExpertsSpec | None = None
    normalization: Literal["rms", "layer", "layer-no-bias"] = "rms"
    norms_per_layer: Whole = 2
    parallel_block: Flag = False
    tied_embeddings: Flag = False
    positions: Literal["rotary", "learned", "sinusoidal", "relative", "alibi", "none"] = "rotary"
    causal: Flag = True
    multi_token_layers: WholeOrZero = 0


class PublishedRun(Record):
    """What was published of the run that trained the model."""

    tokens: Tokens | None = None
    accelerator: Text = ""
    accelerators: Whole | None = None
    accelerator_hours: Count | None = None
    days: float | None = None
    flops: Count | None = None
    note: Text = ""


class Model(Entry):
    """One model.

    Parameters
    ----------
    parameters : published count, exact where the checkpoint is public.
    active_parameters : published count that one token meets.
    unpublished : what is not known of the model, in words; such an entry may lack an architecture.
    """

    schema_: Annotated[Literal["planner/model/v1"], Field(alias="schema")]
    family: Id
    architecture: ArchitectureSpec | None = None
    parameters: Count | None = None
    active_parameters: Count | None = None
    released: Date | None = None
    training: PublishedRun | None = None
    proxy_of: Id | None = None
    unpublished: Text = ""
