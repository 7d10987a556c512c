"""Engines, number formats and prompts of measured serving rows, where the rows tell them only in words."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from planner.catalog.accelerator import Accelerator
from planner.documents.reader import read_yaml
from planner.documents.typed import require_schema, typed
from planner.documents.types import Flag, Id, Record, Text, Whole
from planner.planning.serving_machines import has_rate
from planner.record import record
from planner.serving.formats import Formats, Stored


class Looks(Record):
    """How many steps a server took from one look for new requests to the next, from so many clients on."""

    clients: Whole
    steps: Whole


class EngineRule(Record):
    """A piece of an engine's name, and the generation that it means.

    Parameters
    ----------
    match : piece of the engine's name, in any case.
    below : releases before this one alone.
    sources, tasks, accelerators, models : rows of these alone.
    engine : id in the serving profile.
    drawn : lengths of a batch's sequences are drawn evenly up to the one that a row tells, and padding is skipped.
    kept : sequences that an engine runs less than it was told to.
    longest : tokens of prompt and answer that graphs were compiled for, in rows that do not say it.
    looks : how seldom benchmarks with lengths at random had their servers look for new requests; most clients last.
    awaited : steps for which ranks that share requests out waited there until each of them had a prompt to read.
    relative : no measurement here ran that engine, and this generation stands in for it.
    """

    match: Text
    below: Text | None = None
    sources: tuple[Text, ...] = ()
    tasks: tuple[Text, ...] = ()
    accelerators: tuple[Id, ...] = ()
    models: tuple[Id, ...] = ()
    engine: Id
    drawn: Flag = False
    kept: Whole = 0
    longest: Whole | None = None
    looks: tuple[Looks, ...] = ()
    awaited: Whole | None = None
    relative: Flag = False

    def looks_of(self, clients: float, *, ranks: int) -> float:
        """Give the steps from one look for new requests to the next, of clients and ranks that share them out [1]."""
        if self.awaited and ranks > 1:
            return float(self.awaited)
        return float(next((each.steps for each in reversed(self.looks) if clients >= each.clients), 1))


class FormatRule(Record):
    """Words for weights in any case, with the formats that they mean; see `planner.serving.formats`.

    `also` are other words for the same; words that no rule has mean what they do without what stands in brackets.
    """

    text: Text
    also: tuple[Text, ...] = ()
    weights: Text
    products: Text | None = None
    attention: Text | None = None
    dense: Text | None = None
    head: Text | None = None


class PromptRule(Record):
    """Mean tokens of a data set's prompts and outputs, by our estimate."""

    dataset: Text
    prompt: Whole
    output: Whole | None = None


class ServingRules(Record):
    """How words of measured serving rows are read; `catalogs/measurements/engines.yaml`."""

    schema_: Literal["planner/engines/v1"] = Field(alias="schema")
    rules: tuple[EngineRule, ...]
    formats: tuple[FormatRule, ...]
    prompts: tuple[PromptRule, ...]
    sources: dict[Text, Text]


def read_serving_rules(path: Path) -> ServingRules:
    """Read the rules' document."""
    tree = read_yaml(path)
    require_schema(tree, "planner/engines/v1")
    return typed(tree, ServingRules)


@record
class ServingWords:
    """Reads the words of rows by the rules."""

    rules: ServingRules

    def engine(self, *, name: str, version: str, source: str, task: str, accelerator: str) -> str | None:
        """Give the generation that a row ran; None where no rule knows its words."""
        rule = self.rule(name=name, version=version, source=source, task=task, accelerator=accelerator)
        return rule.engine if rule else None

    def rule(
        self, *, name: str, version: str, source: str, task: str, accelerator: str, model: str = ""
    ) -> EngineRule | None:
        """Give the first rule that knows a row's words."""
        folded = name.casefold()
        for rule in self.rules.rules:
            if rule.match.casefold() not in folded or (rule.sources and source not in rule.sources):
                continue
            if rule.tasks and task not in rule.tasks:
                continue
            if rule.accelerators and accelerator not in rule.accelerators:
                continue
            if rule.models and model not in rule.models:
                continue
            if rule.below and not _is_below(_release(folded, rule.match.casefold(), version), rule.below):
                continue
            return rule
        return None

    def formats(self, weights: str, *, products: str | None, cache: str | None) -> Formats | None:
        """Give the formats that a row's words mean; None where no rule knows them.

        Parameters
        ----------
        weights : the row's words for its weights.
        products : its words for what is multiplied, if it has some.
        cache : format of its keys and values, if it says so.
        """
        rule = self._format_rule(weights)
        if rule is None:
            return None
        sixteen = products is not None and ("bf16" in products or "fp16" in products)
        return Formats.of(
            rule.weights,
            products=rule.products or ("bf16" if sixteen else None),
            attention=rule.attention,
            dense=rule.dense,
            head=rule.head,
            cache=cache,
        )

    def weights(self, text: str) -> str:
        """Give a row's words for its weights as the rules have them; as they are where no rule knows them."""
        rule = self._format_rule(text)
        return rule.text if rule else text

    def _format_rule(self, text: str) -> FormatRule | None:
        for words in (_folded(text), _folded(_BRACKETS.sub("", text))):
            for rule in self.rules.formats:
                if words in map(_folded, (rule.text, *rule.also)):
                    return rule
        return None

    def prompt(self, dataset: str) -> PromptRule | None:
        """Give the mean lengths of a data set; None where they are not known."""
        return next((rule for rule in self.rules.prompts if rule.dataset == dataset), None)


def as_run(formats: Formats, accelerator: Accelerator, name: str) -> Formats:
    """Give the formats as a chip runs them: what it has no units for is kept so and multiplied in 16 bits.

    Parameters
    ----------
    formats : as the row states them. name : its word for the weights, which tells floats of 8 bits from integers.
    """
    lacks = name.startswith("fp8") and "fp8" not in accelerator.peak

    def one(stored: Stored) -> Stored:
        bits = int(stored.bits)
        if has_rate(accelerator, bits) and not (bits == _FP8_BITS and lacks):
            return stored
        return replace(stored, bits=np.asarray(16.0), unpacked=np.asarray(1.0))

    return replace(formats, attention=one(formats.attention), dense=one(formats.dense), experts=one(formats.experts))


_FP8_BITS = 8


_BRACKETS = re.compile(r"\s*\([^)]*\)")


@cache
def _folded(text: str) -> str:
    """Give words in small letters, joined by single spaces."""
    return " ".join(re.split(r"[\s_-]+", text.casefold().strip()))


def _release(name: str, match: str, version: str) -> str:
    """Give the release that a row states, or else the one that follows an engine in its name."""
    if version:
        return version
    found = re.match(r"[\s_:-]*(v?\d+\.\d[\d.]*)", name[name.index(match) + len(match) :])
    return found[1] if found else ""


def _is_below(version: str, limit: str) -> bool:
    """Compare releases by their numbers; what holds none counts as the newest."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    if not found:
        return False
    return [int(piece) for piece in found[1].split(".")] < [int(piece) for piece in limit.split(".")]
