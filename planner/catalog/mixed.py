"""A catalog whose parts come from several: to see what each of them alone changes in a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from planner.catalog.entry import Entry, Source
from planner.catalog.store import Catalog, E, S
from planner.documents.reader import Trail, Tree
from planner.documents.rows import Table


class CatalogPart(Enum):
    """What of a catalog changes for a reason of its own."""

    PRICES = "prices"
    SPECIFICATIONS = "specifications"
    RATES = "exchange rates"
    MODELS = "profiles"


PRICE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "node": ("purchase_price",),
    "facility": ("electricity",),
    "storage": ("price", "write_price", "read_price", "put_price", "get_price"),
    "defaults": ("electricity",),
}
"""Values of entries that are prices; all else in an entry specifies what the thing is."""


def part_of_entry(kind: str) -> CatalogPart:
    """Give the part that entries of a kind belong to, their prices aside."""
    return CatalogPart.MODELS if kind in ("profile", "measured-host") else CatalogPart.SPECIFICATIONS


def part_of_sheet(name: str) -> CatalogPart:
    """Give the part that a document or table belongs to.

    >>> part_of_sheet("prices/rules").value, part_of_sheet("node-power").value
    ('prices', 'profiles')
    """
    if name.startswith("prices/"):
        return CatalogPart.PRICES
    if name == "exchange-rates":
        return CatalogPart.RATES
    # The rule of a node's power is fitted, as profiles are.
    return CatalogPart.MODELS if name == "node-power" else CatalogPart.SPECIFICATIONS


@dataclass
class MixedCatalog(Catalog):
    """A catalog that asks for each of its parts another one.

    Parameters
    ----------
    sides : the catalog of each part.
    """

    sides: Mapping[CatalogPart, Catalog] = field(default_factory=dict)
    _mixed: dict[tuple[str, str], Entry] = field(default_factory=dict, repr=False)

    def _get(self, kind: str, document: type[E], name: str, tree: Tree | None, trail: Trail) -> E:
        side = self.sides[part_of_entry(kind)]
        entry = side._get(kind, document, name, tree, trail)
        if kind not in PRICE_FIELDS:
            return entry
        key = kind, entry.id
        if key not in self._mixed:
            self._mixed[key] = self._priced(kind, entry)
        found = self._mixed[key]
        if not isinstance(found, document):
            raise AssertionError(f"{kind} {name} is a {type(found).__name__}")
        return found

    def _priced(self, kind: str, entry: Entry) -> Entry:
        """Give an entry with the prices of the side that has them; with its own where that side lacks it."""
        prices = self.sides[CatalogPart.PRICES]
        name = prices.resolve(kind, entry.id)
        if name is None:
            return entry
        other = prices.entry(kind, name)
        return entry.model_copy(update={key: getattr(other, key) for key in PRICE_FIELDS[kind]})

    def ids(self, kind: str) -> list[str]:
        """Give the ids of one kind, sorted."""
        return self.sides[part_of_entry(kind)].ids(kind)

    def entries(self, kind: str) -> Iterator[Entry]:
        """Give every entry of one kind, in the order of their ids."""
        return (self.entry(kind, name) for name in self.ids(kind))

    def entry(self, kind: str, name: str) -> Entry:
        """Give the entry of a kind by its id."""
        found = self.sides[part_of_entry(kind)].entry(kind, name)
        return self._priced(kind, found) if kind in PRICE_FIELDS else found

    def tree(self, kind: str, name: str) -> Tree:
        """Give the positioned text of an entry."""
        return self.sides[part_of_entry(kind)].tree(kind, name)

    def resolve(self, kind: str, name: str) -> str | None:
        """Give the id that a name belongs to, or None."""
        return self.sides[part_of_entry(kind)].resolve(kind, name)

    def sheet(self, name: str, document: type[S]) -> S:
        """Give the single document of that name."""
        return self.sides[part_of_sheet(name)].sheet(name, document)

    def sheet_tree(self, name: str) -> Tree:
        """Give the positioned text of a single document."""
        return self.sides[part_of_sheet(name)].sheet_tree(name)

    def table(self, name: str, columns: Sequence[str]) -> list[tuple[int, Table]]:
        """Give the CSV files of that name, with the number of their folder."""
        return self.sides[part_of_sheet(name)].table(name, columns)

    def tables(self, folder: str) -> list[str]:
        """Give the names of the CSV files in a folder, sorted."""
        return self.sides[part_of_sheet(f"{folder}/")].tables(folder)

    def source(self, key: str) -> Source | None:
        """Give a source by its key, or None."""
        return self.sides[CatalogPart.SPECIFICATIONS].source(key)
