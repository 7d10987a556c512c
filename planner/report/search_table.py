"""A search as a table for a terminal of 80 columns or more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from planner.planning.estimate import Currency
from planner.planning.search_result import OBJECTIVES, Candidate, Change, MachineVerdict, SearchResult
from planner.planning.search_words import degrees_words, offload_words, recompute_words
from planner.report.columns import fold, left, right
from planner.report.escape import for_terminal
from planner.report.numbers import shown, shown_range
from planner.units.printing import counted

NARROWEST = 80
_WHAT = 14
_NAME, _COUNT, _NUMBER = 24, 10, 11
_SHOWN_MACHINES, _SHOWN_FRONT, _SHOWN_NAMES = 10, 8, 6
_ASCII = {ord("–"): "-", ord("…"): "~", ord("→"): ">"}
_COLUMNS = (("days", "duration"), ("cost_total_usd", "cost"), ("energy_kwh", "energy"))
_OF_WINNER = (
    ("step_time_s", "time of a step"),
    ("mfu", "model FLOPs utilisation"),
    ("days", "duration"),
    ("cost_total_usd", "cost"),
    ("energy_kwh", "energy"),
    ("carbon_kg", "carbon"),
    ("facility_power_kw", "power from the grid"),
    ("peak_memory_gb", "peak memory"),
)


def render(found: SearchResult, *, width: int = NARROWEST, ascii_only: bool = False) -> str:
    """Give a search as plain text of a width of at least 80 [columns]."""
    lines = [line.rstrip() for line in _lines(found, max(width, NARROWEST))]
    text = "\n".join(lines) + "\n"
    return text.translate(_ASCII) if ascii_only else text


def _lines(found: SearchResult, width: int) -> Iterator[str]:
    currency = found.estimate.currency
    yield from fold(for_terminal(found.title), width)
    yield from _said("minimised", _asked(found, currency), width)
    yield from _said(
        "searched",
        f"{counted(found.points)} points of the grid; of those {counted(found.valid)} strategies can be carried "
        f"out, {counted(found.fit)} fit" + (f", {counted(found.within)} keep the limits" if _limited(found) else ""),
        width,
    )
    yield ""
    yield from _winner(found, currency, width)
    yield ""
    yield from _machines(found, currency, width)
    yield ""
    yield from _front(found, currency)
    yield ""
    yield from _changes(found, width)
    if len(found.top) > 1:
        yield ""
        yield from _top(found, currency, width)
    yield ""
    yield "ranges hold 80 % of cases; --output scenario=PATH writes the winner down"


def _said(what: str, value: str, width: int) -> Iterator[str]:
    yield from fold(for_terminal(value), width, indent=left(what, _WHAT), hanging=" " * _WHAT)


def _limited(found: SearchResult) -> bool:
    limits = found.limits
    return any(value is not None for value in (limits.days, limits.cost_total_usd, limits.facility_power_kw))


def _asked(found: SearchResult, currency: Currency) -> str:
    limits = [
        f"at most {shown(name, value, currency)}"
        for name in ("days", "cost_total_usd", "facility_power_kw")
        if (value := getattr(found.limits, name)) is not None
    ]
    return ", ".join([found.minimise, *limits])


def _winner(found: SearchResult, currency: Currency, width: int) -> Iterator[str]:
    winner, estimate = found.winner, found.estimate
    yield "The winner"
    yield from _said(
        "machines", f"{winner.accelerators:,} {winner.accelerator} in {winner.nodes:,} {winner.node}", width
    )
    yield from _said("framework", winner.framework, width)
    yield from _said("parallelism", degrees_words(winner), width)
    yield from _said("recompute", recompute_words(winner.recompute), width)
    yield from _said("offload", offload_words(winner.offload), width)
    yield from _said("held up", winner.bound, width)
    for name, label in _OF_WINNER:
        result = estimate.results.get(name)
        if result is None:
            continue
        ends = ""
        if result.low != result.high:
            ends = shown_range(name, result.low, result.high, currency)
        yield left(label, 32) + right(shown(name, result.mid, currency), 14) + "  " + ends


def _header(title: str) -> str:
    names = "".join(right(name, _NUMBER) for _, name in _COLUMNS)
    return left(title, _NAME) + right("number", _COUNT) + names


def _row(name: str, each: Candidate, currency: Currency) -> str:
    numbers = "".join(right(shown(metric, each.results[metric], currency), _NUMBER) for metric, _ in _COLUMNS)
    return left(for_terminal(name), _NAME) + right(f"{each.accelerators:,}", _COUNT) + numbers


def _machines(found: SearchResult, currency: Currency, width: int) -> Iterator[str]:
    inside = [verdict for verdict in found.machines if verdict.inside]
    outside = [verdict for verdict in found.machines if not verdict.inside and verdict.best is not None]
    yield _header("The best of each machine")
    yield from _verdict_lines(inside, currency, width)
    if outside:
        yield ""
        yield _header("Outside the limits")
        yield from _verdict_lines(outside, currency, width)
    without = [verdict for verdict in found.machines if verdict.best is None]
    if without:
        yield ""
        yield "Cannot take part"
        yield from _reasons(without, width)


def _verdict_lines(verdicts: Sequence[MachineVerdict], currency: Currency, width: int) -> Iterator[str]:
    for verdict in verdicts[:_SHOWN_MACHINES]:
        if verdict.best is not None:
            yield _row(verdict.node, verdict.best, currency)
            yield from fold(for_terminal(verdict.reason or "the winner"), width, indent="  ")
    if len(verdicts) > _SHOWN_MACHINES:
        yield f"and {len(verdicts) - _SHOWN_MACHINES} more: --output csv=PATH has them all"


def _reasons(verdicts: Sequence[MachineVerdict], width: int) -> Iterator[str]:
    """Give machines by why they cannot take part, those that lack memory by how much first."""
    groups: dict[str, list[str]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.reason, []).append(verdict.node)
    for reason, nodes in groups.items():
        more = f" and {len(nodes) - _SHOWN_NAMES} more" if len(nodes) > _SHOWN_NAMES else ""
        names = ", ".join(nodes[:_SHOWN_NAMES]) + more
        yield from fold(for_terminal(f"{reason}: {names}"), width, indent="  ", hanging="    ")


def _front(found: SearchResult, currency: Currency) -> Iterator[str]:
    count = len(found.front)
    yield _header("Unbeaten")
    chosen = list(range(count))
    if count > _SHOWN_FRONT:
        chosen = sorted({round(n * (count - 1) / (_SHOWN_FRONT - 1)) for n in range(_SHOWN_FRONT)})
    for number in chosen:
        each = found.front[number]
        yield _row(each.node, each, currency)
    shown_of = f"; {len(chosen)} are shown" if len(chosen) < count else ""
    yield f"  no strategy beats these {count} in time, money and energy together{shown_of}"


def _changes(found: SearchResult, width: int) -> Iterator[str]:
    """Give for every axis the change that costs least, or gains most."""
    yield f"One change to the winner, the best of each kind, by {found.minimise}"
    axes: dict[str, list[Change]] = {}
    for change in found.changes:
        axes.setdefault(change.axis, []).append(change)
    for axis, changes in axes.items():
        fitting = [change for change in changes if _value(change, found.minimise) is not None]
        keeping = [change for change in fitting if _keeps(change, found)]
        best = min(keeping or fitting or changes, key=lambda change: _value(change, found.minimise) or 0.0)
        words = f"{axis}: {best.before} → {best.after}"
        yield from fold(for_terminal(f"{words}: {_effect(best, found)}"), width, indent="  ", hanging="    ")


def _value(change: Change, minimise: str) -> float | None:
    return change.results.get(OBJECTIVES[minimise])


def _keeps(change: Change, found: SearchResult) -> bool:
    """Whether a change keeps the limits."""
    for name in ("days", "cost_total_usd", "facility_power_kw"):
        limit, value = getattr(found.limits, name), change.results.get(name)
        if limit is not None and (value is None or value > limit):
            return False
    return True


def _effect(change: Change, found: SearchResult) -> str:
    if change.why_not:
        return change.why_not
    pieces = []
    for metric, word in _COLUMNS:
        before, after = found.winner.results[metric], change.results.get(metric)
        if before and after is not None:
            pieces.append(f"{(after / before - 1.0) * 100:+.1f} % {word}")
    return ", ".join(pieces) + ("" if _keeps(change, found) else ": past the limits")


def _top(found: SearchResult, currency: Currency, width: int) -> Iterator[str]:
    yield f"The best {len(found.top)} strategies by {found.minimise}"
    metric = OBJECTIVES[found.minimise]
    for number, each in enumerate(found.top, start=1):
        words = [
            f"{each.accelerators:,} in {each.node}",
            degrees_words(each),
            f"recompute {recompute_words(each.recompute)}",
        ]
        if offload_words(each.offload) != "none":
            words.append(offload_words(each.offload))
        value = shown(metric, each.results[metric], currency)
        yield from fold(
            for_terminal(f"{value}: {'; '.join(words)}"), width, indent=left(f"{number}.", 4), hanging="    "
        )
