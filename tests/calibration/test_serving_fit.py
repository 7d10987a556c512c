"""The fit of a serving profile: it finds what made the rows, keeps to its priors, and writes what it read."""

from __future__ import annotations

import numpy as np
import pytest

from planner.calibration.profile_text import profile_text
from planner.calibration.serving_fit import Level, Problem, solve
from planner.calibration.serving_levels import Names, fitted, levels_of, moves_of
from planner.catalog.profile import Profile
from planner.catalog.store import Catalog
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed

SHARED, ENGINES, CHIPS = 0.4, (0.3, -0.3), (0.2, -0.1)


def problem(rows_each: int, *, noise: float = 0.0, wild: int = 0) -> Problem:
    """Give rows of two engines on two chips whose time is the product of two parameters, one of them moved."""
    cases = [(engine, chip) for engine in (0, 1) for chip in (0, 1) for _ in range(rows_each)]
    place = np.array([[0] * len(cases), [e for e, _ in cases], [c for _, c in cases]], dtype=np.intp)
    random = np.random.default_rng(4)
    truth = np.array([SHARED + ENGINES[e] + CHIPS[c] for e, c in cases])
    measured = truth + noise * random.standard_normal(len(cases))
    measured[:wild] += 3.0
    zeros = np.zeros((2, 2))
    levels = (
        Level(("shared",), np.array([1.0, 0.1]), np.zeros((1, 2))),
        Level(("a", "b"), np.array([1.0, 0.0]), zeros),
        Level(("x", "y"), np.array([1.0, 0.0]), zeros.copy()),
    )
    return Problem(
        levels=levels,
        place=place,
        start=np.zeros(2),
        low=np.full(2, -5.0),
        high=np.full(2, 5.0),
        predict=lambda values: values[0] + values[1],
        case=np.arange(len(cases)),
        measured=measured,
        weight=np.ones(len(cases)),
        moves=np.ones((len(cases), 2), dtype=bool),
    )


def test_predictions_come_to_the_truth_as_rows_come_in() -> None:
    few, many = (problem(n) for n in (2, 400))
    errors = [float(np.max(np.abs(p.predict(p.values(solve(p).moves)) - p.measured))) for p in (few, many)]
    assert errors[1] < errors[0]
    assert errors[1] < 0.01


def test_rows_that_are_wildly_off_pull_little() -> None:
    clean, spoilt = problem(100), problem(100, wild=10)
    told = [p.predict(p.values(solve(p).moves)) for p in (clean, spoilt)]
    assert np.max(np.abs(told[0] - told[1])) < 0.15


def test_a_chip_without_rows_does_not_move() -> None:
    one = problem(50)
    kept = np.where(one.place[2] == 0, 1.0, 0.0)
    fit = solve(Problem(**{name: getattr(one, name) for name in one.__slots__} | {"weight": kept}))
    assert np.all(fit.moves[2][1] == 0.0)
    assert np.any(fit.moves[2][0] != 0.0)


def test_rows_that_say_nothing_of_a_parameter_leave_it() -> None:
    one = problem(50)
    mute = one.moves & np.array([False, True])
    fit = solve(Problem(**{name: getattr(one, name) for name in one.__slots__} | {"moves": mute}))
    assert all(np.all(level[:, 0] == 0.0) for level in fit.moves)
    assert fit.moves[0][0, 1] != 0.0


@pytest.fixture
def profile() -> Profile:
    return Catalog().profile("serving")


def test_a_profile_reads_as_it_was_written(profile: Profile) -> None:
    again = typed(parse_yaml(profile_text(profile, comment="A line.\nAnother.")), Profile)
    assert again.parameters == profile.parameters
    assert again.engines == profile.engines
    assert again.chips == profile.chips
    assert again.families == profile.families
    assert again.ranges == profile.ranges
    assert again.fit == profile.fit


def test_the_moves_of_a_profile_make_the_same_profile(profile: Profile) -> None:
    names = Names(tuple(profile.engines), tuple(profile.families), tuple(profile.chips))
    levels = levels_of(profile, names)
    again = fitted(profile, levels, moves_of(profile, levels))
    for name, entry in profile.parameters.items():
        assert again.parameters[name].value == pytest.approx(entry.value, rel=1e-3)
    for name, moves in profile.engines.items():
        for parameter, factor in moves.factors.items():
            assert again.engines[name].factors.get(parameter, 1.0) == pytest.approx(factor, rel=3e-3)
