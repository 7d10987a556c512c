"""Lists of layers as configurations tell them, and their terse form."""

from __future__ import annotations

from collections.abc import Sequence

from planner.catalog.shape import LayerRunSpec, LayerSpec, MixerName
from planner.workload.huggingface.fields import Fields

_MIXERS: dict[str, MixerName] = {
    "full_attention": "full",
    "attention": "full",
    "indexed_attention": "full",
    "sliding_attention": "sliding",
    "chunked_attention": "sliding",
    "linear_attention": "delta",
}
_LONGEST_PERIOD = 16


def mixers(f: Fields, layers: int, *, unsaid: Sequence[MixerName], known: Sequence[str]) -> list[MixerName]:
    """Give the mixer of every layer.

    Parameters
    ----------
    f : the configuration; `layer_types` decides where it is there.
    layers : number of layers.
    unsaid : mixers where the configuration has no `layer_types`.
    known : types of layers that the family has.
    """
    types = f.texts("layer_types")
    if types is None:
        return list(unsaid)
    if len(types) != layers:
        raise f.refusal("layer_types", f"'layer_types' has {len(types)} entries for {layers} layers")
    strange = sorted(set(types) - set(known))
    if strange:
        raise f.refusal(
            "layer_types", f"layer type '{strange[0][:60]}' is not understood", allowed=", ".join(sorted(known))
        )
    return [_MIXERS[kind] for kind in types]


def every(layers: int, period: int, *, first: MixerName, last: MixerName) -> list[MixerName]:
    """Give layers of which each `period`th is of one kind and the others of another."""
    return [first if (number + 1) % period else last for number in range(layers)]


def terse(layers: Sequence[LayerSpec]) -> tuple[LayerRunSpec, ...] | int:
    """Give a list of layers in its shortest form: a number, a repeated period, or runs of like layers.

    >>> terse([LayerSpec()] * 4)
    4
    >>> full, sliding = LayerSpec(), LayerSpec(mixer="sliding")
    >>> [(run.count, len(run.period)) for run in terse([sliding, full] * 3 + [sliding])]
    [(3, 2), (1, 0)]
    """
    if all(layer == LayerSpec() for layer in layers):
        return len(layers)
    runs = _runs(layers)
    if len(runs) <= 2:
        return tuple(runs)
    for length in range(2, min(_LONGEST_PERIOD, len(layers) // 2) + 1):
        repeats = _repeats(layers, length)
        rest = _runs(layers[repeats * length :])
        if repeats >= 2 and 1 + len(rest) < len(runs):
            period = tuple(_plain(run) for run in _runs(layers[:length]))
            return (LayerRunSpec(count=repeats, period=period), *rest)
    return tuple(runs)


def _repeats(layers: Sequence[LayerSpec], length: int) -> int:
    first = list(layers[:length])
    repeats = 1
    while list(layers[repeats * length : (repeats + 1) * length]) == first:
        repeats += 1
    return repeats


def _runs(layers: Sequence[LayerSpec]) -> list[LayerRunSpec]:
    runs: list[LayerRunSpec] = []
    for layer in layers:
        if runs and _plain(runs[-1]) == layer.model_copy(update={"count": runs[-1].count}):
            runs[-1] = runs[-1].model_copy(update={"count": runs[-1].count + 1})
        else:
            runs.append(_run(layer))
    return runs


def _run(layer: LayerSpec) -> LayerRunSpec:
    return LayerRunSpec(mixer=layer.mixer, feed_forward=layer.feed_forward, kv_heads=layer.kv_heads)


def _plain(run: LayerRunSpec) -> LayerSpec:
    return LayerSpec(count=run.count, mixer=run.mixer, feed_forward=run.feed_forward, kv_heads=run.kv_heads)
