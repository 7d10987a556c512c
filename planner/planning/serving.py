"""The estimate of a service: from a closed scenario to results with ranges, parts and sources."""

from __future__ import annotations

import numpy as np

from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Estimate, Result
from planner.planning.ledger import Ledger
from planner.planning.serving_outcome import drawn_share, results_of, spent_by
from planner.planning.serving_parts import breakdowns, memory_of, phases, words_of
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_rule import rule_words
from planner.planning.serving_service import Service, service_of
from planner.scenario.resolve import Resolved
from planner.scenario.serving_load import ServingLoad


def estimate_serving(resolved: Resolved, books: Books) -> Estimate:
    """Give the estimate of a serving scenario.

    Raises
    ------
    InputError : the scenario is wrong.
    InfeasibleError : it does not fit, is too slow, or is asked for more than it can; by how much.
    """
    load = resolved.document
    if not isinstance(load, ServingLoad):
        raise AssertionError("a service is wanted")
    ledger = Ledger(books.catalog)
    service = service_of(load, resolved.tree, books, ledger)
    values = results_of(service)
    ground = service.ground
    power = ground.power.parts_below_limit(drawn_share(service))
    children = _simulated(service, resolved, books, ledger)
    return Estimate(
        name=resolved.name,
        title=load.title or load.name,
        kind="serving",
        tags=load.tags,
        results={name: Result.of(name, interval) for name, interval in values.results.items()},
        plan=(*words_of(ground, service.size, service.found), ("rule of half", rule_words(service))),
        breakdowns=(
            *breakdowns(service.found, spent_by(service), power, service.hourly),
            phases(service.drawn),
        ),
        memory=(memory_of(service.replica, service.found, ground.requests),),
        memory_capacity_bytes=float(np.ravel(ground.fleet.machine.memory_bytes)[0]),
        inputs=tuple(ledger.inputs.values()),
        warnings=tuple(ledger.warnings),
        basis=_basis(ground),
        contributions=values.contributions,
        scenario=resolved.tree.value,
        children=children,
        currency=shown_currency(books),
    )


def _simulated(service: Service, resolved: Resolved, books: Books, ledger: Ledger) -> dict[str, Estimate]:
    stated = service.ground.load.simulate
    if stated is None:
        return {}
    from planner.planning.serving_simulation import simulated, too_few

    ground, size = service.ground, service.size
    if service.rate is not None:
        few = too_few(service.rate, float(np.ravel(service.found.latency_s)[0]), stated.requests)
        if few is not None:
            ledger.warn(few)
    return {"simulated": simulated(ground, service.replica, size.replicas, service.rate, resolved, books)}


def _basis(ground: ServingGround) -> str:
    chip = ground.fleet.accelerator.id
    words = {
        "measured": f"efficiencies fitted on published results of {chip}",
        "relative": f"efficiencies carried over from {ground.basis.by}; none measured on {chip}",
        "family": f"data sheet of {chip} with efficiencies of its kind; nothing like it was measured",
    }
    return words[ground.basis.chip]
