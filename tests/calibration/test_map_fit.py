"""The fit under priors: against closed forms of linear models, and what heavy tails and bounds must do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from planner.calibration.map_fit import Data, Prior, fit, linearised

Array = NDArray[np.float64]


def line(rows: int = 40) -> tuple[Array, Array]:
    x = np.linspace(-1.0, 1.0, rows)
    return x, np.stack([np.ones(rows), x], axis=1)


def free(width: float) -> Prior:
    return Prior(np.full(2, width), np.full(2, -np.inf), np.full(2, np.inf))


def test_without_priors_and_outliers_it_is_least_squares() -> None:
    x, slope = line()
    observed = 0.3 + 0.2 * x
    model = linearised(np.zeros(len(x)), slope, np.zeros(2))
    found = fit(model, Data(observed, np.ones(len(x)), 1.0), free(1e3), start=np.zeros(2), rounds=50, tolerance=1e-9)
    assert found == pytest.approx([0.3, 0.2], abs=1e-5)


def test_without_rows_it_is_the_prior_and_with_more_rows_it_leaves_it() -> None:
    x, slope = line()
    model = linearised(np.zeros(len(x)), slope, np.zeros(2))
    moved = [
        fit(model, Data(np.full(len(x), 1.0), np.full(len(x), w), 1.0), free(0.1), start=np.zeros(2))[0]
        for w in (0.0, 1.0, 100.0)
    ]
    assert moved[0] == pytest.approx(0.0)
    assert moved[0] < moved[1] < moved[2] < 1.0


def test_one_wild_row_moves_it_less_than_it_moves_least_squares() -> None:
    x, slope = line()
    observed = np.zeros(len(x))
    observed[3] = 50.0
    model = linearised(np.zeros(len(x)), slope, np.zeros(2))
    found = fit(model, Data(observed, np.ones(len(x)), 0.1), free(1e3), start=np.zeros(2), rounds=200)
    assert abs(found[0]) < 0.1 * observed.mean()


def test_it_keeps_to_bounds_and_holds_what_has_no_width() -> None:
    x, slope = line()
    prior = Prior(np.array([1.0, 0.0]), np.array([-0.1, -1.0]), np.array([0.1, 1.0]))
    model = linearised(np.zeros(len(x)), slope, np.zeros(2))
    found = fit(model, Data(1.0 + x, np.ones(len(x)), 0.1), prior, start=np.zeros(2))
    assert found[0] == pytest.approx(0.1)
    assert found[1] == 0.0
