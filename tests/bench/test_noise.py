"""What is noticed about samples: clocks that jump, throttling, a disturbed machine, denormals, wrong results."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from planner.bench.backend import NotRunnable, Prepared
from planner.bench.backends.numpy_backend import NumpyBackend
from planner.bench.fingerprint import differences, refuse_oversubscription, verify_threads
from planner.bench.noise import Spread, compared, noise_of, spread_of
from planner.bench.runner import Measured, run_cases
from planner.bench.suite import Case
from planner.bench.timers import ClockJump, Lap, ProcessorTimer, checked
from planner.errors import MeasurementError

CASE = Case("matmul", "square", "nt", "hot", (64, 64, 64), left_out=False, dtype="fp32")


class _Clock:
    """A timer that tells what a test wants: the canary's laps are of one call."""

    name = "a test's clock"

    def __init__(self, told: Callable[[int], float]) -> None:
        self.told, self.count = told, 0

    def lap(self, run: Callable[[], object], calls: int) -> Lap:
        run()
        self.count += 1
        seconds = checked(self.told(self.count), wall=1.0)
        return Lap(seconds, seconds, seconds, preempted=False)


class _Device:
    """A device whose kernels do what a test wants."""

    name = "numpy"  # a processor

    def __init__(
        self,
        run: Callable[[], object] = lambda: None,
        *,
        error: float = 0.0,
        told: Callable[[int], float] = lambda _: 0.004,
        clock: float | None = None,
    ) -> None:
        self.run, self.error, self.clock = run, error, clock
        self.timer = _Clock(told)

    def dtypes(self) -> tuple[str, ...]:
        return ("fp32",)

    def describe(self) -> tuple[str, float, dict[str, str], dict[str, str]]:
        return "a test's device", 1e9, {}, {}

    def clock_share(self) -> float | None:
        return self.clock

    def prepare(self, case: Case) -> Prepared:
        if case.family == "canary":
            return Prepared(lambda: None)
        return Prepared(self.run, lambda: self.error)


def raising(error: BaseException) -> Callable[[], object]:
    def run() -> object:
        raise error

    return run


def state_of(device: _Device) -> tuple[str, str]:
    (row,) = run_cases(device, [CASE], budget_s=2.0).rows
    assert (row.median_s is not None) == (row.state == "measured")
    return row.state, row.reason


@pytest.mark.parametrize(
    ("device", "state"),
    [
        (_Device(), "measured"),
        (_Device(raising(MemoryError())), "out-of-memory"),
        (_Device(raising(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))), "out-of-memory"),
        (_Device(raising(RuntimeError("CUDA error: unspecified launch failure"))), "device-lost"),
        (_Device(raising(RuntimeError("device lost"))), "device-lost"),
        (_Device(raising(NotRunnable("no such kernel"))), "unsupported"),
        (_Device(raising(RuntimeError('"addmm" not implemented for Half'))), "unsupported"),
        (_Device(error=float("nan")), "wrong-result"),
        (_Device(error=0.5), "wrong-result"),
        (_Device(told=lambda count: -1.0 if count > 3 else 0.004), "clock-jump"),
        (_Device(told=lambda count: 5000.0 if count > 3 else 0.004), "clock-jump"),
        (_Device(clock=0.5), "throttled"),
        (_Device(clock=0.99), "measured"),
    ],
)
def test_what_goes_wrong_is_a_state_and_never_a_number(device: _Device, state: str) -> None:
    found, reason = state_of(device)
    assert found == state
    assert found == "measured" or reason


def square(size: int) -> Case:
    return Case("matmul", "square", "nt", "hot", (size,) * 3, left_out=False, dtype="fp32")


def stopped(count: int, *, cases: int) -> Measured:
    """Measure cases on a noisy device, whose person presses Ctrl-C at a call."""
    calls = [0]

    def run() -> None:
        calls[0] += 1
        if calls[0] > count:
            raise KeyboardInterrupt

    noisy = np.random.default_rng(1).uniform(0.002, 0.006, 10_000)
    device = _Device(run, told=lambda call: float(noisy[call]))
    return run_cases(device, [square(64 + number) for number in range(cases)], budget_s=20.0)


def test_ctrl_c_keeps_what_was_measured() -> None:
    measured = stopped(40, cases=2)
    assert measured.interrupted
    assert not measured.complete
    assert any(row.state == "measured" for row in measured.rows)


def test_ctrl_c_in_the_middle_of_a_long_suite_keeps_the_first_cases() -> None:
    measured = stopped(300, cases=200)
    states = [row.state for row in measured.rows]
    assert "measured" in states
    assert set(states) == {"measured", "interrupted"}
    assert states == sorted(states, reverse=True)  # the first ones are measured, and none out of turn


