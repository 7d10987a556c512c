"""Fits kernel parameters to timings: SciPy's least squares in log time, robust, from several starts.

Every parameter is additive in the logarithm: ln p = ln shared + family + chip + library + operator + build, each move
with a normal prior around zero. What has no rows stays at its prior, so an unknown chip takes its family's moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from planner.catalog.profile import Moves, Parameter, Profile

Array = NDArray[np.float64]
Predict = Callable[[Mapping[str, Array]], Array]
Labels = Mapping[str, NDArray[np.str_]]

SECTIONS = {
    "family": "families",
    "chip": "chips",
    "library": "libraries",
    "operator": "operators",
    "build": "builds",
}
"""Section of a profile for each level of moves."""

_STEP = 1e-4  # of a finite difference, in ln
_SCATTER = 0.1  # of one timing, in ln: repeats of one kernel in one laboratory, our estimate
_JUMP = 0.4  # standard deviation of a start around the priors, in ln
_CROWDING = 0.35  # rows of one table weigh by their number to this power less


@dataclass(frozen=True)
class Timings:
    """Rows of one kind of kernel.

    Parameters
    ----------
    predict : seconds of every row from every parameter, by name, of every row.
    measured_s : seconds of every row.
    labels : of every row, by level.
    table : whose rows are neighbours, of every row.
    """

    predict: Predict
    measured_s: Array
    labels: Labels
    table: NDArray[np.str_]

    def weights(self) -> Array:
        """Give the weights of rows: a table's rows weigh less the more of them there are [1]."""
        _, place, count = np.unique(self.table, return_inverse=True, return_counts=True)
        weights = count[place].astype(np.float64) ** -_CROWDING
        return np.asarray(weights / weights.mean())


@dataclass(frozen=True)
class Move:
    """One coefficient: a parameter's shared value, or its move at one member of a level."""

    parameter: int
    level: str
    member: str
    width: float


class Problem:
    """Timings and the parameters that predict them."""

    def __init__(self, timings: Timings, parameters: Mapping[str, Parameter]) -> None:
        self.timings, self.names, self.parameters = timings, list(parameters), parameters
        self.moves = list(_moves(parameters, timings.labels))
        self.parameter = np.array([move.parameter for move in self.moves])
        self.width = np.array([move.width for move in self.moves])
        rows = len(timings.measured_s)
        self.applies = np.stack(
            [
                np.ones(rows) if not move.level else (timings.labels[move.level] == move.member).astype(np.float64)
                for move in self.moves
            ],
            axis=1,
        )
        each = parameters.values()
        self.prior = np.log([entry.prior for entry in each])
        self.low, self.high = np.log([entry.low for entry in each]), np.log([entry.high for entry in each])

    def values(self, moves: Array) -> Array:
        """Give ln of every parameter of every row, inside its bounds, (rows, parameters)."""
        columns = [
            self.prior[place] + self.applies[:, self.parameter == place] @ moves[self.parameter == place]
            for place in range(len(self.names))
        ]
        inside: Array = np.clip(np.stack(columns, axis=1), self.low, self.high)
        return inside

    def log_time(self, values: Array) -> Array:
        """Give ln of the predicted seconds of every row."""
        named = {name: np.exp(values[:, place]) for place, name in enumerate(self.names)}
        return np.asarray(np.log(self.timings.predict(named)))

    def predicted_s(self, moves: Array) -> Array:
        """Give the predicted seconds of every row."""
        return np.asarray(np.exp(self.log_time(self.values(moves))))


def _moves(parameters: Mapping[str, Parameter], labels: Labels) -> Sequence[Move]:
    found = []
    for place, entry in enumerate(parameters.values()):
        found.append(Move(place, "", "", entry.width))
        for level, width in entry.moves.items():
            found += [Move(place, level, str(member), width) for member in np.unique(labels[level])]
    return found


def solve(
    problem: Problem, *, use: NDArray[np.bool_], starts: int = 1, evaluations: int = 30, begin: Array | None = None
) -> Array:
    """Find the most probable moves.

    Parameters
    ----------
    problem : timings, parameters and their priors.
    use : rows that are fitted.
    starts : the first one, and further ones around it, of which the best end is taken.
    begin : the first start [ln]; the priors where none, and floors just below the fastest row of each library and chip.
    evaluations : most evaluations of one start.

    Returns
    -------
    Moves [ln].

    Notes
    -----
    Rows weigh in by sqrt(1 + r^2) - 1, priors by their squares. A parameter moves a row through its value alone, so
    one finite difference for each parameter serves the columns of all its moves.
    """
    random = np.random.default_rng(0)  # the same starts in every run
    residuals, jacobian = _functions(problem, use)
    first = _begin(problem, use) if begin is None else begin
    best = None
    for number in range(starts):
        spread = problem.width * _JUMP if number else 0.0 * problem.width
        found = least_squares(
            residuals,
            jac=jacobian,
            loss=_loss(int(use.sum())),
            x0=first + random.normal(0.0, 1.0, len(spread)) * spread,
            max_nfev=evaluations,
            ftol=1e-5,
            xtol=1e-6,
        )
        best = found if best is None or found.cost < best.cost else best
    assert best is not None  # noqa: S101 - there is at least one start
    return np.asarray(best.x)


