"""The architecture that a scenario means: a catalog model, or a shape written in place."""

from __future__ import annotations

from planner.catalog.shape import ArchitectureSpec
from planner.documents.reader import Trail, Tree
from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.units.printing import counted
from planner.workload.architecture import Architecture
from planner.workload.build import architecture
from planner.workload.convolutional import convolutional


def architecture_of(
    name: str | None,
    shape: ArchitectureSpec | None,
    *,
    tree: Tree,
    trail: Trail,
    books: Books,
    ledger: Ledger,
    convolutions: bool = False,
) -> Architecture:
    """Give an architecture by a model's name or from a shape; `trail` is where the two keys stand.

    Convolutional networks have a form for what `convolutions` is said for: they are served, and not trained.

    Raises
    ------
    InputError : neither or both are given, the model is unknown, or its shape was never published.
    """
    if (name is None) == (shape is None):
        both = "both 'model' and 'architecture' are given" if name else "'model' is missing"
        raise InputError(
            tree.fault("missing-key", both, trail, hint="name a catalog model, or write its shape as 'architecture'")
        )
    if shape is not None:
        built = architecture(shape, name="the scenario's own shape")
        ledger.said("architecture", f"{counted(built.parameters)} parameters")
        return built
    model = books.catalog.model(name or "", tree=tree, trail=(*trail, "model"))
    if model.convolutions and convolutions:
        built = books.remembered.once(convolutional, model.convolutions, name=model.id)
        ledger.take(model, "convolutions", f"{counted(built.parameters)} parameters")
        return built
    if model.architecture is None:
        reason = model.unpublished or model.unsupported or "its shape is not in the catalog"
        if model.convolutions:
            reason = "convolutional networks are served alone"
        raise InputError(
            tree.fault(
                "model-unpublished",
                f"{model.id} cannot be planned: {reason}",
                (*trail, "model"),
                hint="write a shape of your own as 'architecture'",
            )
        )
    built = books.remembered.once(architecture, model.architecture, name=model.id)
    ledger.take(model, "architecture", f"{counted(built.parameters)} parameters")
    return built
