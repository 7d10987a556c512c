"""Most probable coefficients under Gaussian priors and errors with heavy tails, by Gauss-Newton.

Written for models whose prediction is one number per row and whose coefficients each move a parameter on the
rows that they own: the derivative for a coefficient is that of its parameter, on those rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]
Model = Callable[[Array], tuple[Array, Array]]
"""From coefficients (n,) to predictions (rows,) and their derivatives (rows, n)."""


@record
class Data:
    """What is fitted.

    Parameters
    ----------
    observed : of every row, in the model's terms.
    weights : how much each row counts; 0 leaves it out.
    sigma : size of an ordinary error.
    """

    observed: Array
    weights: Array
    sigma: float


@record
class Prior:
    """Gaussian priors about zero and hard bounds.

    Parameters
    ----------
    width : standard deviation of each coefficient; 0 holds it at zero.
    low, high : bounds of each coefficient.
    """

    width: Array
    low: Array
    high: Array


def fit(model: Model, data: Data, prior: Prior, *, start: Array, rounds: int = 12, tolerance: float = 1e-4) -> Array:
    """Give the most probable coefficients.

    Parameters
    ----------
    model : predictions with derivatives.
    data, prior : what is fitted, what is believed.
    start : coefficients to begin with (n,).
    rounds : most steps.
    tolerance : a step that moves no coefficient by more of its width ends the search.

    Returns
    -------
    Coefficients (n,).

    Notes
    -----
    The loss is the pseudo-Huber function of r = (observed - predicted) / sigma: 2 (sqrt(1 + r^2 / 2) - 1), square
    for small errors and linear for large ones, minimised by reweighting each row with 1 / sqrt(1 + r^2 / 2) [1]_.

    References
    ----------
    .. [1] Holland, Welsch, Communications in Statistics A6(9), 1977: iteratively reweighted least squares.
    """
    free = prior.width > 0
    precision = np.where(free, 1.0 / np.where(free, prior.width, 1.0) ** 2, 0.0)
    found = np.clip(np.where(free, start, 0.0), prior.low, prior.high)
    for _ in range(rounds):
        predicted, slope = model(found)
        residual = (data.observed - predicted) / data.sigma
        weight = data.weights / np.sqrt(1.0 + residual**2 / 2.0)
        step = _step(slope[:, free] / data.sigma, residual, weight, precision[free], found[free])
        moved = found.copy()
        moved[free] = np.clip(found[free] + step, prior.low[free], prior.high[free])
        largest = float(np.max(np.abs(moved - found)[free] / prior.width[free], initial=0.0))
        found = moved
        if largest < tolerance:
            break
    return found


def _step(slope: Array, residual: Array, weight: Array, precision: Array, found: Array) -> Array:
    normal = slope.T @ (slope * weight[:, None]) + np.diag(precision)
    gradient = slope.T @ (weight * residual) - precision * found
    return np.asarray(np.linalg.solve(normal, gradient), dtype=np.float64)


def linearised(predicted: Array, slope: Array, about: Array) -> Model:
    """Give the model that is linear in its coefficients about a point: what a fold with fewer rows is fitted by."""

    def model(coefficients: Array) -> tuple[Array, Array]:
        return predicted + slope @ (coefficients - about), slope

    return model
