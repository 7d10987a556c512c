"""What moved a result between the baseline and now: the same plan is judged again with one cause changed after another.

The order is fixed: planner, exchange rates, prices, specifications, scenario. What two causes do together falls
to the later one, so that a price's share is what it does to the plan as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from planner.catalog.kinds import KINDS
from planner.catalog.mixed import CatalogPart, MixedCatalog, part_of_entry, part_of_sheet
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.policy.identified import Identified
from planner.policy.stated import Stated, exact
from planner.policy.subjects import Evaluated
from planner.record import record
from planner.scenario.resolve import Resolved


class Cause(Identified):
    """Why a result changes: a stable id, and what it is called."""

    PLANNER = ("planner-version", "planner")
    RATES = ("exchange-rate", "exchange rates")
    PRICES = ("catalog-price", "prices")
    SPECIFICATIONS = ("catalog-specification", "specifications")
    SCENARIO = ("scenario", "scenario")


_PARTS: dict[Cause, CatalogPart] = {
    Cause.PLANNER: CatalogPart.MODELS,
    Cause.RATES: CatalogPart.RATES,
    Cause.PRICES: CatalogPart.PRICES,
    Cause.SPECIFICATIONS: CatalogPart.SPECIFICATIONS,
}
_PROJECT: dict[Cause, tuple[str, ...]] = {
    Cause.RATES: ("exchange_rates",),
    Cause.PRICES: ("prices", "discounts"),
    Cause.SPECIFICATIONS: ("defaults",),
}


@record
class Change:
    """A result that is not what it was.

    Parameters
    ----------
    metric : the result. before, after : its middles, in the metric's unit; None where unknown or not there.
    parts : what each cause does to it; they sum to the change exactly. Empty where it is new, gone or unknown.
    """

    metric: str
    before: float | None
    after: float | None
    parts: Mapping[Cause, Decimal] = field(default_factory=dict)

    @property
    def amount(self) -> Decimal | None:
        """The change; None where one side is unknown."""
        if self.before is None or self.after is None:
            return None
        return exact(self.after) - exact(self.before)


Values = Mapping[str, float | None]


def changes(states: list[tuple[Cause, Values]], before: Values, after: Values) -> tuple[Change, ...]:
    """Give every result that changed, with its parts.

    Parameters
    ----------
    states : results after each cause, in their order; a state that has no such result leaves its part to the next.
    before, after : results of the baseline and of now.
    """
    found = []
    for metric in dict.fromkeys((*after, *before)):
        old, new = before.get(metric), after.get(metric)
        if old == new and (metric in before) == (metric in after):
            continue
        found.append(Change(metric, old, new, _parts(metric, states, old, new)))
    return tuple(found)


def _parts(
    metric: str, states: list[tuple[Cause, Values]], old: float | None, new: float | None
) -> dict[Cause, Decimal]:
    if old is None or new is None:
        return {}
    parts: dict[Cause, Decimal] = {}
    at = exact(old)
    for cause, values in states:
        value = values.get(metric)
        if value is None or exact(value) == at:
            continue
        parts[cause] = parts.get(cause, Decimal(0)) + exact(value) - at
        at = exact(value)
    return parts


def middles(results: Mapping[str, Stated]) -> dict[str, float | None]:
    """Give the middles of results by their names."""
    return {name: result.mid for name, result in results.items()}


def causes_of(path: str) -> Iterator[Cause]:
    """Give the causes that a catalog's document belongs to.

    Parameters
    ----------
    path : of the document inside the catalogs' folder.

    >>> [cause.words for cause in causes_of("nodes/dgx-h100.yaml")]
    ['specifications', 'prices']
    """
    folder = path.rpartition("/")[0]
    if path.endswith(".csv"):
        if folder == "prices":
            yield Cause.PRICES
        return
    kind = next((kind.name for kind in KINDS.values() if kind.folder == folder), None)
    if kind is None and folder not in ("", "prices"):
        return  # no result is looked up there
    part = part_of_entry(kind) if kind else part_of_sheet(path.removesuffix(".yaml"))
    yield next(cause for cause, known in _PARTS.items() if known is part)
    if kind is not None and part is CatalogPart.SPECIFICATIONS:
        yield Cause.PRICES  # purchase prices and tariffs stand in entries


@dataclass
class Steps:
    """Books on the way from the baseline's to today's, each made when it is first asked for.

    Parameters
    ----------
    base, head : the books of both ends.
    causes : those that differ between them, besides the scenario.
    """

    base: Books
    head: Books
    causes: tuple[Cause, ...]
    _made: dict[Cause, Books] = field(default_factory=dict, repr=False)

    def one(
        self, resolved: Resolved, cause: Cause, estimate: Callable[[Resolved, Books], Evaluated]
    ) -> list[tuple[Cause, Evaluated]]:
        """Give the results of the baseline's scenario after a cause; nothing where it does not work so."""
        try:
            result = estimate(resolved, self.after(cause))
        except (InputError, InfeasibleError):
            return []
        return [] if result.whole.why_not else [(cause, result)]

    def after(self, cause: Cause) -> Books:
        """Give the books in which this cause and those before it are as they are now."""
        if cause not in self._made:
            done = self.causes[: self.causes.index(cause) + 1]
            self._made[cause] = self._head_with_base_root() if done == self.causes else self._mixed(done)
        return self._made[cause]

    def _head_with_base_root(self) -> Books:
        """Give today's books, for scenarios of the baseline: the files that these name are the baseline's."""
        return Books(self.head.catalog, self.head.project, self.base.root, self.head.remembered)

    def _mixed(self, done: tuple[Cause, ...]) -> Books:
        sides = {part: (self.head if cause in done else self.base).catalog for cause, part in _PARTS.items()}
        project = self.base.project
        for cause in done:
            update = {name: getattr(self.head.project, name) for name in _PROJECT.get(cause, ())}
            project = project.model_copy(update=update) if update else project
        catalog = MixedCatalog(layers=self.base.catalog.layers, budget=self.base.catalog.budget, sides=sides)
        return Books(catalog, project, self.base.root, self.head.remembered)


def causes_between(base: Books, head: Books, catalogs: set[Cause]) -> tuple[Cause, ...]:
    """Give the causes, besides the scenario, that differ between two books.

    Parameters
    ----------
    base, head : the books. catalogs : causes that their catalogs differ by.
    """
    found = set(catalogs)
    for cause, names in _PROJECT.items():
        if any(getattr(base.project, name) != getattr(head.project, name) for name in names):
            found.add(cause)
    return tuple(cause for cause in Cause if cause in found)
