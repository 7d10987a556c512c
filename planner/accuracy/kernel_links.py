"""Published timings of collectives: which rows say enough, and what predicts them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.kernel_operators import Kind, Parameters, Predict, rates
from planner.accuracy.kernel_table import KernelTable, library
from planner.hardware.protocols import (
    Bus,
    DirectRates,
    LinkRates,
    collective_time_s,
    direct_all_reduce_time_s,
    pair_time_s,
)

Array = NDArray[np.float64]
Words = NDArray[np.str_]


def _collective(table: KernelTable) -> Predict:
    operator, source = table.words("op"), table.words("kernel_source")
    message, ranks = table.numbers("bytes"), table.numbers("n_accel")
    links = [part.link for part in table.parts if part is not None]
    bus = Bus(
        np.array([link.bandwidth if link and link.bandwidth else np.nan for link in links]),
        np.array([float(link is not None and link.kind.startswith("PCIe")) for link in links]),
    )
    passes = np.where(operator == "allreduce", 2.0, 1.0)
    exchange = np.where(operator == "alltoall", 1.0, 0.0)
    pair, direct = operator == "sendrecv", ~np.isin(source, ("", "NCCL"))

    def predict(values: Parameters) -> Array:
        link = rates(LinkRates, "link", values)
        time = collective_time_s(message, ranks, bus, link, passes=passes, exchange=exchange)
        time = np.where(pair, pair_time_s(message, bus, link), time)
        by_itself = direct_all_reduce_time_s(message, ranks, bus, rates(DirectRates, "direct", values), link)
        return np.where(direct, np.minimum(time, by_itself), time)

    return predict


def _libraries(table: KernelTable) -> Words:
    words = zip(table.words("kernel_source"), table.words("framework"), strict=True)
    return np.array([library(str(source or framework)) for source, framework in words], dtype=np.str_)


LINKS = Kind(
    "link",
    ("allreduce", "allgather", "reducescatter", "alltoall", "sendrecv"),
    ("bytes", "n_accel"),
    ("bf16", "fp16"),
    _collective,
    _libraries,
    ("n_accel", "bytes"),
)
"""Collectives inside one scale-up domain."""


def spans_nodes(row: dict[str, str]) -> bool:
    """Tell whether a timing crosses a network, or a pair's bridge, that its row says nothing of."""
    words = row.get("op_detail", "").split()
    inside = words[2] if words[1:2] == ["workers,"] else ""
    ranks = row.get("n_accel", "")
    return bool(inside and inside != ranks) or ("pairwise" in row.get("accelerator", "") and ranks != "2")
