"""The suite as cases: what runs, in which format, and what one call of it counts."""

from __future__ import annotations

import importlib.resources
import math
from pathlib import Path

from planner.bench.document import Suite, SuiteKernels
from planner.documents.reader import read_yaml
from planner.documents.typed import typed
from planner.record import record

ELEMENT_BYTES = {"fp64": 8.0, "fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0}
_TOP_K = 2  # experts that a token meets in the suite's layers
PRODUCTS = ("matmul", "batched", "grouped")


@record
class Case:
    """One thing to be timed.

    Parameters
    ----------
    kernel, family, layout, operands, size, left_out : as in the suite.
    dtype : number format.
    """

    kernel: str
    family: str
    layout: str
    operands: str
    size: tuple[int, ...]
    left_out: bool
    dtype: str

    @property
    def name(self) -> str:
        """The case in words that stand once in a run.

        >>> Case("matmul", "square", "nt", "hot", (2, 3, 4), False, "fp32").name
        'matmul-nt-hot-2x3x4-fp32'
        """
        layout = f"-{self.layout}" if self.kernel == "matmul" else ""
        size = "x".join(str(number) for number in self.size)
        return f"{self.kernel}{layout}-{self.operands}-{size}-{self.dtype}"

    @property
    def flops(self) -> float:
        """Operations of one call [FLOP]; 0 where memory decides."""
        if self.kernel in PRODUCTS:
            return 2.0 * math.prod(self.size)
        if self.kernel.startswith("attention"):
            sequences, heads, _, queries, keys, head = self.size
            seen = keys if queries == 1 else keys - (queries - 1) / 2.0
            forward = 4.0 * sequences * heads * queries * seen * head
            return forward * (3.5 if self.kernel.endswith("train") else 1.0)  # flash: 5 products behind 2
        if self.kernel.startswith("block"):
            sequences, length, hidden, _, width, last = self.size
            tokens = sequences * length
            matrices = 2 * _TOP_K if "experts" in self.kernel else 2 + last
            forward = 2.0 * tokens * (4 * hidden * hidden + matrices * hidden * width)
            forward += 2.0 * tokens * (length + 1) * hidden
            return forward * (3.0 if self.kernel.endswith("train") else 1.0)
        return 0.0

    @property
    def bytes(self) -> float:
        """Bytes that one call must read and write at least [B]."""
        element = ELEMENT_BYTES[self.dtype]
        if self.kernel in PRODUCTS:
            *groups, m, n, k = self.size
            return math.prod(groups) * element * (m * k + n * k + m * n)
        if self.kernel.startswith("attention"):
            sequences, heads, kv_heads, queries, keys, head = self.size
            return element * sequences * 2.0 * head * (heads * queries + kv_heads * keys)
        if self.kernel.startswith("block"):
            return 0.0
        if self.kernel.startswith("adamw"):
            return 28.0 * self.size[0]  # parameter, gradient and two moments in 32 bits, three of them written too
        return element * math.prod(self.size[:2]) * PASSES.get(self.kernel, 2.0) if self.size[0] > 1 else 0.0

    @property
    def memory_bytes(self) -> float:
        """Bytes that one call takes from memory where no cache holds its operands [B]; of a layer, its weights."""
        if not self.kernel.startswith("block"):
            return self.bytes
        _, _, hidden, _, width, last = self.size
        matrices = 2 * last if "experts" in self.kernel else 2 + last
        weights = ELEMENT_BYTES[self.dtype] * (4 * hidden * hidden + matrices * hidden * width)
        return weights * (_WEIGHT_PASSES if self.kernel.endswith("train") else 1.0)


_WEIGHT_PASSES = 3.0  # of a layer that trains: read forward, read backward, its gradient written


def canary_case(edge: int) -> Case:
    """Give a square product that is no case of the suite: it tells how fast the machine is at the moment."""
    return Case("matmul", "canary", "nt", "hot", (edge, edge, edge), left_out=False, dtype="fp32")


def memory_canary_case(numbers: int) -> Case:
    """Give a stream from memory that is no case of the suite: it tells how fast the memory is at the moment."""
    return Case("read", "canary", "nt", "cold", (numbers, 1), left_out=False, dtype="fp32")


PASSES = {"add": 3.0, "triad": 3.0, "read": 1.0, "silu-gate": 3.0, "storage-read": 1.0, "storage-write": 1.0}
"""Reads and writes of every element; 2 for what is not named."""


def read_suite(path: Path | None = None) -> Suite:
    """Give the suite that came with the planner, or one from a file."""
    own = Path(str(importlib.resources.files("planner.bench"))) / "suite.yaml"
    return typed(read_yaml(path or own, name="suite.yaml"), Suite)


def cases_of(suite: Suite, *, level: str, dtypes: tuple[str, ...]) -> list[Case]:
    """Give the cases of a level in every number format asked for.

    Those of the quick level come first: a slow device whose time runs out has then met every kind of work.
    """
    chosen = [kernels for wanted in ("quick", level) for kernels in suite.kernels if kernels.level == wanted]
    chosen = list(dict.fromkeys(chosen))
    return [case for dtype in dtypes for kernels in chosen for case in _cases(kernels, dtype)]


def _cases(kernels: SuiteKernels, dtype: str) -> list[Case]:
    return [
        Case(kernels.kernel, kernels.family, layout, state, tuple(size), kernels.left_out, dtype)
        for size in kernels.sizes
        for layout in kernels.layouts
        for state in kernels.states
    ]
