"""Convolutional networks, counted: against what torchvision counts, and by their products."""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.convolutional import BlockSpec, ConvolutionalSpec, ConvolutionSpec
from planner.catalog.model import Model
from planner.catalog.store import Catalog
from planner.serving.formats import Formats
from planner.serving.layout import Layout
from planner.serving.work import counts_of
from planner.workload.architecture import Architecture
from planner.workload.convolutional import convolutional

_MODELS = [model for model in Catalog().entries("model") if isinstance(model, Model) and model.convolutions]
_ONE = Layout.of(tensor=1, data=1, pipeline=1, expert=1)


def _operations(network: Architecture, weights: str = "bf16") -> tuple[float, float]:
    """Give operations and bytes of feature maps of one picture."""
    counts = counts_of(network.main, _ONE, Formats.of(weights))
    tokens = network.main.tokens_per_sample
    head = sum(2.0 * product.weights for product in network.pooled)
    return float(counts.convolutions.flops) * tokens + head, float(counts.map_bytes) * tokens


@pytest.mark.parametrize("model", [m for m in _MODELS if m.forward_flops_per_sample], ids=lambda model: model.id)
def test_networks_are_those_that_torchvision_counts(model: Model) -> None:
    assert model.convolutions is not None
    network = convolutional(model.convolutions, model.id)

    assert network.parameters == model.parameters
    assert _operations(network)[0] == pytest.approx(model.forward_flops_per_sample, rel=0.004)


@pytest.mark.parametrize("model", [m for m in _MODELS if not m.forward_flops_per_sample], ids=lambda model: model.id)
def test_networks_with_other_parts_hold_all_but_a_thousandth_of_their_parameters(model: Model) -> None:
    """Swin and ConvNeXt have scales, biases and norms of their own beside the convolutions they are written as."""
    assert model.convolutions is not None
    assert convolutional(model.convolutions, model.id).parameters == pytest.approx(model.parameters, rel=0.001)


def test_groups_keep_channels_apart() -> None:
    def network(groups: int) -> Architecture:
        block = BlockSpec(convolutions=(ConvolutionSpec(outputs=32, kernel=3, groups=groups),))
        return convolutional(ConvolutionalSpec(height=8, width=8, channels=32, blocks=(block,), classifier=(10,)), "x")

    whole, apart = _operations(network(1)), _operations(network(32))

    assert whole[0] - apart[0] == 2 * 64 * (32 * 9 * 32 - 9 * 32)
    assert whole[1] == apart[1] == 2 * 64 * (32 + 32)


def test_maps_are_kept_in_the_width_of_the_products() -> None:
    model = next(model for model in _MODELS if model.id == "resnet50")
    assert model.convolutions is not None
    network = convolutional(model.convolutions, model.id)

    assert np.isclose(_operations(network, "int8")[1] * 2, _operations(network)[1])
