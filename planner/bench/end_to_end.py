"""Whole small models, measured: training steps, prompts, decode steps; and what was predicted beside it."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from planner.bench.backends.torch_backend import TorchBackend
from planner.bench.backends.torch_kernels import TYPES
from planner.bench.models import Shape, Transformer
from planner.bench.noise import Spread, spread_of
from planner.bench.pace import Canary, canary_of, is_shared, median_of, memory_share, slowdown
from planner.bench.predictions import Guess
from planner.bench.shapes import HostRates, architecture_of, decode_s, prefill_s, training_step_s
from planner.bench.suite import ELEMENT_BYTES
from planner.record import record

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("gpt2-10m", hidden=320, heads=5, layers=6, width=1280, vocabulary=4096),
        Shape("llama-30m", hidden=448, heads=7, layers=8, width=1216, vocabulary=8192, gated=True),
        Shape("moe-20m", hidden=320, heads=5, layers=4, width=640, vocabulary=6144, experts=6, top_k=2),
        Shape("encoder-15m", hidden=384, heads=6, layers=6, width=1536, vocabulary=5120, causal=False),
        Shape("gpt2-90m", hidden=704, heads=11, layers=14, width=2816, vocabulary=8192),
    )
}
"""Models whose sizes are no sizes of the suite."""

# Phase, sequences, length (of the context where it decodes); the large model runs the first of each phase alone.
CASES = (
    ("training", 2, 128), ("training", 4, 64), ("training", 1, 256),
    ("prefill", 1, 128), ("prefill", 4, 128), ("prefill", 1, 512),
    ("decode", 1, 128), ("decode", 4, 256), ("decode", 8, 512),
)  # fmt: skip
_LARGE = 6e7  # parameters
_SAMPLES, _FEWEST = 9, 3
_CASE_S = 12.0  # after which a case takes no further sample
COLUMNS = (
    "model",
    "phase",
    "dtype",
    "sequences",
    "length",
    "median_s",
    "low_s",
    "high_s",
    "least_s",
    "samples",
    "canary_s",
    "memory_canary_s",
)
SHAPE_COLUMNS = (
    "hidden", "heads", "kv_heads", "layers", "width", "vocabulary", "gated", "experts", "top_k", "causal", "longest",
)  # fmt: skip


@record
class Whole:
    """One measured phase of one model, and the machine's pace when it was measured; None on a device of its own."""

    shape: Shape
    phase: str
    dtype: str
    sequences: int
    length: int
    spread: Spread
    pace: Canary | None = None

    def memory_share(self, usual: Canary) -> float:
        """Give the share of memory in its time, by what it must compute and read [1]."""
        return _memory_share(self.shape, self.phase, self.dtype, self.sequences, self.length, usual)

    def predicted_s(self, host: HostRates, guess: Guess) -> float:
        """Predict it by the planner's own training and serving [s]."""
        if self.phase == "training":
            return training_step_s(self.shape, host, guess.training, sequences=self.sequences, length=self.length)
        if self.phase == "prefill":
            return prefill_s(self.shape, host, guess.serving, sequences=self.sequences, length=self.length)
        return decode_s(self.shape, host, guess.serving, sequences=self.sequences, context=self.length)


@record
class Verdict:
    """Errors of one phase: predicted over measured, minus 1 [1]."""

    phase: str
    rows: int
    median: float
    bias: float
    target: float

    @property
    def met(self) -> bool:
        """Whether the median and the bias are within what is wanted."""
        return self.median <= self.target and abs(self.bias) <= BIAS_TARGET


BIAS_TARGET = 0.08
TARGETS = {("training", 4): 0.10, ("prefill", 4): 0.10, ("training", 2): 0.15, ("prefill", 2): 0.15}
_DECODE_TARGET = 0.18


