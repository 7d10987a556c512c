"""Lengths of the requests of a service: as stated, from a data set, or as the model fixes them."""

from __future__ import annotations

import numpy as np

from planner.documents.reader import Tree
from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.record import record
from planner.scenario.serving_load import RequestShape, ServingLoad
from planner.serving.batching import Requests
from planner.workload.architecture import Architecture

_OPTIONS = {"prompt": "--input", "output": "--output-tokens"}
_BEGINNING = 1.0  # token from which a decoder begins that has an encoder in front of it


@record
class RequestLengths:
    """Lengths of requests.

    Parameters
    ----------
    requests : means, as the stack that decodes meets them.
    source : tokens that an encoder in front of it reads; None without one, or where the model fixes them [tokens].
    read : tokens of a request that count as its input, cached ones among them [tokens].
    """

    requests: Requests
    source: float | None
    read: float


def generates(shape: Architecture) -> bool:
    """Whether a model answers token by token; an encoder answers with one pass."""
    return any(core.causal for kind in shape.main.kinds for core in kind.cores) or any(
        kind.scan for kind in shape.main.kinds
    )


def reads_text_first(shape: Architecture) -> bool:
    """Whether an encoder reads a prompt as long as it is, before a decoder begins."""
    return len(shape.stacks) > 1 and generates(shape) and not shape.stacks[0].tokens_per_sample


def lengths_of(load: ServingLoad, shape: Architecture, tree: Tree, books: Books, ledger: Ledger) -> RequestLengths:
    """Give the lengths of requests.

    Raises
    ------
    InputError : a length is missing, is more than the model takes, or contradicts it.
    """
    read, made = _stated(load, shape, tree, books, ledger)
    cached, varied = load.workload.requests.cached, load.workload.requests.output_variability
    ledger.said("request", f"{read:,.0f} tokens in, {made:,.0f} out")
    if not reads_text_first(shape):
        _require_context(shape, {"a prompt": read, "an output": made if generates(shape) else 0.0}, tree)
        told = Requests(np.array([read * (1.0 - cached)]), np.array([made]), read * cached, varied)
        return RequestLengths(told, None, read)
    for what, tokens in (("a prompt", read), ("an output", made)):
        _require_context(shape, {what: tokens}, tree)
    if cached:
        message = f"{shape.name} keeps nothing of a prompt for the next request: its encoder reads all of it at once"
        at = ("workload", "requests", "cached")
        raise InputError(tree.fault("contradiction", message, at, hint="leave cached out"))
    return RequestLengths(Requests(np.array([_BEGINNING]), np.array([made]), varied=varied), read, read)


def stated_lengths(stated: RequestShape, tree: Tree, books: Books, ledger: Ledger) -> tuple[float | None, float | None]:
    """Give the tokens in and out of a request: as stated, or the means of a data set; None where neither says."""
    prompt, output = stated.prompt, stated.output
    if stated.data is not None:
        record = books.training_data.lengths_of(stated.data, tree=tree, trail=("workload", "requests", "data"))
        prompt = prompt if prompt is not None else record.prompt_mean
        output = output if output is not None else record.output_mean
        source = record.provenance("prompt_mean")
        words = f"{prompt or 0:,.0f} in, {output or 0:,.0f} out"
        ledger.note(f"lengths of {record.id}", words, source=source.source, standing=books.catalog.standing(source))
    return prompt, output


def _stated(load: ServingLoad, shape: Architecture, tree: Tree, books: Books, ledger: Ledger) -> tuple[float, float]:
    """Give the tokens in and out: as stated, or the means of a data set, or as the model fixes them."""
    at = ("workload", "requests")
    prompt, output = stated_lengths(load.workload.requests, tree, books, ledger)
    if prompt is None and shape.main.tokens_per_sample:
        prompt = float(shape.main.tokens_per_sample)
    if prompt is None and generates(shape) and shape.stacks[0].tokens_per_sample:
        prompt = _BEGINNING  # pictures and sound are as long as the model says; its decoder begins from one token
    if not generates(shape):
        output = 1.0
    lengths = {"prompt": prompt, "output": output}
    for key, value in lengths.items():
        if value is None:
            hint = f"{key}: 512 ({_OPTIONS[key]} 512), or data: one of the data sets of training-data.yaml"
            place = at if at in tree.marks else ("workload",)
            raise InputError(tree.fault("missing-key", f"'{key}' is missing", place, hint=hint))
    return float(prompt or 0.0), float(output or 0.0)


def _require_context(shape: Architecture, lengths: dict[str, float], tree: Tree) -> None:
    longest, total = shape.max_sequence, sum(lengths.values())
    if not longest or total <= longest:
        return
    words = " and ".join(f"{what} of {tokens:,.0f}" for what, tokens in lengths.items() if tokens)
    raise InputError(
        tree.fault(
            "context-exceeded",
            f"{words} tokens {'are' if ' and ' in words else 'is'} {total - longest:,.0f} more than the {longest:,} "
            f"that {shape.name} takes",
            ("workload", "requests"),
            hint="shorter requests, or a model with a longer context",
        )
    )
