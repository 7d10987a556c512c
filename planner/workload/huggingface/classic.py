"""Decoders of the GPT-2 generation: one norm with shifts, biases, no gate, each with its own spellings."""

from __future__ import annotations

from planner.catalog.shape import (
    ArchitectureSpec,
    AttentionSpec,
    EmbeddingSpec,
    FeedForwardSpec,
    HeadSpec,
    PositionName,
)
from planner.workload.huggingface.defaults import DEFAULTS
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.tasks import CAUSAL_TASKS, Task, decoder_head


def gpt2(f: Fields, task: Task) -> ArchitectureSpec:
    """GPT-2 and 3: learned positions; a cross-attention in every layer where the configuration adds one."""
    hidden = _hidden(f)
    return _classic(
        f,
        task,
        AttentionSpec(heads=_heads(f), bias="all"),
        _dense(f, f.whole("n_inner", default=4 * hidden), activation="gelu_new"),
        positions="learned",
        cross_attention=f.flag("add_cross_attention"),
    )


def gpt_bigcode(f: Fields, task: Task) -> ArchitectureSpec:
    """StarCoder 1 and SantaCoder: GPT-2 with one key-value head."""
    if f.flag("add_cross_attention"):
        raise f.refusal("add_cross_attention", "cross-attention is not read for this family")
    hidden, heads = _hidden(f), _heads(f)
    kv_heads = 1 if f.flag("multi_query", default=True) and heads > 1 else None
    return _classic(
        f,
        task,
        AttentionSpec(heads=heads, kv_heads=kv_heads, bias="all"),
        _dense(f, f.whole("n_inner", default=4 * hidden), activation="gelu_pytorch_tanh"),
        positions="learned",
    )


def gpt_neox(f: Fields, task: Task) -> ArchitectureSpec:
    """GPT-NeoX and Pythia: two norms even where the parts are parallel."""
    return _classic(
        f,
        task,
        AttentionSpec(heads=_heads(f), bias="all" if f.flag("attention_bias", default=True) else "none"),
        _dense(f, f.size("intermediate_size", default=DEFAULTS[f.model_type].width), activation="gelu"),
        parallel_block=f.flag("use_parallel_residual", default=True),
    )


def gptj(f: Fields, task: Task) -> ArchitectureSpec:
    """GPT-J: parallel parts behind one norm; biases in the feed-forward part and the head alone."""
    hidden = _hidden(f)
    return _classic(
        f,
        task,
        AttentionSpec(heads=_heads(f)),
        _dense(f, f.whole("n_inner", default=4 * hidden), activation="gelu_new"),
        norms_per_layer=1,
        parallel_block=True,
        head_bias=True,
    )


def bloom(f: Fields, task: Task) -> ArchitectureSpec:
    """BLOOM: linear position biases, a norm behind the token table."""
    hidden = _hidden(f, "hidden_size", "n_embed")
    return _classic(
        f,
        task,
        AttentionSpec(heads=_heads(f), bias="all"),
        _dense(f, 4 * hidden, activation="gelu"),
        positions="alibi",
        embedding=EmbeddingSpec(norm=True),
    )


def falcon(f: Fields, task: Task) -> ArchitectureSpec:
    """Falcon: 7B with one key-value head, 40B and 180B in the new decoder architecture."""
    hidden, heads = _hidden(f, "hidden_size", "n_embed"), _heads(f)
    new = f.flag("new_decoder_architecture", default=f.has("n_head_kv"))
    parallel = f.flag("parallel_attn", default=True)
    if new or not f.flag("multi_query", default=True):
        kv_heads = f.whole("num_kv_heads", "n_head_kv", default=heads)
        if not new and kv_heads != heads:
            raise f.refusal("num_kv_heads", "key-value heads need the new decoder architecture or multi_query")
    else:
        kv_heads = 1
    norms = f.whole("num_ln_in_parallel_attn", default=2 if new else 1) if parallel else 2
    biased = f.flag("bias")
    return _classic(
        f,
        task,
        AttentionSpec(heads=heads, kv_heads=kv_heads if kv_heads != heads else None, bias="all" if biased else "none"),
        _dense(f, f.whole("ffn_hidden_size", default=4 * hidden), activation="gelu", bias=biased),
        positions="alibi" if f.flag("alibi") else "rotary",
        norms_per_layer=2 if norms == 2 else 1,
        parallel_block=parallel,
    )


