"""The price that a plan pays for a node-hour: the price book's offer, the project's discount on it, and its age."""

from __future__ import annotations

import datetime

from planner.catalog.node import Node
from planner.catalog.price import Offer, earliest
from planner.documents.reader import Trail, Tree
from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.ledger import PROJECT, Ledger
from planner.scenario.project import Discount
from planner.units.interval import Interval
from planner.units.printing import duration, significant

_DAY = 86400.0


def offer_of(
    node: Node,
    term: str,
    region: str,
    *,
    tree: Tree,
    trail: Trail,
    books: Books,
    ledger: Ledger,
    seller: str = "",
) -> Interval | None:
    """Give what an hour of a node costs, noting where the price came from.

    Parameters
    ----------
    node, term, region : what is rented; the provider's default region if empty.
    tree, trail : where the scenario asks for it.
    seller : who rents it out; the node's own provider if empty.

    Returns
    -------
    USD per hour with its range; None where nobody published a price.

    Raises
    ------
    InputError : nobody did, and the project calls that an error.
    """
    try:
        offer = books.prices.price(
            node.id, term, region=region, on=books.prices_on, provider=seller, tree=tree, trail=trail
        )
    except InputError as error:
        fault = error.faults[0]
        if fault.id != "unknown-price" or books.project.prices.on_missing == "error":
            raise
        ledger.warn(f"cost is unknown: {fault.message}" + (f"; known: {fault.allowed}" if fault.allowed else ""))
        return None
    ledger.note(
        f"price of {node.id}, {term}, {offer.region}" + (f", from {seller}" if seller else ""),
        f"{significant(offer.usd_per_hour, 5)} USD/h",
        source=offer.source,
        standing=offer.standing,
        date=offer.date,
    )
    _warn_of_age(offer, node, books, ledger)
    price = offer.range
    for discount in books.project.discounts:
        if _holds(discount, offer, node):
            price = price.scaled(1.0 - discount.share)
            ledger.note(
                f"discount on {node.id}, {term}",
                f"{discount.share:.1%}, until {discount.until}",
                source=PROJECT,
                standing=offer.standing,
            )
    return price


def _holds(discount: Discount, offer: Offer, node: Node) -> bool:
    names = {name.casefold() for name in (node.id, *node.aliases)}
    meant = not discount.nodes or any(name.casefold() in names for name in discount.nodes)
    return discount.provider == offer.provider and discount.term in (None, offer.term) and meant


def _warn_of_age(offer: Offer, node: Node, books: Books, ledger: Ledger) -> None:
    oldest, on = books.project.prices.oldest, books.prices_on
    if oldest is None or not on:
        return
    age_s = (_day(on) - _day(offer.date)).days * _DAY
    if age_s > oldest:
        ledger.warn(f"the price of {node.id} is of {offer.date}: {duration(age_s)} old on {on}")


def _day(date: str) -> datetime.date:
    return datetime.date.fromisoformat(earliest(date))
