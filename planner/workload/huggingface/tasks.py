"""What stands behind the last layer, by the class that a configuration names in `architectures`."""

from __future__ import annotations

from enum import Enum

from planner.catalog.shape import HeadSpec
from planner.errors import listing
from planner.workload.huggingface.fields import Fields


class Task(Enum):
    """What a model is built for; the value is the ending of its class's name."""

    CAUSAL = "ForCausalLM"
    GENERATION = "ForConditionalGeneration"
    MASKED = "ForMaskedLM"
    PRETRAINING = "ForPreTraining"
    SEQUENCE_CLASSES = "ForSequenceClassification"
    TOKEN_CLASSES = "ForTokenClassification"  # noqa: S105 - no secret
    QUESTION = "ForQuestionAnswering"
    IMAGE_CLASSES = "ForImageClassification"
    ENCODER = "EncoderModel"
    BASE = "Model"


# Classes whose names do not end like their kin's.
_ENDINGS = {"LMHeadModel": Task.CAUSAL, "MTModel": Task.GENERATION}
_UNREAD = ("DoubleHeadsModel",)

CAUSAL_TASKS = (Task.CAUSAL, Task.GENERATION)


def task_of(f: Fields, class_name: str, default: Task) -> Task:
    """Give the task of a model's class.

    Parameters
    ----------
    f : the configuration.
    class_name : the class asked for; empty takes the configuration's first of `architectures`.
    default : the task where the configuration names no class.

    Raises
    ------
    InputError : a class whose head is not known here.
    """
    names = f.texts("architectures")
    name = class_name or (names[0] if names else "")
    if not name:
        return default
    for ending, found in {**_ENDINGS, **{task.value: task for task in Task}}.items():
        if name.endswith(ending) and not name.endswith(_UNREAD):
            return found
    raise f.refusal(
        "architectures",
        f"the head of class '{name[:60]}' is not understood",
        allowed="names that end in " + listing([task.value for task in Task]),
    )


def refuse(f: Fields, task: Task, *known: Task) -> None:
    """Refuse a task that a family does not have."""
    if task not in known:
        raise f.refusal(
            "architectures", f"has no class that ends in '{task.value}'", allowed=listing([k.value for k in known])
        )


def labels(f: Fields) -> int:
    """Give the number of classes: those named in `id2label`, else `num_labels`, else transformers' 2."""
    named = f.values.get("id2label")
    if isinstance(named, dict) and named:
        return len(named)
    return f.whole("num_labels", default=2)


def decoder_head(f: Fields, task: Task, *, bias: bool = False) -> tuple[HeadSpec, ...] | None:
    """Give the head of a decoder; None is the plain vocabulary matrix."""
    if task in CAUSAL_TASKS:
        return (HeadSpec(bias=True),) if bias else None
    if task is Task.BASE:
        return ()
    if task is Task.SEQUENCE_CLASSES:
        return (HeadSpec(outputs=labels(f)),)
    if task is Task.TOKEN_CLASSES:
        return (HeadSpec(outputs=labels(f), bias=True),)
    if task is Task.QUESTION:
        return (HeadSpec(outputs=2, bias=True),)
    refuse(f, task, Task.CAUSAL, Task.BASE, Task.SEQUENCE_CLASSES, Task.TOKEN_CLASSES, Task.QUESTION)
    raise AssertionError(task)