_FLOORS = ("_host_s",)  # of parameters that no row can be faster than, and that leave most rows alone
_OWN_FLOORS = ("library", "chip")  # a library's host code, a chip's driver
_BELOW = 0.9


def _begin(problem: Problem, use: NDArray[np.bool_]) -> Array:
    """Start at the priors, but floors of libraries and chips where their fastest row lies: from below nothing pulls."""
    start = np.zeros(len(problem.moves))
    for column, move in enumerate(problem.moves):
        mine = use & (problem.applies[:, column] > 0)
        if move.level in _OWN_FLOORS and problem.names[move.parameter].endswith(_FLOORS) and mine.any():
            fastest = _BELOW * problem.timings.measured_s[mine].min()
            start[column] = max(0.0, np.log(fastest) - problem.prior[move.parameter])
    return start


def _functions(problem: Problem, use: NDArray[np.bool_]) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    scale = (np.sqrt(problem.timings.weights()) / _SCATTER)[use]
    measured = np.log(problem.timings.measured_s)

    def residuals(moves: Array) -> Array:
        rows = (problem.log_time(problem.values(moves)) - measured)[use] * scale
        return np.concatenate([rows, moves / problem.width])

    def jacobian(moves: Array) -> Array:
        values = problem.values(moves)
        here = problem.log_time(values)
        slopes = np.zeros((int(use.sum()), len(moves)))
        for place in range(len(problem.names)):
            beside = values.copy()
            beside[:, place] += _STEP
            slope = (problem.log_time(beside) - here)[use] / _STEP * scale
            mine = problem.parameter == place
            slopes[:, mine] = slope[:, None] * problem.applies[use][:, mine]
        return np.concatenate([slopes, np.diag(1.0 / problem.width)])

    return residuals, jacobian


def _loss(rows: int) -> Callable[[Array], Array]:
    """Give a loss of squares with its two derivatives: soft for the rows, square for the priors behind them."""

    def loss(squares: Array) -> Array:
        soft = np.sqrt(1.0 + squares[:rows])
        out = np.zeros((3, len(squares)))
        out[0], out[1] = squares, 1.0
        out[0, :rows], out[1, :rows], out[2, :rows] = 2.0 * (soft - 1.0), 1.0 / soft, -0.5 / soft**3
        return out

    return loss


def fitted_parameters(problem: Problem, moves: Array) -> dict[str, float]:
    """Give the shared values of a fit, by name."""
    shared = {move.parameter: float(value) for move, value in zip(problem.moves, moves, strict=True) if not move.level}
    inside = np.clip(problem.prior + np.array([shared[place] for place in range(len(problem.names))]),
                     problem.low, problem.high)  # fmt: skip
    return {name: float(np.exp(value)) for name, value in zip(problem.names, inside, strict=True)}


_SMALL = 0.02  # a move by less is left out of the profile, in ln


def fitted_moves(problem: Problem, moves: Array) -> dict[str, dict[str, dict[str, float]]]:
    """Give the factors of a fit by section of a profile, member and parameter."""
    found: dict[str, dict[str, dict[str, float]]] = {section: {} for section in SECTIONS.values()}
    for move, value in zip(problem.moves, moves, strict=True):
        if move.level:
            members = found[SECTIONS[move.level]].setdefault(move.member, {})
            if abs(value) >= _SMALL:
                members[problem.names[move.parameter]] = float(np.exp(value))
    return found


def moves_of(problem: Problem, profile: Profile) -> Array:
    """Give the moves that a profile states [ln]: where a fit that left nothing out ended."""
    found = np.zeros(len(problem.moves))
    for column, move in enumerate(problem.moves):
        name = problem.names[move.parameter]
        if not move.level:
            found[column] = np.log(profile.parameters[name].value) - problem.prior[move.parameter]
            continue
        members: Mapping[str, Moves] = getattr(profile, SECTIONS[move.level])
        if move.member in members:
            found[column] = np.log(members[move.member].factors.get(name, 1.0))
    return found


def moved_values(profile: Profile, names: Sequence[str], labels: Labels) -> dict[str, Array]:
    """Give parameters of every row after the moves of its labels, inside their bounds, by name."""
    found = {}
    for name in names:
        entry = profile.parameters[name]
        value = np.full(len(next(iter(labels.values()))), entry.value)
        for level, section in SECTIONS.items():
            value = value * _factors(getattr(profile, section), labels[level], name)
        found[name] = np.clip(value, entry.low, entry.high)
    return found


def _factors(members: Mapping[str, Moves], labels: NDArray[np.str_], name: str) -> Array:
    unique, place = np.unique(labels, return_inverse=True)
    known = [members[str(label)].factors.get(name, 1.0) if str(label) in members else 1.0 for label in unique]
    return np.array(known)[place]
