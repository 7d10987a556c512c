"""torch through XLA: TPUs by torch-xla, Trainium and Inferentia by torch-neuronx, which brings torch-xla with it."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

from planner.bench.backend import Prepared
from planner.bench.backends.torch_backend import TorchBackend
from planner.bench.suite import Case
from planner.bench.timers import WallTimer
from planner.errors import Fault, MeasurementError


class XlaBackend(TorchBackend):
    """Kernels of torch that XLA compiles: every call is cut into a graph of its own and waited for."""

    def __init__(self, torch: Any, xla: Any) -> None:
        super().__init__(torch, str(xla.xla_device()), WallTimer(xla.wait_device_ops), name="torch-xla")
        self.xla = xla

    def dtypes(self) -> tuple[str, ...]:
        return ("fp32", "bf16")

    def describe(self) -> tuple[str, float, dict[str, str], dict[str, str]]:
        memory = float(self.xla.get_memory_info(self.device).get("bytes_limit", 0))
        hardware = str(self.xla.xla_device_hw(self.device))
        return hardware, memory, {"torch": str(self.torch.__version__)}, {"device": self.device}

    def clock_share(self) -> float | None:
        return None

    def prepare(self, case: Case) -> Prepared:
        made = super().prepare(case)

        def run() -> None:
            made.run()
            self.xla.mark_step()

        return replace(made, run=run)


def open_backend(name: str, *, threads: int | None) -> XlaBackend:
    """Give torch on an XLA device.

    Raises
    ------
    MeasurementError : torch-xla is not installed, or finds no device.
    """
    del threads
    try:
        xla: Any = importlib.import_module("torch_xla.core.xla_model")
        return XlaBackend(importlib.import_module("torch"), xla)
    except (ImportError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise MeasurementError(
            Fault("no-device", f"{name}: {reason}", hint="install torch-xla, or torch-neuronx, of the machine's vendor")
        ) from None
