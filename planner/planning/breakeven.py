"""Where one scenario catches up with another in money: at which price, utilisation, use, or after how long.

All follow from the parts of the money: rent grows with the price of a node-hour; what a machine of one's own
costs grows with its price, and the less it works the more each hour of work carries; electricity and storage
follow the work alone. They are exact for the model's money.

Their ranges come from those of the two scenarios' results: each uncertain input is moved alone, in both at once
where it is one and the same, and the break-even is worked out anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Protocol

from planner.planning.alike import Scenarios, alike
from planner.planning.estimate import Estimate
from planner.planning.run_outcome import HOUR_S
from planner.planning.uncertainty import joined
from planner.record import record
from planner.units.interval import Interval

MONTH_HOURS = 730.0
_OF_OWNING = frozenset({"node price", "residual", "utilisation", "upkeep"})
"""Inputs that move what machines of one's own cost and no part of what the work costs."""


class Priced(Protocol):
    """A scenario with its utilisation: see `planner.planning.comparison.Candidate`."""

    @property
    def estimate(self) -> Estimate: ...

    @property
    def about(self) -> Scenarios: ...

    @property
    def utilisation(self) -> float | None: ...


@record
class BreakEven:
    """A value at which one scenario costs as much as another.

    Parameters
    ----------
    kind : "node-hour price" or "node price" [USD], "utilisation" [1], "tokens a month", "months owned".
    of : position of the scenario whose input it is. against : of the one that it is set against.
    value : the break-even; None where the scenario never catches up.
    now : what the scenario has; None where it has none.
    low, high : ends of its 80 % range; an infinite end is one at which the scenario never catches up.
    """

    kind: str
    of: int
    against: int
    value: float | None
    now: float | None
    low: float | None = None
    high: float | None = None


@record
class _Money:
    """Money of a scenario by what it grows with [USD], and what it is for.

    Parameters
    ----------
    rent, capital, upkeep, work : parts of the money; `work` is electricity and storage.
    hours, nodes : that it pays for [h, 1].
    purchase : of all machines, where they are one's own [USD]; 0 where not.
    share : of the time in which they work [1]. tokens : of a month without idle time [1]. None where unknown.
    """

    rent: float
    capital: float
    upkeep: float
    work: float
    hours: float
    nodes: float
    purchase: float
    share: float | None
    tokens: float | None

    @property
    def total(self) -> float:
        """All of it [USD]."""
        return self.rent + self.owning + self.work

    @property
    def owning(self) -> float:
        """What is paid for machines of one's own whether they work or not [USD]."""
        return self.capital + self.upkeep


Value = Callable[[_Money, _Money], float | None]


def break_evens(candidates: Sequence[Priced]) -> tuple[BreakEven, ...]:
    """Give the break-evens between any two scenarios that do the same work and whose money is known."""
    known = [(n, _money(candidate)) for n, candidate in enumerate(candidates)]
    money = {n: each for n, each in known if each is not None}
    found: list[BreakEven] = []
    for one, other in combinations(money, 2):
        cheaper, dearer = sorted((one, other), key=lambda n: (money[n].total, n))
        asked = [(dearer, cheaper, kind) for kind in _of_price(money[dearer])]
        owned = [n for n in (one, other) if money[n].owning and money[n].share]
        if len(owned) == 1:
            (own,) = owned
            asked += [(own, other if own == one else one, kind) for kind in _of_owning(money[own])]
        found += [_ranged(kind, candidates, money, of=of, against=against) for of, against, kind in asked]
    return tuple(found)


def _money(candidate: Priced) -> _Money | None:
    estimate = candidate.estimate
    total, hourly, cost = estimate.value("cost_total_usd"), estimate.value("cost_per_hour_usd"), _cost(estimate)
    if not total or not hourly or cost is None:
        return None
    parts = dict(cost)
    rent, capital, upkeep = (parts.pop(key, 0.0) for key in ("rent", "capital", "upkeep"))
    return _Money(
        rent,
        capital,
        upkeep,
        sum(parts.values()),
        hours=total / hourly,  # those of a run, or the month of a service
        nodes=estimate.value("nodes") or 0.0,
        purchase=estimate.value("capital_usd") or 0.0,
        share=candidate.utilisation,
        tokens=_tokens_a_month(estimate),
    )


def _cost(estimate: Estimate) -> Mapping[str, float] | None:
    cost = estimate.breakdown("cost")
    return None if cost is None or estimate.children else {part.key: part.value for part in cost.parts}


def _tokens_a_month(estimate: Estimate) -> float | None:
    """Give the tokens of a month without idle time: those of steps that count, or those that are served."""
    trained, counts = estimate.value("tokens_per_s"), estimate.value("goodput")
    rate = trained * counts if trained and counts else estimate.value("total_tokens_per_s")
    return rate * MONTH_HOURS * HOUR_S if rate else None


def _of_price(money: _Money) -> Iterator[str]:
    """Give the kinds of break-even that the dearer of two scenarios has by the price of its machines."""
    if money.nodes and money.rent:
        yield "node-hour price"
    elif money.nodes and money.owning and money.purchase:
        yield "node price"


def _of_owning(money: _Money) -> Iterator[str]:
    """Give those that machines of one's own have against rented ones."""
    if money.purchase:
        yield "utilisation"
        if money.tokens is not None:
            yield "tokens a month"
        yield "months owned"