def opt(f: Fields, task: Task) -> ArchitectureSpec:
    """OPT: learned positions in a table of two more rows; the 350M model narrows its embedding."""
    hidden, standard = _hidden(f), DEFAULTS[f.model_type]
    biased, affine = f.flag("enable_bias", default=True), f.flag("layer_norm_elementwise_affine", default=True)
    size = f.whole("word_embed_proj_dim", default=hidden)
    narrow = size != hidden
    positions = f.whole("max_position_embeddings", default=standard.positions)
    head = decoder_head(f, task)
    if narrow and task is not Task.ENCODER:
        head = (HeadSpec(outputs=size), *(head if head is not None else (HeadSpec(),)))
    return ArchitectureSpec(
        hidden=hidden,
        vocabulary=f.size("vocab_size", default=standard.vocabulary),
        max_sequence=positions,
        layers=f.size("num_hidden_layers", default=standard.layers),
        attention=AttentionSpec(heads=_heads(f), bias="all" if biased else "none"),
        feed_forward=_dense(f, f.size("ffn_dim", default=standard.width), activation="relu", bias=biased),
        normalization="layer" if affine else "none",
        final_norm=f.flag("do_layer_norm_before", default=True) and not f.flag("_remove_final_layer_norm"),
        positions="learned",
        position_rows=positions + _OPT_EXTRA_ROWS,
        embedding=EmbeddingSpec(size=size, position_size=hidden) if narrow else EmbeddingSpec(),
        tied_embeddings=f.flag("tie_word_embeddings", default=True) and task in CAUSAL_TASKS,
        head=head,
    )


_OPT_EXTRA_ROWS = 2  # OPT counts positions from two


def _hidden(f: Fields, *names: str) -> int:
    return f.size(*(names or ("hidden_size", "n_embd")), default=DEFAULTS[f.model_type].hidden)


def _heads(f: Fields) -> int:
    heads = f.size("num_attention_heads", "n_head", default=DEFAULTS[f.model_type].heads)
    return heads


def _dense(f: Fields, width: int, *, activation: str, bias: bool = True) -> FeedForwardSpec:
    act = f.text("activation_function", "hidden_act", "activation", default=activation)
    return FeedForwardSpec(width=width, gated=False, activation=act, bias=bias)


def _classic(
    f: Fields,
    task: Task,
    mixing: AttentionSpec,
    part: FeedForwardSpec,
    *,
    positions: PositionName = "rotary",
    norms_per_layer: int = 2,
    parallel_block: bool = False,
    head_bias: bool = False,
    cross_attention: bool = False,
    embedding: EmbeddingSpec | None = None,
) -> ArchitectureSpec:
    standard = DEFAULTS[f.model_type]
    rows = f.optional("max_position_embeddings", "n_positions", "seq_length")
    return ArchitectureSpec(
        hidden=_hidden(f, "hidden_size", "n_embd", "n_embed"),
        vocabulary=f.size("vocab_size", default=standard.vocabulary),
        max_sequence=rows or standard.positions,
        layers=f.size("num_hidden_layers", "n_layer", default=standard.layers),
        attention=mixing,
        feed_forward=part,
        normalization="layer",
        norms_per_layer=norms_per_layer,
        parallel_block=parallel_block,
        positions=positions,
        cross_attention=cross_attention,
        tied_embeddings=f.flag("tie_word_embeddings", default=standard.tied) and task in CAUSAL_TASKS,
        embedding=embedding or EmbeddingSpec(),
        head=decoder_head(f, task, bias=head_bias),
    )
