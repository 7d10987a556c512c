"""The CUDA, ROCm and XLA paths by fakes of their devices: which timer, which formats, what is refused."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from planner.bench.backend import backend_named
from planner.bench.backends.torch_backend import TorchBackend, open_backend
from planner.bench.backends.xla_backend import XlaBackend
from planner.bench.timers import ClockJump, EventTimer, WallTimer
from planner.errors import MeasurementError


class _Tensor:
    """Enough of a tensor to make a backend."""

    def abs(self) -> _Tensor:
        return self

    def __lt__(self, _: float) -> _Tensor:
        return self


class _Generator:
    def manual_seed(self, _: int) -> _Generator:
        return self


class _Events:
    """`torch.cuda` with a clock of its own: every call that runs takes it forward."""

    def __init__(self, *, available: bool = True, capability: tuple[int, int] = (9, 0)) -> None:
        self.available, self.capability, self.now_ms, self.waited = available, capability, 0.0, 0

    def is_available(self) -> bool:
        return self.available

    def get_device_capability(self) -> tuple[int, int]:
        return self.capability

    def get_device_properties(self, _: int) -> Any:
        return SimpleNamespace(name="a GPU", total_memory=80e9, clock_rate=2_000_000)

    def clock_rate(self) -> int:
        return 1000

    def synchronize(self) -> None:
        self.waited += 1

    def Event(self, *, enable_timing: bool) -> Any:  # noqa: N802 - torch's own name
        assert enable_timing
        events = self

        class Event:
            at = 0.0

            def record(self) -> None:
                self.at = events.now_ms

            def elapsed_time(self, end: Any) -> float:
                return float(end.at - self.at)

        return Event()


def torch_with(cuda: _Events, *, hip: str | None = None) -> Any:
    return SimpleNamespace(
        __version__="2.13.0",
        cuda=cuda,
        version=SimpleNamespace(hip=hip, cuda=None if hip else "13.0"),
        Generator=lambda device: _Generator(),
        randn=lambda *_, generator: _Tensor(),
        where=lambda *_: _Tensor(),
        full_like=lambda *_: _Tensor(),
    )


def test_a_gpu_is_timed_by_its_own_events_and_waited_for() -> None:
    cuda = _Events()

    def run() -> None:
        cuda.now_ms += 2.0

    lap = EventTimer(cuda).lap(run, 5)
    assert lap.seconds == pytest.approx(2e-3)
    assert cuda.waited >= 2, "before the first event and behind the last"


def test_events_that_tell_nonsense_are_a_clock_that_jumped() -> None:
    cuda = _Events()

    def back() -> None:
        cuda.now_ms -= 2.0

    with pytest.raises(ClockJump):
        EventTimer(cuda).lap(back, 1)


@pytest.mark.parametrize(
    ("capability", "hip", "has", "lacks"),
    [
        ((9, 0), None, {"fp8", "bf16", "tf32", "fp16", "int8"}, set()),
        ((8, 0), None, {"bf16", "tf32"}, {"fp8"}),
        ((7, 0), None, {"fp16", "fp32"}, {"bf16", "fp8", "tf32"}),
        ((9, 4), "6.4", {"bf16", "fp8"}, set()),
    ],
)
def test_formats_are_those_that_the_device_multiplies(
    capability: tuple[int, int], hip: str | None, has: set[str], lacks: set[str]
) -> None:
    torch = torch_with(_Events(capability=capability), hip=hip)
    formats = set(TorchBackend(torch, "cuda", EventTimer(torch.cuda), name="torch-cuda").dtypes())
    assert has <= formats
    assert not lacks & formats


def test_a_throttled_gpu_tells_its_share_of_the_clock() -> None:
    torch = torch_with(_Events())
    assert TorchBackend(torch, "cuda", EventTimer(torch.cuda), name="torch-cuda").clock_share() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "torch", "says"),
    [
        ("torch-cuda", torch_with(_Events(available=False)), "sees no GPU"),
        ("torch-cuda", torch_with(_Events(), hip="6.4"), "built for ROCm"),
        ("torch-rocm", torch_with(_Events()), "built for CUDA"),
    ],
)
def test_a_device_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, torch: Any, says: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch)
    with pytest.raises(MeasurementError, match=says):
        backend_named(name)


def test_rocm_is_the_same_file_as_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch_with(_Events(), hip="6.4"))
    backend = open_backend("torch-rocm", threads=None)
    assert isinstance(backend.timer, EventTimer)
    assert backend.describe()[0] == "a GPU"


def test_xla_cuts_a_graph_at_every_call_and_waits() -> None:
    marked: list[str] = []
    xla = SimpleNamespace(
        xla_device=lambda: "xla:0",
        wait_device_ops=lambda: marked.append("wait"),
        mark_step=lambda: marked.append("cut"),
    )
    backend = XlaBackend(torch_with(_Events()), xla)
    assert isinstance(backend.timer, WallTimer)
    backend.timer.lap(xla.mark_step, 2)
    assert marked == ["wait", "cut", "cut", "wait"]
    assert backend.dtypes() == ("fp32", "bf16")