def test_ctrl_c_before_a_case_has_its_samples_keeps_those_there_are() -> None:
    measured = stopped(50, cases=200)
    assert {row.state for row in measured.rows} == {"interrupted"}
    assert measured.samples


def test_a_short_budget_measures_some_cases_well_and_not_all_of_them_badly() -> None:
    began = time.perf_counter()
    measured = run_cases(_Device(lambda: time.sleep(0.002)), [square(64 + n) for n in range(60)], budget_s=1.0)
    assert time.perf_counter() - began < 2.0
    kept = [row.samples for row in measured.rows if row.state == "measured"]
    assert len(kept) > 10
    assert min(kept) >= 5


def test_samples_beside_a_slow_canary_are_dropped() -> None:
    def told(count: int) -> float:
        return 0.04 if count % 9 in (2, 3, 4) else 0.004  # a disturbance covers both canaries and the sample behind

    measured = run_cases(_Device(told=told), [CASE], budget_s=2.0)
    assert measured.rows[0].median_s == pytest.approx(0.004)


def test_clocks_that_disagree_count_for_nothing() -> None:
    for told in (-1.0, 0.0, float("nan"), float("inf"), 1e4):
        with pytest.raises(ClockJump):
            checked(told, wall=1.0)
    with pytest.raises(ClockJump):
        checked(10.0, wall=0.1)
    assert checked(0.1, wall=0.1) == 0.1


def test_a_thread_that_lost_the_processor_is_told_by_its_own_time() -> None:
    wall, cpu = iter([0.0, 2.0]), iter([0.0, 1.0])
    lap = ProcessorTimer(1, wall_clock=lambda: next(wall), cpu_clock=lambda: next(cpu)).lap(lambda: None, 1)
    assert lap.preempted
    assert lap.seconds == 1.0


def test_more_threads_than_cores_are_refused() -> None:
    with pytest.raises(MeasurementError, match="threads-oversubscribed"):
        refuse_oversubscription(100_000)

    class Busy:
        name = "wall"

        def lap(self, run: Callable[[], object], calls: int) -> Lap:
            return Lap(1.0, 1.0, 4.0, preempted=False)

    device = _Device()
    device.timer = Busy()  # type: ignore[assignment]
    with pytest.raises(MeasurementError, match="threads-oversubscribed"):
        verify_threads(device, threads=2)
    verify_threads(device, threads=4)


def test_operands_hold_neither_zeros_nor_denormals() -> None:
    for dtype, smallest in (("fp32", np.finfo(np.float32).tiny), ("fp64", np.finfo(np.float64).tiny)):
        case = Case("matmul", "square", "nt", "hot", (1, 1, 1), left_out=False, dtype=dtype)
        values = np.abs(NumpyBackend(1).normal(case, 300, 300))
        assert values.min() > smallest
        assert values.std() > 0.5, "random, and not one value repeated"


def samples(scale: float, noise: float, count: int = 20, seed: int = 3) -> Spread:
    random = np.random.default_rng(seed)
    return spread_of((scale * np.exp(random.normal(0.0, noise, count))).tolist())


def test_runs_are_told_apart_as_far_as_their_noise_allows() -> None:
    quiet = samples(1.0, 0.01)
    assert compared(quiet, samples(1.0, 0.01, seed=4)) == "same"
    assert compared(quiet, samples(1.3, 0.01)) == "slower"
    assert compared(quiet, samples(0.7, 0.01)) == "faster"
    assert compared(samples(1.0, 0.5), samples(1.1, 0.5, seed=5)) == "unclear"


def test_a_noisy_machine_is_said_to_be_one() -> None:
    def verdict(noise: float) -> str:
        spreads: Sequence[Spread] = [samples(1.0, noise, seed=seed) for seed in range(9)]
        return noise_of(spreads, [1.0, 1.0, 1.0, 1.0], [False]).verdict

    assert verdict(0.01) == "quiet"
    assert verdict(0.4) == "too noisy"
    assert noise_of([samples(1.0, 0.01)], [1.0, 1.6, 0.8, 1.4, 2.0], [True]).verdict == "too noisy"


def test_a_difference_of_machines_is_named(tmp_path: object) -> None:
    from planner.bench.fingerprint import fingerprint_of

    one = fingerprint_of(_Device(), threads=1)
    assert differences(one, one) == []
    assert differences(one, one.model_copy(update={"threads": 2})) == ["threads: 1 and 2"]
    assert differences(one, one.model_copy(update={"libraries": {"torch": "3"}})) == ["torch: none and 3"]
