"""Ways back under a limit: single changes of a scenario, each really tried, with what the rule then says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.policy.finding import Finding, WayBack
from planner.policy.subjects import Evaluated, Use, evaluated
from planner.scenario.resolve import close

_TERMS = ("spot", "reserved-1y", "reserved-3y", "on-demand", "owned")
_MOST_WAYS = 4
_DIGITS = 2  # of an amount of work that is cut: 1.4 T tokens, not 1.4137 T

Judge = Callable[[Evaluated], float | None]
"""The value that a rule would judge, were a scenario replaced by this one."""


def ways_back(
    finding: Finding, scenario: Evaluated, books: Books, judge: Judge, uses: tuple[Use, ...] = ()
) -> tuple[WayBack, ...]:
    """Try single changes of a scenario, and give those that bring a value nearer to its limit.

    Parameters
    ----------
    finding : a limit that is broken. scenario : whose changes are tried.
    books : what it is looked up in. judge : what the rule would judge. uses : what budgets ask for.

    Returns
    -------
    Changes after which the rule is kept, those that cost least time first; where there is none, those that
    help most.
    """
    found = []
    for path, value in _candidates(finding, scenario):
        tried = _tried(scenario, path, value, books, uses)
        result = judge(tried) if tried is not None else None
        if tried is None or result is None or not _helps(finding, result):
            continue
        days = tried.whole.results.get("days")
        found.append(
            WayBack(scenario.whole.name, path, value, result, days.mid if days else None, _keeps(finding, result))
        )
    keeping = [way for way in found if way.keeps]
    keeping.sort(key=lambda way: way.days if way.days is not None else 0.0)  # stable: in the order of trial
    rest = sorted((way for way in found if not way.keeps), key=lambda way: abs(way.result - (finding.limit or 0.0)))
    return tuple((keeping or rest)[:_MOST_WAYS])


def _is_upwards(finding: Finding) -> bool:
    """Whether too high a value is what is wrong."""
    return finding.value is not None and finding.limit is not None and finding.value > finding.limit


def _helps(finding: Finding, result: float) -> bool:
    value = finding.value or 0.0
    return result < value if _is_upwards(finding) else result > value


def _keeps(finding: Finding, result: float) -> bool:
    limit = finding.limit or 0.0
    return result <= limit if _is_upwards(finding) else result >= limit


def _tried(scenario: Evaluated, path: str, value: str, books: Books, uses: tuple[Use, ...]) -> Evaluated | None:
    before = scenario.resolved
    try:
        changed = close(before.tree, path=before.path, changes={path: value})
        resolved = replace(changed, variant=before.variant, root=before.root, within=before.within)
        found = evaluated(resolved, books, uses)
    except (InputError, InfeasibleError):
        return None
    return None if found.whole.why_not else found


def _candidates(finding: Finding, scenario: Evaluated) -> Iterator[tuple[str, str]]:
    """Give changes worth a try, the mildest first."""
    value = scenario.resolved.tree.value
    hardware = value.get("hardware")
    hardware = hardware if isinstance(hardware, dict) else {}
    workload = value.get("workload")
    workload = workload if isinstance(workload, dict) else {}
    for term in _TERMS if hardware else ():
        if term != hardware.get("term"):
            yield "hardware.term", term
    if value.get("parallelism") not in (None, "auto"):
        yield "parallelism", "auto"
    precision = workload.get("precision")
    if isinstance(precision, dict) and precision.get("compute") in ("bf16", "fp16"):
        yield "workload.precision.compute", "fp8"
    for key in ("accelerators", "nodes"):
        count = hardware.get(key)
        if isinstance(count, int) and count > 1:
            yield f"hardware.{key}", str(int(count) // 2)
            yield f"hardware.{key}", str(int(count) * 2)
    if value.get("recompute") in (None, "none") and "memory" in finding.metric:
        yield "recompute", "full"
    yield from _less_work(finding, workload)


def _less_work(finding: Finding, workload: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the amount of work that would fit, were its cost in proportion to it."""
    said = workload.get("tokens")
    if said is None or not _is_upwards(finding) or not finding.value or finding.limit is None:
        return
    from planner.units.dimensions import TOKENS
    from planner.units.reading import parse
    from planner.units.symbols import UnitError

    try:
        tokens = parse(said, TOKENS)
    except UnitError:
        return
    # A budget of several scenarios takes the whole of the excess from this one.
    own = next((share.value for share in finding.shares if share.value), None) or finding.value
    left = own - (finding.value - finding.limit)
    if left <= 0:
        return
    fewer = tokens * left / own
    digits = 10.0 ** (len(str(int(fewer))) - _DIGITS)
    yield "workload.tokens", f"{max(1, int(fewer / digits)) * digits / 1e12:.10g} T"
