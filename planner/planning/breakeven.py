"""Where one scenario catches up with another in money: at which price, utilisation, use, or after how long.

All follow from the parts of the money: rent grows with the price of a node-hour; what a machine of one's own
costs grows with its price, and the less it works the more each hour of work carries; electricity and storage
follow the work alone. They are exact for the model's money and hold at the middles of all ranges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol

from planner.planning.estimate import Estimate
from planner.planning.run_outcome import HOUR_S

MONTH_HOURS = 730.0


class Priced(Protocol):
    """A scenario with its utilisation: see `planner.planning.comparison.Candidate`."""

    @property
    def estimate(self) -> Estimate: ...

    @property
    def utilisation(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class BreakEven:
    """A value at which one scenario costs as much as another.

    Parameters
    ----------
    kind : "node-hour price" or "node price" [USD], "utilisation" [1], "tokens a month", "months owned".
    of : position of the scenario whose input it is. against : of the one that it is set against.
    value : the break-even; None where the scenario never catches up.
    now : what the scenario has; None where it has none.
    """

    kind: str
    of: int
    against: int
    value: float | None
    now: float | None


@dataclass(frozen=True, slots=True)
class _Money:
    """Money of a scenario by what it grows with [USD]."""

    total: float
    rent: float
    capital: float
    upkeep: float
    work: float

    @property
    def owning(self) -> float:
        """What is paid for machines of one's own whether they work or not [USD]."""
        return self.capital + self.upkeep


def break_evens(candidates: Sequence[Priced]) -> tuple[BreakEven, ...]:
    """Give the break-evens between any two scenarios that do the same work and whose money is known."""
    known = [(n, _money(candidate.estimate)) for n, candidate in enumerate(candidates)]
    money = {n: each for n, each in known if each is not None}
    found: list[BreakEven] = []
    for one, other in combinations(money, 2):
        cheaper, dearer = sorted((one, other), key=lambda n: (money[n].total, n))
        found += _price(candidates[dearer].estimate, money[dearer], money[cheaper].total, of=dearer, against=cheaper)
        owned = [n for n in (one, other) if money[n].owning and candidates[n].utilisation]
        if len(owned) == 1:
            (own,) = owned
            rented = other if own == one else one
            found += _owning(candidates[own], money[own], money[rented].total, of=own, against=rented)
    return tuple(found)


def _money(estimate: Estimate) -> _Money | None:
    total, cost = estimate.value("cost_total_usd"), estimate.breakdown("cost")
    if total is None or cost is None or estimate.children:
        return None
    parts = {part.key: part.value for part in cost.parts}
    rent, capital, upkeep = (parts.pop(key, 0.0) for key in ("rent", "capital", "upkeep"))
    return _Money(total, rent, capital, upkeep, sum(parts.values()))


def _price(estimate: Estimate, money: _Money, target: float, *, of: int, against: int) -> Iterator[BreakEven]:
    """Give the price of its machines at which the dearer scenario costs no more than the cheaper."""
    nodes, capital, hours = estimate.value("nodes"), estimate.value("capital_usd"), _hours(estimate)
    if not nodes or not hours:
        return
    if money.rent:
        now = money.rent / (nodes * hours)
        level = now * (target - money.total + money.rent) / money.rent
        yield BreakEven("node-hour price", of, against, level if level > 0 else None, now)
    elif money.owning and capital:
        now = capital / nodes
        level = now * (target - money.work) / money.owning
        yield BreakEven("node price", of, against, level if level > 0 else None, now)


def _owning(own: Priced, money: _Money, rented_usd: float, *, of: int, against: int) -> Iterator[BreakEven]:
    """Give from which use on machines of one's own cost less than others' for the same work."""
    estimate, share = own.estimate, own.utilisation
    hours, capital = _hours(estimate), estimate.value("capital_usd")
    if share is None or not hours or not capital:
        return
    # The work alone must cost less than renting: else no use is enough.
    spare = rented_usd - money.work
    level = share * money.owning / spare if spare > 0 else None
    yield BreakEven("utilisation", of, against, level, share)
    most = _tokens_a_month(estimate)
    if most is not None:
        yield BreakEven("tokens a month", of, against, level and level * most, share * most)
    saved_per_month = (spare - money.upkeep) / hours * MONTH_HOURS * share
    yield BreakEven("months owned", of, against, capital / saved_per_month if saved_per_month > 0 else None, None)


def _hours(estimate: Estimate) -> float | None:
    """Give the hours that the money of a scenario is for [h]: those of a run, or the month of a service."""
    total, hourly = estimate.value("cost_total_usd"), estimate.value("cost_per_hour_usd")
    return total / hourly if total and hourly else None


def _tokens_a_month(estimate: Estimate) -> float | None:
    """Give the tokens of a month without idle time: those of steps that count, or those that are served."""
    trained, counts = estimate.value("tokens_per_s"), estimate.value("goodput")
    rate = trained * counts if trained and counts else estimate.value("total_tokens_per_s")
    return rate * MONTH_HOURS * HOUR_S if rate else None
