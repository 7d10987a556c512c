"""Models of an encoder and a decoder: T5, Switch, Marian, BART, Whisper."""

from __future__ import annotations

from collections.abc import Sequence

from planner.catalog.shape import (
    ArchitectureSpec,
    AttentionSpec,
    AudioSpec,
    EmbeddingSpec,
    ExpertsSpec,
    FeedForwardSpec,
    LayerRunSpec,
    LayerSpec,
    TowerSpec,
)
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.layers import terse
from planner.workload.huggingface.tasks import Task, refuse


def t5(f: Fields, task: Task) -> ArchitectureSpec:
    """T5, T5 v1.1 and mT5: one token table, relative positions, norms before each part."""
    parts = f.text("feed_forward_proj", default="gated-gelu" if f.model_type == "mt5" else "relu").split("-")
    if len(parts) > 2 or (len(parts) == 2 and parts[0] != "gated"):
        raise f.refusal("feed_forward_proj", "'feed_forward_proj' is not understood", allowed="ACT, gated-ACT")
    gated, activation = len(parts) == 2, parts[-1]
    layers = f.size("num_layers", "num_hidden_layers", default=6)
    part = FeedForwardSpec(width=f.size("d_ff", default=2048), gated=gated, activation=activation)
    decoder_layers = f.whole("num_decoder_layers", default=layers)
    return _relative(f, task, layers, decoder_layers, part, None)


def switch(f: Fields, task: Task) -> ArchitectureSpec:
    """Switch Transformers: each token meets one expert in every so many layers."""
    layers = f.size("num_layers", "num_hidden_layers", default=12)
    decoder_layers = f.whole("num_decoder_layers", default=layers)
    experts = ExpertsSpec(
        count=f.size("num_experts", default=8),
        top_k=1,
        width=f.size("d_ff", default=2048),
        gated=False,
        activation=f.text("dense_act_fn", default="relu"),
        router_bias=f.flag("router_bias"),
    )
    encoder = _sparse(layers, f.whole("num_sparse_encoder_layers", default=3, low=0))
    decoder = _sparse(decoder_layers, f.whole("num_sparse_decoder_layers", default=3, low=0))
    part = FeedForwardSpec(
        width=f.size("d_ff", default=2048), gated=False, activation=f.text("dense_act_fn", default="relu")
    )
    return _relative(f, task, _layers(encoder), _layers(decoder), part, experts)


def _sparse(layers: int, sparse: int) -> list[bool]:
    step = layers // sparse if sparse else layers
    return [step == 1 or (step > 0 and number % step == 1) for number in range(layers)]


def _layers(sparse: Sequence[bool]) -> tuple[LayerRunSpec, ...] | int:
    return terse([LayerSpec(feed_forward=None if routed else "dense") for routed in sparse])


def _relative(
    f: Fields,
    task: Task,
    encoder: tuple[LayerRunSpec, ...] | int,
    decoder: tuple[LayerRunSpec, ...] | int,
    part: FeedForwardSpec,
    experts: ExpertsSpec | None,
) -> ArchitectureSpec:
    refuse(f, task, Task.GENERATION, Task.CAUSAL, Task.BASE, Task.ENCODER)
    alone, generates = task is Task.ENCODER, task in (Task.GENERATION, Task.CAUSAL)
    tied = f.flag("tie_word_embeddings", default=True)
    if f.model_type in _ALWAYS_TIED and generates:
        if not (tied and f.flag("scale_decoder_outputs", default=True)):
            f.notes.append(
                "transformers builds this family with one vocabulary matrix, whatever the configuration says of it;"
                " released weights that hold two are counted with 'tied_embeddings: false'."
            )
        tied = True
    return ArchitectureSpec(
        hidden=f.size("d_model", "hidden_size", default=512),
        vocabulary=f.size("vocab_size", default=32128),
        max_sequence=f.optional("n_positions"),
        layers=encoder if alone else decoder,
        attention=AttentionSpec(
            heads=f.size("num_heads", "num_attention_heads", default=8),
            head_dim=f.size("d_kv", "head_dim", default=64),
        ),
        feed_forward=part,
        experts=experts,
        positions="relative",
        relative_buckets=f.whole("relative_attention_num_buckets", default=32),
        causal=not alone,
        encoder=None if alone else TowerSpec(layers=encoder),
        cross_attention=not alone,
        tied_embeddings=generates and tied,
        head=None if generates else (),
    )


_ALWAYS_TIED = ("t5", "mt5")


