"""The estimate of a scenario that nothing fits: it stands beside those that do, and says why it does not."""

from __future__ import annotations

from planner.errors import InfeasibleError
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Estimate
from planner.scenario.resolve import Resolved


def unfit(scenario: Resolved, error: InfeasibleError, books: Books) -> Estimate:
    """Give an estimate without results, with why there are none."""
    document = scenario.document
    return Estimate(
        name=scenario.name,
        title=document.title or document.name,
        kind=document.workload.kind,
        tags=document.tags,
        results={},
        scenario=scenario.tree.value,
        why_not="; ".join(fault.message for fault in error.faults),
        currency=shown_currency(books),
    )
