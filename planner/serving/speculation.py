"""Speculative decoding: a draft proposes tokens, the model scores them together and keeps those it agrees with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.errors import input_error
from planner.record import record

Array = NDArray[np.float64]


@record
class Speculation:
    """A draft and how often the model agrees with it.

    Parameters
    ----------
    drafted : tokens proposed in one round [1].
    acceptance : chance that a proposed token is kept, given that those before it were [1].
    draft_share : time of proposing one token over that of a step of the model [1]; a layer for further tokens
        costs about one layer of many.
    """

    drafted: Array
    acceptance: Array
    draft_share: Array

    @property
    def tokens_per_round(self) -> Array:
        """Tokens that one round adds to a sequence, between 1 and one more than were drafted [1]."""
        return tokens_per_round(drafted=self.drafted, acceptance=self.acceptance)

    @property
    def scored(self) -> Array:
        """Tokens of one sequence that the model scores in a round [1]."""
        return self.drafted + 1.0


def tokens_per_round(*, drafted: Array | float, acceptance: Array | float) -> Array:
    """Give the mean number of tokens that one round adds.

    Parameters
    ----------
    drafted : tokens proposed in one round, g [1].
    acceptance : a, between 0 and 1 [1].

    Returns
    -------
    (1 - a^(g + 1)) / (1 - a): the model's own token counts too, so that it is g + 1 where everything is kept [1].

    References
    ----------
    .. [1] Leviathan, Kalman, Matias, Fast inference from transformers via speculative decoding, ICML 2023, eq. 1.

    >>> float(tokens_per_round(drafted=3.0, acceptance=1.0)), float(tokens_per_round(drafted=1.0, acceptance=0.5))
    (4.0, 1.5)
    """
    a, g = np.asarray(acceptance, dtype=float), np.asarray(drafted, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        summed = (1.0 - a ** (g + 1.0)) / (1.0 - a)
    tokens: Array = np.where(a >= 1.0, g + 1.0, summed)
    return tokens


def speculation(*, drafted: int, acceptance: float, draft_share: float) -> Speculation:
    """Check what is said of speculative decoding.

    Raises
    ------
    InputError : an acceptance outside 0 to 1, or nothing drafted.
    """
    if not 0.0 <= acceptance <= 1.0:
        raise input_error("acceptance-range", f"an acceptance of {acceptance:g}", allowed="a ratio from 0 to 1")
    if drafted < 1:
        raise input_error("drafted-range", f"{drafted} drafted tokens", allowed="1 or more")
    return Speculation(np.asarray(float(drafted)), np.asarray(acceptance), np.asarray(draft_share))