def marian(f: Fields, task: Task) -> ArchitectureSpec:
    """Marian: fixed sinusoidal positions that are held as a table, norms after each part."""
    shared = f.flag("share_encoder_decoder_embeddings", default=True)
    if shared and not f.flag("tie_word_embeddings", default=True):
        raise f.refusal("tie_word_embeddings", "untied token tables that are said to be shared are not read")
    vocabulary = f.size("vocab_size", default=58101)
    decoder_vocabulary = vocabulary if shared else f.whole("decoder_vocab_size", default=vocabulary)
    rows = f.size("max_position_embeddings", default=1024)
    return _pair(
        f,
        task,
        vocabulary=decoder_vocabulary,
        encoder_vocabulary=0 if shared else vocabulary,
        rows=rows,
        learned=False,
    )


def bart(f: Fields, task: Task) -> ArchitectureSpec:
    """BART and mBART: learned positions in tables of two more rows, a norm behind each embedding."""
    if not f.flag("tie_word_embeddings", default=True):
        raise f.refusal("tie_word_embeddings", "separate token tables are not read for this family", allowed="true")
    return _pair(
        f,
        task,
        vocabulary=f.size("vocab_size", default=50265),
        encoder_vocabulary=0,
        rows=f.size("max_position_embeddings", default=1024) + _BART_EXTRA_ROWS,
        learned=True,
        final_norm=f.model_type == "mbart",
    )


_BART_EXTRA_ROWS = 2  # BART counts positions from two


def _pair(
    f: Fields,
    task: Task,
    *,
    vocabulary: int,
    encoder_vocabulary: int,
    rows: int,
    learned: bool,
    final_norm: bool = False,
) -> ArchitectureSpec:
    refuse(f, task, Task.GENERATION, Task.BASE)
    embedding = EmbeddingSpec(norm=learned)
    return ArchitectureSpec(
        hidden=f.size("d_model", "hidden_size", default=1024),
        vocabulary=vocabulary,
        max_sequence=f.size("max_position_embeddings", default=1024),
        layers=f.size("decoder_layers", default=12),
        attention=AttentionSpec(heads=f.size("decoder_attention_heads", default=16), bias="all"),
        feed_forward=_sided(f, "decoder"),
        normalization="layer",
        final_norm=final_norm,
        positions="learned" if learned else "sinusoidal",
        position_rows=rows,
        embedding=embedding,
        encoder=TowerSpec(
            layers=f.size("encoder_layers", "num_hidden_layers", default=12),
            vocabulary=encoder_vocabulary,
            attention=AttentionSpec(
                heads=f.size("encoder_attention_heads", "num_attention_heads", default=16), bias="all"
            ),
            feed_forward=_sided(f, "encoder"),
            embedding=embedding,
        ),
        cross_attention=True,
        tied_embeddings=task is Task.GENERATION and f.flag("tie_word_embeddings", default=True),
        head=None if task is Task.GENERATION else (),
    )


def whisper(f: Fields, task: Task) -> ArchitectureSpec:
    """Whisper: two convolutions over a spectrogram, then an encoder and a decoder; keys have no bias."""
    refuse(f, task, Task.GENERATION, Task.BASE)
    positions = f.size("max_source_positions", default=1500)
    rows = f.size("max_target_positions", default=448)
    return ArchitectureSpec(
        hidden=f.size("d_model", "hidden_size", default=384),
        vocabulary=f.size("vocab_size", default=51865),
        max_sequence=rows,
        layers=f.size("decoder_layers", default=4),
        attention=AttentionSpec(heads=f.size("decoder_attention_heads", default=6), bias="all-but-key"),
        feed_forward=_sided(f, "decoder"),
        normalization="layer",
        positions="learned",
        position_rows=rows,
        encoder=TowerSpec(
            role="speech",
            layers=f.size("encoder_layers", "num_hidden_layers", default=4),
            attention=AttentionSpec(
                heads=f.size("encoder_attention_heads", "num_attention_heads", default=6), bias="all-but-key"
            ),
            feed_forward=_sided(f, "encoder"),
            positions="sinusoidal",
            position_rows=positions,
            audio=AudioSpec(bands=f.size("num_mel_bins", default=80), positions=positions),
        ),
        cross_attention=True,
        tied_embeddings=task is Task.GENERATION and f.flag("tie_word_embeddings", default=True),
        head=None if task is Task.GENERATION else (),
    )


def _sided(f: Fields, side: str) -> FeedForwardSpec:
    width = f.size(f"{side}_ffn_dim", default=4096)
    return FeedForwardSpec(
        width=width, gated=False, activation=f.text("activation_function", default="gelu"), bias=True
    )
