"""torch on a processor, on CUDA and on ROCm: one file, since torch calls both GPUs `cuda`."""

from __future__ import annotations

import importlib
import math
from typing import Any

from planner.bench import host
from planner.bench.backend import EMULATED, PROCESSOR_BACKENDS, NotRunnable, Prepared
from planner.bench.backends.torch_kernels import MAKERS, TYPES
from planner.bench.storage import storage_case
from planner.bench.suite import Case
from planner.bench.timers import EventTimer, ProcessorTimer, Timer
from planner.errors import Fault, MeasurementError, MissingExtraError

_SMALL = 1e-3
_POOL = 1_000_003  # numbers that operands repeat: a prime, so that rows differ
_FP8_FROM = (8, 9)  # least compute capability of products in 8-bit floats
_BF16_FROM = (8, 0)


class TorchBackend:
    """Kernels of torch on one device."""

    def __init__(self, torch: Any, device: str, timer: Timer, *, name: str) -> None:
        self.torch = torch
        self.device = device
        self.timer = timer
        self.name = name
        self.generator = torch.Generator(device="cpu").manual_seed(0)
        pool = torch.randn(_POOL, generator=self.generator)
        self.pool = torch.where(pool.abs() < _SMALL, torch.full_like(pool, _SMALL), pool)
        self.stretches: dict[str, Any] = {}

    @property
    def is_processor(self) -> bool:
        """Whether it runs on the host's own cores."""
        return self.name in PROCESSOR_BACKENDS

    def dtypes(self) -> tuple[str, ...]:
        if self.is_processor:
            return ("fp64", "fp32", "bf16", "int8")
        capability = self.torch.cuda.get_device_capability()
        rocm = bool(getattr(self.torch.version, "hip", None))
        chosen = ["fp64", "fp32", "fp16"]
        chosen += ["tf32", "bf16", "int8"] if rocm or capability >= _BF16_FROM else []
        return (*chosen, *(["fp8"] if rocm or capability >= _FP8_FROM else []))

    def describe(self) -> tuple[str, float, dict[str, str], dict[str, str]]:
        torch = self.torch
        if self.is_processor:
            libraries = {"torch": torch.__version__, "oneDNN": str(torch.backends.mkldnn.is_available()).lower()}
            settings = {
                "threads": str(torch.get_num_threads()),
                "capability": str(torch.backends.cpu.get_cpu_capability()),
                "bf16 products": {True: "the processor's", False: EMULATED, None: "unknown"}[host.multiplies_bf16()],
                "freed memory": "kept" if host.keep_freed_memory() else "given back",
            }
            return host.processor_name(), host.memory_bytes(), libraries, settings
        properties = torch.cuda.get_device_properties(0)
        libraries = {"torch": torch.__version__, "cuda": str(torch.version.cuda), "hip": str(torch.version.hip)}
        settings = {"capability": str(torch.cuda.get_device_capability())}
        return str(properties.name), float(properties.total_memory), libraries, settings

    def clock_share(self) -> float | None:
        """Give the clock as a share of the highest, where NVML or ROCm SMI is installed."""
        if self.is_processor:
            return None
        try:
            now, most = self.torch.cuda.clock_rate(), self.torch.cuda.get_device_properties(0).clock_rate
            return float(now) * 1e3 / float(most)
        except (RuntimeError, AttributeError, ImportError, ModuleNotFoundError):
            return None

    def prepare(self, case: Case) -> Prepared:
        if case.kernel in ("storage-read", "storage-write"):
            return storage_case(case)
        if case.dtype not in self.dtypes():
            raise NotRunnable(f"{self.name} has no products in {case.dtype}")
        make = MAKERS.get(case.kernel)
        if make is None:
            raise NotRunnable(f"torch has no kernel '{case.kernel}' here")
        if not self.is_processor:
            # 32-bit products of a GPU run in tf32 only where that is asked for.
            self.torch.backends.cuda.matmul.allow_tf32 = case.dtype == "tf32"
        return make(self, case)

    def normal(self, dtype: str, *shape: int) -> Any:
        """Give normal random numbers, none of them zero or a denormal."""
        count = math.prod(shape)
        shift = int(self.torch.randint(0, _POOL, (1,), generator=self.generator))
        repeated = self.pool.roll(shift).repeat(-(-count // _POOL))[:count].reshape(shape)
        return repeated.to(device=self.device, dtype=getattr(self.torch, TYPES[dtype]), copy=True)

    def rotated(self, dtype: str, copies: int, *shape: int) -> list[Any]:
        """Give operands side by side in one stretch of memory that all cases share: it is filled once."""
        count = math.prod(shape)
        stretch = self.stretches.get(dtype)
        if stretch is None or stretch.numel() < copies * count:
            stretch = self.stretches[dtype] = self.normal(dtype, copies * count)
        return [stretch[at * count : (at + 1) * count].view(shape) for at in range(copies)]


def open_backend(name: str, *, threads: int | None) -> TorchBackend:
    """Give torch on a device.

    Raises
    ------
    MissingExtraError : torch is not installed. MeasurementError : it sees no such device.
    """
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        raise MissingExtraError(extra="torch", purpose=f"the backend '{name}'") from None
    if name == "torch-cpu":
        used = threads or host.cores()
        torch.set_num_threads(used)
        torch.set_flush_denormal(True)
        host.keep_freed_memory()
        return TorchBackend(torch, "cpu", ProcessorTimer(used), name=name)
    if not torch.cuda.is_available():
        raise _missing(name, "torch sees no GPU")
    if bool(torch.version.hip) != (name == "torch-rocm"):
        raise _missing(name, f"this torch is built for {'ROCm' if torch.version.hip else 'CUDA'}")
    return TorchBackend(torch, "cuda", EventTimer(torch.cuda), name=name)


def _missing(name: str, reason: str) -> MeasurementError:
    return MeasurementError(
        Fault("no-device", f"{name}: {reason}", hint="choose another backend: planner bench run --help")
    )
