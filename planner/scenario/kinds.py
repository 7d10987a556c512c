"""The kinds of scenarios by the word in `workload.kind`; a kind's documents are built when one is read."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from planner.scenario.capacity import Capacity
    from planner.scenario.composite import Composite
    from planner.scenario.hosted import Hosted
    from planner.scenario.serving_load import ServingLoad
    from planner.scenario.training_run import TrainingRun

    Scenario: TypeAlias = TrainingRun | ServingLoad | Hosted | Capacity | Composite

KINDS: dict[str, tuple[str, str]] = {
    "training": ("planner.scenario.training_run", "TrainingRun"),
    "serving": ("planner.scenario.serving_load", "ServingLoad"),
    "hosted": ("planner.scenario.hosted", "Hosted"),
    "capacity": ("planner.scenario.capacity", "Capacity"),
    "composite": ("planner.scenario.composite", "Composite"),
}
"""Module and class of each kind; a new kind is one more line."""


def document_class(kind: str) -> type[Any]:
    """Give the class that scenarios of a kind are read as.

    >>> document_class("capacity").__name__
    'Capacity'
    """
    module, name = KINDS[kind]
    found: type[Any] = getattr(importlib.import_module(module), name)
    return found