def verdicts(wholes: Sequence[Whole], host: HostRates, guess: Guess) -> list[Verdict]:
    """Give the errors of every phase beside its target."""
    found = []
    for phase in ("training", "prefill", "decode"):
        chosen = [whole for whole in wholes if whole.phase == phase]
        if chosen:
            ratios = np.array([whole.predicted_s(host, guess) / whole.spread.median for whole in chosen])
            width = 4 if host.dtype in ("fp32", "tf32") else 2
            target = TARGETS.get((phase, width), _DECODE_TARGET)
            bias = float(np.exp(np.median(np.log(ratios))) - 1.0)
            found.append(Verdict(phase, len(chosen), float(np.median(np.abs(ratios - 1.0))), bias, target))
    return found


def measure_wholes(
    backend: TorchBackend,
    shapes: Iterable[Shape],
    *,
    dtype: str,
    budget_s: float,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Whole]:
    """Measure models within a budget of time; Ctrl-C keeps what was measured."""
    begun = time.perf_counter()
    found: list[Whole] = []
    canary = canary_of(backend)
    try:
        for shape in shapes:
            model = Transformer(backend.torch, shape, device=backend.device, dtype=getattr(backend.torch, TYPES[dtype]))
            for phase, sequences, length in cases_of(model):
                if time.perf_counter() - begun > budget_s:
                    return found
                progress(f"{shape.name} {phase} {sequences} x {length}")
                run = _PHASES[phase](backend.torch, model, sequences, length)
                share = partial(_memory_share, shape, phase, dtype, sequences, length)
                spread, pace = _sampled(backend, run, canary, share)
                found.append(Whole(shape, phase, dtype, sequences, length, spread, pace))
    except KeyboardInterrupt:
        return found
    return found


def cases_of(model: Transformer) -> list[tuple[str, int, int]]:
    """Give what is measured of a model: an encoder decodes nothing, a large one runs one case of each phase."""
    parameters = sum(int(parameter.numel()) for parameter in model.parameters())
    seen: set[str] = set()
    chosen = []
    for case in CASES:
        if (case[0] == "decode" and not model.shape.causal) or (parameters > _LARGE and case[0] in seen):
            continue
        seen.add(case[0])
        chosen.append(case)
    return chosen


def _memory_share(shape: Shape, phase: str, dtype: str, sequences: int, length: int, usual: Canary) -> float:
    """Give the share of memory in a phase's time [1]: weights come from there, and the cache of a decode step."""
    model = architecture_of(shape)
    tokens = sequences * (1 if phase == "decode" else length)
    flops = 2.0 * model.active_parameters * tokens * (3.0 if phase == "training" else 1.0)
    numbers = model.parameters * (_TRAINING_PASSES if phase == "training" else 1.0)
    if phase == "decode":
        numbers += 2.0 * shape.layers * shape.key_values * shape.head * sequences * length
    return memory_share(flops, ELEMENT_BYTES[dtype] * numbers, usual)


# Weights read forward and backward, their gradient written; the optimizer as planner.training.state_time counts it.
_TRAINING_PASSES = 3.0 + 6.0


def _sampled(
    backend: TorchBackend, run: Callable[[], object], canary: Callable[[], Canary], share: Callable[[Canary], float]
) -> tuple[Spread, Canary | None]:
    """Give a case's times at the canaries' median pace, and that pace; `share` of a time is memory's."""
    run()
    begun = time.perf_counter()
    laps: list[tuple[float, Canary]] = []
    once = backend.timer.lap(run, 1)
    calls = max(1, int(0.02 / once.seconds))
    before = _pace(canary)
    while len(laps) < _SAMPLES and (len(laps) < _FEWEST or time.perf_counter() - begun < _CASE_S):
        seconds = backend.timer.lap(run, calls).seconds
        after = _pace(canary)
        laps.append((seconds, median_of([before, after])))
        before = after
    usual = median_of([pace for _, pace in laps])
    if not is_shared(backend) or math.isnan(usual.core):
        return spread_of([seconds for seconds, _ in laps]), None
    return spread_of([seconds / slowdown(pace, usual, share(usual)) for seconds, pace in laps]), usual


