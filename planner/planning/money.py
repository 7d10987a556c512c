"""What the machines of a scenario cost: rent by the hour, or a share of owning them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.catalog.facility import Facility
from planner.catalog.interruption import interruption
from planner.catalog.node import Node
from planner.documents.reader import Tree
from planner.economics.cost import Owned, owned_usd, rent_usd
from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.estimate import Part
from planner.planning.ledger import Ledger
from planner.scenario.hardware import HardwareChoice
from planner.units import Interval, scaled, significant

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Money of a run: its total and parts, None where a price is unknown; and the machines' purchase price [USD]."""

    total_usd: float | None
    parts: tuple[Part, ...]
    purchase_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """How a scenario's machines are paid for.

    Parameters
    ----------
    term : what is paid. inputs : uncertain inputs by name, in USD and SI units.
    reclaims_per_s : of the whole run, where spot machines are taken back [1/s].
    """

    term: str
    inputs: Mapping[str, Interval]
    reclaims_per_s: float = 0.0
    life_hours: float = field(default=1.0)

    def spent(self, x: Mapping[str, float], *, nodes: int, hours: float, energy_kwh: float) -> Spent:
        """Give the money for using nodes for some hours.

        Parameters
        ----------
        x : a value for every uncertain input. nodes, hours, energy_kwh : what is used.
        """
        if self.term == "owned":
            if "node price" not in x:
                return Spent(None, ())
            owned = Owned(x["node price"], self.life_hours, x["residual"], x["utilisation"], x["upkeep"])
            cost = owned_usd(nodes, hours, owned, energy_kwh=energy_kwh, usd_per_kwh=x["electricity"] * 3.6e6)
            parts = (
                Part("capital", "machines, written off", cost.capital_usd),
                Part("upkeep", "upkeep: support, space, staff", cost.upkeep_usd),
                Part("electricity", "electricity", cost.electricity_usd),
            )
            return Spent(cost.total_usd, parts, x["node price"] * nodes)
        if "node-hour price" not in x:
            return Spent(None, ())
        rent = rent_usd(nodes, hours, x["node-hour price"] * _HOUR)
        return Spent(rent, (Part("rent", f"renting nodes, {self.term}", rent),))


def money_of(
    choice: HardwareChoice,
    node: Node,
    facility: Facility | None,
    *,
    nodes: int,
    tree: Tree,
    books: Books,
    ledger: Ledger,
) -> Money:
    """Give how a scenario's machines are paid for.

    A price that nobody published is unknown: the cost then is unknown too, and the estimate says so.
    """
    if choice.term == "owned":
        return _owned(choice, node, facility, books, ledger)
    reclaims = 0.0
    if choice.term == "spot":
        taken = interruption(books.catalog, node.id, region=facility.region if facility else "")
        reclaims = taken.rate_per_s.mid * nodes
        ledger.note(
            f"spot interruptions of {node.id}",
            f"{taken.per_month.mid:.0%} of nodes a month",
            source=taken.source,
            standing=taken.standing,
            date=taken.date,
        )
    if choice.price is not None:
        ledger.said("price of a node-hour", f"{choice.price.mid * _HOUR:g} USD")
        return Money(choice.term, {"node-hour price": choice.price}, reclaims)
    region = facility.region if facility and facility.provider == node.provider else ""
    try:
        offer = books.prices.price(
            node.id, choice.term, region=region, on=books.prices_on, tree=tree, trail=("hardware", "term")
        )
    except InputError as error:
        if error.faults[0].id != "unknown-price":
            raise
        ledger.warn(f"cost is unknown: {error.faults[0].message}; known: {error.faults[0].allowed}")
        return Money(choice.term, {}, reclaims)
    ledger.note(
        f"price of {node.id}, {choice.term}, {offer.region}",
        f"{significant(offer.usd_per_hour, 5)} USD/h",
        source=offer.source,
        standing=offer.standing,
        date=offer.date,
    )
    return Money(choice.term, {"node-hour price": offer.range.scaled(1.0 / _HOUR)}, reclaims)


def _owned(choice: HardwareChoice, node: Node, facility: Facility | None, books: Books, ledger: Ledger) -> Money:
    given, defaults = choice.ownership, books.defaults
    price = (given.price if given else None) or node.purchase_price
    inputs: dict[str, Interval] = {}
    if price is None:
        ledger.warn(f"cost is unknown: {node.id} has no purchase price; give hardware.ownership.price")
    else:
        inputs["node price"] = price
        if given and given.price:
            ledger.said("price of a node", f"{scaled(price.mid, 'USD')}")
        else:
            ledger.take(node, "purchase_price", f"{price.mid:,.0f} USD")
    for name in ("residual", "utilisation", "upkeep"):
        stated: Interval | None = getattr(given, name) if given else None
        if stated is None:
            stated = getattr(defaults, name)
            ledger.take(defaults, name, f"{stated.mid:.0%}")
        inputs[name] = stated
    electricity = given.electricity if given else None
    if electricity is None and facility and facility.electricity:
        electricity = facility.electricity.price
        ledger.take(facility, "electricity.price", f"{electricity.mid * 3.6e6:.4f} USD/kWh")
    elif electricity is None:
        electricity = defaults.electricity
        ledger.take(defaults, "electricity", f"{electricity.mid * 3.6e6:.3f} USD/kWh")
    inputs["electricity"] = electricity
    life = given.life if given and given.life else defaults.life
    if not (given and given.life):
        ledger.take(defaults, "life", f"{life / 31_536_000:g} years")
    return Money("owned", inputs, 0.0, life / _HOUR)
