"""How often machines fail, and how large and slow checkpoints have been, in runs that were published."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import (
    Bytes,
    BytesPerSecond,
    Count,
    Date,
    Record,
    Seconds,
    Share,
    Text,
    UncertainBytes,
    UncertainFailureRate,
    UncertainShare,
    Whole,
)


class FailureRecord(Entry):
    """Failures of one published run or cluster.

    Parameters
    ----------
    accelerator : id, or words where none is named.
    interruptions : unexpected ones; planned ones stand apart.
    rate : unexpected interruptions per accelerator and time.
    effective_share : share of the wall-clock time that was spent training.
    early_failure_share : share of a fresh batch of machines that fails in its first weeks.
    """

    accelerator: Text
    accelerators: Whole | None = None
    duration: Seconds | None = None
    interruptions: Whole | None = None
    planned: Whole | None = None
    causes: dict[Text, Whole] = {}
    rate: UncertainFailureRate | None = None
    effective_share: Share | None = None
    automatic_repair_share: Share | None = None
    availability: Share | None = None
    early_failure_share: UncertainShare | None = None
    spare_nodes: Whole | None = None
    lost_work_most: Seconds | None = None


class CheckpointRecord(Entry):
    """One published checkpoint, or a rule for its size; `per_parameter` in bytes."""

    model: Text
    size: Bytes | None = None
    per_parameter: Count | None = None
    per_accelerator: UncertainBytes | None = None
    weights_only: Bytes | None = None
    files: Whole | None = None
    save_time: Seconds | None = None
    write: BytesPerSecond | None = None
    content: Text = ""


class Reliability(Record):
    """The document `reliability.yaml`."""

    schema_: Annotated[Literal["planner/reliability/v1"], Field(alias="schema")]
    date: Date
    failures: tuple[FailureRecord, ...]
    checkpoints: tuple[CheckpointRecord, ...]

    def failures_of(self, accelerator_id: str) -> tuple[FailureRecord, ...]:
        """Give what was published of one accelerator; nothing where nothing was."""
        return tuple(record for record in self.failures if record.accelerator == accelerator_id)
