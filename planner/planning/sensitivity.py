"""What moves an answer: each uncertain input between the ends of its range, and each choice changed by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from planner.errors import Fault, InfeasibleError, InputError, did_you_mean, listing
from planner.metrics import METRICS, metric
from planner.planning.books import Books
from planner.planning.dispatch import estimate
from planner.planning.estimate import Currency, Estimate
from planner.planning.explain import MAIN
from planner.record import record
from planner.scenario.resolve import Resolved, close
from planner.scenario.training_run import TrainingRun

_PREFERRED = ("cost_total_usd", "cost_per_month_usd", "days")
_TERMS = ("on-demand", "spot", "capacity-block", "reserved-1y", "reserved-3y", "owned")
_PRECISIONS = ("bf16", "fp8")
_RECOMPUTE = ("none", "selective", "full")
_NEW_DEGREES = ("accelerators", "nodes", "global batch", "precision")
_MOST_CHANGES = 40


@record
class InputEffect:
    """What an uncertain input does to a result by itself, with the result at its low and its high end."""

    name: str
    at_low: float
    at_high: float

    @property
    def swing(self) -> float:
        """Ratio of the larger result to the smaller; infinite where the input can make it so."""
        smaller, larger = sorted((self.at_low, self.at_high))
        return larger / smaller if smaller > 0 else math.inf


@record
class ChoiceEffect:
    """What one changed choice does to a result: None, and why not, where it cannot be carried out."""

    name: str
    before: str
    after: str
    value: float | None
    why_not: str = ""


@record
class Sensitivity:
    """What moves one result of a scenario.

    Parameters
    ----------
    name, title : of the scenario. metric : of the result, as in `planner.metrics`.
    value, low, high : the result and its 80 % range; no high end where nothing bounds it.
    inputs, choices : what moves it, the strongest first; choices that cannot be carried out come last.
    currency : that people are shown money in.
    """

    name: str
    title: str
    metric: str
    value: float
    low: float | None
    high: float | None
    inputs: tuple[InputEffect, ...]
    choices: tuple[ChoiceEffect, ...]
    currency: Currency


def sensitivity(resolved: Resolved, books: Books, *, wanted: str | None = None) -> Sensitivity:
    """Give what moves a result of a scenario.

    Parameters
    ----------
    resolved : a closed scenario; the choices of training runs are changed, one at a time.
    books : what it is looked up in.
    wanted : name of the result; the cost where it is known, else the days, where none is named.

    Raises
    ------
    InputError : the scenario is wrong, or has no such result. InfeasibleError : it does not fit.
    """
    found = estimate(resolved, books)
    name = _named(found, wanted)
    result = found.results[name]
    middle = result.mid
    if middle is None:
        raise InputError(
            Fault(
                "result-unknown",
                f"{name} of '{found.name}' is unknown, since an input of it is",
                allowed=listing([each for each in MAIN if found.value(each) is not None]),
                hint="give the missing input, or name another result with --metric",
            )
        )
    effects = [InputEffect(each, middle * low, middle * high) for each, (low, high) in _contributions(found, name)]
    changes = [_changed(resolved, books, name, change) for change in _changes(resolved, books)]
    return Sensitivity(
        name=found.name,
        title=found.title,
        metric=name,
        value=middle,
        low=result.low,
        high=result.high,
        inputs=tuple(sorted(effects, key=lambda effect: (-effect.swing, effect.name))),
        choices=tuple(sorted(changes, key=lambda change: _order(change, middle))),
        currency=found.currency,
    )


def _named(found: Estimate, wanted: str | None) -> str:
    if wanted is None:
        known = [name for name in (*_PREFERRED, *MAIN, *found.results) if found.value(name) is not None]
        if not known:
            raise InputError(Fault("no-result", f"'{found.name}' has no result to move", hint="name one of its parts"))
        return known[0]
    metric(wanted)
    if wanted not in found.results:
        raise InputError(
            Fault(
                "no-result",
                f"'{found.name}' has no result '{wanted}'",
                allowed=listing(list(found.results), most=40),
                hint=did_you_mean(wanted, found.results),
            )
        )
    return wanted


def _contributions(found: Estimate, name: str) -> Iterator[tuple[str, tuple[float, float]]]:
    yield from found.contributions.get(name, {}).items()


def _order(change: ChoiceEffect, middle: float) -> tuple[bool, float, str]:
    if change.value is None:
        return True, 0.0, change.name + change.after
    ratio = change.value / middle if middle > 0 and change.value > 0 else math.inf
    return False, -abs(math.log(ratio)) if math.isfinite(ratio) else -math.inf, change.name + change.after


@record
class _Choice:
    """One changed choice: its name, the value before and after in words, and values by dotted path as YAML text."""

    name: str
    before: str
    after: str
    values: Mapping[str, str]


def _changes(resolved: Resolved, books: Books) -> list[_Choice]:
    """Give the choices of a scenario that can be made otherwise, each with another value."""
    run = resolved.document
    if not isinstance(run, TrainingRun):
        return []
    every = [*_machines(run, books), *_workload(run), *_ways(run)]
    return every[:_MOST_CHANGES]


def _machines(run: TrainingRun, books: Books) -> Iterator[_Choice]:
    hardware = run.hardware
    key, count = "accelerators", hardware.accelerators
    if count is None and hardware.nodes is not None:
        key, count = "nodes", hardware.nodes
    if count is not None:
        for other in (count // 2, count * 2):
            if other:
                yield _Choice(key, f"{count:,}", f"{other:,}", {f"hardware.{key}": str(other)})
    for term in _TERMS:
        if term != hardware.term and hardware.price is None:
            yield _Choice("term", hardware.term, term, {"hardware.term": term})
    accelerator = books.catalog.accelerator(books.catalog.node(hardware.node).accelerator)
    for precision in _PRECISIONS:
        before = run.workload.precision.compute
        if precision != before and precision in accelerator.peak:
            yield _Choice("precision", before, precision, {"workload.precision.compute": precision})


def _workload(run: TrainingRun) -> Iterator[_Choice]:
    batch = run.workload.global_batch
    for other in (batch / 2, batch * 2):
        if other == int(other):
            words = (f"{batch:,.0f}", f"{other:,.0f}")
            yield _Choice("global batch", *words, {"workload.global_batch": f"{other:.0f} sequences"})


def _ways(run: TrainingRun) -> Iterator[_Choice]:
    before = run.recompute if isinstance(run.recompute, str) else "modules"
    for kind in _RECOMPUTE:
        if kind != before and (kind != "selective" or not run.workload.flash_attention):
            yield _Choice("recompute", before, kind, {"recompute": kind})
    if run.parallelism == "auto":
        return
    yield _Choice("parallelism", "as said", "auto", {"parallelism": "auto"})
    micro_batch = run.parallelism.micro_batch
    for other in (micro_batch // 2, micro_batch * 2):
        if other:
            yield _Choice("micro-batch", str(micro_batch), str(other), {"parallelism.micro_batch": str(other)})
    for kind in ("zero-1", "zero-2", "zero-3"):
        same = kind == run.parallelism.sharding or (kind == "zero-3" and run.parallelism.sharding == "fsdp")
        if not same:
            yield _Choice("sharding", run.parallelism.sharding, kind, {"parallelism.sharding": kind})


def _changed(resolved: Resolved, books: Books, name: str, choice: _Choice) -> ChoiceEffect:
    """Give what a changed choice does to a result; with degrees chosen anew where the scenario's no longer do."""
    told: dict[str, Any] = {"name": choice.name, "before": choice.before, "after": choice.after}
    try:
        found = _estimated(resolved, books, choice.values)
    except (InputError, InfeasibleError) as error:
        reason = error.faults[0].message
        if choice.name not in _NEW_DEGREES:
            return ChoiceEffect(**told, value=None, why_not=reason)
        try:
            found = _estimated(resolved, books, {**choice.values, "parallelism": "auto"})
        except (InputError, InfeasibleError):
            return ChoiceEffect(**told, value=None, why_not=reason)
        told["after"] = f"{choice.after} (auto)"
    value = found.value(name)
    return ChoiceEffect(**told, value=value, why_not="" if value is not None else f"{METRICS[name].name} is unknown")


def _estimated(resolved: Resolved, books: Books, values: Mapping[str, str]) -> Estimate:
    other = close(resolved.tree, path=resolved.path, changes=values)
    return estimate(replace(other, root=resolved.root, within=resolved.within), books)
