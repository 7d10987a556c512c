"""Copies of a model that a machine can hold ready to answer: on how many accelerators, with what left for caches."""

from __future__ import annotations

from planner.record import record
from planner.serving.memory import cache_bytes, weight_bytes
from planner.units.printing import gibibytes
from planner.workload.architecture import Architecture

ELEMENT_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.5, "fp4": 0.5}


@record
class HeldModel:
    """What is to be held.

    Parameters
    ----------
    architecture : the model.
    weight_element_bytes, cache_element_bytes : of one weight, of one key or value [B].
    context : tokens of one sequence [1].
    usable_share : of device memory, for weights and caches [1].
    """

    architecture: Architecture
    weight_element_bytes: float
    cache_element_bytes: float
    context: int
    usable_share: float

    @property
    def weights_bytes(self) -> float:
        """All weights of one copy [B]."""
        return float(weight_bytes(self.architecture, element_bytes=self.weight_element_bytes))


@record
class Copy:
    """One copy of a model on accelerators of one kind.

    Parameters
    ----------
    accelerators : that share it [1].
    free_bytes : left on each of them for caches [B].
    sequences : of the wanted context that fit beside the weights [1].
    longest_tokens : context of a single sequence that fits [1].
    """

    accelerators: int
    free_bytes: float
    sequences: int
    longest_tokens: int


def copy_of(model: HeldModel, *, memory_bytes: float, per_node: int, most: int) -> Copy | None:
    """Give the smallest group of accelerators that holds a copy and one sequence, or None.

    Parameters
    ----------
    model : what is held.
    memory_bytes : of one accelerator [B].
    per_node : accelerators of one node: a copy has a share of a node that divides it, or whole nodes.
    most : accelerators that there are.
    """
    usable = memory_bytes * model.usable_share
    for accelerators in _groups(per_node, most):
        found = _copy(model, usable, accelerators)
        if found is not None:
            return found
    return None


def needed_bytes(model: HeldModel) -> float:
    """Give the memory of one copy with one sequence, spread over nothing [B]."""
    return model.weights_bytes + _cache(model, model.context, 1)


def shortage(model: HeldModel, *, memory_bytes: float, accelerators: int) -> str:
    """Say in words why a copy does not fit on so many accelerators of a memory each [B]."""
    usable = memory_bytes * model.usable_share * accelerators
    return (
        f"a copy of {model.architecture.name} needs {gibibytes(needed_bytes(model))} "
        f"({gibibytes(model.weights_bytes)} of weights), {accelerators} accelerators have {gibibytes(usable)} for it"
    )


def _groups(per_node: int, most: int) -> list[int]:
    shares = [n for n in range(1, per_node + 1) if per_node % n == 0]
    nodes = [per_node * n for n in range(2, most // per_node + 1)]
    return [n for n in (*shares, *nodes) if n <= most]


def _copy(model: HeldModel, usable: float, accelerators: int) -> Copy | None:
    weights = float(
        weight_bytes(model.architecture, element_bytes=model.weight_element_bytes, tensor=float(accelerators))
    )
    free = usable - weights
    one = _cache(model, model.context, accelerators)
    if free < one:
        return None
    sequences = int(free // one) if one > 0 else 0
    return Copy(accelerators, free, sequences, _longest(model, free, accelerators))


def _cache(model: HeldModel, context: int, accelerators: int) -> float:
    return float(
        cache_bytes(
            model.architecture,
            context=float(context),
            element_bytes=model.cache_element_bytes,
            tensor=float(accelerators),
        )
    )


def _longest(model: HeldModel, free: float, accelerators: int) -> int:
    """Give the longest context whose cache fits, by halving: windows make the cache a bent line of the context."""
    low, high = model.context, model.context
    while _cache(model, high, accelerators) <= free and high < _LONGEST:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _cache(model, middle, accelerators) <= free else (low, middle)
    return low


_LONGEST = 2**40
