"""What a model holds, by part: parameters, key-value cache, recurrent states."""

from __future__ import annotations

from collections.abc import Iterator

from planner.record import record
from planner.workload.architecture import Architecture, Layer, Stack

_FEED_FORWARD = frozenset(["gate", "up", "down"])
_AROUND_EXPERTS = frozenset(["router", "shared-weight", "experts-in", "experts-out"])


@record
class Share:
    """One part of a model and the elements it holds [1]."""

    part: str
    parameters: int


def parameters_by_part(architecture: Architecture) -> tuple[Share, ...]:
    """Give the parameters of a model by part; the parts' sum is the model's total.

    Parameters
    ----------
    architecture : the model.

    Returns
    -------
    Parts that hold something, in the order in which a token meets them [1].
    """
    counts: dict[str, int] = {}
    for part, parameters in _parts(architecture):
        counts[part] = counts.get(part, 0) + parameters
    return tuple(Share(part, parameters) for part, parameters in counts.items() if parameters)


def _parts(architecture: Architecture) -> Iterator[tuple[str, int]]:
    yield "token table", architecture.embedding_parameters
    yield "positions and stem", architecture.stem_parameters
    for stack in architecture.stacks:
        prefix = f"{stack.role} " if len(architecture.stacks) > 1 else ""
        for kind, held in zip(stack.kinds, stack.held_counts, strict=True):
            for part, parameters in _layer_parts(kind):
                yield prefix + part, parameters * held
        yield prefix + "norms", stack.final_norm_parameters
    yield "head", architecture.head_held_parameters


def _layer_parts(layer: Layer) -> Iterator[tuple[str, int]]:
    for projection in layer.projections:
        yield _part_of(projection.name), projection.parameters
    if layer.scan:
        yield "recurrence", layer.scan.parameters + layer.scan.convolution_parameters
    if layer.experts:
        yield "experts", layer.experts.parameters
    yield "norms", layer.norm_parameters
    yield "adaptive norms", sum(p.parameters for p in layer.per_sample)
    yield "other", layer.other_parameters


def _part_of(projection: str) -> str:
    if projection in _FEED_FORWARD:
        return "feed-forward"
    if projection in _AROUND_EXPERTS:
        return "router"
    if projection.startswith("shared-"):
        return "shared experts"
    if projection.startswith("scan."):
        return "recurrence"
    if projection.startswith("cross."):
        return "cross-attention"
    return "indexer" if projection.startswith("index.") else "attention"


@record
class Cache:
    """What one sequence leaves in memory while it is decoded; elements, to be taken times their size.

    Parameters
    ----------
    growing_per_token : elements per token of layers that keep every token [1].
    windowed_per_token : elements per token of layers that keep a window of them [1].
    window : tokens that those keep [1].
    cross_per_token : elements per token of the encoder's output [1].
    states : elements of recurrent states and of what short convolutions keep, whatever the length [1].
    """

    growing_per_token: int
    windowed_per_token: int
    window: int
    cross_per_token: int
    states: int

    def elements(self, length: int, source_length: int = 0) -> int:
        """Give the elements of one sequence of that many tokens [1]."""
        held = self.growing_per_token * length + self.windowed_per_token * min(length, self.window or length)
        return held + self.cross_per_token * source_length + self.states


def cache_of(architecture: Architecture) -> Cache:
    """Give the cache of a model that decodes; an encoder alone keeps nothing from token to token.

    Layers with windows of several lengths are taken at the longest.
    """
    growing = windowed = window = cross = states = 0
    for kind, count in _decoding_layers(architecture):
        for core in kind.cores:
            if core.cross:
                cross += count * core.cache_elements
            elif core.window:
                windowed += count * core.cache_elements
                window = max(window, core.window)
            else:
                growing += count * core.cache_elements
        if kind.scan:
            kept = kind.scan.convolution_channels * (kind.scan.convolution_width - 1)
            states += count * (kind.scan.state_elements + kept)
    return Cache(growing, windowed, window, cross, states)


def _decoding_layers(architecture: Architecture) -> Iterator[tuple[Layer, int]]:
    main: Stack = architecture.main
    for kind, count in zip(main.kinds, main.counts, strict=True):
        if kind.scan or any(core.causal for core in kind.cores):
            yield kind, count
