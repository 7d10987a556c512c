"""The wall-clock time of a run with failures, against runs that are lived through failure by failure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.training.run import Hazards, best_interval_s, run_time

RUNS = 400


def hazards(**given: float) -> Hazards:
    plain = dict.fromkeys(
        ("failures_per_s", "restart_s", "checkpoint_write_s", "checkpoint_read_s", "checkpoint_hidden"), 0.0
    )
    return Hazards(**{**plain, "checkpoint_interval_s": 0.0, **given})


def total(work_s: float, h: Hazards) -> float:
    return float(run_time(steps=work_s, step_s=1.0, data_bound_step_s=0.0, hazards=h).total_s)


def lived_through(work_s: float, h: Hazards, *, seed: int) -> float:
    """Live through a run: work until a checkpoint is due, write it, lose what is not written at each failure."""
    generator = np.random.Generator(np.random.PCG64(seed))
    pause = float(h.checkpoint_write_s) * (1.0 - float(h.checkpoint_hidden))
    interval = float(h.checkpoint_interval_s)
    back = float(h.restart_s) + float(h.checkpoint_read_s)
    now, saved = 0.0, 0.0
    fails = generator.exponential(1.0 / float(h.failures_per_s))
    while True:
        until = min(interval, work_s - saved)
        ends = now + until + (pause if saved + until < work_s else 0.0)
        if fails >= ends:
            now, saved = ends, saved + until
            if saved >= work_s:
                return now
            continue
        now = fails + back
        # While it is down it can fail again, which puts it back to the beginning of its restart.
        fails = fails + generator.exponential(1.0 / float(h.failures_per_s))
        while fails < now:
            now = fails + back
            fails += generator.exponential(1.0 / float(h.failures_per_s))


@pytest.mark.parametrize(
    ("mtbf_s", "interval_s", "pause_s", "restart_s", "read_s"),
    [
        (50_000.0, 3_000.0, 30.0, 600.0, 60.0),
        (20_000.0, 1_000.0, 20.0, 300.0, 30.0),
        (100_000.0, 10_000.0, 0.0, 1_200.0, 0.0),
        (11_000.0, 600.0, 12.0, 900.0, 100.0),  # as often as Llama 3's cluster failed
    ],
)
def test_the_mean_of_runs_that_are_lived_through(
    mtbf_s: float, interval_s: float, pause_s: float, restart_s: float, read_s: float
) -> None:
    h = hazards(
        failures_per_s=1.0 / mtbf_s,
        restart_s=restart_s,
        checkpoint_write_s=pause_s,
        checkpoint_read_s=read_s,
        checkpoint_interval_s=interval_s,
    )
    work = 1e6
    mean = float(np.mean([lived_through(work, h, seed=seed) for seed in range(RUNS)]))
    # The formula is of first order in the failures; the third decimal is noise of 400 runs.
    assert total(work, h) == pytest.approx(mean, rel=0.01)


@given(st.floats(1e3, 1e7), st.floats(1.0, 1e3))
def test_the_best_interval_is_better_than_others(mtbf_s: float, pause_s: float) -> None:
    h = {"failures_per_s": 1.0 / mtbf_s, "checkpoint_write_s": pause_s}
    best = float(best_interval_s(1.0 / mtbf_s, pause_s))
    if best <= 60.0 or best > 0.2 * mtbf_s:
        return  # Young's rule is for failures that are rare against the interval
    least = total(1e9, hazards(**h, checkpoint_interval_s=best))
    for factor in (0.5, 0.8, 1.25, 2.0):
        assert total(1e9, hazards(**h, checkpoint_interval_s=best * factor)) >= least * (1 - 0.01)


rates = st.floats(1e-7, 1e-5)


@given(rates, st.floats(0, 1e4), st.floats(0, 1e3), st.floats(0, 1))
def test_causes_sum_to_the_whole_and_goodput_is_the_share_that_counts(
    rate: float, restart: float, write: float, hidden: float
) -> None:
    h = hazards(failures_per_s=rate, restart_s=restart, checkpoint_write_s=write, checkpoint_hidden=hidden)
    found = run_time(steps=1e5, step_s=7.0, data_bound_step_s=7.5, hazards=h)
    causes = (found.steps_s, found.waiting_for_data_s, found.checkpoints_s, found.lost_work_s, found.restarts_s)
    assert float(found.total_s) == pytest.approx(math.fsum(float(c) for c in causes))
    assert float(found.steps_s) == 7e5
    assert float(found.waiting_for_data_s) == pytest.approx(0.5e5)
    assert float(found.goodput) == pytest.approx(7e5 / float(found.total_s))
    assert 0 < float(found.goodput) <= 1


@given(rates, st.floats(1.0, 100.0))
def test_more_failures_and_slower_restarts_never_shorten_a_run(rate: float, more: float) -> None:
    base = hazards(failures_per_s=rate, restart_s=600.0, checkpoint_write_s=60.0)
    often = hazards(failures_per_s=rate * more, restart_s=600.0, checkpoint_write_s=60.0)
    slow = hazards(failures_per_s=rate, restart_s=600.0 * more, checkpoint_write_s=60.0)
    assert total(1e6, base) <= total(1e6, often)
    assert total(1e6, base) <= total(1e6, slow)


def test_without_failures_and_with_fast_data_a_run_is_its_steps() -> None:
    assert total(12345.0, hazards()) == 12345.0


def test_a_run_whose_restart_takes_longer_than_it_lives_never_ends() -> None:
    assert total(1e6, hazards(failures_per_s=1e-3, restart_s=2000.0)) == math.inf
