"""Encoders of text and proteins: BERT and its kin."""

from __future__ import annotations

from planner.catalog.shape import (
    ArchitectureSpec,
    AttentionSpec,
    EmbeddingSpec,
    FeedForwardSpec,
    HeadSpec,
    LayerRunSpec,
    PositionName,
)
from planner.record import record
from planner.workload.huggingface.fields import Fields
from planner.workload.huggingface.tasks import CAUSAL_TASKS, Task, labels, refuse

_MASKED = (*CAUSAL_TASKS, Task.MASKED)


@record
class _Heads:
    """How a family builds its heads.

    Parameters
    ----------
    pooler : the plain model and sequence classifiers start from a product on the first token.
    dense_classifier : a sequence classifier has a product of its own instead.
    width : of the product before the vocabulary.
    pair_classes : classes of the next-sentence or order head in pre-training; 0 where there is none.
    bias_apart : with an untied head the head's bias is held twice.
    """

    pooler: bool
    dense_classifier: bool
    width: int
    pair_classes: int = 0
    bias_apart: bool = False


def bert(f: Fields, task: Task) -> ArchitectureSpec:
    """BERT: learned positions, token types, a norm after each part."""
    heads = _Heads(pooler=True, dense_classifier=False, width=_hidden(f), pair_classes=2, bias_apart=True)
    return _encoder(f, task, heads)


def roberta(f: Fields, task: Task) -> ArchitectureSpec:
    """RoBERTa, XLM-RoBERTa and CamemBERT."""
    heads = _Heads(pooler=True, dense_classifier=True, width=_hidden(f), bias_apart=True)
    return _encoder(f, task, heads)


def electra(f: Fields, task: Task) -> ArchitectureSpec:
    """ELECTRA: the discriminator judges every token, the generator predicts the masked ones."""
    hidden, size = _hidden(f), f.whole("embedding_size", default=128)
    narrow = size if size != hidden else None
    embedding = EmbeddingSpec(
        size=narrow,
        projection_bias=narrow is not None,
        token_types=_token_types(f),
        norm=True,
    )
    return _encoder(f, task, _Heads(pooler=False, dense_classifier=True, width=size), embedding=embedding)


def albert(f: Fields, task: Task) -> ArchitectureSpec:
    """ALBERT: one set of weights for all layers, a narrow token table."""
    for name in ("num_hidden_groups", "inner_group_num"):
        if f.whole(name, default=1) != 1:
            raise f.refusal(name, f"'{name}' other than 1 is not read", allowed="1")
    size = f.whole("embedding_size", default=128)
    embedding = EmbeddingSpec(size=size, projection_bias=True, token_types=_token_types(f), norm=True)
    heads = _Heads(pooler=True, dense_classifier=False, width=size, pair_classes=labels(f), bias_apart=True)
    return _encoder(f, task, heads, embedding=embedding, shared_layers=True)


def distilbert(f: Fields, task: Task) -> ArchitectureSpec:
    """DistilBERT: no token types, no pooler."""
    heads = _Heads(pooler=False, dense_classifier=True, width=_hidden(f))
    return _encoder(f, task, heads, embedding=EmbeddingSpec(norm=True))


def esm(f: Fields, task: Task) -> ArchitectureSpec:
    """ESM-2: norms before each part and after the last layer, rotary positions, a contact head."""
    if f.flag("is_folding_model"):
        raise f.refusal("is_folding_model", "the folding trunk is not read", hint="import the language model alone")
    kind = f.choice("position_embedding_type", default="absolute", known=("absolute", "rotary"))
    heads = _Heads(pooler=True, dense_classifier=True, width=_hidden(f))
    layers = f.size("num_hidden_layers", default=12)
    contact_head = layers * f.size("num_attention_heads", default=12) + 1
    return _encoder(
        f,
        task,
        heads,
        embedding=EmbeddingSpec(norm=f.flag("emb_layer_norm_before")),
        final_norm=True,
        positions="rotary" if kind == "rotary" else "learned",
        other_parameters=contact_head,
    )


def _hidden(f: Fields) -> int:
    return f.size("hidden_size", "dim", default=768)


def _token_types(f: Fields) -> int:
    return f.whole("type_vocab_size", default=2, low=0)


def _encoder(
    f: Fields,
    task: Task,
    heads: _Heads,
    *,
    embedding: EmbeddingSpec | None = None,
    shared_layers: bool = False,
    final_norm: bool = False,
    positions: PositionName = "learned",
    other_parameters: int = 0,
) -> ArchitectureSpec:
    decodes = f.flag("is_decoder")
    crossed = f.flag("add_cross_attention")
    if crossed and not decodes:
        raise f.refusal("add_cross_attention", "cross-attention needs 'is_decoder'")
    if f.text("position_embedding_type", default="absolute").startswith("relative"):
        raise f.refusal("position_embedding_type", "relative positions are not read", allowed="absolute")
    vocabulary = f.size("vocab_size", default=30522)
    layers = f.size("num_hidden_layers", "n_layers", default=12)
    tied = f.flag("tie_word_embeddings", default=True)
    has_vocabulary_head = task in _MASKED or (task is Task.PRETRAINING and heads.pair_classes > 0)
    if has_vocabulary_head and heads.bias_apart and not tied:
        other_parameters += vocabulary
    return ArchitectureSpec(
        hidden=_hidden(f),
        vocabulary=vocabulary,
        max_sequence=f.size("max_position_embeddings", default=512),
        layers=(LayerRunSpec(count=layers),) if shared_layers else layers,
        attention=AttentionSpec(heads=f.size("num_attention_heads", "n_heads", default=12), bias="all"),
        feed_forward=FeedForwardSpec(
            width=f.size("intermediate_size", "hidden_dim", default=3072),
            gated=False,
            activation=f.text("hidden_act", "activation", default="gelu"),
            bias=True,
        ),
        normalization="layer",
        final_norm=final_norm,
        shared_layers=shared_layers,
        positions=positions,
        causal=decodes,
        cross_attention=crossed,
        embedding=embedding or EmbeddingSpec(token_types=_token_types(f), norm=True),
        tied_embeddings=tied and has_vocabulary_head,
        head=_head(f, task, heads),
        other_parameters=other_parameters,
    )


def _head(f: Fields, task: Task, heads: _Heads) -> tuple[HeadSpec, ...]:
    pooler = HeadSpec(outputs=_hidden(f), tokens="one", bias=True)
    masked = (HeadSpec(outputs=heads.width, bias=True, norm=True), HeadSpec(bias=True))
    if task in _MASKED:
        return masked
    if task is Task.BASE:
        return (pooler,) if heads.pooler else ()
    if task is Task.PRETRAINING and heads.pair_classes:
        return (pooler, HeadSpec(outputs=heads.pair_classes, tokens="one", bias=True), *masked)
    if task is Task.PRETRAINING and f.model_type == "electra":
        return (HeadSpec(outputs=_hidden(f), bias=True), HeadSpec(outputs=1, bias=True))
    if task is Task.SEQUENCE_CLASSES:
        return (pooler, HeadSpec(outputs=labels(f), tokens="one", bias=True))
    if task in (Task.TOKEN_CLASSES, Task.QUESTION):
        return (HeadSpec(outputs=labels(f), bias=True),)
    refuse(f, task, Task.BASE, Task.MASKED, Task.SEQUENCE_CLASSES, Task.TOKEN_CLASSES, Task.QUESTION)
    raise AssertionError(task)