_CANARIES = 7


def _pace(canary: Callable[[], Canary]) -> Canary:
    return median_of([canary() for _ in range(_CANARIES)])


def at_pace(wholes: Sequence[Whole], usual: Canary | None) -> list[Whole]:
    """Give models at the pace of the run that the fit was made from: times scaled by the canaries of both.

    Parameters
    ----------
    wholes : as they were measured. usual : the run's canaries; None where its device has a clock of its own.
    """
    return [_at_pace(whole, usual) if usual else whole for whole in wholes]


def _at_pace(whole: Whole, usual: Canary) -> Whole:
    if whole.pace is None:
        return whole
    times = slowdown(whole.pace, usual, whole.memory_share(usual))
    return replace(whole, spread=whole.spread.scaled(1.0 / times), pace=usual)


def _training(torch: Any, model: Transformer, sequences: int, length: int) -> Callable[[], object]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    tokens, wanted = (_tokens(torch, model, sequences, length) for _ in range(2))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        model.loss(tokens, wanted).backward()
        optimizer.step()

    return step


def _prefill(torch: Any, model: Transformer, sequences: int, length: int) -> Callable[[], object]:
    tokens = _tokens(torch, model, sequences, length)
    caches = model.caches(sequences, length) if model.shape.causal else None

    def read() -> None:
        with torch.inference_mode():
            model(tokens, caches, last_only=True).argmax(dim=-1)

    return read


def _decode(torch: Any, model: Transformer, sequences: int, length: int) -> Callable[[], object]:
    token, caches = _tokens(torch, model, sequences, 1), model.caches(sequences, length + 1)

    def step() -> None:
        with torch.inference_mode():
            model(token, caches, length).argmax(dim=-1)

    return step


_PHASES = {"training": _training, "prefill": _prefill, "decode": _decode}


def _tokens(torch: Any, model: Transformer, sequences: int, length: int) -> Any:
    return torch.randint(0, model.shape.vocabulary, (sequences, length), device=model.device)


def wholes_text(wholes: Sequence[Whole]) -> str:
    """Give measured models as CSV, with their shapes."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *SHAPE_COLUMNS])
    for whole in wholes:
        spread = whole.spread
        seconds = [f"{value:.6g}" for value in (spread.median, spread.low, spread.high, spread.least)]
        shape = [int(getattr(whole.shape, name)) for name in SHAPE_COLUMNS]
        told = (whole.shape.name, whole.phase, whole.dtype, whole.sequences, whole.length)
        canaries = [f"{each:.6g}" for each in (whole.pace.core, whole.pace.memory)] if whole.pace else ["", ""]
        writer.writerow([*told, *seconds, spread.count, *canaries, *shape])
    return stream.getvalue()


def wholes_of(rows: Iterable[Sequence[str]]) -> list[Whole]:
    """Give measured models from the cells of their CSV, without its header."""
    found = []
    for row in rows:
        cells = dict(zip((*COLUMNS, *SHAPE_COLUMNS), row, strict=True))
        sizes = {name: int(cells[name]) for name in SHAPE_COLUMNS}
        gated, causal = bool(sizes.pop("gated")), bool(sizes.pop("causal"))
        shape = Shape(cells["model"], **sizes, gated=gated, causal=causal)
        median, low, high, least = (float(cells[name]) for name in ("median_s", "low_s", "high_s", "least_s"))
        spread = Spread(median, low, high, least, int(cells["samples"]))
        whole = Whole(shape, cells["phase"], cells["dtype"], int(cells["sequences"]), int(cells["length"]), spread)
        core, memory = cells["canary_s"], cells["memory_canary_s"]
        found.append(replace(whole, pace=Canary(float(core), float(memory)) if core else None))
    return found
