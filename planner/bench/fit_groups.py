"""Which parameters are fitted to which rows of a run, and which rows judge them."""

from __future__ import annotations

from collections.abc import Callable

from planner.bench.document import RunRow
from planner.record import record

_LARGE_FLOP = 2e8  # products that are told apart as large


@record
class Group:
    """Parameters that are fitted together, to the rows that a choice accepts."""

    kind: str
    names: tuple[str, ...]
    accepts: Callable[[RunRow], bool]


def is_product(row: RunRow) -> bool:
    """Say whether a row is a product of a model's layers."""
    # Weights of a model's layers come from memory: those of its shapes that did tell what they take there.
    as_in_models = row.family != "transformer" or row.operands == "cold"
    return row.kernel == "matmul" and row.family not in ("decode", "vocabulary") and as_in_models


def _few_rows(row: RunRow) -> bool:
    return row.kernel == "matmul" and row.family == "decode" and row.operands == "cold"


def _whole_prompt(row: RunRow) -> bool:
    return is_product(row) and row.layout == "nt" and row.size[0] >= _ROWS_OF_A_PROMPT


_ROWS_OF_A_PROMPT = 64


def _layer(row: RunRow) -> bool:
    return row.kernel in ("block", "block-train")


GROUPS = (
    Group(
        "training",
        ("matrix_peak", "matrix_inner", "matrix_tile", "matrix_traffic", "matrix_packed", "launch_s"),
        is_product,
    ),
    Group("training", ("attention", "attention_length"), lambda r: r.kernel == "attention" and r.family == "prefill"),
    Group("training", ("attention_backward",), lambda r: r.kernel == "attention-train"),
    Group("training", ("optimizer",), lambda r: r.kernel == "adamw"),
    Group(
        "training",
        ("element_wise", "host_layer_s", "host_backward"),
        lambda r: _layer(r) and r.size[1] > 1,  # nothing trains on one token
    ),
    Group("training", ("head",), lambda r: r.family in ("vocabulary", "loss")),
    Group("training", ("grouped", "host_experts"), lambda r: r.kernel in ("grouped", "block-experts-train")),
    Group(
        "serving",
        ("weight_bandwidth", "matrix", "padding_tokens", "packed_tokens", "row_bytes", "wide_tokens", "wide_rows"),
        _few_rows,
    ),
    Group("serving", ("prefill",), _whole_prompt),
    Group("serving", ("attention", "attention_length"), lambda r: r.kernel == "attention" and r.family == "prefill"),
    Group("serving", ("cache_bandwidth", "core_bytes"), lambda r: r.kernel == "attention" and r.family == "decode"),
    Group("serving", ("element_wise", "layer_s", "gated_elements", "layer_gated"), lambda r: r.kernel == "block"),
    Group("serving", ("grouped", "layer_experts"), lambda r: r.kernel == "block-experts"),
)
"""In the order in which they are fitted: each stands on those before it."""

JUDGED: dict[str, Callable[[RunRow], bool]] = {
    "products": is_product,
    "large products": lambda row: is_product(row) and row.flops >= _LARGE_FLOP,
    "few rows, cold": _few_rows,
    "attention": lambda row: row.kernel == "attention" and row.family == "prefill",
    "layers that train": lambda row: row.kernel == "block-train",
    "layers that serve": lambda row: row.kernel == "block",
}
"""Rows whose errors are told, those left out by themselves."""
SERVED = ("few rows, cold", "layers that serve")
"""Of them, those that the model of serving predicts; that of training predicts the others."""
