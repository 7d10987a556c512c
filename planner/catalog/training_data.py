"""How many bytes a token takes on disk, and how long prompts and answers are in known data sets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.reader import Trail, Tree
from planner.documents.types import (
    Count,
    Date,
    Record,
    Text,
    Tokens,
    UncertainBytes,
    UncertainBytesPerSecond,
    Whole,
    uncertain,
)
from planner.errors import Fault, InputError, UnknownNameError, did_you_mean, listing, visible
from planner.units.dimensions import BYTES_PER_TOKEN
from planner.units.interval import Interval

UncertainBytesPerToken = Annotated[Interval, uncertain(BYTES_PER_TOKEN)]


class DataType(Entry):
    """One form of training data.

    Parameters
    ----------
    per_token : bytes read from storage for one token that is trained.
    per_sample, tokens_per_sample : of one picture.
    per_second, tokens_per_second : of one second of sound or film; the rate of the medium, not of reading.
    """

    per_token: UncertainBytesPerToken
    per_sample: UncertainBytes | None = None
    tokens_per_sample: Tokens | None = None
    per_second: UncertainBytesPerSecond | None = None
    tokens_per_second: Count | None = None


class LengthRecord(Entry):
    """Mean tokens of prompts and answers in one data set."""

    dataset: Text
    tokenizer: Text = ""
    samples: Whole | None = None
    prompt_mean: Tokens | None = None
    prompt_most: Tokens | None = None
    output_mean: Tokens | None = None
    output_most: Tokens | None = None


class TrainingData(Record):
    """The document `training-data.yaml`."""

    schema_: Annotated[Literal["planner/training-data/v1"], Field(alias="schema")]
    date: Date
    types: tuple[DataType, ...]
    lengths: tuple[LengthRecord, ...]

    def type_of(self, name: str) -> DataType:
        """Give one form of data by its id.

        Raises
        ------
        UnknownNameError : there is none of that id; names the nearest.
        """
        for record in self.types:
            if record.id == name:
                return record
        known = [record.id for record in self.types]
        raise UnknownNameError(
            Fault("unknown-name", f"no form of data '{name}'", allowed=listing(known), hint=did_you_mean(name, known))
        )

    def lengths_of(self, name: str, *, tree: Tree, trail: Trail) -> LengthRecord:
        """Give the lengths of one data set by its id; `trail` is where the name stands.

        Raises
        ------
        InputError : there is none of that id; names the nearest.
        """
        for record in self.lengths:
            if record.id == name:
                return record
        known = [record.id for record in self.lengths]
        message = f"no lengths of a data set '{visible(name)[:60]}'"
        hint = did_you_mean(name, known)
        raise InputError(tree.fault("unknown-name", message, trail, allowed=listing(known), hint=hint))
