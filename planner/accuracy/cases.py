"""What a measured case is: one row of a published table, with what it measured and what is known of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import field

from planner.accuracy.row import Row
from planner.catalog.accelerator import Accelerator
from planner.record import record
from planner.workload.architecture import Architecture


@record
class Observation:
    """One measured number, by its name in `planner.metrics`."""

    metric: str
    value: float


@record
class Software:
    """Framework generation, and the date of its release in years; NaN where unknown."""

    framework: str
    released: float


@record
class Spread:
    """Degrees of a run as its row states them; None where it does not.

    `sharding` is 0 to 3; `recompute` the row's own word; `searched` tells that the row states no degrees at
    all and the planner has to choose them.
    """

    tensor: int | None = None
    pipeline: int | None = None
    context: int | None = None
    expert: int | None = None
    expert_tensor: int | None = None
    interleave: int | None = None
    micro_batch: float | None = None
    sharding: int | None = None
    sharding_group: int | None = None
    sequence_parallel: bool | None = None
    recompute: str | None = None
    dual_pipe: bool = False
    searched: bool = False


@record
class TrainingCase:
    """One measured training run.

    Parameters
    ----------
    id, source, quality : as the file states them; `accelerator_text` too.
    group : "dense", "moe", "encoder", "hybrid", "lora".
    length : tokens of one sequence. batch : sequences of one step.
    precision : of the products, as the planner names it.
    devices : what the degrees count: accelerators, or cores of a Trainium chip.
    domain : devices that the scale-up link joins.
    fabric_bytes_per_s : network of one device, one direction; NaN where unknown.
    near : groups of near-duplicates that it belongs to.
    silicon_since : year in which the first accelerator of its silicon was released; NaN where unknown.
    loose : degrees, batch or software are not stated.
    allocated : its memory is what tensors take; else with what the framework and driver hold besides.
    kind_of_rate : "step", "evaluated" (evaluation included), "hours" (accelerator-hours of a whole run).
    """

    id: str
    source: str
    accelerator_text: str
    quality: str
    group: str
    model: str
    architecture: Architecture
    accelerator: Accelerator
    length: int
    batch: float
    precision: str
    trained: bool
    software: Software
    spread: Spread
    accelerators: int
    devices: int
    domain: int
    fabric_bytes_per_s: float
    gradient_bytes: float
    kind_of_rate: str
    observations: tuple[Observation, ...]
    near: tuple[str, ...] = ()
    silicon_since: float = math.nan
    loose: bool = False
    allocated: bool = False

    @property
    def looseness(self) -> float:
        """How much wider its range is, in the logarithm, for what the row does not state [1]."""
        return _LOOSE if self.loose else 1.0


_LOOSE = 1.25  # a row whose degrees or software are not stated: our estimate of what they hide, in ln of the range


@record
class Refused:
    """A row that cannot be predicted, with the reason; it is listed, never dropped."""

    id: str
    source: str
    accelerator_text: str
    quality: str
    group: str
    kind: str
    reason: str
    observations: tuple[Observation, ...] = field(default=())

    def rows(self, usual: str) -> list[Row]:
        """Give its refused rows, one of the usual metric where not even a measured number could be read."""
        return [
            Row(
                id=self.id,
                source=self.source,
                accelerator=self.accelerator_text,
                kind=self.kind,
                group=self.group,
                metric=observation.metric,
                measured=observation.value,
                reason=self.reason,
                quality=self.quality,
            )
            for observation in self.observations or (Observation(usual, math.nan),)
        ]


def unmeasurable(observations: Iterable[Observation]) -> str:
    """Say which number no run can have measured, being zero, negative or endless; nothing where all can."""
    for observation in observations:
        if not 0 < observation.value < math.inf:
            return f"{observation.metric} of {observation.value:g} is no measurement"
    return ""
