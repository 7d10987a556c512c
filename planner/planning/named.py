"""Catalog names in a scenario: all that are unknown are told at once, before anything is planned."""

from __future__ import annotations

from planner.catalog.store import Catalog
from planner.errors import Fault, UnknownNameError
from planner.planning.efficiencies import framework_of
from planner.scenario.resolve import Resolved
from planner.scenario.training_run import TrainingRun

# What a scenario may name: where it stands, and what kind of entry it is.
_NAMED = {
    ("workload", "model"): "model",
    ("hardware", "node"): "node",
    ("hardware", "facility"): "facility",
    ("hardware", "storage"): "storage",
}


def require_known(resolved: Resolved, catalog: Catalog) -> None:
    """Refuse a scenario with all names in it that the catalogs do not have.

    Raises
    ------
    UnknownNameError : one fault for each name, at its place.
    """
    document, tree = resolved.document, resolved.tree
    if document.workload.kind not in ("training", "serving"):  # others name parts, lists or what is sold by the token
        return
    faults: list[Fault] = []
    for trail, kind in _NAMED.items():
        part, key = trail
        name = (tree.value.get(part) or {}).get(key)
        if isinstance(name, str) and catalog.resolve(kind, name) is None:
            faults += catalog.unknown(kind, name, tree, trail).faults
    if isinstance(document, TrainingRun) and document.framework is not None:
        try:
            framework_of(catalog.profile("training"), document.framework, tree, ("framework",))
        except UnknownNameError as error:
            faults += error.faults
    if faults:
        raise UnknownNameError(*faults)
