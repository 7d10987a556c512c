"""How many requests keep their objectives, from the percentiles of their times."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from planner.planning.serving_answer import Answer
from planner.scenario.serving_load import Objectives

Array = NDArray[np.float64]

_NONE = 1e-6  # a smaller share is no request
_SHARES = (0.5, 0.9, 0.95, 0.99)


def goodput(
    found: Answer, objectives: Objectives, rate: float, *, slower: float, later: float
) -> dict[str, float | None]:
    """Give the requests per second whose times keep every objective; nothing where none is stated or known.

    Parameters
    ----------
    found : percentiles. objectives : each bounds every request here, whatever percentile it was promised for.
    rate : of all requests [1/s].
    slower, later : factors on times per token, and on times to the first token [1].

    Notes
    -----
    Times to the first token and of later tokens are taken as independent of each other.
    """
    good, known = 1.0, False
    for phase, factor in (("ttft", later), ("tpot", slower)):
        stated = [v for name, v in objectives.model_dump().items() if name.startswith(phase) and v is not None]
        percentiles = getattr(found, f"{phase}_percentiles_s")
        if stated and percentiles is not None:
            known = True
            good *= share_below([float(np.ravel(each)[0]) * factor for each in percentiles], min(stated))
    return {"goodput_requests_per_s": rate * (good if good > _NONE else 0.0)} if known else {}


def share_below(percentiles_s: list[float], limit_s: float) -> float:
    """Give the share of requests below a limit.

    Parameters
    ----------
    percentiles_s : at 50, 90, 95 and 99 % [s]. limit_s : the limit [s].

    Notes
    -----
    Logarithms of times are taken as straight between percentiles over the normal quantile, as those of a lognormal
    are, and go on as a line through the first and the last beyond them.

    >>> round(share_below([1.0, 2.0, 2.5, 4.0], 2.0), 3)
    0.9
    """
    if not np.isfinite(percentiles_s[-1]):
        return 0.0
    normal = NormalDist()
    quantiles = [normal.inv_cdf(share) for share in _SHARES]
    times = np.log(percentiles_s)
    limit = float(np.log(limit_s))
    if times[0] < limit < times[-1]:
        return normal.cdf(float(np.interp(limit, times, quantiles)))
    width = max(float(times[-1] - times[0]) / (quantiles[-1] - quantiles[0]), 1e-9)
    near = 0 if limit <= times[0] else -1
    return normal.cdf(quantiles[near] + (limit - float(times[near])) / width)
