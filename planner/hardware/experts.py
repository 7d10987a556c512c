"""Time of a layer's experts on one device: tokens sorted by expert, two grouped products, results put back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.hardware.chip import Chip
from planner.hardware.products import ProductRates, product_time_s
from planner.record import record

Array = NDArray[np.float64]


@record
class ExpertRates:
    """How far a layer of experts stays below the data sheet.

    Parameters
    ----------
    products : of the grouped products; without a launch time of their own.
    sorting : passes over the tokens that go to the device's experts, there and back [1].
    launch_s : fixed time of the whole layer [s].
    token_s : routing of one token to one expert [s].
    expert_s : bookkeeping of one expert [s].
    skew : load of the fullest rank against the mean where experts are not equally popular [1].
    spread : tokens that reach as many different experts as one would if all were equally popular [1].
    """

    products: ProductRates
    sorting: Array
    launch_s: Array
    token_s: Array
    expert_s: Array
    skew: Array
    spread: Array


@record
class ExpertLayer:
    """Experts of one device.

    Parameters
    ----------
    tokens : of the whole expert group [1].
    hidden, inner : sizes; `inner` that of one expert's share on the device [1].
    chosen, experts : of a token; of the layer [1].
    ranks : over which the experts are spread [1].
    gates : first products of one expert, 2 if gated, else 1 [1].
    uneven : 1 where experts are not equally popular, else 0.
    element_bytes : of activations and of weights [B].
    """

    tokens: Array
    hidden: Array
    inner: Array
    chosen: Array
    experts: Array
    ranks: Array
    gates: Array
    uneven: Array
    element_bytes: tuple[Array, Array]


def expert_layer_time_s(layer: ExpertLayer, chip: Chip, rates: ExpertRates) -> Array:
    """Time of a layer's experts on its fullest device.

    Parameters
    ----------
    layer : sizes.
    chip, rates : the accelerator, at the peak of its experts' format.

    Returns
    -------
    Seconds [s].

    Notes
    -----
    Of E experts, K chosen by each of T tokens, E_l (1 - (1 - K/E)^T) of the device's E_l are expected to be reached;
    uneven popularity acts as fewer tokens. Each that is reached is one group of the two products.
    """
    mine = layer.experts / layer.ranks
    told_apart = layer.tokens * np.where(layer.uneven > 0, rates.spread, 1.0)
    reached = mine * (1.0 - (1.0 - np.minimum(layer.chosen / layer.experts, 1.0)) ** told_apart)
    # The fullest of several devices holds at least one expert for which a token came.
    reached = np.maximum(reached, np.minimum(1.0, layer.tokens * layer.chosen / layer.ranks))
    load = 1.0 + np.where(layer.uneven > 0, rates.skew - 1.0, 0.0) * (1.0 - 1.0 / layer.ranks)
    rows = layer.tokens * layer.chosen / layer.ranks * load
    each = np.maximum(rows / reached, 1.0)

    def product(n: Array, k: Array) -> Array:
        return product_time_s(each, n, k, reached, chip=chip, element_bytes=layer.element_bytes, rates=rates.products)

    sorted_bytes = 2.0 * rates.sorting * rows * layer.hidden
    return (
        rates.launch_s
        + product(layer.gates * layer.inner, layer.hidden)
        + product(layer.hidden, layer.inner)
        + sorted_bytes / (chip.bandwidth_bytes_per_s * rates.products.memory)
        + layer.tokens * layer.chosen * rates.token_s
        + layer.experts * rates.expert_s
    )
