"""What rules are held against: scenarios, their variants and their parts, with results as they are stated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from planner.catalog.entry import Entry
from planner.errors import Fault, InfeasibleError
from planner.planning.books import Books
from planner.planning.claims import judged
from planner.planning.estimate import Estimate, Judgement
from planner.planning.sums import Uncertain
from planner.planning.unfit import unfit
from planner.policy.amounts import amount
from planner.policy.stated import Stated, stated_results
from planner.record import record
from planner.scenario.resolve import Resolved
from planner.scenario.rules import Period

Use = tuple[str, Period]
"""A metric and the period that it is used per."""

_PRICE = "price of "  # the beginning of a price's name among the inputs of an estimate


@record
class Subject:
    """A scenario, or a part of one.

    Parameters
    ----------
    name : of the scenario, `name@variant` or `name/part`.
    kind, title, tags, facility : of the scenario.
    results : as they are stated; empty where it does not fit.
    uses : what budgets ask for.
    why_not : why it does not fit.
    is_claim : whether it is somebody's statement, and no plan.
    """

    name: str
    kind: str
    title: str
    tags: Mapping[str, str]
    facility: str
    results: Mapping[str, Stated]
    uses: Mapping[Use, Uncertain] = field(default_factory=dict)
    why_not: str = ""
    is_claim: bool = False


@record
class Evaluated:
    """A scenario with its results.

    Parameters
    ----------
    resolved : the closed scenario.
    whole, parts : what rules are held against.
    judgement : of its claim.
    prices : names and dates of the prices that it rests on.
    fault : why it cannot be carried out.
    """

    resolved: Resolved
    whole: Subject
    parts: tuple[Subject, ...] = ()
    judgement: Judgement | None = None
    prices: tuple[tuple[str, str], ...] = ()
    fault: Fault | None = None

    def subjects(self) -> Iterator[Subject]:
        """Give the scenario and its parts."""
        yield self.whole
        yield from self.parts


def evaluated(resolved: Resolved, books: Books, uses: Iterable[Use] = ()) -> Evaluated:
    """Give the results of a scenario; one that does not fit has none, and says why.

    Parameters
    ----------
    resolved, books : the scenario, and what it is looked up in.
    uses : what budgets ask for.

    Raises
    ------
    InputError : the scenario is wrong.
    """
    claims = resolved.document.claim is not None and resolved.variant is None
    fault = None
    try:
        found = judged(resolved, books)
    except InfeasibleError as error:
        found, fault = unfit(resolved, error, books), error.faults[0]
    facility = facility_of(resolved, books)
    wanted = tuple(uses)
    prices = tuple((item.name, item.date) for item in found.inputs if item.name.startswith(_PRICE) and item.date)
    return Evaluated(
        resolved,
        _subject(found, resolved.name, facility, wanted, is_claim=claims),
        tuple(_parts(found, resolved.name, facility, wanted, is_claim=claims)),
        found.judgement,
        prices,
        fault,
    )


def _subject(found: Estimate, name: str, facility: str, uses: tuple[Use, ...], *, is_claim: bool) -> Subject:
    return Subject(
        name=name,
        kind=found.kind,
        title=found.title,
        tags=found.tags,
        facility=facility,
        results=stated_results(found),
        uses={use: used for use in uses if (used := amount(found, *use)) is not None},
        why_not=found.why_not,
        is_claim=is_claim,
    )


def _parts(found: Estimate, name: str, facility: str, uses: tuple[Use, ...], *, is_claim: bool) -> Iterator[Subject]:
    for key, child in found.children.items():
        inner = f"{name}/{key}"
        yield _subject(child, inner, facility, uses, is_claim=is_claim)
        yield from _parts(child, inner, facility, uses, is_claim=is_claim)


def facility_of(resolved: Resolved, books: Books) -> str:
    """Give the id of the place where a scenario's machines stand: the one it names, or its provider's; "" for none."""
    document = resolved.document
    hardware = getattr(document, "hardware", None)
    named = getattr(hardware, "facility", None) or getattr(getattr(document, "place", None), "facility", None)
    if named is not None:
        place: Entry = books.catalog.facility(named, tree=resolved.tree)
        return place.id
    if hardware is None:
        return ""
    node = books.catalog.node(hardware.node, tree=resolved.tree, trail=("hardware", "node"))
    return books.defaults.facility_of.get(node.provider, "")
