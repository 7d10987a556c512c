"""What the machines of a scenario cost: rent by the hour, or a share of owning them."""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalog.facility import Facility
from planner.catalog.node import Node
from planner.documents.reader import Trail, Tree
from planner.economics.cost import Number, Owned, OwnedCost, owned_usd, rent_usd
from planner.errors import InputError, did_you_mean, listing, visible
from planner.planning.books import Books
from planner.planning.currency import note_rate
from planner.planning.estimate import Part
from planner.planning.ledger import Ledger
from planner.planning.offers import offer_of
from planner.record import record
from planner.scenario.amount import Amount
from planner.scenario.hardware import HardwareChoice, Ownership
from planner.units.interval import Interval

_HOUR = 3600.0
_KWH = 3.6e6


@record
class Spent:
    """Money of a run: its total and parts, None where a price is unknown; and the machines' purchase price [USD]."""

    total_usd: float | None
    parts: tuple[Part, ...]
    purchase_usd: float | None = None


@record
class Money:
    """How a scenario's machines are paid for.

    Parameters
    ----------
    term : what is paid. inputs : uncertain inputs by name, in USD and SI units.
    reclaims_per_s : of the whole run, where spot machines are taken back [1/s].
    life_hours : over which machines of one's own are written off [h].
    storage_usd_per_s : rent of storage beside the machines [USD/s].
    """

    term: str
    inputs: Mapping[str, Interval]
    reclaims_per_s: Number = 0.0
    life_hours: float = 1.0
    storage_usd_per_s: float = 0.0

    def total_usd(self, x: Mapping[str, Number], *, nodes: Number, hours: Number, energy_kwh: Number) -> Number | None:
        """Give the money for using nodes for some hours; None where a price is unknown [USD].

        Parameters
        ----------
        x : a value for every uncertain input. nodes, hours, energy_kwh : what is used.
        """
        total: Number
        if self.term == "owned":
            if "node price" not in x:
                return None
            total = self._owned(x, nodes=nodes, hours=hours, energy_kwh=energy_kwh).total_usd
        else:
            if "node-hour price" not in x:
                return None
            total = rent_usd(nodes, hours, x["node-hour price"] * _HOUR)
        return total + self._storage(hours) if self.storage_usd_per_s else total

    def spent(self, x: Mapping[str, float], *, nodes: int, hours: float, energy_kwh: float) -> Spent:
        """Give the same money of one run with its parts."""
        total = self.total_usd(x, nodes=nodes, hours=hours, energy_kwh=energy_kwh)
        if total is None:
            return Spent(None, ())
        purchase: float | None = None
        if self.term == "owned":
            cost = self._owned(x, nodes=nodes, hours=hours, energy_kwh=energy_kwh)
            purchase = x["node price"] * nodes
            parts = [
                Part("capital", "machines, written off", float(cost.capital_usd)),
                Part("upkeep", "upkeep: support, space, staff", float(cost.upkeep_usd)),
                Part("electricity", "electricity", float(cost.electricity_usd)),
            ]
        else:
            rent = rent_usd(nodes, hours, x["node-hour price"] * _HOUR)
            parts = [Part("rent", f"renting nodes, {self.term}", float(rent))]
        if self.storage_usd_per_s:
            parts.append(Part("storage", "renting storage", float(self._storage(hours))))
        return Spent(float(total), tuple(parts), purchase)

    def _owned(self, x: Mapping[str, Number], *, nodes: Number, hours: Number, energy_kwh: Number) -> OwnedCost:
        owned = Owned(x["node price"], self.life_hours, x["residual"], x["utilisation"], x["upkeep"])
        return owned_usd(nodes, hours, owned, energy_kwh=energy_kwh, usd_per_kwh=x["electricity"] * _KWH)

    def _storage(self, hours: Number) -> Number:
        return self.storage_usd_per_s * hours * _HOUR


