"""A fit as catalog files: the host as an accelerator and a node of one, and the profiles with its parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from planner.bench.document import BenchRun
from planner.bench.fingerprint import short_id
from planner.bench.fit import Fitted
from planner.catalog.profile import Moves, Parameter, Profile
from planner.planning.measured_hosts import FAMILY

FRAMEWORK = "torch-eager"
_WIDEN = 2.0  # bounds of a shared parameter are moved out so that a host's value lies inside by this factor
_DIGITS = 6


def entry_id(run: BenchRun, dtype: str) -> str:
    """Give the id of the catalog entries of a run: machine, software and number format."""
    return f"host-{short_id(run.fingerprint)}-{dtype}"


def catalog_texts(run: BenchRun, fits: Mapping[str, Fitted], *, training: Profile, serving: Profile) -> dict[str, str]:
    """Give the files of a fit by their path below a catalog folder.

    Parameters
    ----------
    run : what was measured. fits : by number format; each has an accelerator of its own, since on a processor
        attention and the vocabulary run in the format of the layers and not in 16 bits.
    training, serving : profiles to write anew with the host's parameters beside all others.
    """
    texts: dict[str, str] = {}
    for dtype, fit in fits.items():
        name = entry_id(run, dtype)
        texts[f"accelerators/{name}.yaml"] = _text(_accelerator(run, fit, name))
        texts[f"nodes/{name}.yaml"] = _text(_node(run, fit, name))
        training = _with_chip(_with_host_parameters(training, fit.training), name, fit.training, run, fit)
        serving = _with_chip(_with_host_parameters(serving, fit.serving), name, fit.serving, run, fit)
    texts["profiles/training.yaml"] = _text(_with_software(training, "frameworks", _FRAMEWORK))
    texts["profiles/serving.yaml"] = _text(_with_software(serving, "engines", _ENGINE))
    return texts


_FRAMEWORK = {
    "title": "torch, eager, on one device", "fused": False, "logits_copies": 3, "head_gradient_bytes": 4,
    "reserve_gib": 0.5, "fragmentation": 0.02,
}  # fmt: skip
_ENGINE = {
    "title": "torch, eager, on one device", "memory_fraction": 0.9, "memory_fraction_of": "total", "reserve_gib": 0.5,
    "block_tokens": 1, "sequences": 256, "pass_tokens": 65536, "chunked": False,
}  # fmt: skip


# What only software that takes weights as they lie pays, so that the shared profile does not name it.
_OF_HOSTS = {
    "matrix_packed": "rows that bring an operand in order before every product of two rows and more [1]",
    "packed_tokens": "rows that bring weights in order at every product of two rows and more [tokens]",
    "gated_elements": "more element-wise traffic of a gated layer whose norms, positions and gate are written out [1]",
    "layer_gated": "more launches of such a layer [1]",
    "row_bytes": "what every row of a weight takes beside its bytes, at the rate at which they are read [B]",
}


def _with_host_parameters(profile: Profile, values: Mapping[str, float]) -> Profile:
    """Give a profile that names what hosts alone pay: nothing, but where a chip says otherwise."""
    own = {
        name: Parameter(value=0.0, meaning=meaning, scale="linear", low=0.0, high=values[name], prior=0.0, width=0.0)
        for name, meaning in _OF_HOSTS.items()
        if name in values and name not in profile.parameters
    }
    return profile.model_copy(update={"parameters": {**profile.parameters, **own}})


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


def _with_chip(profile: Profile, name: str, values: Mapping[str, float], run: BenchRun, fit: Fitted) -> Profile:
    """Give a profile with a host's values as moves of the shared ones, and bounds that hold them."""
    factors: dict[str, float] = {}
    shifts: dict[str, float] = {}
    parameters: dict[str, Parameter] = {}
    for key, parameter in profile.parameters.items():
        value = values.get(key, parameter.value)
        if parameter.scale == "linear":
            moved = {"low": min(parameter.low, value), "high": max(parameter.high, value)}
            if value != parameter.value:
                shifts[key] = value - parameter.value
        else:
            moved = {"low": min(parameter.low, value / _WIDEN), "high": max(parameter.high, value * _WIDEN)}
            if value != parameter.value:
                factors[key] = float(f"{value / parameter.value:.{_DIGITS}g}")
        parameters[key] = parameter.model_copy(update=moved)
    chips = {**profile.chips, name: Moves(factors=factors, shifts=shifts)}
    errors = {f"{name}: {label}": float(f"{e.median:.4g}") for label, e in fit.errors.items()}
    errors[f"{name}: noise floor"] = float(f"{run.noise.floor:.4g}")
    report = profile.fit.model_copy(update={"errors": {**profile.fit.errors, **errors}})
    return profile.model_copy(update={"parameters": parameters, "chips": chips, "fit": report})


def _with_software(profile: Profile, kind: str, stated: Mapping[str, Any]) -> dict[str, Any]:
    told = profile.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    told["schema"] = "planner/profile/v1"
    told.setdefault(kind, {})[FRAMEWORK] = dict(stated)
    return told


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
