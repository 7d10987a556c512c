"""Why a result is what it is: the tree of its parts, what each uncertain input does to it, where inputs came from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.catalog.entry import Standing
from planner.errors import Fault, InputError, did_you_mean, listing, visible
from planner.metrics import METRICS, metric
from planner.planning.books import Books
from planner.planning.estimate import Estimate, Part
from planner.planning.ledger import Input
from planner.record import record

MAIN = (
    *("step_time_s", "peak_memory_gb", "days", "accelerator_hours"),
    *("cost_total_usd", "energy_kwh", "carbon_kg"),
    *("ttft_ms", "tpot_ms", "requests_per_s", "cost_per_million_output_tokens_usd", "energy_per_million_tokens_kwh"),
    *("nodes_that_fit", "facility_rated_power_kw", "cost_per_month_usd"),
)
"""Results that are explained where none is named, as far as an estimate has them."""

# Breakdowns whose parts sum to a result, and the unit of the result in that of the parts.
_SUMS: dict[str, tuple[tuple[str, float], ...]] = {
    "step_time_s": (("step", 1.0),),
    "days": (("run", 86400.0),),
    "node_power_kw": (("power", 1e3),),
    "accelerator_power_w": (("phases", 1.0),),
    "itl_ms": (("decode", 1e-3),),
    "cost_total_usd": (("cost", 1.0),),
    "cost_per_month_usd": (("cost", 1.0),),
}
# Results that others are multiplied or divided into.
_FACTORS: dict[str, tuple[str, ...]] = {
    "accelerator_hours": ("accelerators", "days"),
    "power_kw": ("nodes", "node_power_kw"),
    "facility_power_kw": ("power_kw",),
    "energy_kwh": ("facility_power_kw", "days"),
    "carbon_kg": ("energy_kwh",),
    "mfu": ("model_flops", "accelerators", "step_time_s", "steps"),
    "tokens_per_s": ("step_time_s",),
    "cost_per_hour_usd": ("cost_total_usd", "days"),
    "cost_per_million_tokens_usd": ("cost_total_usd",),
    "restart_s": ("checkpoint_bytes", "storage_read_bytes_per_s"),
    "checkpoint_write_s": ("checkpoint_bytes",),
    "storage_load": ("data_rate_bytes_per_s", "storage_read_bytes_per_s"),
    "tpot_ms": ("itl_ms",),
    "e2e_latency_ms": ("ttft_ms", "tpot_ms"),
    "output_tokens_per_s": ("requests_per_s",),
    "cost_per_million_input_tokens_usd": ("cost_per_month_usd", "requests_per_s"),
    "cost_per_million_output_tokens_usd": ("cost_per_month_usd", "output_tokens_per_s"),
    "cost_per_request_usd": ("cost_per_month_usd", "requests_per_s"),
    "energy_per_million_tokens_kwh": ("facility_power_kw", "output_tokens_per_s"),
    "carbon_per_million_tokens_kg": ("energy_per_million_tokens_kwh",),
    "joules_per_token": ("accelerator_power_w", "output_tokens_per_s"),
    "facility_rated_power_kw": ("nodes_that_fit", "node_rated_power_kw"),
}
# Parts of a breakdown that other results explain.
_PART_FACTORS: dict[str, tuple[str, ...]] = {
    "steps_s": ("steps", "step_time_s"),
    "capital": ("capital_usd", "days"),
    "upkeep": ("capital_usd", "days"),
    "electricity": ("energy_kwh",),
    "rent": ("nodes", "days"),
}
_SAME = 1e-6


@record
class Branch:
    """One value of the tree.

    Parameters
    ----------
    label : what it is. metric : the result's name; "" for a part of one.
    value, unit : the middle; None where it is unknown.
    low, high : its range; None for a part.
    share : of the value above, where this is a part of its sum.
    how : how the branches below make it: "sum", "product", or "".
    branches : what it is made of.
    """

    label: str
    metric: str
    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    share: float | None = None
    how: str = ""
    branches: tuple[Branch, ...] = ()


@record
class Effect:
    """What one uncertain input does alone: the result at its low and high end over the middle."""

    input: str
    low: float
    high: float

    @property
    def size(self) -> float:
        """How far the result moves, as a logarithm."""
        return max(abs(math.log(end)) if 0 < end < math.inf else math.inf for end in (self.low, self.high))


@record
class SourcedInput:
    """An input with the source that it came from; `access` tells how that was seen."""

    input: Input
    title: str
    url: str
    date: str
    access: str


@record
class Explanation:
    """An estimate explained.

    Parameters
    ----------
    name, title : of the scenario, or of the part that was asked for.
    trees : one for each result asked for.
    effects : by metric, the largest first.
    inputs : with their sources, weak ones first.
    basis : what the efficiencies rest on. warnings : of the estimate.
    parts : explanations of the parts of a composite or the nodes of a place.
    why_not : why it does not fit.
    """

    name: str
    title: str
    trees: tuple[Branch, ...]
    effects: dict[str, tuple[Effect, ...]]
    inputs: tuple[SourcedInput, ...]
    basis: str
    warnings: tuple[str, ...]
    parts: tuple[Explanation, ...] = ()
    why_not: str = ""


def explain(estimate: Estimate, books: Books, *, wanted: str | None = None, of: str | None = None) -> Explanation:
    """Explain an estimate.

    Parameters
    ----------
    estimate : what is explained. books : hold the sources.
    wanted : one result by its name; the main ones where none is named.
    of : a part of a composite or a node of a place, parts of parts by `part/node`.

    Raises
    ------
    InputError : there is no such result, or no such part.
    """
    part = _part(estimate, of)
    if wanted is not None:
        metric(wanted)
        if not _has(part, wanted):
            known = sorted({name for name in METRICS if _has(part, name)})
            raise InputError(
                Fault(
                    "no-result",
                    f"'{visible(part.name)}' has no result '{wanted}'",
                    allowed=listing(known, most=60),
                    hint=did_you_mean(wanted, known),
                )
            )
    return _explained(part, books, (wanted,) if wanted else MAIN, outer=True)


def _has(estimate: Estimate, name: str) -> bool:
    return name in estimate.results or any(_has(child, name) for child in estimate.children.values())


def _explained(estimate: Estimate, books: Books, wanted: Sequence[str], *, outer: bool) -> Explanation:
    names = [name for name in wanted if name in estimate.results]
    effects = {name: _effects(estimate, name) for name in names}
    return Explanation(
        name=estimate.name,
        title=estimate.title,
        trees=tuple(_tree(estimate, name, set()) for name in names),
        effects={name: found for name, found in effects.items() if found},
        # Those of the parts are among those of the whole.
        inputs=tuple(_sourced(item, books) for item in _weak_first(estimate.inputs)) if outer else (),
        basis=estimate.basis,
        warnings=estimate.warnings,
        parts=tuple(_explained(child, books, wanted, outer=False) for child in estimate.children.values()),
        why_not=estimate.why_not,
    )


def _part(estimate: Estimate, path: str | None) -> Estimate:
    part = estimate
    for step in path.split("/") if path else ():
        if step not in part.children:
            known = list(part.children)
            raise InputError(
                Fault(
                    "unknown-part",
                    f"no part '{visible(step)[:60]}'",
                    allowed=listing(known) or "none: the scenario has no parts",
                    hint=did_you_mean(step, known),
                )
            )
        part = part.children[step]
    return part


def _tree(estimate: Estimate, name: str, opened: set[str]) -> Branch:
    """Give the tree of a result; one that was opened elsewhere in it is not opened again."""
    result = estimate.results[name]
    how, branches = "", tuple[Branch, ...]()
    if name not in opened and result.mid is not None:
        opened.add(name)
        how, branches = _branches(estimate, name, result.mid, opened)
    meaning = METRICS[name].meaning
    return Branch(meaning, name, result.mid, METRICS[name].unit, result.low, result.high, None, how, branches)


def _branches(estimate: Estimate, name: str, value: float, opened: set[str]) -> tuple[str, tuple[Branch, ...]]:
    for key, scale in _SUMS.get(name, ()):
        found = estimate.breakdown(key)
        # A node at full load is no part of one that draws its usual power.
        if found and math.isclose(found.total, value * scale, rel_tol=_SAME):
            parts = (_part_branch(estimate, part, found.unit, found.total, opened) for part in found.parts)
            return "sum", tuple(branch for branch in parts if branch.value)
    if name == "peak_memory_gb" and estimate.memory:
        fullest = max(estimate.memory, key=lambda stage: stage.total_bytes)
        parts = (_part_branch(estimate, part, "B", fullest.total_bytes, opened) for part in fullest.parts)
        return "sum", tuple(branch for branch in parts if branch.value)
    if METRICS[name].adds and estimate.children:
        holders = [child for child in estimate.children.values() if name in child.results]
        return "sum", tuple(_tree(child, name, set()) for child in holders)
    factors = tuple(_tree(estimate, factor, opened) for factor in _FACTORS.get(name, ()) if factor in estimate.results)
    return ("product" if factors else ""), factors


def _part_branch(estimate: Estimate, part: Part, unit: str, total: float, opened: set[str]) -> Branch:
    names = [name for name in _PART_FACTORS.get(part.key, ()) if name in estimate.results]
    below = tuple(_tree(estimate, name, opened) for name in names)
    share = part.value / total if total else 0.0
    how = "product" if below else ""
    return Branch(part.label, "", part.value, unit, share=share, how=how, branches=below)


def _effects(estimate: Estimate, name: str) -> tuple[Effect, ...]:
    found = [Effect(cause, low, high) for cause, (low, high) in estimate.contributions.get(name, {}).items()]
    return tuple(sorted(found, key=lambda effect: (-effect.size, effect.input)))


def _weak_first(inputs: Sequence[Input]) -> list[Input]:
    return sorted(inputs, key=lambda item: not item.standing.is_weak)


def _sourced(item: Input, books: Books) -> SourcedInput:
    """Give an input with its source; a default with the reason that stands beside it."""
    reason = books.defaults.reasons.get(item.name.removesuffix(f" of {books.defaults.id}"), "")
    source = books.catalog.source(item.source) if item.source else None
    if source is None:
        return SourcedInput(item, item.source, "", item.date, "")
    title = reason if reason and source.standing is Standing.ESTIMATED else source.title
    return SourcedInput(item, title, source.url, item.date or source.date, source.access)
