"""Columns of one's own runs at a fixed concurrency by plain names, as the published table of such runs names them."""

from __future__ import annotations

from collections.abc import Sequence

PLAIN = {
    "model": "model_path",
    "accelerator": "system",
    "gpu": "system",
    "chip": "system",
    "hardware": "system",
    "engine": "backend",
    "engine_version": "backend_version",
    "version": "backend_version",
    "weights": "precision",
    "dtype": "precision",
    "quantization": "precision",
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
_RUN = ("model_path", "system", "backend")
_TIMES = ("silicon_ttft_ms", "silicon_tpot_ms")
_PARTS = (*_RUN, "batch_size", "isl", "osl")
_PLAINLY = ("model", "accelerator", "engine", "concurrency", "prompt", "output")


def spelled(header: Sequence[str]) -> tuple[str, ...]:
    """Give a header as the published table spells it, where it is plainly one of runs at a fixed concurrency.

    >>> spelled(["model", "accelerator", "engine", "clients", "prompt", "output", "ttft_ms"])
    ('model_path', 'system', 'backend', 'batch_size', 'isl', 'osl', 'silicon_ttft_ms')
    >>> spelled(["op", "accelerator", "latency_us"])
    ('op', 'accelerator', 'latency_us')
    """
    known = _known(header)
    if not set(_RUN) <= set(known) or not set(_TIMES) & set(known):
        return tuple(header)
    return known


def _known(header: Sequence[str]) -> tuple[str, ...]:
    return tuple(PLAIN.get(name, name) for name in (cell.strip().lower() for cell in header))


def lacking(header: Sequence[str]) -> str:
    """Say what keeps a header from being one of runs at a fixed concurrency, where it looks like one; else nothing.

    >>> lacking(["model", "engine", "clients", "prompt", "output", "tpot_ms"])
    "no column 'accelerator'"
    >>> lacking(["model;accelerator;engine;clients;prompt;output;tpot_ms"])
    "its columns are separated by ';', and commas are read"
    >>> lacking(["foo", "bar"])
    ''
    """
    if len(header) == 1:
        for mark, said in (("\t", "tabs"), (";", "';'")):
            if mark in header[0]:
                return f"its columns are separated by {said}, and commas are read"
    known = set(_known(header))
    missing = [plain for plain, name in zip(_PLAINLY, _PARTS, strict=True) if name not in known]
    if not known & {"model_path", *_TIMES} or len(missing) > len(_PARTS) // 2:
        return ""
    if not known & set(_TIMES):
        missing.append("tpot_ms")
    named = "', '".join(missing)
    return f"no column '{named}'" if missing else ""
