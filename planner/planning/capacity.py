"""The estimate of a place with limits: for each kind of node how many fit, what they draw, cost and can do."""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalog.facility import Facility
from planner.catalog.node import Node
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.capacity_node import Answer, Question, answer
from planner.planning.currency import note_rate, shown_currency
from planner.planning.estimate import Estimate
from planner.planning.holding import ELEMENT_BYTES, HeldModel
from planner.planning.ledger import Ledger
from planner.planning.models import architecture_of
from planner.planning.places import pue_of
from planner.planning.rooms import Limits
from planner.scenario.capacity import Capacity, Place
from planner.scenario.resolve import Resolved
from planner.units.printing import scaled


def estimate_capacity(resolved: Resolved, books: Books) -> Estimate:
    """Give the estimate of a place: one child for each kind of node.

    Raises
    ------
    InputError : the scenario is wrong, or the place has no limit.
    InfeasibleError : nothing fits; says what comes nearest.
    """
    place = resolved.document
    if not isinstance(place, Capacity):
        raise AssertionError("a place is wanted")
    ledger = Ledger(books.catalog)
    question = _question(resolved, place, books, ledger)
    answers = {node.id: answer(question, node) for node in _candidates(question)}
    if all(found.estimate.why_not for found in answers.values()):
        raise _nothing(resolved, answers)
    for found in answers.values():
        for item in found.estimate.inputs:
            ledger.inputs.setdefault(item.name, item)
    return Estimate(
        name=resolved.name,
        title=place.title or place.name,
        kind="capacity",
        tags=place.tags,
        results={},
        plan=_words(question),
        inputs=tuple(ledger.inputs.values()),
        warnings=tuple(ledger.warnings),
        scenario=resolved.tree.value,
        children={name: found.estimate for name, found in answers.items()},
        currency=shown_currency(books),
    )


def _question(resolved: Resolved, place: Capacity, books: Books, ledger: Ledger) -> Question:
    facility = None
    if place.place.facility is not None:
        facility = books.catalog.facility(place.place.facility, tree=resolved.tree, trail=("place", "facility"))
    limits = _limits(place.place, facility, books, ledger)
    _require_limit(limits, resolved)
    return Question(resolved, place, books, facility, limits, _held(resolved, place, books, ledger))


def _limits(place: Place, facility: Facility | None, books: Books, ledger: Ledger) -> Limits:
    """Give a place's limits; the facility's power and its usual racks where the place says neither."""
    power, rack = place.power, place.rack_power
    if power is None and facility is not None and facility.power_limit is not None:
        power = facility.power_limit
        ledger.take(facility, "power_limit", scaled(power.mid, "W"))
    if rack is None and place.racks is not None and facility is not None and facility.rack_power is not None:
        rack = facility.rack_power
        ledger.take(facility, "rack_power", scaled(rack.mid, "W"))
    if place.money is not None and place.money.currency != "USD":
        note_rate(place.money.currency, books, ledger)
    return Limits(
        power_w=power,
        pue=pue_of(place.pue, facility, books=books, ledger=ledger),
        racks=place.racks,
        rack_w=rack,
        nodes_per_rack=place.nodes_per_rack,
        nodes=place.nodes,
        money_usd=books.usd(place.money) if place.money is not None else None,
    )


def _require_limit(limits: Limits, resolved: Resolved) -> None:
    racks = limits.racks is not None and (limits.rack_w is not None or limits.nodes_per_rack is not None)
    if limits.power_w is None and limits.nodes is None and limits.money_usd is None and not racks:
        raise InputError(
            resolved.tree.fault(
                "place-unlimited",
                "nothing limits how many nodes this place holds",
                ("place",),
                key=True,
                allowed="power, money, nodes, or racks with rack_power or nodes_per_rack",
            )
        )


def _held(resolved: Resolved, place: Capacity, books: Books, ledger: Ledger) -> HeldModel | None:
    hold = place.workload.hold
    if hold is None:
        return None
    architecture = architecture_of(
        hold.model, None, tree=resolved.tree, trail=("workload", "hold"), books=books, ledger=ledger
    )
    return HeldModel(
        architecture,
        weight_element_bytes=ELEMENT_BYTES[hold.precision],
        cache_element_bytes=ELEMENT_BYTES[hold.cache_precision],
        context=hold.context,
        usable_share=1.0 - hold.reserve,
    )


def _candidates(question: Question) -> list[Node]:
    """Give the nodes that were named; else all that are sold, or all that can be rented on the term."""
    catalog, workload = question.books.catalog, question.place.workload
    if workload.nodes:
        tree = question.resolved.tree
        return [catalog.node(name, tree=tree, trail=("workload", "nodes", n)) for n, name in enumerate(workload.nodes)]
    every = [catalog.node(name) for name in catalog.ids("node")]
    if workload.term == "owned":
        renters = set(question.books.prices.providers())
        return [node for node in every if node.provider not in renters and _power_is_known(question, node)]
    terms = [(node, {offer.term for offer in question.books.prices.offers(node.id)}) for node in every]
    return [node for node, known in terms if workload.term in known and _power_is_known(question, node)]


def _power_is_known(question: Question, node: Node) -> bool:
    accelerator = question.books.catalog.accelerator(node.accelerator)
    return node.accelerator_power is not None or accelerator.power is not None


def _words(question: Question) -> tuple[tuple[str, str], ...]:
    limits, place = question.limits, question.place
    told = [("place", question.facility.name if question.facility else "unnamed")]
    if limits.power_w is not None:
        told.append(("power", f"{scaled(limits.power_w.mid, 'W')} with cooling, PUE {limits.pue.mid:.3g}"))
    if limits.racks is not None or limits.rack_w is not None:
        racks = f"{limits.racks}" if limits.racks is not None else "any number"
        each = f" of {scaled(limits.rack_w.mid, 'W')}" if limits.rack_w is not None else ""
        told.append(("racks", racks + each))
    if limits.nodes is not None:
        told.append(("nodes", f"at most {limits.nodes}"))
    if limits.money_usd is not None:
        told.append(
            ("money", f"{limits.money_usd.mid:,.0f} USD" + ("" if place.workload.term == "owned" else " a month"))
        )
    told.append(("term", place.workload.term))
    told.append(("counted at", f"{place.workload.power_basis} power"))
    if question.held is not None and place.workload.hold is not None:
        hold = place.workload.hold
        told.append(
            ("holding", f"{question.held.architecture.name} in {hold.precision}, sequences of {hold.context:,} tokens")
        )
    return tuple(told)


def _nothing(resolved: Resolved, answers: Mapping[str, Answer]) -> InfeasibleError:
    """Give the error for a place in which nothing fits, with the node that comes nearest."""
    name = min(answers, key=lambda each: (answers[each].shortage, each))
    kinds = f"none of the {len(answers)} kinds of node fits; nearest is" if len(answers) > 1 else "does not fit:"
    fault = resolved.tree.fault(
        "nothing-fits",
        f"{kinds} {name}: {answers[name].estimate.why_not}",
        ("place",),
        key=True,
        hint="more of what is short, or another kind of node",
    )
    return InfeasibleError(fault)
