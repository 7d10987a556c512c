"""What is assumed where a scenario does not say: one document, every value with its reason."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import (
    Id,
    Ratio,
    Record,
    Text,
    UncertainBytesPerSecond,
    UncertainFailureRate,
    UncertainPue,
    UncertainSeconds,
    UncertainShare,
    UncertainUsdPerKwh,
    quantity,
)
from planner.units.dimensions import BYTES_PER_TOKEN, SECONDS


class Releases(Record):
    """Which releases of an engine an older generation is: those below a number, and not below the generation before."""

    engine: Id
    below: Text


class Defaults(Entry):
    """Values for what a scenario leaves unsaid.

    Parameters
    ----------
    failure_rate : interruptions of a run per accelerator and time.
    restart : from an interruption to the next step, besides reading the checkpoint.
    checkpoint_overlap : share of writing a checkpoint that hides behind training.
    storage_per_node : rate at which one node reads and writes storage that nobody named.
    bytes_per_token : read from storage for one training token.
    life, residual, utilisation, upkeep : of owned machines; see `scenario.hardware.Ownership`.
    pue, electricity : of a place that nobody named.
    patience : how many times that of an idle service the time to the first token may be, where none is stated.
    facility_of : default facility by provider of the node.
    framework, framework_of : of a training run that names none; by family of the accelerator where that family
        has one of its own.
    engine, engine_of, encoder_engine_of : the same of a service, and of one whose model reads and does not generate.
    engine_releases : generations of engines by their releases: of `engine`, those below a number.
    reasons : why each value is what it is, by its name.
    """

    schema_: Annotated[Literal["planner/defaults/v1"], Field(alias="schema")]
    failure_rate: UncertainFailureRate
    restart: UncertainSeconds
    checkpoint_overlap: UncertainShare
    storage_per_node: UncertainBytesPerSecond
    bytes_per_token: Annotated[float, quantity(BYTES_PER_TOKEN)]
    life: Annotated[float, quantity(SECONDS)]
    residual: UncertainShare
    utilisation: UncertainShare
    upkeep: UncertainShare
    pue: UncertainPue
    electricity: UncertainUsdPerKwh
    patience: Ratio
    facility_of: dict[Id, Id]
    framework: Id
    framework_of: dict[Id, Id]
    engine: Id
    engine_of: dict[Id, Id]
    encoder_engine_of: dict[Id, Id]
    engine_releases: dict[Id, Releases]
    reasons: dict[Text, Text]
