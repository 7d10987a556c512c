"""One measured number beside what the planner says of it: the record that every kind of measurement comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

OK, REFUSED = "ok", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One observation.

    Parameters
    ----------
    id : as its file states it; of a row of a CSV file FILE:LINE, the file without its folder.
    source : key of its source. accelerator : as in the file.
    kind : training, inference, serving, trace or kernel.
    group : operator, scenario or mode.
    metric : what was measured, with its unit. measured : how much.
    predicted, low, high : the planner's answer and its 80 % range; None where it is refused.
    reason : why a row is refused. quality : A, B or C.
    slices : what else rows are told apart by in scores: its class, model, precision, framework.
    baselines : what simple rules say of the same row.
    """

    id: str
    source: str
    accelerator: str
    kind: str
    group: str
    metric: str
    measured: float
    predicted: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    quality: str = ""
    slices: Mapping[str, str] = field(default_factory=dict)
    baselines: Mapping[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Tell whether the row was predicted: "ok" or "refused"."""
        return REFUSED if self.predicted is None else OK

    @property
    def error(self) -> float:
        """Logarithm of predicted over measured [1]; NaN where there is none.

        >>> row = Row(id="a", source="s", accelerator="x", kind="training", group="dense", metric="step_time_s",
        ...           measured=2.0, predicted=2.2)
        >>> round(row.error, 4)
        0.0953
        """
        return log_ratio(self.predicted, self.measured)

    @property
    def inside(self) -> bool:
        """Tell whether the measured value lies in the predicted range."""
        return self.low is not None and self.high is not None and self.low <= self.measured <= self.high


def log_ratio(predicted: float | None, measured: float) -> float:
    """Give ln(predicted / measured); NaN where either is missing or not positive."""
    if predicted is None or not predicted > 0 or not measured > 0:
        return math.nan
    return math.log(predicted / measured)
