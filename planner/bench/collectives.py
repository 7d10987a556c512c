"""Collectives, by torch.distributed alone: ranks are started by torchrun, also across machines.

Outside of torchrun there is one rank, and the rows say so. Under it (`torchrun --nproc-per-node 2 -m planner bench run
...`) every rank runs the same cases in the same order, gloo on processors and NCCL on GPUs, and the slowest rank's
time counts.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from planner.bench.document import RunRow
from planner.bench.noise import spread_of
from planner.bench.suite import ELEMENT_BYTES, Case

KERNELS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all")
_SAMPLES = 12
_TOLERANCE = 1e-3


def rank() -> int:
    """Give this process's rank under torchrun; 0 outside of it."""
    return int(os.environ.get("RANK", "0"))


def collective_rows(cases: Sequence[Case], *, backend: str) -> list[RunRow]:
    """Give a row for every collective: measured under torchrun, or why it was not."""
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    if ranks < 2:
        reason = "one rank: start it by torchrun --nproc-per-node N -m planner bench run ..."
        return [_row(case, "unsupported", reason) for case in cases]
    if not backend.startswith("torch"):
        return [_row(case, "unsupported", "collectives are measured through torch.distributed") for case in cases]
    torch: Any = importlib.import_module("torch")
    distributed: Any = importlib.import_module("torch.distributed")
    on_gpu = backend in ("torch-cuda", "torch-rocm")
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        device = "cuda" if on_gpu else "cpu"
        return [_measured(case, torch, distributed, device, ranks) for case in cases]
    finally:
        distributed.destroy_process_group()


def _measured(case: Case, torch: Any, distributed: Any, device: str, ranks: int) -> RunRow:
    try:
        run, right = _operation(case, torch, distributed, device, ranks)
        run()
        if not right():
            return _row(case, "wrong-result", "the sum over ranks is another")
        times = [_lap(run, torch, distributed, device) for _ in range(_SAMPLES)]
    except (RuntimeError, ValueError) as error:
        return _row(case, "unsupported", " ".join(str(error).split())[:200])
    spread = spread_of(times)
    return _row(case, "measured", f"{ranks} ranks").model_copy(
        update={
            "median_s": spread.median, "low_s": spread.low, "high_s": spread.high, "least_s": spread.least,
            "samples": spread.count, "bytes": case.size[0] * ELEMENT_BYTES[case.dtype],
        }
    )  # fmt: skip


def _operation(
    case: Case, torch: Any, distributed: Any, device: str, ranks: int
) -> tuple[Callable[[], object], Callable[[], bool]]:
    """Give a collective, and a check of its result: every rank contributes its number plus one."""
    mine = float(distributed.get_rank() + 1)
    total = ranks * (ranks + 1) / 2.0
    count = case.size[0] // ranks * ranks
    data = torch.full((count,), mine, device=device)
    part = torch.empty(count // ranks, device=device)
    parts = list(data.split(count // ranks))

    def near(value: Any, wanted: float) -> bool:
        return abs(float(value.sum()) - wanted) <= _TOLERANCE * abs(wanted)

    if case.kernel == "all-reduce":
        out = data.clone()

        def reduce() -> None:
            out.copy_(data)
            distributed.all_reduce(out)

        return reduce, lambda: near(out, total * count)
    if case.kernel == "all-gather":
        gathered = [torch.empty_like(part) for _ in range(ranks)]
        return (
            lambda: distributed.all_gather(gathered, parts[0]),
            lambda: near(torch.cat(gathered), total * count / ranks),
        )
    if case.kernel == "reduce-scatter":
        return lambda: distributed.reduce_scatter(part, parts), lambda: near(part, total * count / ranks)
    out = torch.empty_like(data)
    return lambda: distributed.all_to_all_single(out, data), lambda: near(out, total * count / ranks)


def _lap(run: Callable[[], object], torch: Any, distributed: Any, device: str) -> float:
    """Give one call's time on the slowest rank [s]."""
    distributed.barrier()
    begun = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    seconds = torch.tensor([time.perf_counter() - begun], device=device, dtype=torch.float64)
    distributed.all_reduce(seconds, op=distributed.ReduceOp.MAX)
    return float(seconds)


def _row(case: Case, state: Any, reason: str) -> RunRow:
    return RunRow(
        case=case.name, kernel=case.kernel, family=case.family, size=case.size, dtype=case.dtype, state=state,
        reason=reason, left_out=case.left_out,
    )  # fmt: skip