def _node_hour_price(own: _Money, other: _Money) -> float | None:
    """Give the price of its machines at which the dearer scenario costs no more than the cheaper."""
    level = (other.total - own.total + own.rent) / (own.nodes * own.hours)
    return level if level > 0 else None


def _node_price(own: _Money, other: _Money) -> float | None:
    level = own.purchase / own.nodes * (other.total - own.work) / own.owning
    return level if level > 0 else None


def _utilisation(own: _Money, other: _Money) -> float | None:
    """Give from which use on machines of one's own cost less than others' for the same work.

    The work alone must cost less than renting: else no use is enough.
    """
    spare = other.total - own.work
    return own.share * own.owning / spare if own.share and spare > 0 else None


def _tokens(own: _Money, other: _Money) -> float | None:
    level = _utilisation(own, other)
    return level * own.tokens if level is not None and own.tokens else None


def _months_owned(own: _Money, other: _Money) -> float | None:
    saved_per_month = (other.total - own.work - own.upkeep) / own.hours * MONTH_HOURS * (own.share or 0.0)
    return own.purchase / saved_per_month if saved_per_month > 0 else None


_VALUES: Mapping[str, tuple[Value, float]] = {
    "node-hour price": (_node_hour_price, 0.0),
    "node price": (_node_price, 0.0),
    "utilisation": (_utilisation, math.inf),
    "tokens a month": (_tokens, math.inf),
    "months owned": (_months_owned, math.inf),
}
"""By kind: the break-even, and the value that stands for never catching up in a range."""


def _now(kind: str, own: _Money) -> float | None:
    """Give what a scenario has."""
    share = own.share or 0.0
    return {
        "node-hour price": own.rent / (own.nodes * own.hours) if own.nodes else None,
        "node price": own.purchase / own.nodes if own.nodes else None,
        "utilisation": share,
        "tokens a month": share * own.tokens if own.tokens else None,
    }.get(kind)


def _ranged(
    kind: str, candidates: Sequence[Priced], money: Mapping[int, _Money], *, of: int, against: int
) -> BreakEven:
    """Give a break-even with its range."""
    value_of, never = _VALUES[kind]
    own, other = money[of], money[against]
    value = value_of(own, other)
    span = None
    if value is not None:
        pairs = _moved_pairs(candidates[of], candidates[against], own, other)
        effects = {}
        for name, (low, high) in pairs.items():
            ends = [value_of(*pair) for pair in (low, high)]
            effects[name] = tuple((never if end is None or math.isnan(end) else end) / value for end in ends)
        span = joined(value, effects)  # type: ignore[arg-type] # two ends each
    return _with_range(BreakEven(kind, of, against, value, _now(kind, own)), span)


def _with_range(found: BreakEven, span: Interval | None) -> BreakEven:
    return found if span is None else replace(found, low=span.low, high=span.high)


def _moved_pairs(
    one: Priced, two: Priced, own: _Money, other: _Money
) -> dict[str, tuple[tuple[_Money, _Money], tuple[_Money, _Money]]]:
    """Give both sides' money with each uncertain input at its low and its high end."""
    pairs = {}
    for name in dict.fromkeys((*_causes(one.estimate), *_causes(two.estimate))):
        low, high = (_moved(one.estimate, own, name, end) for end in (0, 1))
        other_low, other_high = (_moved(two.estimate, other, name, end) for end in (0, 1))
        if alike(name, one.about, two.about):
            pairs[name] = ((low, other_low), (high, other_high))
        else:
            pairs[f"{name} of one"] = ((low, other), (high, other))
            pairs[f"{name} of the other"] = ((own, other_low), (own, other_high))
    return pairs


_MOVES_MONEY = ("cost_total_usd", "cost_per_hour_usd", "capital_usd", "tokens_per_s", "goodput", "total_tokens_per_s")


def _causes(estimate: Estimate) -> Iterator[str]:
    for metric in _MOVES_MONEY:
        yield from estimate.contributions.get(metric, {})


def _moved(estimate: Estimate, money: _Money, name: str, end: int) -> _Money:
    """Give the money with one input at an end of its range.

    All parts grow with the hours. What is left of the change is of rent where that is all that is paid for
    machines, of machines of one's own where the input is one of theirs, and of the work otherwise.
    """

    def effect(metric: str) -> float:
        return estimate.contributions.get(metric, {}).get(name, (1.0, 1.0))[end]

    total, hours = effect("cost_total_usd"), effect("cost_total_usd") / effect("cost_per_hour_usd")
    rent, capital, upkeep, work = (part * hours for part in (money.rent, money.capital, money.upkeep, money.work))
    more = 0.0 if math.isinf(total) else money.total * (total - hours)
    share = money.share
    if name == "node-hour price":
        rent += more
    elif name not in _OF_OWNING:
        work += more
    elif name == "residual":
        capital += more
    elif name == "upkeep":
        upkeep += more
    elif money.owning:
        grown = 1.0 + more / (capital + upkeep)
        capital, upkeep = capital * grown, upkeep * grown
        share = share / grown if share and name == "utilisation" else share
    trained = money.tokens is not None and estimate.value("tokens_per_s") is not None
    rate = effect("tokens_per_s") * effect("goodput") if trained else effect("total_tokens_per_s")
    return replace(
        money,
        rent=rent,
        capital=capital,
        upkeep=upkeep,
        work=work,
        hours=money.hours * hours,
        purchase=money.purchase * effect("capital_usd"),
        share=share,
        tokens=None if money.tokens is None else money.tokens * rate,
    )
