"""Moments of times that add up, and the percentiles of a lognormal that has them."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]

PERCENTILES = (50.0, 90.0, 95.0, 99.0)
_TINY = 1e-30
_LEAST_SKEWED = 1e-3  # a lognormal is skewed at all


def lognormal(mean: Array, variance: Array) -> Array:
    """Percentiles of a lognormal of a mean and variance, on a first axis."""
    width = np.sqrt(np.log1p(variance / np.maximum(np.square(mean), _TINY)))
    normal = [NormalDist().inv_cdf(p / 100.0) for p in PERCENTILES]
    found: Array = np.stack([mean * np.exp(z * width - np.square(width) / 2.0) for z in normal])
    return found


@record
class Moments:
    """Mean [s], variance [s^2] and third central moment [s^3] of a time; of times that are independent they add up."""

    mean: Array
    variance: Array
    third: Array

    def __add__(self, other: Moments) -> Moments:
        """Give the moments of the sum."""
        return Moments(self.mean + other.mean, self.variance + other.variance, self.third + other.third)

    def percentiles(self) -> Array:
        """Give those of the lognormal beyond some least time that has these moments, on a first axis [s].

        Of a lognormal with the relative deviation c the skewness is c^3 + 3 c, which is turned about.
        """
        deviation = np.sqrt(np.maximum(self.variance, _TINY))
        skewness = np.maximum(self.third / deviation**3, _LEAST_SKEWED)
        relative = 2.0 * np.sinh(np.arcsinh(skewness / 2.0) / 3.0)
        beyond = deviation / relative
        found: Array = self.mean - beyond + lognormal(beyond, self.variance)
        return found


def of_lognormal(mean: Array, variance: Array) -> Moments:
    """Give the moments of a lognormal."""
    relative = variance / np.maximum(np.square(mean), _TINY)
    return Moments(mean, variance, np.square(variance) / np.maximum(mean, _TINY) * (3.0 + relative))


def of_chance(mean: Array, variance: Array) -> Moments:
    """Give the moments of a time that is exponential with some chance, and none else, from the first two."""
    seldom = (1.0 + variance / np.maximum(np.square(mean), _TINY)) / 2.0  # one over the chance
    return Moments(mean, variance, mean**3 * (6.0 * np.square(seldom) - 6.0 * seldom + 2.0))


def of_chance_beyond(mean: Array, variance: Array) -> Array:
    """Give the percentiles of a time that is exponential with some chance, and none else, on a first axis [s]."""
    known = np.square(mean) > _TINY
    chance = np.where(known, 2.0 / (1.0 + variance / np.maximum(np.square(mean), _TINY)), 0.0)
    of_those = mean / np.maximum(chance, _TINY)
    found: Array = np.stack([of_those * np.log(np.maximum(chance / (1.0 - p / 100.0), 1.0)) for p in PERCENTILES])
    return found
