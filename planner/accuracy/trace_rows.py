"""Traces of single requests, in the form of `catalogs/measurements/traces`, replayed through the engine's loop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.cases import Observation
from planner.accuracy.formats import read_file
from planner.accuracy.inference_row import RowRefusedError
from planner.accuracy.inference_rows import InferenceRows
from planner.accuracy.serving_arrays import machine_of
from planner.accuracy.serving_cases import Degrees, Mode, ServingCase
from planner.accuracy.serving_words import as_run
from planner.catalog.profile import EngineMoves
from planner.documents.files import ReadBudget
from planner.errors import InputError
from planner.planning.serving_efficiency import engine_limits, engine_memory
from planner.record import record
from planner.serving.efficiency import ServingEfficiency
from planner.serving.engine import Engine, engine_of
from planner.serving.formats import Formats
from planner.serving.layout import Layout, why_not
from planner.serving.passes import Lengths
from planner.serving.replay import replay

Array = NDArray[np.float64]

PERCENTILES = (50, 90, 99)


@record
class Times:
    """Measured time to the first token, and of each after it, NaN where there is none [s]."""

    ttft_s: Array
    tpot_s: Array


@record
class Trace:
    """Requests that one machine served.

    Parameters
    ----------
    case : model, machine and engine; its lengths are the means of the requests'.
    arrival_s : of every request, rising [s].
    lengths : of every request.
    measured : times of every request.
    sequences, pass_tokens : most sequences at once and most tokens of a pass, None where the engine's own.
    """

    case: ServingCase
    arrival_s: Array
    lengths: Lengths
    measured: Times
    sequences: int | None
    pass_tokens: int | None


def read_trace(rows: InferenceRows, document: Mapping[str, Any], requests: Path, *, name: str) -> Trace:
    """Read a trace: its document and the requests beside it.

    Raises
    ------
    RowRefusedError : model, machine or requests cannot be read; says which.
    """
    model, shape = rows.shape(str(document.get("model", "")))
    accelerator = rows.accelerator(str(document.get("accelerator", "")))
    started = document.get("engine_kwargs") or {}
    title, version = _engine_words(document)
    engine = rows.words.engine(name=title, version=version, source="", task="llm", accelerator=accelerator.id)
    tensor, data = int(started.get("tensor_parallel_size") or 1), int(started.get("data_parallel_size") or 1)
    pipeline = int(started.get("pipeline_parallel_size") or 1)
    dealt = tensor if started.get("enable_expert_parallel") else 1
    words = why_not(shape, tensor=tensor, data=1, pipeline=pipeline, expert=dealt)
    if words:
        raise RowRefusedError(words)
    arrival, prompt, output, ttft, tpot = _requests(requests)
    case = ServingCase(
        id=name,
        source=str((document.get("source") or {}).get("title") or name),
        accelerator_text=str(document.get("accelerator", "")),
        quality="A",
        kind="trace",
        group="trace",
        model=model,
        architecture=shape,
        accelerator=accelerator,
        engine=engine or "vllm",
        engine_stated=bool(version),
        formats=as_run(_formats(started), accelerator, str(started.get("quantization") or "")),
        degrees=Degrees(tensor=tensor, pipeline=pipeline, expert=dealt, replicas=data),
        devices=tensor * pipeline * data,
        cores=1,
        mode=Mode.RATE,
        prompt=float(np.mean(prompt)),
        output=float(np.mean(output)),
        batch=math.nan,
        varied=float(np.std(output)) / max(float(np.mean(output)), 1.0),
        observations=(*_percentiles("ttft", ttft), *_percentiles("tpot", tpot)),
    )
    lengths = Lengths(prompt, np.maximum(output, 1.0), np.zeros_like(prompt))
    limits = (started.get("max_num_seqs"), started.get("max_num_batched_tokens"))
    return Trace(case, arrival, lengths, Times(ttft, tpot), *limits)


def steady_case(trace: Trace) -> ServingCase:
    """Give a trace as one case that a fit can lean on: the sequences that ran in the mean, and their time per token.

    Each sequence decodes for its tokens' time; what all of them take, over the time in which the middle nine tenths of
    the requests came and went, is how many ran at once.
    """
    case, measured = trace.case, trace.measured
    started = trace.arrival_s + measured.ttft_s
    ended = started + measured.tpot_s * (trace.lengths.output - 1.0)
    low, high = np.nanpercentile(started, 5.0), np.nanpercentile(started, 95.0)
    inside = np.maximum(np.minimum(ended, high) - np.maximum(started, low), 0.0)
    running = float(np.nansum(inside) / (high - low))
    tpot = float(np.nanmedian(measured.tpot_s)) * 1e3
    return replace(case, mode=Mode.SATURATED, batch=running, observations=(Observation("tpot_ms", tpot),))


def _engine_words(document: Mapping[str, Any]) -> tuple[str, str]:
    """Give engine and release from keys such as `vllm_version`, or `engine` and `engine_version`."""
    for key, value in document.items():
        if key.endswith("_version") and key not in ("engine_version", "schema_version"):
            return key.removesuffix("_version"), str(value or "")
    return str(document.get("engine") or "vllm"), str(document.get("engine_version") or "")


def _formats(started: Mapping[str, Any]) -> Formats:
    weights = {"bfloat16": "bf16", "float16": "fp16", "auto": "bf16", "half": "fp16"}
    named = str(started.get("quantization") or "") or weights.get(str(started.get("dtype") or "auto"), "bf16")
    cache = str(started.get("kv_cache_dtype") or "auto")
    try:
        return Formats.of(named, cache="fp8" if cache.startswith("fp8") else None)
    except KeyError:
        raise RowRefusedError(f"weights in '{named}' are not a format that the planner models") from None


def _requests(path: Path) -> tuple[Array, Array, Array, Array, Array]:
    try:
        table = [row for _, row in read_file(path, ReadBudget()).table]
    except InputError as error:
        raise RowRefusedError(f"its requests cannot be read: {error.faults[0].message}") from None
    if not table:
        raise RowRefusedError("the trace holds no requests")
    try:
        columns = {name: np.array([float(row[name]) for row in table]) for name in _COLUMNS}
    except (KeyError, ValueError, TypeError) as error:
        raise RowRefusedError(f"the trace's requests lack a number: {error}") from None
    _believable(columns)
    # The time to the first token counts from when the engine had the request: clients arrive a little earlier.
    queued, first, last = columns["queued_s"], columns["first_token_s"], columns["last_token_s"]
    order = np.argsort(queued, kind="stable")
    later = np.maximum(columns["output_tokens"] - 1.0, 1.0)
    tpot = np.where(columns["output_tokens"] > 1, (last - first) / later, np.nan)
    picked = (queued, columns["input_tokens"], columns["output_tokens"], first - queued, tpot)
    queued, prompt, output, ttft, tpot = (values[order] for values in picked)
    return queued - queued[0], np.maximum(prompt, 1.0), output, ttft, tpot


_COLUMNS = ("input_tokens", "output_tokens", "queued_s", "first_token_s", "last_token_s")


def _believable(columns: Mapping[str, Array]) -> None:
    """Refuse requests of which no run can have measured what stands there, by the first of them.

    Raises
    ------
    RowRefusedError : says which request, and what is wrong with it.
    """
    prompt, output, queued, first, last = (columns[name] for name in _COLUMNS)
    for words, wrong in (
        ("no number of tokens, or no time", ~np.isfinite([prompt, output, queued]).all(axis=0)),
        ("a prompt or an answer below zero tokens", (prompt < 0.0) | (output < 0.0)),
        ("a first token before the request was queued", first < queued),
        ("a last token before the first", last < first),
    ):
        if np.any(wrong):
            raise RowRefusedError(f"request {int(np.argmax(wrong)) + 1} of the trace has {words}")


def _percentiles(name: str, seconds: Array) -> tuple[Observation, ...]:
    known = seconds[np.isfinite(seconds)]
    return tuple(
        Observation(f"{name}_p{p}_ms", float(np.percentile(known, p)) * 1e3) for p in PERCENTILES if len(known)
    )


def engine_of_trace(trace: Trace, efficiency: ServingEfficiency, moves: EngineMoves) -> Engine:
    """Give the replica that served a trace."""
    case, d = trace.case, trace.case.degrees
    return engine_of(
        case.architecture,
        layout=Layout.of(tensor=d.tensor, data=d.data, pipeline=d.pipeline, expert=d.expert),
        formats=case.formats,
        machine=machine_of(case),
        efficiency=efficiency,
        limits=engine_limits(moves, sequences=trace.sequences, pass_tokens=trace.pass_tokens),
        memory=engine_memory(moves),
    )


def predicted(trace: Trace, efficiency: ServingEfficiency, moves: EngineMoves) -> dict[str, float]:
    """Give percentiles of a replay, by the names of the measured ones [ms].

    Raises
    ------
    RowRefusedError : the weights do not fit.
    """
    engine = engine_of_trace(trace, efficiency, moves)
    if not np.all(engine.room.fits):
        held = float(np.ravel(engine.room.weight_bytes)[0]) / 1e9
        raise RowRefusedError(f"{held:.0f} GB of weights on a rank leave no room for a cache")
    served = replay(engine, trace.arrival_s, trace.lengths, replicas=trace.case.degrees.replicas)
    times = {"ttft": served.ttft_s, "tpot": served.tpot_s}
    return {
        f"{name}_p{p}_ms": float(np.nanpercentile(values, p)) * 1e3
        for name, values in times.items()
        for p in PERCENTILES
    }
