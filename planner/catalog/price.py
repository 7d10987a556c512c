"""What nodes cost: dated offers by region and term, and the rule that chooses one.

The rows stand in `prices/PROVIDER.csv` of every catalog folder, the rules in `prices/rules.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, get_args

from pydantic import Field

from planner.catalog.entry import Standing
from planner.catalog.node import Node
from planner.catalog.store import Catalog
from planner.documents.reader import Trail, Tree
from planner.documents.rows import Table
from planner.documents.types import Id, Record, Text, UncertainRatio
from planner.errors import Fault, InputError, listing
from planner.record import record
from planner.units.interval import Interval

Term = Literal["on-demand", "spot", "capacity-block", "reserved-1y", "reserved-3y", "savings-plan"]
TERMS: tuple[Term, ...] = get_args(Term)

COLUMNS = (
    "instance",
    "accelerator",
    "accelerators",
    "region",
    "term",
    "usd_per_hour",
    "per",
    "date",
    "source",
    "standing",
    "flag",
    "note",
)
EVERY_REGION = "*"
HISTORIC, UNUSABLE = "historic", "unusable"


class EstimateRule(Record):
    """A price that nobody published as a share of one that was.

    Parameters
    ----------
    provider, term : whose price of which term is estimated.
    of, of_provider : the term that it is a share of, and whose; the same provider's if unsaid.
    series : beginnings of the instance names that the rule holds for; all of them if empty.
    ratio : estimated price over published price [1].
    """

    provider: Id
    term: Term
    of: Term
    of_provider: Id | None = None
    series: tuple[Text, ...] = ()
    ratio: UncertainRatio
    source: Text
    note: Text


class PriceRules(Record):
    """How offers are chosen and, where there is none, estimated."""

    schema_: Annotated[Literal["planner/price-rules/v1"], Field(alias="schema")]
    default_region: dict[Text, Text]
    estimates: tuple[EstimateRule, ...]


@record
class Offer:
    """One price of one node.

    Parameters
    ----------
    instance : the provider's own name of the machine.
    region : where it holds; `*` is every region that the source lists.
    usd_per_hour : of the whole node [USD/h].
    range : the same with its range, where the price is estimated [USD/h].
    date : year, month or day of the source.
    flag : "", `historic` (superseded) or `unusable` (cannot be right).
    layer : 0 for the catalog folder that wins.
    """

    instance: str
    provider: str
    region: str
    term: Term
    usd_per_hour: float
    range: Interval
    date: str
    source: str
    standing: Standing
    flag: str = ""
    note: str = ""
    layer: int = 0


@dataclass
class PriceBook:
    """Offers of all providers.

    Parameters
    ----------
    catalog : gives the nodes, and the folders that the tables are read from.
    """

    catalog: Catalog
    _known: dict[tuple[str, str], tuple[Offer, ...]] = field(default_factory=dict, repr=False)

    def offers(self, node_id: str, *, provider: str = "") -> tuple[Offer, ...]:
        """Give every published offer of a node, historic ones too, newest first.

        Parameters
        ----------
        node_id : id or alias of a catalog node.
        provider : who rents it; the node's own provider if empty.
        """
        return self._offers(self.catalog.node(node_id), provider)

    def price(
        self,
        node_id: str,
        term: str,
        *,
        region: str = "",
        on: str = "",
        provider: str = "",
        tree: Tree | None = None,
        trail: Trail = (),
    ) -> Offer:
        """Give the offer that a plan is priced with.

        The newest row of the region that is neither historic nor unusable; where there is none, an
        estimate by `prices/rules.yaml`, marked so.

        Parameters
        ----------
        node_id : id or alias of a catalog node.
        term : one of `TERMS`.
        region : the provider's default region if empty.
        on : newest date of a row that may be used, any if empty; historic rows count where none is newer.
        provider : who rents it; the node's own provider if empty.
        tree, trail : where the question stands, for errors.

        Raises
        ------
        InputError : nobody is known to offer that; the error names the terms and regions that are known.
        """
        node = self.catalog.node(node_id)
        seller = provider or node.provider
        wanted = region or self._rules().default_region.get(seller, "")
        if term not in TERMS:
            raise self._unknown(node, seller, term, wanted, tree, trail)
        found = self._published(node, seller, term, wanted, on)
        found = found or self._estimated(node, seller, term, wanted, on)
        if found is None:
            raise self._unknown(node, seller, term, wanted, tree, trail)
        return found

    def list_prices(self, provider: str) -> Iterator[tuple[str, str, Offer]]:
        """Give accelerator, its count as written, and offer of every row of a provider.

        Rows of instances without a node entry are among them: prices to read, not to plan with.
        """
        for layer, table in self._tables(provider):
            for index, cells in enumerate(table.rows):
                yield cells[1], cells[2], _offer(table, index, provider, layer, 1)

    def providers(self) -> list[str]:
        """Give everybody whose prices are known, sorted."""
        return sorted(set(self.catalog.tables("prices")) - _NOT_NODES)

    def _offers(self, node: Node, provider: str) -> tuple[Offer, ...]:
        key = node.id, provider or node.provider
        if key not in self._known:
            self._known[key] = self._rows_of(node, key[1])
        return self._known[key]

    def _rows_of(self, node: Node, seller: str) -> tuple[Offer, ...]:
        names = {name.casefold() for name in (node.id, *node.aliases)}
        names |= {f"ml.{name}" for name in names}
        found: list[Offer] = []
        for layer, table in self._tables(seller):
            for index, cells in enumerate(table.rows):
                # Rows per accelerator hold for every machine that has it.
                if cells[6] == "accelerator":
                    if cells[1] == node.accelerator:
                        found.append(_offer(table, index, seller, layer, node.accelerators))
                elif cells[0].casefold() in names:
                    found.append(_offer(table, index, seller, layer, 1))
        return tuple(sorted(found, key=_age))

    def _published(self, node: Node, seller: str, term: Term, region: str, on: str) -> Offer | None:
        usable = [
            offer
            for offer in self._offers(node, seller)
            if offer.term == term
            and offer.flag != UNUSABLE
            and offer.region in (region, EVERY_REGION)
            and (not on or earliest(offer.date) <= latest(on))
        ]
        current = [offer for offer in usable if offer.flag != HISTORIC]
        return next(iter(current or (usable if on else [])), None)

    def _estimated(self, node: Node, seller: str, term: str, region: str, on: str) -> Offer | None:
        for rule in self._rules().estimates:
            if (rule.provider, rule.term) != (seller, term):
                continue
            if rule.series and not node.id.startswith(tuple(f"{series}." for series in rule.series)):
                continue
            base = self._published(node, rule.of_provider or seller, rule.of, region, on)
            if base is not None:
                spread = rule.ratio.scaled(base.usd_per_hour)
                return replace(
                    base,
                    provider=seller,
                    term=rule.term,
                    usd_per_hour=spread.mid,
                    range=spread,
                    source=rule.source,
                    standing=Standing.ESTIMATED,
                    note=rule.note,
                )
        return None

    def _rules(self) -> PriceRules:
        return self.catalog.sheet("prices/rules", PriceRules)

    def _tables(self, provider: str) -> list[tuple[int, Table]]:
        return self.catalog.table(f"prices/{provider}", COLUMNS)

    def _unknown(self, node: Node, seller: str, term: str, region: str, tree: Tree | None, trail: Trail) -> InputError:
        known: dict[str, set[str]] = {}
        for offer in self._offers(node, seller):
            if not offer.flag:
                known.setdefault(offer.term, set()).add("all regions" if offer.region == EVERY_REGION else offer.region)
        place = f" in {region}" if region else ""
        message = f"the price of {node.id} {term}{place} from {seller} is unknown"
        allowed = "; ".join(f"{t} in {listing(sorted(r), most=6)}" for t, r in sorted(known.items()))
        hint = f"planner catalog show {node.id} prints every price that is known"
        if not known:
            hint = "term owned uses its purchase price" if node.purchase_price else "nobody's price is in the catalogs"
        if tree is None:
            return InputError(Fault("unknown-price", message, allowed=allowed, hint=hint))
        return InputError(tree.fault("unknown-price", message, trail, allowed=allowed, hint=hint))


_NOT_NODES = {"hosted-models", "spot-interruptions", "data-transfer"}


def earliest(date: str) -> str:
    """Give the first day of a year, a month or a day.

    >>> earliest("2026"), earliest("2026-08")
    ('2026-01-01', '2026-08-01')
    """
    return date + "-01-01"[len(date) - 4 :] if len(date) < _DAY else date


def latest(date: str) -> str:
    """Give a text that sorts after every day of a year, a month or a day."""
    return date + "-99-99"[len(date) - 4 :] if len(date) < _DAY else date


_DAY = len("2026-01-01")


def _age(offer: Offer) -> tuple[int, int, str]:
    """Sort key: the winning folder first, then the newest day that is certain, then the region."""
    day = int(earliest(offer.date).replace("-", ""))
    return offer.layer, -day, offer.region


def _offer(table: Table, row: int, provider: str, layer: int, accelerators: int) -> Offer:
    cells = table.rows[row]
    instance, _, _, region, term, price, per, date, source, standing, flag, note = cells
    try:
        number = float(price) * accelerators
        if term not in TERMS or per not in ("node", "accelerator") or flag not in ("", HISTORIC, UNUSABLE):
            raise ValueError
        if not 0 < number < _DEAREST_USD_PER_HOUR:
            raise ValueError
        stands = Standing(standing)
    except ValueError:
        raise InputError(table.fault(row, "price-row", "not a price", allowed=_ALLOWED)) from None
    return Offer(
        instance, provider, region, term, number, Interval.exactly(number), date, source, stands, flag, note, layer
    )


_DEAREST_USD_PER_HOUR = 1e6
_ALLOWED = (
    f"term: {', '.join(TERMS)}; a price above 0; per: node, accelerator; "
    "standing: read, quoted, recalled, estimated; flag: nothing, historic, unusable"
)
