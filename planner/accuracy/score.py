"""How far predictions are from measurements: errors as |ln(predicted / measured)|, and the share inside the ranges.

`macro` is the mean over (source, accelerator) of the medians, and `macro_p90` of the 90th percentiles: a few
sources hold most of the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from planner.accuracy.row import Row, log_ratio
from planner.record import record

SERVING = ("inference", "serving", "trace")
RATES = ("tokens_per_s_per_accelerator", "output_tokens_per_s", "requests_per_s")


@record
class Score:
    """Errors of some rows [1].

    Parameters
    ----------
    rows : predicted ones. refused : others.
    median, p90 : over the rows.
    macro, macro_p90 : means over (source, accelerator).
    bias : mean over (source, accelerator) of the median signed error, as a time: above 0 is too slow.
    inside : share of measured values inside the predicted 80 % ranges.
    """

    rows: int
    refused: int
    median: float
    p90: float
    macro: float
    macro_p90: float
    bias: float
    inside: float


def score(rows: Iterable[Row], *, baseline: str = "") -> Score | None:
    """Give the score of rows, or of what a baseline says of the same rows; None where nothing is predicted."""
    every = list(rows)
    known = [row for row in every if row.predicted is not None and (not baseline or baseline in row.baselines)]
    signed = np.array([_signed(row, baseline) for row in known])
    if not len(signed):
        return None
    tables: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, row in enumerate(known):
        tables[row.source, row.accelerator].append(number)
    errors = np.abs(signed)
    return Score(
        rows=len(known),
        refused=sum(row.predicted is None for row in every),
        median=float(np.median(errors)),
        p90=float(np.percentile(errors, 90)),
        macro=float(np.mean([np.median(errors[table]) for table in tables.values()])),
        macro_p90=float(np.mean([np.percentile(errors[table], 90) for table in tables.values()])),
        bias=float(np.mean([np.median(signed[table]) for table in tables.values()])),
        inside=float(np.mean([row.inside for row in known])) if not baseline else float("nan"),
    )


def _signed(row: Row, baseline: str) -> float:
    """Error as of a time: a rate that is too high is a time that is too short."""
    error = log_ratio(row.baselines[baseline], row.measured) if baseline else row.error
    return -error if row.metric in RATES else error


def by(rows: Sequence[Row], label: Callable[[Row], str]) -> dict[str, list[Row]]:
    """Give rows by a label, labels sorted."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[label(row)].append(row)
    return dict(sorted(found.items()))


def of_serving(rows: Iterable[Row]) -> list[Row]:
    """Give predicted rows of serving of quality A and B; their slice "class" is the load whose errors are alike."""
    return [row for row in rows if row.kind in SERVING and row.quality != "C" and row.predicted is not None]
