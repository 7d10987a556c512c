"""The 80 % ranges of a serving profile: quantiles of measured over predicted, on rows left out."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.serving_predictions import family_of
from planner.accuracy.serving_problem import Bench
from planner.catalog.profile import Spread
from planner.planning.serving_ranges import KINDS

Array = NDArray[np.float64]

_SPAN = 0.8
_UNKNOWN = 1.3  # exponent of the range of a chip without rows or relatives; our estimate
_FEWEST = 6  # rows of a family below which it takes the range of its kind of number


def ranges_of(bench: Bench, *, measured: Array, relative: Array) -> dict[str, Spread]:
    """Give ranges by what a prediction rests on, by family of loads and by kind of number.

    Parameters
    ----------
    bench : observations.
    measured : ln(measured / predicted) by fits that had no row of the model; what is known of a chip with rows.
    relative : the same by fits that had no row of the accelerator.

    Notes
    -----
    A family with few rows gets a wider quantile: of n rows the outermost hold about 1 / n of what comes.
    """
    found: dict[str, Spread] = {}
    for basis, errors in (("measured", measured), ("relative", relative)):
        places: dict[str, list[int]] = defaultdict(list)
        for place, (case, metric) in enumerate(zip(bench.observed.case, bench.observed.metric, strict=True)):
            one = bench.cases[case]
            if one.quality == "C" or one.repeated or not np.isfinite(errors[place]):
                continue
            kind = KINDS[metric]
            for name in (basis, f"{basis}-{kind}", f"{basis}-{family_of(one)}-{kind}"):
                places[name].append(place)
        for name in sorted(places):
            if len(places[name]) >= _FEWEST:
                found[name] = _spread(errors[places[name]])
    near = found["relative"]
    low, high = (round(each**_UNKNOWN, 3) for each in (near.low, near.high))
    found["datasheet"] = Spread(low=low, high=high, rows=near.rows)
    return found


def _spread(errors: Array) -> Spread:
    count = len(errors)
    share = min(_SPAN * (1.0 + 1.0 / count), 0.95)
    low, high = np.exp(np.quantile(errors, [0.5 - share / 2.0, 0.5 + share / 2.0]))
    return Spread(low=round(float(low), 3), high=round(float(high), 3), rows=count)
