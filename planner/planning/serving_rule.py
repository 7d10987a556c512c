"""A rule of thumb beside which a service's estimate is shown: half of what the data sheet says, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.planning.serving_layouts import as_arrays
from planner.planning.serving_requests import generates
from planner.planning.serving_service import Service, seen_by
from planner.serving.efficiency import NAMES, ServingEfficiency
from planner.units.printing import duration

_HALVED = ("weight_bandwidth", "cache_bandwidth", "matrix", "attention")
# What a data sheet does not know: overheads of host and load, passes over activations, padding.
_NOTHING = (
    "padding_tokens",
    "attention_length",
    "element_wise",
    "link_latency_s",
    "far_latency_s",
    "layer_s",
    "layer_experts",
    "layer_special",
    "step_s",
    "sequence_s",
    "prompt_s",
    "request_s",
    "wait_steps",
    "queue",
    "gathered",
)

_WHAT = ", by half of peak and bandwidth and nothing else"


def _value(name: str) -> float:
    return 0.5 if name in _HALVED else 0.0 if name in _NOTHING else 1.0


HALF = ServingEfficiency(**{name: np.asarray(_value(name)) for name in NAMES})
"""Products, attention and memory at half of the data sheet's rates, links at all of theirs; host, launches and queues
take no time. What a model computes and reads is counted as for predictions."""


def rule_words(service: Service) -> str:
    """Give what the rule says of the same service: its times, or that its machines would not keep up."""
    ground = replace(service.ground, efficiency=HALF)
    replica = ground.replica(as_arrays([service.size.layout]))
    with np.errstate(all="ignore"):
        found = seen_by(ground, replica, service.size, service.rate)
    first, token = _number(found.ttft_s), _number(found.tpot_s)
    if not np.isfinite(first) or _number(found.load) > 1.0:
        return f"these machines would not keep up{_WHAT}"
    if not generates(ground.architecture):
        return f"{duration(first)} a pass{_WHAT}"
    each = f", {duration(token)} a token" if _number(ground.requests.output) > 1 else ""
    return f"{duration(first)} to the first token{each}{_WHAT}"


def _number(value: object) -> float:
    return float(np.ravel(np.asarray(value))[0])
