"""A convolutional network as stacked layers: each block is a layer whose matrices meet every position of a map.

A token is a position of the last map. A convolution before it, over a map of more positions, multiplies several rows
for each of them: it is a matrix product of the windows with the kernel [Chetlur et al., arXiv 1410.0759].
"""

from __future__ import annotations

import math
from dataclasses import replace

from planner.catalog.convolutional import BlockSpec, ConvolutionalSpec, ConvolutionSpec
from planner.record import record
from planner.workload.architecture import Architecture, Layer, Stack
from planner.workload.projection import Projection, Split

_NORM_VECTORS = 2  # scale and shift of each channel


@record
class _Maps:
    """Feature maps between two convolutions."""

    height: int
    width: int
    channels: int

    @property
    def positions(self) -> int:
        return self.height * self.width

    @property
    def elements(self) -> int:
        return self.positions * self.channels

    def behind(self, convolution: ConvolutionSpec) -> _Maps:
        step = convolution.stride
        return _Maps(math.ceil(self.height / step), math.ceil(self.width / step), convolution.outputs)

    def pooled(self, edge: int) -> _Maps:
        return _Maps(math.ceil(self.height / edge), math.ceil(self.width / edge), self.channels)


def convolutional(spec: ConvolutionalSpec, name: str) -> Architecture:
    """Give a convolutional network's shape as numbers.

    Parameters
    ----------
    spec : the shape, as a catalog entry states it. name : the model, for messages.

    Returns
    -------
    One stack, a layer for each block; `pooled` are the products of the classifier.
    """
    maps = _Maps(spec.height, spec.width, spec.channels)
    kinds: list[Layer] = []
    order: list[int] = []
    for listed in spec.blocks:
        for number in range(listed.count):
            block = listed if number == 0 else _unstrided(listed)
            layer, behind = _layer(block, maps, normed=spec.normed)
            if layer not in kinds:
                kinds.append(layer)
            order.append(kinds.index(layer))
            maps = behind
        maps = maps.pooled(listed.pool)
    tokens = maps.positions
    stack = Stack(
        role="vision",
        hidden=maps.channels,
        kinds=tuple(_each_token(kind, tokens) for kind in kinds),
        order=tuple(order),
        tokens_per_sample=tokens,
        final_norm=False,
    )
    return Architecture(
        name=name,
        hidden=maps.channels,
        vocabulary=0,
        stacks=(stack,),
        embedding_parameters=0,
        pooled=_classifier(spec, maps),
    )


def _unstrided(block: BlockSpec) -> BlockSpec:
    return block.model_copy(
        update={"convolutions": tuple(c.model_copy(update={"stride": 1}) for c in block.convolutions)}
    )


def _layer(block: BlockSpec, maps: _Maps, *, normed: bool) -> tuple[Layer, _Maps]:
    """Give one block with rows and maps of a whole picture, and the maps behind it."""
    entering, moved, channels = maps, 0, 0
    projections = []
    for number, convolution in enumerate(block.convolutions):
        behind = maps.behind(convolution)
        projections.append(_projection(f"convolution.{number}", convolution, maps, behind, bias=not normed))
        moved += maps.elements + behind.elements
        channels += behind.channels
        maps = behind
    if block.residual:
        moved += maps.elements
        if maps != entering:
            across = ConvolutionSpec(outputs=maps.channels, stride=math.ceil(entering.height / maps.height))
            projections.append(_projection("shortcut", across, entering, maps, bias=not normed))
            moved += entering.elements + maps.elements
            channels += maps.channels
    layer = Layer(
        name=f"convolutions of {maps.height} x {maps.width}",
        hidden=max(entering.channels, maps.channels),
        projections=tuple(projections),
        norms=0,
        normalization="none",
        norm_parameters=_NORM_VECTORS * channels if normed else 0,
        maps=float(moved),
    )
    return layer, maps


def _projection(name: str, convolution: ConvolutionSpec, before: _Maps, behind: _Maps, *, bias: bool) -> Projection:
    window = before.channels // convolution.groups * convolution.kernel**2
    rows = float(behind.positions)
    return Projection(name, window, convolution.outputs, Split.NONE, bias=bias, rows=rows)


def _each_token(layer: Layer, tokens: int) -> Layer:
    projections = tuple(replace(p, rows=p.rows / tokens) for p in layer.projections)
    return replace(layer, projections=projections, maps=layer.maps / tokens)


def _classifier(spec: ConvolutionalSpec, maps: _Maps) -> tuple[Projection, ...]:
    inputs = maps.channels * (spec.flattened**2 or 1)
    products = []
    for number, outputs in enumerate(spec.classifier):
        products.append(Projection(f"classifier.{number}", inputs, outputs, Split.NONE, bias=True))
        inputs = outputs
    return tuple(products)
