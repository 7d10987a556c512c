"""Times of a shared machine at one pace: what a neighbour on the core slows, and what one on the memory slows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from planner.bench.backend import Prepared
from planner.bench.backends.numpy_backend import NumpyBackend
from planner.bench.comparing import compared_rows
from planner.bench.document import BenchRun
from planner.bench.end_to_end import SHAPES, Whole, at_pace
from planner.bench.noise import Spread
from planner.bench.pace import Canary, Pace, canary_of, memory_share, memory_share_of
from planner.bench.runner import run_cases
from planner.bench.suite import Case
from planner.bench.timers import Lap
from tests.bench.test_fit import measured, run_of

USUAL = Canary(core=1.4e-4, memory=4e-4)  # 58 GFLOP/s and 10 GB/s
PRODUCT = Case("matmul", "square", "nt", "hot", (512, 512, 512), left_out=False, dtype="fp32")
STREAM = Case("copy", "stream", "nt", "hot", (100_000_000, 1), left_out=False, dtype="fp32")


class _Neighbour:
    """A machine whose core and memory are slowed by neighbours: the clock of its kernels is told, not taken."""

    name = "numpy"  # a processor

    def __init__(self, core: Callable[[int], float], memory: Callable[[int], float]) -> None:
        self.core, self.memory, self.timer = core, memory, self
        self.running, self.laps = "", 0

    def prepare(self, case: Case) -> Prepared:
        def run() -> None:
            self.running = "memory" if case.kernel in ("copy", "read") else "core"

        return Prepared(run, lambda: 0.0)

    def lap(self, run: Callable[[], object], calls: int) -> Lap:
        run()
        self.laps += 1
        seconds = 0.004 * getattr(self, self.running)(self.laps)
        return Lap(seconds, seconds, seconds, preempted=False)

    def clock_share(self) -> None:
        return None


@pytest.mark.parametrize("case", [PRODUCT, STREAM])
@pytest.mark.parametrize("slowed", ["core", "memory"])
def test_a_neighbour_that_comes_and_stays_changes_no_time(case: Case, slowed: str) -> None:
    random = np.random.default_rng(0)

    def disturbed(lap: int) -> float:
        # Noise keeps the case from settling before the neighbour comes, at the 40th lap.
        return float(np.exp(random.normal(0.0, 0.05))) * (1.4 if lap > 40 else 1.0)

    def steady(_: int) -> float:
        return float(np.exp(random.normal(0.0, 0.05)))

    device = _Neighbour(**{name: disturbed if name == slowed else steady for name in ("core", "memory")})
    measured = run_cases(device, [case], budget_s=5.0)
    (row,) = measured.rows
    bound = "memory" if case is STREAM else "core"
    usual = float(np.median([getattr(each, bound) for each in measured.canaries]))
    # At the canary's own pace, whichever it is: a stream beside a slow core is not made faster than it was.
    assert row.median_s == pytest.approx(usual, rel=0.05)
    assert row.high_s / row.low_s < 1.25, "the neighbour does not widen the quartiles"


def test_a_product_is_the_cores_and_a_stream_the_memorys() -> None:
    assert memory_share_of(PRODUCT, USUAL) == 0.0
    assert memory_share_of(STREAM, USUAL) == 1.0
    shares = [memory_share_of(_cold(rows), USUAL) for rows in (1, 8, 64, 512)]
    assert shares == sorted(shares, reverse=True), "the more rows a weight meets, the less its bytes count"
    assert shares[0] > 0.9
    assert shares[-1] < 0.2


def _cold(rows: int) -> Case:
    return Case("matmul", "decode", "nt", "cold", (rows, 2048, 1024), left_out=False, dtype="fp32")


def test_a_machine_without_a_stream_is_told_by_its_core_alone() -> None:
    pace = Pace([(float(at), Canary(1.0 if at < 50 else 1.3)) for at in range(100)], scaled=True)
    assert math.isnan(pace.usual.memory)
    assert pace.factor(99.0, 1.0) / pace.factor(0.0, 1.0) == pytest.approx(1.0 / 1.3)
    assert memory_share(0.0, 1e9, pace.usual) == 0.0


def test_a_decode_step_keeps_its_time_where_the_core_alone_was_slow() -> None:
    spread = Spread(1.0, 0.99, 1.01, 0.98, 9)
    slow_core = Canary(USUAL.core * 1.3, USUAL.memory)

    def told(phase: str, sequences: int, length: int) -> float:
        whole = Whole(SHAPES["gpt2-10m"], phase, "fp32", sequences, length, spread, slow_core)
        (scaled,) = at_pace([whole], USUAL)
        return scaled.spread.median

    assert told("decode", 1, 128) > 0.97
    assert told("prefill", 4, 128) < 0.79
    assert 0.77 < told("training", 2, 128) < 0.85, "weights, gradients and optimizer pass through memory"


def test_canaries_of_the_real_machine_are_finite_and_of_their_kind() -> None:
    now = canary_of(NumpyBackend(1))()
    assert 1e-6 < now.core < 1.0
    assert 1e-6 < now.memory < 1.0


def test_one_machine_beside_a_neighbour_is_the_same_machine() -> None:
    def run_at(core: float, memory: float, change: float, libraries: dict[str, str]) -> BenchRun:
        rows = [
            measured(_cold(1), 1e-3 * memory * change),
            measured(PRODUCT, 5e-3 * core * change),
            measured(STREAM, 8e-2 * memory * change),
        ]
        run = run_of(rows)
        noise = run.noise.model_copy(update={"canary_s": USUAL.core * core, "memory_canary_s": USUAL.memory * memory})
        print_ = run.fingerprint.model_copy(update={"libraries": libraries})
        return run.model_copy(update={"noise": noise, "fingerprint": print_})

    def verdicts(*later: object) -> set[str]:
        return {row.verdict for row in compared_rows(run_at(1.0, 1.0, 1.0, {"torch": "1"}), run_at(*later))}

    assert verdicts(1.3, 1.1, 1.0, {"torch": "1"}) == {"same"}
    assert verdicts(1.3, 1.1, 1.5, {"torch": "1"}) == {"slower"}
    assert verdicts(1.0, 1.0, 1.1, {"torch": "1"}) == {"slower"}
    assert verdicts(1.3, 1.2, 1.0, {"torch": "2"}) == {"slower"}, "the canary is of the library too: nothing is scaled"
