"""Replicas to try load on: real models on real machines, under the fitted profile."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from planner.accuracy.serving_arrays import machine_of
from planner.accuracy.serving_cases import Degrees, Mode, ServingCase
from planner.catalog.accelerator import Accelerator
from planner.catalog.store import Catalog
from planner.planning.serving_efficiency import engine_limits, engine_memory, serving_efficiency_of
from planner.serving.engine import Engine, engine_of
from planner.serving.formats import Formats
from planner.serving.layout import Layout
from planner.serving.passes import Lengths
from planner.workload.build import architecture

CATALOG = Catalog()
PROFILE = CATALOG.profile("serving")


@cache
def replica(
    model: str = "llama-3.1-8b",
    accelerator: str = "h100-sxm",
    *,
    tensor: int = 1,
    data: int = 1,
    pipeline: int = 1,
    expert: int = 1,
    weights: str = "bf16",
    cache_format: str | None = None,
    engine: str = "vllm",
    sequences: int | None = 256,
) -> Engine:
    """Give a replica."""
    return engine_on(
        model,
        CATALOG.accelerator(accelerator),
        engine,
        layout=Layout.of(tensor=tensor, data=data, pipeline=pipeline, expert=expert),
        formats=Formats.of(weights, cache=cache_format),
        sequences=sequences,
    )


def engine_on(
    model: str, part: Accelerator, engine: str, *, layout: Layout, formats: Formats, sequences: int | None = 256
) -> Engine:
    """Give a replica on any part, in any layout and formats."""
    entry, moves = CATALOG.model(model), PROFILE.engines[engine]
    assert entry.architecture is not None
    shape = architecture(entry.architecture, model)
    degrees = (int(each) for each in (layout.tensor, layout.data, layout.pipeline, layout.expert))
    case = ServingCase(
        id="", source="", accelerator_text="", quality="A", kind="serving", group="", model=model, architecture=shape,
        accelerator=part, engine=engine, engine_stated=True, formats=formats, degrees=Degrees(*degrees),
        devices=int(layout.accelerators), cores=1, mode=Mode.CLOSED, prompt=1.0, output=1.0, batch=math.nan,
        observations=(),
    )  # fmt: skip
    return engine_of(
        shape,
        layout=layout,
        formats=formats,
        machine=machine_of(case),
        efficiency=serving_efficiency_of(PROFILE, part, moves)[0],
        limits=engine_limits(moves, sequences=sequences),
        memory=engine_memory(moves),
    )


def drawn_lengths(count: int, *, prompt: float, output: float, variability: float, seed: int) -> Lengths:
    """Give lognormal lengths of a mean and a coefficient of variation."""
    random = np.random.default_rng(seed)

    def lengths(mean: float) -> np.ndarray:
        width = math.sqrt(math.log1p(variability**2))
        drawn = np.exp(math.log(mean) - width**2 / 2.0 + width * random.standard_normal(count))
        return np.maximum(np.round(drawn), 2.0)

    return Lengths(lengths(prompt), lengths(output), np.zeros(count))
