"""How prompts are read beside sequences that decode: in the steps of these, or in passes that stop all of them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.batching import Replica, Requests
from planner.serving.engine import EngineLimits
from planner.serving.waits import NEARLY

Array = NDArray[np.float64]

_ROUNDS = 6  # until how many prompts a pass reads, and how many come while it does, agree


class Reader(Replica, Protocol):
    """What a queue needs to know of a replica besides; `planner.serving.engine.Engine` is one."""

    @property
    def limits(self) -> EngineLimits:
        """What the engine is started with."""

    def prompt_work(self, tokens: Array | float, cached: Array | float, variability: float) -> tuple[Array, Array]:
        """Mean of what prompts of varied lengths add where many are read [s], and its relative variance [1]."""

    def lag_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time in which other stages still work on a prompt's last pass [s]."""


@record
class Reading:
    """How a replica reads prompts.

    Parameters
    ----------
    alone_s : a prompt of mean length on an idle replica [s]. lag_s : of it, on its way through later stages [s].
    work_s : what a prompt adds to a pass in the mean [s]. varied : its relative variance [1].
    delay_s : of that, what delays sequences that decode [s].
    start_s : time of a pass over prompts beside their work, where it is no step of those that decode [s].
    stops : 1 where prompts have passes of their own, 0 where they join the steps of those that decode.
    most : prompts of mean length that such a pass takes [1].
    """

    alone_s: Array
    lag_s: Array
    work_s: Array
    varied: Array
    delay_s: Array
    start_s: Array
    stops: Array
    most: Array

    def together(self, rate: Array, step_s: Array) -> Array:
        """Give the prompts that a pass of their own reads in the mean, with each what came during the one before [1].

        Parameters
        ----------
        rate : of a replica [1/s]. step_s : of those that decode [s].

        Notes
        -----
        With n of them a pass takes s + n p, and no prompt comes during it with the chance q; of steps of length d that
        is e^(-x d). As many series of passes begin as end, and n is what comes in the time that is left for starts and
        steps, for each pass: n = x (q d / (1 - e^(-x d)) + s) / (1 - x p).
        """
        number = np.ones_like(rate * step_s)
        if not np.any(self.stops):
            return number
        came = np.maximum(rate * step_s, 1e-12)
        between = step_s * rate / -np.expm1(-came)
        left = 1.0 - np.minimum(rate * self.delay_s, NEARLY)
        for _ in range(_ROUNDS):
            none = np.exp(-rate * (self.start_s + number * self.delay_s))
            number = np.clip((none * between + rate * self.start_s) / left, 1.0, self.most)
        return number

    def each_s(self, rate: Array, step_s: Array) -> Array:
        """Give the time by which a prompt delays those that decode, its share of its pass's start included [s]."""
        each: Array = self.delay_s + self.stops * self.start_s / self.together(rate, step_s)
        return each


def reading_of(replica: Reader, requests: Requests, variability: float) -> Reading:
    """Give how a replica reads requests' prompts, whose lengths vary so."""
    work, varied = replica.prompt_work(requests.prompt, requests.cached, variability)
    alone = replica.prompts(requests.prompt, cached=requests.cached).total
    lag = replica.lag_s(requests.prompt, requests.cached)
    start = np.maximum(alone - lag - replica.marginal_prefill_s(requests.prompt, requests.cached), 0.0)
    limits = replica.limits
    return Reading(
        alone_s=alone,
        lag_s=lag,
        work_s=work,
        varied=varied,
        delay_s=replica.efficiency.interference * work,
        start_s=start,
        stops=1.0 - np.asarray(limits.chunked, dtype=float),
        most=np.maximum(np.floor(limits.pass_tokens / requests.prompt), 1.0),
    )
