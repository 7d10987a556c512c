"""The fit of the training profile on measured runs, and the same fit with rows left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import TrainingCase
from planner.accuracy.training_baselines import measured_step_s
from planner.accuracy.training_coefficients import NAMES, Coefficients
from planner.accuracy.training_model import TrainingModel, values_of
from planner.calibration.map_fit import Data, Prior, fit, linearised
from planner.catalog.profile import Profile

Array = NDArray[np.float64]

_SIGMA = 0.25  # an ordinary error in ln: several times the noise of repeated runs, since rows are not independent
_TABLE_EXPONENT = -0.35  # rows of one table resemble each other: n of them weigh as n^0.65
_SMALL_STEP = 0.02  # of finite differences, in ln or absolute
_UNSURE = {"hours": 0.5, "evaluated": 0.7}
_NOISY = {"bigscience_v100": 0.3}  # its authors state +-40 % by which nodes a run was given
_SEARCHED = 0.5  # weight of a row whose degrees are not stated


@dataclass(frozen=True)
class TrainingFit:
    """A fit on measured runs.

    Parameters
    ----------
    cases : measured runs of quality A and B that measure time or rate.
    priors : profile of what is believed without them.
    """

    cases: Sequence[TrainingCase]
    priors: Profile

    @cached_property
    def coefficients(self) -> Coefficients:
        """What is fitted."""
        return Coefficients(self.priors, self.cases)

    @cached_property
    def model(self) -> TrainingModel:
        """The cases as arrays."""
        return TrainingModel(self.cases, self.priors)

    @cached_property
    def data(self) -> Data:
        """Measured times with their weights."""
        tables = Counter((case.source, case.accelerator_text) for case in self.cases)
        weights = [
            tables[case.source, case.accelerator_text] ** _TABLE_EXPONENT
            * _UNSURE.get(case.kind_of_rate, 1.0)
            * _NOISY.get(case.source, 1.0)
            * (_SEARCHED if case.spread.searched else 1.0)
            for case in self.cases
        ]
        observed = np.log([measured_step_s(case) for case in self.cases])
        return Data(observed, np.array(weights), _SIGMA)

    @cached_property
    def prior(self) -> Prior:
        """What is believed of the coefficients."""
        return self.coefficients.prior()

    def predict(self, deviations: Array) -> tuple[Array, Array]:
        """Give ln of the step time of every case, and its derivatives by every coefficient."""
        values, _ = values_of(self.coefficients.profile(deviations), self.cases)
        varied = {name: np.repeat(value[None, :], len(NAMES) + 1, axis=0) for name, value in values.items()}
        for number, name in enumerate(NAMES, start=1):
            if self.priors.parameters[name].scale == "log":
                varied[name][number] *= np.exp(_SMALL_STEP)
            else:
                varied[name][number] += _SMALL_STEP
        logs = np.log(self.model.step_s(varied))
        by_parameter = (logs[1:] - logs[0]) / _SMALL_STEP
        places = [NAMES.index(item.parameter) for item in self.coefficients.every]
        return logs[0], by_parameter[places].T * self.coefficients.of_cases()

    def fitted(self, start: Array | None = None) -> Array:
        """Give the deviations of the fit on all cases."""
        begin = np.zeros(len(self.coefficients.every)) if start is None else start
        return fit(self.predict, self.data, self.prior, start=begin, rounds=8, tolerance=0.02)

    def folds(self, about: Array, left_out: Sequence[NDArray[np.bool_]]) -> list[Profile]:
        """Give the profiles of fits without some cases each.

        Parameters
        ----------
        about : deviations of the fit on all cases; folds are solved with its derivatives.
        left_out : of each fold, which cases it does not see.
        """
        predicted, slope = self.predict(about)
        model = linearised(predicted, slope, about)
        found = []
        for out in left_out:
            data = Data(self.data.observed, np.where(out, 0.0, self.data.weights), self.data.sigma)
            deviations = fit(model, data, self.prior, start=about, rounds=30, tolerance=1e-3)
            found.append(self.coefficients.profile(deviations, used=~out))
        return found
