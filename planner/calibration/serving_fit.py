"""The most probable efficiencies of engines and chips under measured rows and priors (MAP, Gauss-Newton).

Every parameter is additive in the logarithm: ln p = ln shared + engine + chip family + chip. Each of these has a normal
prior of mean zero, or of what was believed of that engine beforehand. What has no rows stays at its prior, so that an
unknown engine or chip needs no case of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Predict = Callable[[Array], Array]

_STEP = 0.01  # of a finite difference, in ln
_HUBER = 0.15  # residual in ln at which the loss turns from square to straight
_SIGMA = 0.5  # of one row: neighbouring rows of one table are far from independent
_ROUNDS = 12
_SETTLED = 2e-3  # largest move in ln after which a fit has settled
_LARGEST = 0.7  # a move of one round is cut to, in ln


@record
class Level:
    """One level of moves: the shared values, the engines, the families or the chips.

    Parameters
    ----------
    members : names; of the shared level a single one.
    width : prior width of each parameter's move, 0 where the level does not move it [ln], (parameters,).
    prior : mean of that prior [ln], (members, parameters).
    """

    members: tuple[str, ...]
    width: Array
    prior: Array


@record
class Problem:
    """Rows and parameters of one fit.

    Parameters
    ----------
    levels : the shared level first.
    place : member of each level that a case belongs to, -1 for none, (levels, cases).
    start : shared values that moves are counted from [ln], (parameters,).
    low, high : bounds [ln], (parameters,).
    predict : ln of every observation from ln of every parameter of every case, (parameters, cases) -> (rows,).
    case : case of every observation, (rows,).
    measured : ln of every observation, (rows,).
    weight : of every observation, 0 for those that are left out, (rows,).
    moves : whether an observation says something of a parameter, (rows, parameters).
    """

    levels: tuple[Level, ...]
    place: Index
    start: Array
    low: Array
    high: Array
    predict: Predict
    case: Index
    measured: Array
    weight: Array
    moves: NDArray[np.bool_]

    def values(self, moves: list[Array]) -> Array:
        """Give ln of every parameter of every case, inside its bounds, (parameters, cases)."""
        total = np.repeat(self.start[:, None], self.place.shape[1], axis=1)
        for level, where in zip(moves, self.place, strict=True):
            total += np.where(where >= 0, level[where].T, 0.0)
        return np.clip(total, self.low[:, None], self.high[:, None])


@record
class Fit:
    """Moves of every level, (members, parameters) each, in ln; and how it ended."""

    moves: list[Array]
    rounds: int


def solve(problem: Problem, *, start: Fit | None = None, rounds: int = _ROUNDS) -> Fit:
    """Find the moves of greatest posterior density.

    Parameters
    ----------
    problem : rows, levels, priors.
    start : moves to begin with; the priors where none.
    rounds : most rounds.

    Notes
    -----
    One round linearises the predictions and solves the normal equations of the penalised squares, rows weighed by
    1 / sqrt(1 + (r / d)^2) for the pseudo-Huber loss [1]_. A parameter moves a row through its value alone, so that a
    derivative for it serves every level: the physics is evaluated once for each kind of parameter and not for each
    coefficient.

    References
    ----------
    .. [1] Charbonnier et al., Two deterministic half-quadratic regularization algorithms, ICIP 1994.
    """
    moves = [level.prior.copy() for level in problem.levels] if start is None else [m.copy() for m in start.moves]
    free = [np.flatnonzero(level.width > 0) for level in problem.levels]
    done, largest = 0, np.inf
    while done < rounds and largest >= _SETTLED:
        largest = _advance(problem, moves, free)
        done += 1
    return Fit(moves, done)


def _advance(problem: Problem, moves: list[Array], free: list[Index]) -> float:
    """Take one round in place; give the largest move of it."""
    values = problem.values(moves)
    predicted = problem.predict(values)
    rows = np.flatnonzero(problem.weight > 0)
    residual = (problem.measured - predicted)[rows]
    slopes = _slopes(problem, values, predicted, rows)
    pull = problem.weight[rows] / _SIGMA**2 / np.sqrt(1.0 + (residual / _HUBER) ** 2)
    step = _normal_step(problem, moves, free, slopes, residual, pull, rows)
    at, largest = 0, 0.0
    for level, mine in zip(moves, free, strict=True):
        size = level.shape[0] * len(mine)
        part = np.clip(step[at : at + size], -_LARGEST, _LARGEST).reshape(level.shape[0], len(mine))
        level[:, mine] += part
        largest = max(largest, float(np.max(np.abs(part), initial=0.0)))
        at += size
    return largest


def _slopes(problem: Problem, values: Array, predicted: Array, rows: Index) -> Array:
    """Give d ln prediction / d ln parameter, 0 where the parameter is held by a bound, (rows, parameters)."""
    slopes = np.empty((len(rows), len(values)))
    for k in range(len(values)):
        shifted = values.copy()
        shifted[k] += _STEP
        slopes[:, k] = (problem.predict(shifted) - predicted)[rows] / _STEP
    held = (values <= problem.low[:, None]) | (values >= problem.high[:, None])
    slopes[held[:, problem.case[rows]].T | ~problem.moves[rows]] = 0.0
    return slopes


def _normal_step(
    problem: Problem, moves: list[Array], free: list[Index], slopes: Array, residual: Array, pull: Array, rows: Index
) -> Array:
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import csr_array

    columns, entries, owners, at = [], [], [], 0
    precision, offset = [], []
    for level, move, mine, where in zip(problem.levels, moves, free, problem.place, strict=True):
        member = where[problem.case[rows]]
        owned = np.flatnonzero(member >= 0)
        columns.append((at + member[owned][:, None] * len(mine) + np.arange(len(mine))).ravel())
        entries.append(slopes[np.ix_(owned, mine)].ravel())
        owners.append(np.repeat(owned, len(mine)))
        firm = np.tile(1.0 / level.width[mine] ** 2, len(level.members))
        precision.append(firm)
        offset.append(firm * (level.prior - move)[:, mine].ravel())
        at += len(level.members) * len(mine)
    shape = (len(rows), at)
    design = csr_array((np.concatenate(entries), (np.concatenate(owners), np.concatenate(columns))), shape=shape)
    weighed = design.multiply(pull[:, None]).tocsr()
    normal = np.asarray((design.T @ weighed).todense()) + np.diag(np.concatenate(precision))
    wanted = np.asarray(weighed.T @ residual) + np.concatenate(offset)
    step: Array = cho_solve(cho_factor(normal, overwrite_a=True), wanted)
    return step
