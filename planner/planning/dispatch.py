"""One scenario of any kind to its estimate."""

from __future__ import annotations

from planner.planning.books import Books
from planner.planning.estimate import Estimate
from planner.planning.named import require_known
from planner.scenario.resolve import Resolved


def estimate(resolved: Resolved, books: Books) -> Estimate:
    """Give the estimate of a scenario.

    Parameters
    ----------
    resolved : a closed scenario.
    books : what it is looked up in.

    Raises
    ------
    InputError : the scenario is wrong. InfeasibleError : nothing satisfies it.
    """
    require_known(resolved, books.catalog)
    if resolved.document.workload.kind == "capacity":
        from planner.planning.capacity import estimate_capacity

        return estimate_capacity(resolved, books)
    if resolved.document.workload.kind == "composite":
        from planner.planning.composite import estimate_composite

        return estimate_composite(resolved, books, estimate)
    if resolved.document.workload.kind == "serving":
        from planner.planning.serving import estimate_serving

        return estimate_serving(resolved, books)
    if resolved.document.workload.kind == "hosted":
        from planner.planning.hosted import estimate_hosted

        return estimate_hosted(resolved, books)
    from planner.planning.training import estimate_training

    return estimate_training(resolved, books)
