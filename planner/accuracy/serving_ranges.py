"""The 80 % ranges of a serving profile: quantiles of measured over predicted, on rows left out.

A range is told by kind of load, line of chips and kind of number. Each is learnt from all rows of its kind of number:
its own count as much as they have sources, since rows of one source err together; those of the same load on other
chips, and of other loads on the same chips, as half a source each; all others as one. A group of one source so leans
on its like for how far the next source may be off, and a group of many speaks for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.serving_footing import footing_of
from planner.accuracy.serving_problem import Bench
from planner.catalog.profile import Spread
from planner.planning.serving_ranges import KINDS, spread_in
from planner.record import record

Array = NDArray[np.float64]
Names = NDArray[np.str_]

_SPAN = 0.8
_TABLE = 0.4  # exponent: a table of n rows weighs n^0.6 of one row, as neighbouring rows err together
_ALIKE, _OTHERS = 0.5, 1.0  # sources that rows of the same load, or line, and rows of other ones count as
_OUTERMOST = 1e-3
_SPEAKING, _MOST = 20, 0.9  # numbers of a group from which on its range holds no more of them than that


@record
class Errors:
    """ln(measured / predicted) of rows left out in some ways, over what is not known of them; an element each time."""

    value: Array
    weight: Array
    load: Names
    line: Names
    kind: Names
    source: Names
    ways: int
    sources: int

    def of(self, rows: NDArray[np.bool_]) -> Errors:
        """Give some of them."""
        names = ("value", "weight", "load", "line", "kind", "source")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


def ranges_of(bench: Bench, left_out: Mapping[str, Array]) -> dict[str, Spread]:
    """Give ranges by load, line of chips and kind of number; see `planner.planning.serving_ranges`.

    Parameters
    ----------
    bench : observations.
    left_out : ln(measured / predicted) by what the fits had not seen; "accelerator" among it.
    """
    return _ranges(_errors(bench, left_out))


def inside_unseen(bench: Bench, left_out: Mapping[str, Array], what: str) -> NDArray[np.bool_]:
    """Tell of each number whether it lies in a range that was learnt from other sources' rows alone.

    Parameters
    ----------
    bench, left_out : as for `ranges_of`. what : the way of leaving out whose errors are looked at.
    """
    errors, inside = _errors(bench, left_out), np.zeros(len(bench.observed.value), dtype=bool)
    source_of = np.array([bench.cases[case].source for case in bench.observed.case])
    for source in sorted(set(errors.source.tolist())):
        mine = errors.source == source
        asked = tuple(set(names[mine].tolist()) for names in (errors.kind, errors.load, errors.line))
        ranges = _ranges(errors.of(~mine), asked)
        for place in np.flatnonzero(source_of == source):
            footing = footing_of(bench.cases[bench.observed.case[place]], what)
            spread = spread_in(ranges, footing, KINDS[bench.observed.metric[place]])
            inside[place] = np.log(spread.low) <= left_out[what][place] <= np.log(spread.high)
    return inside


def _ranges(errors: Errors, asked: Sequence[Collection[str]] | None = None) -> dict[str, Spread]:
    """Give all ranges, or those of some kinds of number, loads and lines."""
    known = [sorted(set(names.tolist())) for names in (errors.kind, errors.load, errors.line)]
    kinds, loads, lines = ([n for n in names if n in some] for names, some in zip(known, asked or known, strict=True))
    found = {"any": _spread(errors, [(np.ones(len(errors.value), dtype=bool), 1.0)])}
    for kind in kinds:
        mine = errors.kind == kind
        found[kind] = _spread(errors, [(mine, 1.0)])
        for line in set(lines) & set(errors.line[mine].tolist()):
            found[f"{line}-{kind}"] = _spread(errors, _shares(errors, mine, errors.line == line))
        for load in set(loads) & set(errors.load[mine].tolist()):
            found[f"{load}-{kind}"] = _spread(errors, _shares(errors, mine, errors.load == load))
            for line in set(lines) & set(errors.line[mine].tolist()):
                found[f"{load}-{line}-{kind}"] = _spread(errors, _crossed(errors, mine, load, line))
    return dict(sorted(found.items()))


def _errors(bench: Bench, left_out: Mapping[str, Array]) -> Errors:
    """Give the errors of rows of quality A and B that do not repeat another one, of all ways of leaving out."""
    values, places, powers = [], [], []
    footings = {how: [footing_of(case, how) for case in bench.cases] for how in left_out}
    for how, errors in left_out.items():
        for place, (case, metric) in enumerate(zip(bench.observed.case.tolist(), bench.observed.metric, strict=True)):
            one = bench.cases[case]
            if one.quality != "C" and not one.repeated and np.isfinite(errors[place]):
                values.append(errors[place])
                places.append((case, metric))
                powers.append(footings[how][case].looseness(KINDS[metric]))
    cases = [bench.cases[case] for case, _ in places]
    known = [footings[next(iter(left_out))][case] for case, _ in places]
    tables = [(c.source, c.accelerator.id, metric) for c, (_, metric) in zip(cases, places, strict=True)]
    count = Counter(tables)
    return Errors(
        value=np.array(values) / np.array(powers),
        weight=np.array([count[table] ** -_TABLE for table in tables]),
        load=np.array([footing.load for footing in known]),
        line=np.array([footing.line for footing in known]),
        kind=np.array([KINDS[metric] for _, metric in places]),
        source=np.array([case.source for case in cases]),
        ways=len(left_out),
        sources=len({case.source for case in cases}),
    )


Shares = Sequence[tuple[NDArray[np.bool_], float]]


def _shares(errors: Errors, kind: NDArray[np.bool_], group: NDArray[np.bool_]) -> Shares:
    own = kind & group
    return [(own, len(set(errors.source[own].tolist()))), (kind & ~group, _OTHERS)]


def _crossed(errors: Errors, kind: NDArray[np.bool_], load: str, line: str) -> Shares:
    same_load, same_line = errors.load == load, errors.line == line
    own = kind & same_load & same_line
    return [
        (own, len(set(errors.source[own].tolist()))),
        (kind & same_load & ~same_line, _ALIKE),
        (kind & same_line & ~same_load, _ALIKE),
        (kind & ~same_load & ~same_line, _OTHERS),
    ]


def _spread(errors: Errors, shares: Shares) -> Spread:
    """Give the range that holds 80 % of what groups of rows say together, each with its share.

    The next one of n sources that may come in any order lies inside 80 % of the time where (n + 1) / n of that is taken
    of those that are there. A range holds its prediction: where nearly all rows lie on
    one side of it, all that is left out is on that side.
    """
    groups = [(np.flatnonzero(mine), share) for mine, share in shares if share > 0 and np.any(mine)]
    place = np.concatenate([rows for rows, _ in groups])
    weight = np.concatenate([errors.weight[rows] / errors.weight[rows].sum() * share for rows, share in groups])
    weight /= weight.sum()
    order = np.argsort(errors.value[place], kind="stable")
    value, weight = errors.value[place][order], weight[order]
    reached = np.cumsum(weight) - weight / 2.0
    span = _SPAN * (1.0 + 1.0 / errors.sources)
    low, high = np.interp([0.5 - span / 2.0, 0.5 + span / 2.0], reached, value)
    below = float(weight[value < 0].sum())
    if low > 0.0:
        low, high = 0.0, float(np.interp(min(span + below, 1.0 - _OUTERMOST), reached, value))
    elif high < 0.0:
        high, low = 0.0, float(np.interp(max(below - span, _OUTERMOST), reached, value))
    own = errors.value[groups[0][0]]
    if own.size >= _SPEAKING * errors.ways:
        # Ends are drawn in together until the group's own rows are held no better than that.
        needed = np.sort(np.where(own < 0.0, own / min(low, -_OUTERMOST), own / max(high, _OUTERMOST)))
        drawn = min(float(np.quantile(needed, _MOST)), 1.0)
        low, high = low * drawn, high * drawn
    return Spread(low=round(float(np.exp(low)), 3), high=round(float(np.exp(high)), 3), rows=_numbers(errors, shares))


def _numbers(errors: Errors, shares: Shares) -> int:
    """Give how many measured numbers a group has of its own; each was left out in several ways."""
    return int(np.count_nonzero(shares[0][0])) // errors.ways
