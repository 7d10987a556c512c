"""Means over requests of different lengths, of times that do not rise in proportion to them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_POINTS = 9  # moments of a square are then exact to a part in a million, where lengths vary by their mean


def over_lengths(time_s: Callable[[float], Array], variability: float) -> tuple[Array, Array]:
    """Mean of a time over lognormal lengths, and its variance over the square of its mean.

    Parameters
    ----------
    time_s : of a length, told as a multiple of the mean length [s].
    variability : coefficient of variation of the lengths [1].

    Notes
    -----
    Gauss-Hermite quadrature over the logarithm of the length. Attention to a prompt rises with its square, and a graph
    that is compiled for one length takes as long for shorter ones: with lengths that vary, prompts take longer in the
    mean than one of the mean length does, and vary more or less than lengths do.

    >>> mean, varied = over_lengths(lambda times: np.asarray(times**2), 0.5)
    >>> round(float(mean), 4), round(float(varied), 4)
    (1.25, 1.4414)
    """
    if variability <= 0.0:
        one = time_s(1.0)
        return one, np.zeros_like(one)
    nodes, weights = _quadrature()
    width = np.sqrt(np.log1p(variability**2))
    times = [time_s(float(each)) for each in np.exp(width * nodes - width**2 / 2.0)]
    # Term by term, so that a row's sum does not depend on the rows beside it.
    mean, square = np.zeros_like(times[0]), np.zeros_like(times[0])
    for weight, time in zip(weights.tolist(), times, strict=True):
        mean, square = mean + weight * time, square + weight * np.square(time)
    varied: Array = np.maximum(square / np.square(mean) - 1.0, 0.0)
    return mean, varied


@cache
def _quadrature() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(_POINTS)
    return nodes, weights / np.sum(weights)
