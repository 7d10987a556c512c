"""Columns of one's own runs at a fixed concurrency by plain names, as the published table of such runs names them."""

from __future__ import annotations

from collections.abc import Sequence

PLAIN = {
    "model": "model_path",
    "accelerator": "system",
    "engine": "backend",
    "engine_version": "backend_version",
    "version": "backend_version",
    "weights": "precision",
    "concurrency": "batch_size",
    "clients": "batch_size",
    "prompt": "isl",
    "input_tokens": "isl",
    "output": "osl",
    "output_tokens": "osl",
    "tensor": "tp_size",
    "tp": "tp_size",
    "pipeline": "pp_size",
    "pp": "pp_size",
    "data": "attention_dp_size",
    "expert": "moe_ep_size",
    "ep": "moe_ep_size",
    "ttft_ms": "silicon_ttft_ms",
    "tpot_ms": "silicon_tpot_ms",
}
NEEDED = "model, accelerator, engine, concurrency, prompt, output, and ttft_ms or tpot_ms"
_RUN = ("model", "accelerator", "engine")
_TIMES = ("ttft_ms", "tpot_ms")


def spelled(header: Sequence[str]) -> tuple[str, ...]:
    """Give a header as the published table spells it, where it is plainly one of runs at a fixed concurrency.

    >>> spelled(["model", "accelerator", "engine", "clients", "prompt", "output", "ttft_ms"])
    ('model_path', 'system', 'backend', 'batch_size', 'isl', 'osl', 'silicon_ttft_ms')
    >>> spelled(["op", "accelerator", "latency_us"])
    ('op', 'accelerator', 'latency_us')
    """
    plain = [name.strip().lower() for name in header]
    if not set(_RUN) <= set(plain) or not set(_TIMES) & set(plain):
        return tuple(header)
    return tuple(PLAIN.get(name, name) for name in plain)