def money_of(
    choice: HardwareChoice,
    node: Node,
    facility: Facility | None,
    *,
    nodes: int,
    tree: Tree,
    books: Books,
    ledger: Ledger,
    at: Trail = ("hardware",),
) -> Money:
    """Give how a scenario's machines are paid for; `at` is where the scenario says so.

    A price that nobody published is unknown: the cost then is unknown too, and the estimate says so.
    """
    if choice.term == "owned":
        return _owned(choice, node, facility, tree, at, books, ledger)
    reclaims = 0.0
    if choice.term == "spot":
        from planner.catalog.interruption import interruption

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
        _refuse_zero(choice.price, choice, tree, (*at, "price"))
        price = books.usd(choice.price).scaled(_HOUR)
        _say("price of a node-hour", choice.price, price, books, ledger, per="/h")
    else:
        region = facility.region if facility and facility.provider == node.provider else ""
        seller = _seller(choice, tree, (*at, "seller"), books)
        found = offer_of(
            node, choice.term, region, tree=tree, trail=(*at, "term"), books=books, ledger=ledger, seller=seller
        )
        if found is None:
            return Money(choice.term, {}, reclaims)
        price = found
    return Money(choice.term, {"node-hour price": price.scaled(1.0 / _HOUR)}, reclaims)


def _seller(choice: HardwareChoice, tree: Tree, trail: Trail, books: Books) -> str:
    """Give who rents the machines out; "" for the node's own provider."""
    if choice.seller is None:
        return ""
    known = books.prices.providers()
    if choice.seller in known:
        return choice.seller
    message = f"nobody called '{visible(choice.seller)[:60]}' is known to rent machines out"
    hint = did_you_mean(choice.seller, known)
    raise InputError(tree.fault("unknown-name", message, trail, allowed=listing(known, most=20), hint=hint))


def _refuse_zero(stated: Amount, choice: HardwareChoice, tree: Tree, trail: Trail) -> None:
    """Refuse a price of nothing that nobody confirmed: it is more often a price that is not known."""
    if stated.is_zero and not choice.free:
        hint = "leave the price out where it is not known; say free: true where nothing is paid"
        raise InputError(tree.fault("price-zero", "a price of 0", trail, hint=hint))


def _say(name: str, stated: Amount, usd: Interval, books: Books, ledger: Ledger, *, per: str = "") -> None:
    """Note a price that the scenario states, and the exchange rate where it is in another currency."""
    ledger.said(name, f"{usd.mid:,.6g} USD{per}")
    if stated.currency != "USD":
        note_rate(stated.currency, books, ledger)


def _owned(
    choice: HardwareChoice, node: Node, facility: Facility | None, tree: Tree, at: Trail, books: Books, ledger: Ledger
) -> Money:
    given, defaults = choice.ownership or Ownership(), books.defaults
    inputs: dict[str, Interval] = {}
    if given.price is not None:
        _refuse_zero(given.price, choice, tree, (*at, "ownership", "price"))
        inputs["node price"] = books.usd(given.price)
        _say("price of a node", given.price, inputs["node price"], books, ledger)
    elif node.purchase_price is not None:
        inputs["node price"] = node.purchase_price
        ledger.take(node, "purchase_price", f"{node.purchase_price.mid:,.0f} USD")
    else:
        ledger.warn(f"cost is unknown: {node.id} has no purchase price; give {at[0]}.ownership.price")
    for name in ("residual", "utilisation", "upkeep"):
        inputs[name] = getattr(given, name) or getattr(defaults, name)
        if getattr(given, name) is None:
            ledger.take(defaults, name, f"{inputs[name].mid:.0%}")
    inputs["electricity"] = _electricity(given, facility, books, ledger)
    if given.life is None:
        ledger.take(defaults, "life", f"{defaults.life / 31_536_000:g} years")
    return Money("owned", inputs, 0.0, (given.life or defaults.life) / _HOUR)


def _electricity(ownership: Ownership, facility: Facility | None, books: Books, ledger: Ledger) -> Interval:
    """Give the price of electricity: the scenario's, the facility's, or the default [USD/J]."""
    if ownership.electricity is not None:
        stated = books.usd(ownership.electricity)
        _say("price of electricity", ownership.electricity, stated.scaled(_KWH), books, ledger, per="/kWh")
        return stated
    if facility is not None and facility.electricity is not None:
        ledger.take(facility, "electricity.price", f"{facility.electricity.price.mid * _KWH:.4f} USD/kWh")
        return facility.electricity.price
    ledger.take(books.defaults, "electricity", f"{books.defaults.electricity.mid * _KWH:.3f} USD/kWh")
    return books.defaults.electricity
