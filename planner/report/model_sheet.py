"""What `planner model show` tells of one model: shape, parameters, FLOPs by convention, cache, publication."""

from __future__ import annotations

from collections.abc import Sequence

from planner.catalog.entry import Standing
from planner.catalog.model import Model
from planner.record import record
from planner.workload.architecture import Architecture
from planner.workload.flops import (
    ForwardFlops,
    Masking,
    Recompute,
    Samples,
    TrainingFlops,
    forward_flops,
    six_n_flops_per_token,
    training_flops,
)
from planner.workload.sizes import Cache, Share, cache_of, parameters_by_part

CACHE_BYTES = 2.0  # a cache in 16 bits


@record
class Quoted:
    """A source of the entry, and how far it can be trusted."""

    path: str
    title: str
    standing: Standing


@record
class ModelSheet:
    """One model with everything that is shown of it.

    Parameters
    ----------
    model : the entry.
    architecture : its numbers, or None where the shape is not known.
    samples : the input that FLOPs are counted for.
    forward : FLOPs of the forward pass by masking.
    training : FLOPs of a training step by masking.
    six_n : the rule 6 N, per token.
    parts : parameters by part.
    cache : what decoding keeps.
    sources : where the entry's values came from.
    notes : what importing left out or assumed.
    """

    model: Model
    architecture: Architecture | None
    samples: Samples
    forward: dict[Masking, ForwardFlops]
    training: dict[Masking, TrainingFlops]
    six_n: int
    parts: tuple[Share, ...]
    cache: Cache | None
    sources: tuple[Quoted, ...]
    notes: tuple[str, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of the input in the stack that makes the outputs."""
        if self.architecture is None:
            return 0
        return self.samples.count * (self.architecture.main.tokens_per_sample or self.samples.length)


def model_sheet(
    model: Model,
    architecture: Architecture | None,
    samples: Samples,
    *,
    sources: Sequence[Quoted] = (),
    notes: Sequence[str] = (),
) -> ModelSheet:
    """Compute the sheet of a model.

    Parameters
    ----------
    model, architecture : the entry and its numbers.
    samples : the input to count FLOPs for.
    sources, notes : told as they are.
    """
    if architecture is None:
        return ModelSheet(model, None, samples, {}, {}, 0, (), None, tuple(sources), tuple(notes))
    return ModelSheet(
        model=model,
        architecture=architecture,
        samples=samples,
        forward={masking: forward_flops(architecture, samples, masking) for masking in Masking},
        training={
            masking: training_flops(
                architecture,
                sequences=samples.count,
                length=samples.length,
                source_length=samples.source_length,
                masking=masking,
            )
            for masking in Masking
        },
        six_n=six_n_flops_per_token(architecture),
        parts=parameters_by_part(architecture),
        cache=cache_of(architecture),
        sources=tuple(sources),
        notes=tuple(notes),
    )


def document(sheet: ModelSheet) -> dict[str, object]:
    """Give a sheet as plain values for JSON; counts are exact."""
    model, architecture = sheet.model, sheet.architecture
    found: dict[str, object] = {
        "schema": "planner/model-sheet/v1",
        "id": model.id,
        "name": model.name,
        "family": model.family,
        "released": model.released,
        "published": {"parameters": _whole(model.parameters), "active_parameters": _whole(model.active_parameters)},
        "unpublished": model.unpublished,
        "unsupported": model.unsupported,
        "notes": [note for note in (*sheet.notes, model.notes) if note],
        "sources": [{"path": s.path, "title": s.title, "standing": s.standing.value} for s in sheet.sources],
    }
    if architecture is None or sheet.cache is None:
        return found
    cache = sheet.cache
    return {
        **found,
        "parameters": {
            "total": architecture.parameters,
            "active": architecture.active_parameters,
            "by_part": {share.part: share.parameters for share in sheet.parts},
        },
        "input": {
            "samples": sheet.samples.count,
            "length": sheet.samples.length,
            "source_length": sheet.samples.source_length,
        },
        "forward_flops": {masking.value: _forward(flops) for masking, flops in sheet.forward.items()},
        "training_flops": {
            masking.value: {
                "model": flops.model,
                **{f"hardware_{kind.value}_recompute": flops.hardware(kind) for kind in Recompute},
            }
            for masking, flops in sheet.training.items()
        },
        "six_n_flops_per_token": sheet.six_n,
        "cache_elements": {
            "growing_per_token": cache.growing_per_token,
            "windowed_per_token": cache.windowed_per_token,
            "window": cache.window,
            "cross_per_token": cache.cross_per_token,
            "states": cache.states,
        },
    }


def _forward(flops: ForwardFlops) -> dict[str, int]:
    return {
        "stem": flops.stem,
        "projections": flops.projections,
        "experts": flops.experts,
        "attention": flops.attention,
        "index": flops.index,
        "recurrence": flops.recurrence,
        "head": flops.head,
        "logits": flops.logits,
        "total": flops.total,
        "without_logits": flops.without_logits,
        "backward": flops.backward,
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
