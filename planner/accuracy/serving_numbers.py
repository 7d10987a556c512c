"""What measured serving cases state, as arrays, and what every load asks of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.serving_arrays import Rows
from planner.record import record
from planner.serving.batching import Requests, Served
from planner.serving.power import accelerator_power_w

Array = NDArray[np.float64]
Outcome = Mapping[str, Array]


@record
class Numbers:
    """What cases state, as arrays."""

    batch: Array
    requests: Array
    looks: Array
    replicas: Array
    devices: Array
    accelerators: Array
    around_w: Array
    lost: Array
    beams: Array
    rate: Array
    tpot_limit_s: Array
    prefill_workers: Array
    decode_workers: Array


def requests_of(rows: Rows) -> Requests:
    """Give the mean lengths of cases."""
    return Requests(rows.side.length, rows.side.output, rows.side.cached, rows.side.varied)


def system_w(n: Numbers, watts: Array) -> Array:
    """Power of whole systems from that of one accelerator [W]: host, and what fans, network and supplies take."""
    whole: Array = (watts * n.accelerators + n.around_w) / (1.0 - n.lost)
    return whole


def watts_of(rows: Rows, served: Served) -> Array:
    """Mean power of one accelerator that decodes and reads prompts [W]."""
    machine, prompt = rows.side.setting.machine, rows.prompts(rows.side.length)
    return accelerator_power_w(machine, rows.efficiency, served.decode, prompt, prefill_share=served.prefill_share)
