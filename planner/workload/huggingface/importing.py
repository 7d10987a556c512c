"""Choosing the reader of a configuration by its `model_type`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from planner.catalog.shape import ArchitectureSpec
from planner.errors import Fault, InputError, did_you_mean, listing, visible
from planner.record import record
from planner.workload.huggingface import (
    classic,
    decoders,
    encoder_decoders,
    encoders,
    gemma4,
    hybrids,
    latent,
    mixtures,
    vision,
)
from planner.workload.huggingface.fields import Fields, Locate, nowhere
from planner.workload.huggingface.tasks import Task, task_of

Reader = Callable[[Fields, Task], ArchitectureSpec]


@record
class Family:
    """One family of configurations.

    Parameters
    ----------
    read : its reader.
    kind : family of the catalog entry.
    task : what is built where the configuration names no class.
    like : the `model_type` whose defaults it shares; its own where empty.
    """

    read: Reader
    kind: str = "decoder"
    task: Task = Task.CAUSAL
    like: str = ""


_FAMILIES: dict[str, Family] = {
    "albert": Family(encoders.albert, "encoder", Task.BASE),
    "bart": Family(encoder_decoders.bart, "enc-dec", Task.GENERATION),
    "bert": Family(encoders.bert, "encoder", Task.BASE),
    "bloom": Family(classic.bloom),
    "camembert": Family(encoders.roberta, "encoder", Task.BASE),
    "clip": Family(vision.clip, "contrastive", Task.BASE),
    "clip_text_model": Family(vision.clip_text, "encoder", Task.BASE),
    "clip_vision_model": Family(vision.clip_vision, "vision-encoder", Task.BASE),
    "cohere": Family(decoders.cohere),
    "cohere2": Family(decoders.cohere2),
    "deepseek_v2": Family(latent.deepseek_v2, "decoder-moe-mla"),
    "deepseek_v3": Family(latent.deepseek_v3, "decoder-moe-mla"),
    "deepseek_v32": Family(latent.deepseek_sparse, "decoder-moe-mla-dsa"),
    "deit": Family(vision.vit, "vision-encoder", Task.BASE),
    "distilbert": Family(encoders.distilbert, "encoder", Task.BASE),
    "electra": Family(encoders.electra, "encoder", Task.BASE),
    "esm": Family(encoders.esm, "encoder", Task.BASE),
    "falcon": Family(classic.falcon),
    "gemma": Family(decoders.gemma),
    "gemma2": Family(decoders.gemma2),
    "gemma3_text": Family(decoders.gemma3),
    "gemma4_text": Family(gemma4.gemma4),
    "glm": Family(decoders.glm),
    "glm4": Family(decoders.glm4),
    "glm4_moe": Family(mixtures.glm4_moe, "decoder-moe"),
    "glm_moe_dsa": Family(latent.deepseek_sparse, "decoder-moe-mla-dsa"),
    "gpt2": Family(classic.gpt2),
    "gpt_bigcode": Family(classic.gpt_bigcode, like="gpt2"),
    "gpt_neox": Family(classic.gpt_neox),
    "gpt_oss": Family(mixtures.gpt_oss, "decoder-moe"),
    "gptj": Family(classic.gptj),
    "granite": Family(decoders.llama),
    "kimi_k2": Family(latent.deepseek_v3, "decoder-moe-mla", like="deepseek_v3"),
    "llama": Family(decoders.llama),
    "llama4_text": Family(mixtures.llama4, "decoder-moe"),
    "mamba2": Family(hybrids.mamba2, "mamba"),
    "marian": Family(encoder_decoders.marian, "enc-dec", Task.GENERATION),
    "mbart": Family(encoder_decoders.bart, "enc-dec", Task.GENERATION),
    "minimax_m2": Family(mixtures.minimax_m2, "decoder-moe"),
    "ministral": Family(decoders.mistral),
    "ministral3": Family(decoders.mistral),
    "mistral": Family(decoders.mistral),
    "mixtral": Family(mixtures.mixtral, "decoder-moe"),
    "mt5": Family(encoder_decoders.t5, "enc-dec", Task.GENERATION),
    "nemotron": Family(decoders.nemotron),
    "nemotron_h": Family(hybrids.nemotron_h, "decoder-hybrid-mamba"),
    "olmo": Family(decoders.olmo),
    "olmo2": Family(decoders.olmo2),
    "olmo3": Family(decoders.olmo3),
    "olmoe": Family(mixtures.olmoe, "decoder-moe"),
    "opt": Family(classic.opt),
    "phi": Family(decoders.phi),
    "phi3": Family(decoders.phi3),
    "qwen2": Family(decoders.qwen2),
    "qwen2_moe": Family(mixtures.qwen2_moe, "decoder-moe"),
    "qwen3": Family(decoders.qwen3),
    "qwen3_5_moe_text": Family(hybrids.qwen3_5_moe, "decoder-moe-hybrid"),
    "qwen3_5_text": Family(hybrids.qwen3_5, "decoder-hybrid"),
    "qwen3_moe": Family(mixtures.qwen3_moe, "decoder-moe"),
    "qwen3_next": Family(hybrids.qwen3_next, "decoder-moe-hybrid"),
    "qwen3_vl_moe_text": Family(mixtures.qwen3_vl_moe, "decoder-moe"),
    "qwen3_vl_text": Family(decoders.qwen3),
    "roberta": Family(encoders.roberta, "encoder", Task.BASE),
    "smollm3": Family(decoders.llama),
    "stablelm": Family(decoders.stablelm),
    "starcoder2": Family(decoders.starcoder2),
    "switch_transformers": Family(encoder_decoders.switch, "enc-dec-moe", Task.GENERATION),
    "t5": Family(encoder_decoders.t5, "enc-dec", Task.GENERATION),
    "vit": Family(vision.vit, "vision-encoder", Task.BASE),
    "whisper": Family(encoder_decoders.whisper, "enc-dec-audio", Task.GENERATION),
    "xlm-roberta": Family(encoders.roberta, "encoder", Task.BASE),
}
# The text models inside these are read under the name of their own configuration.
_INNER_NAMES = {"gemma3": "gemma3_text", "gemma4": "gemma4_text", "llama4": "llama4_text", "kimi_k25": "deepseek_v3"}


@record
class Imported:
    """What was read of a configuration.

    Parameters
    ----------
    spec : the shape.
    family : family of the catalog entry.
    model_type : of the part that was read.
    class_ending : the head that was counted ("ForCausalLM").
    notes : what was left out or assumed, one sentence each.
    """

    spec: ArchitectureSpec
    family: str
    model_type: str
    class_ending: str
    notes: tuple[str, ...]


def families() -> list[str]:
    """Give every `model_type` that is read, sorted."""
    return sorted(_FAMILIES)


def read_configuration(values: Mapping[str, Any], *, class_name: str = "", locate: Locate = nowhere) -> Imported:
    """Read one configuration.

    Parameters
    ----------
    values : the map of a `config.json`.
    class_name : class of the model to count, such as "BertForMaskedLM"; empty takes the configuration's own,
        or the family's usual one.
    locate : gives the place of a field in the file.

    Returns
    -------
    The shape, with what was assumed.

    Raises
    ------
    InputError : an unknown family, a missing size, or a value that is not understood.

    >>> config = {"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    >>> read_configuration(config).spec.layers
    12
    """
    outer = Fields(values, str(values.get("model_type", "")), locate=locate)
    chosen, notes = _text_part(outer)
    family = _FAMILIES.get(chosen.model_type)
    if family is None:
        raise _unknown(outer, chosen)
    task = task_of(outer if outer.has("architectures") else chosen, class_name, family.task)
    if not class_name and not outer.has("architectures"):
        notes.append(f"The configuration names no class; counted as one that ends in {task.value}.")
    if family.like:
        chosen.model_type = family.like
    try:
        spec = family.read(chosen, task)
    except ValidationError as error:
        chosen.finish()  # what is missing comes before what does not fit together without it
        raise _contradiction(chosen, error) from None
    except InputError:
        chosen.finish()
        raise
    chosen.finish()
    return Imported(spec, family.kind, chosen.model_type, task.value, (*notes, *chosen.notes))


def _text_part(outer: Fields) -> tuple[Fields, list[str]]:
    """Give the part that is read: the configuration itself, or the text model of a multimodal one."""
    if outer.model_type in _FAMILIES:
        return outer, []
    inner = outer.within("text_config") or outer.within("llm_config") or outer.within("language_config")
    if inner is None:
        if outer.model_type in _INNER_NAMES:
            outer.model_type = _INNER_NAMES[outer.model_type]
        return outer, []
    if not inner.has("model_type"):
        inner.model_type = _INNER_NAMES.get(outer.model_type, outer.model_type)
    inner.model_type = _INNER_NAMES.get(inner.model_type, inner.model_type)
    if outer.has("tie_word_embeddings") and not inner.has("tie_word_embeddings"):
        inner.values = {**inner.values, "tie_word_embeddings": outer.values["tie_word_embeddings"]}
    note = f"The text model of the multimodal configuration '{visible(outer.model_type)[:60]}' alone is counted."
    return inner, [note]


def _unknown(outer: Fields, chosen: Fields) -> InputError:
    name = visible(chosen.model_type)[:60]
    if not name:
        where = outer.locate(())
        return InputError(
            Fault(
                "configuration-unknown",
                "the configuration has no 'model_type'",
                where,
                "",
                f"model_type: {listing(families(), most=100)}",
            )
        )
    return InputError(
        Fault(
            "configuration-unknown",
            f"no reader for model_type '{name}': what its fields mean for the shape of its layers is not known here",
            outer.locate((*chosen.trail, "model_type")),
            "",
            listing(families(), most=100),
            did_you_mean(name, families()) or "write the catalog entry by hand: docs/models.md shows how",
        )
    )


def _contradiction(f: Fields, error: ValidationError) -> InputError:
    faults = []
    for item in error.errors(include_url=False):
        message = (item.get("ctx") or {}).get("message") or item["msg"]
        place = ".".join(str(step) for step in item["loc"])
        text = f"{f.model_type}: {place}: {message}" if place else f"{f.model_type}: {message}"
        faults.append(Fault("configuration", visible(text)[:300], f.locate(f.trail)))
    return InputError(*faults)
