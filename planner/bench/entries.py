"""A fit as catalog files: the host as an accelerator and a node of one, and its efficiencies alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from planner.bench.document import BenchRun
from planner.bench.fingerprint import short_id
from planner.bench.fit import Fitted
from planner.planning.measured_hosts import FAMILY

FRAMEWORK = "torch-eager"
_DIGITS = 6


def entry_id(run: BenchRun, dtype: str) -> str:
    """Give the id of the catalog entries of a run: machine, software and number format."""
    return f"host-{short_id(run.fingerprint)}-{dtype}"


def catalog_texts(run: BenchRun, fits: Mapping[str, Fitted]) -> dict[str, str]:
    """Give the files of a fit by their path below a catalog folder.

    Parameters
    ----------
    run : what was measured. fits : by number format; each has an accelerator of its own, since on a processor
        attention and the vocabulary run in the format of the layers and not in 16 bits.
    """
    texts: dict[str, str] = {}
    for dtype, fit in fits.items():
        name = entry_id(run, dtype)
        texts[f"accelerators/{name}.yaml"] = _text(_accelerator(run, fit, name))
        texts[f"nodes/{name}.yaml"] = _text(_node(run, fit, name))
        texts[f"hosts/{name}.yaml"] = _text(_host(run, fit, name))
    return texts


_FRAMEWORK = {
    "title": "torch, eager, on one device", "fused": False, "logits_copies": 3, "head_gradient_bytes": 4,
    "reserve_gib": 0.5, "fragmentation": 0.02,
}  # fmt: skip
_ENGINE = {
    "title": "torch, eager, on one device", "memory_fraction": 0.9, "memory_fraction_of": "total", "reserve_gib": 0.5,
    "block_tokens": 1, "sequences": 256, "pass_tokens": 65536, "chunked": False,
}  # fmt: skip


# What only eager software on a processor pays, so that the shared profiles do not name it.
_OF_HOSTS = {
    "matrix_packed": {"meaning": "rows that bring an operand in order before every product of two rows and more [1]"},
    "packed_tokens": {"meaning": "rows that bring weights in order at every product of two rows and more [tokens]"},
    "gated_elements": {
        "meaning": "more element-wise traffic of a gated layer whose norms, positions and gate are written out [1]"
    },
    "layer_gated": {"meaning": "more launches of such a layer [1]"},
    "row_bytes": {
        "meaning": "what every row of a weight takes beside its bytes, at the rate at which they are read [B]"
    },
    "wide_tokens": {"meaning": "rows at most that bring back the copy in order of a weight of many rows [tokens]"},
    "wide_rows": {"meaning": "rows of a weight at which half of that copy has left the caches [1]"},
    "core_bytes": {
        "meaning": "what an operation on keys and values counts for beside their bytes, in a step that decodes [B/FLOP]"
    },
    "input_gradient": {"meaning": "rate of products of input gradients against forward ones [1]", "elsewhere": 1.0},
    "weight_gradient": {"meaning": "rate of products of weight gradients against forward ones [1]", "elsewhere": 1.0},
}


def _host(run: BenchRun, fit: Fitted, name: str) -> dict[str, Any]:
    """Give what was measured and nothing else: the shared profiles, as they are on the day of use, have the rest."""
    errors = {label: float(f"{e.median:.4g}") for label, e in fit.errors.items()}
    told = fit.measured
    return {
        "schema": "planner/measured-host/v1",
        "id": name,
        "name": f"{run.fingerprint.device}, efficiencies measured in {fit.host.dtype}",
        "sources": {"default": "our-estimate"},
        "training": {key: _rounded(fit.training[key]) for key in fit.training if key in told["training"]},
        "serving": {key: _rounded(fit.serving[key]) for key in fit.serving if key in told["serving"]},
        "own": _OF_HOSTS,
        "software": {"name": FRAMEWORK, "framework": _FRAMEWORK, "engine": _ENGINE},
        "domain": {key: list(sizes) for key, sizes in fit.domain.items()},
        "fit": {
            "date": run.date,
            "rows": fit.rows,
            "method": "least squares of ln(time) with a robust loss, group by group; medians of |ln| below",
            "errors": errors | {"noise floor": float(f"{run.noise.floor:.4g}")},
        },
        "notes": _notes(run),
    }


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _accelerator(run: BenchRun, fit: Fitted, name: str) -> dict[str, Any]:
    host, print_ = fit.host, run.fingerprint
    kind = "gpu" if run.backend in ("torch-cuda", "torch-rocm") else "cpu"
    return {
        "schema": "planner/accelerator/v1",
        "id": name,
        "name": f"{print_.device}, {print_.threads} threads, measured",
        "vendor": "measured",
        "kind": kind,
        "architecture": "measured",
        "family": FAMILY,
        "peak": {host.dtype: f"{host.peak_flops_per_s / 1e9:.6g} GFLOP/s"},
        "memory": {
            "capacity": f"{host.memory_bytes / 2**30:.6g} GiB",
            "bandwidth": f"{host.bandwidth_bytes_per_s / 1e9:.6g} GB/s",
        },
        "units": max(1, int(host.units)),
        "power": {"tdp": "100 W"},
        "sources": {"default": "our-estimate"},
        "estimated": ["power.tdp"],
        "notes": _notes(run),
    }


def _node(run: BenchRun, fit: Fitted, name: str) -> dict[str, Any]:
    return {
        "schema": "planner/node/v1",
        "id": name,
        "name": f"{run.fingerprint.device}, measured",
        "provider": "own",
        "accelerator": name,
        "accelerators": 1,
        "scale_up": {"domain": 1, "topology": "single"},
        "host": {"vcpus": run.fingerprint.cores, "memory": f"{fit.host.memory_bytes / 2**30:.6g} GiB"},
        "sources": {"default": "our-estimate"},
        "notes": _notes(run),
    }


def _notes(run: BenchRun) -> str:
    print_ = run.fingerprint
    software = ", ".join(f"{name} {version}" for name, version in print_.libraries.items())
    return (
        f"Measured {run.date} by planner bench, suite {run.suite}, {run.backend}, {print_.threads} threads; "
        f"{print_.system}; {software}. Peak and bandwidth are the highest rates reached, the power is our guess."
    )


def _text(entry: Mapping[str, Any]) -> str:
    """Give an entry as YAML: two levels of lines, what is deeper in one line."""
    lines = []
    for key, value in entry.items():
        if isinstance(value, Mapping) and any(isinstance(each, Mapping) for each in value.values()):
            lines.append(f"{key}:")
            lines += [f"  {json.dumps(str(name))}: {json.dumps(each)}" for name, each in value.items()]
        else:
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
