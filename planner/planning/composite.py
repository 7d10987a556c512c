"""The estimate of a composite: its parts added up, or set side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from planner.documents.reader import Trail
from planner.errors import Fault, InfeasibleError, InputError, visible
from planner.metrics import METRICS
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Breakdown, Estimate, Part, Result
from planner.planning.ledger import Input
from planner.planning.sums import Uncertain, summed
from planner.planning.uncertainty import joined
from planner.planning.unfit import unfit
from planner.scenario import composite
from planner.scenario.composite import Composite
from planner.scenario.resolve import Resolved, beside, read_scenario

MAX_DEPTH = 4
EstimatePart = Callable[[Resolved, Books], Estimate]


def estimate_composite(resolved: Resolved, books: Books, estimate_part: EstimatePart) -> Estimate:
    """Give the estimate of a composite, with one child for each part.

    Parameters
    ----------
    resolved : a closed scenario. books : what it is looked up in.
    estimate_part : gives the estimate of a part, of whatever kind that is.

    Raises
    ------
    InputError : a part is wrong or missing, or the composite is a part of itself.
    InfeasibleError : a part of a sum does not fit, or no alternative does.
    """
    whole = resolved.document
    if not isinstance(whole, Composite):
        raise AssertionError("a composite is wanted")
    adds = whole.workload.combine == "sum"
    children: dict[str, Estimate] = {}
    refused: list[Fault] = []
    for name, part in whole.workload.parts.items():
        scenario = _read(resolved, name, part, books)
        try:
            children[name] = estimate_part(scenario, books)
        except InfeasibleError as error:
            if adds:
                whose = resolved.tree.fault("part-infeasible", f"part '{visible(name)}' does not fit", _at(name))
                raise InfeasibleError(whose, *error.faults) from None
            refused += error.faults
            children[name] = unfit(scenario, error, books)
    if refused and all(child.why_not for child in children.values()):
        raise InfeasibleError(*refused)
    told = "added up" if adds else "side by side"
    found = Estimate(
        name=resolved.name,
        title=whole.title or whole.name,
        kind="composite",
        tags=whole.tags,
        results={},
        plan=(("parts", f"{len(children)}, {told}"),),
        inputs=_inputs(children),
        scenario=resolved.tree.value,
        children=children,
        currency=shown_currency(books),
    )
    return _summed(found, whole.workload.parts) if adds else found


def _read(resolved: Resolved, name: str, part: composite.Part, books: Books) -> Resolved:
    """Read the scenario of a part, refusing composites that hold themselves or are too deep."""
    tree, trail = resolved.tree, (*_at(name), "scenario")
    if resolved.path is None or resolved.root is None:
        raise AssertionError("a composite is read from a file")
    within = (*resolved.within, resolved.path)
    path = beside(resolved.path, part.scenario, root=resolved.root, where=str(tree.location(trail)))
    chain = " -> ".join(visible(str(link)) for link in (*within, path))
    if _same(path, within) and part.variant is None:
        raise InputError(tree.fault("parts-cycle", f"a part of itself: {chain}", trail))
    if len(within) > MAX_DEPTH:
        raise InputError(tree.fault("parts-deep", f"composites more than {MAX_DEPTH} deep: {chain}", trail))
    if not path.is_file():
        raise InputError(tree.fault("file-missing", f"no file '{visible(part.scenario)}'", trail))
    return read_scenario(path, variant=part.variant, root=resolved.root, budget=books.catalog.budget, within=within)


def _same(path: Path, within: tuple[Path, ...]) -> bool:
    return path.resolve() in {link.resolve() for link in within}


def _at(name: str) -> Trail:
    return ("workload", "parts", name)


def _inputs(children: Mapping[str, Estimate]) -> tuple[Input, ...]:
    found: dict[str, Input] = {}
    for child in children.values():
        for item in child.inputs:
            found.setdefault(item.name, item)
    return tuple(found.values())


def _summed(found: Estimate, parts: Mapping[str, composite.Part]) -> Estimate:
    """Give a composite with the sums of the results that add."""
    times = {name: part.times for name, part in parts.items()}
    results: dict[str, Result] = {}
    contributions: dict[str, dict[str, tuple[float, float]]] = {}
    warnings: list[str] = []
    for metric in (name for name, each in METRICS.items() if each.adds):
        lacking = [name for name, child in found.children.items() if metric not in child.results]
        if len(lacking) == len(found.children):
            continue
        if lacking:
            warnings.append(f"{metric} is not summed: {', '.join(lacking)} has none")
            continue
        results[metric], contributions[metric] = _sum(metric, found.children, times)
    cost = results.get("cost_total_usd")
    shares = tuple(
        Part(name, name, times[name] * value)
        for name, child in found.children.items()
        if (value := child.value("cost_total_usd")) is not None
    )
    by_part = (Breakdown("cost", "money by part", "USD", shares),) if cost and cost.mid is not None else ()
    return replace(
        found,
        results=results,
        contributions={metric: effects for metric, effects in contributions.items() if effects},
        warnings=tuple(warnings),
        breakdowns=by_part,
    )


def _sum(
    metric: str, children: Mapping[str, Estimate], times: Mapping[str, float]
) -> tuple[Result, dict[str, tuple[float, float]]]:
    """Add up one result: unknown where that of a part is unknown."""
    whole = summed(
        (times[name], Uncertain(child.value(metric), child.contributions.get(metric, {})))
        for name, child in children.items()
    )
    return Result.of(metric, joined(whole.mid, whole.effects)), dict(whole.effects)
