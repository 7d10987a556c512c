"""Scenarios side by side: who is ahead in each result, and whether that is more than their ranges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from planner.metrics import METRICS, Better
from planner.planning.alike import Scenarios, alike, scenarios_of
from planner.planning.breakeven import BreakEven, break_evens
from planner.planning.estimate import Currency, Estimate, Result
from planner.planning.front import Front, front_of
from planner.planning.ratios import ratio
from planner.record import record
from planner.units.interval import Interval

_PURCHASE = "capital_usd"
_OF_THE_WORK = frozenset({"days", *(name for name, metric in METRICS.items() if metric.adds)})
"""Results that grow with what is done: nobody is ahead in them who does something else."""
_OTHER_WORK = (
    "these do different work, so that nobody is ahead in what all of it takes, and there is no break-even; "
    "compare them per token"
)
_SAME = 1e-9  # a ratio nearer to 1 is rounding
# Results that tell two scenarios apart, in the order in which they are shown.
SHOWN: tuple[str, ...] = (
    *("days", "step_time_s", "tokens_per_s", "ttft_ms", "tpot_ms", "e2e_latency_ms"),
    *("output_tokens_per_s", "requests_per_s", "goodput_requests_per_s", "mfu", "goodput", "accelerator_hours"),
    *("nodes_that_fit", "peak_16bit_flops_per_s", "peak_8bit_flops_per_s"),
    *("cost_total_usd", "cost_per_hour_usd", "cost_per_month_usd", "cost_per_million_tokens_usd"),
    *("cost_per_million_input_tokens_usd", "cost_per_million_output_tokens_usd", "cost_per_request_usd"),
    *("capital_usd", "energy_kwh", "energy_per_million_tokens_kwh", "joules_per_token"),
    *("carbon_kg", "carbon_per_million_tokens_kg", "facility_power_kw", "facility_rated_power_kw"),
    *("peak_memory_gb", "memory_headroom_gb"),
)


@record
class Candidate:
    """One of the scenarios that are compared.

    Parameters
    ----------
    letter : short name in tables, "A" for the first.
    estimate : its results; few where it does not fit, and `why_not` then says why.
    about : the closed scenarios that it rests on.
    bound_by : what takes the most of its time, or limits it, in words; "" where nothing says so.
    utilisation : share of the time in which owned machines work; None where none are owned.
    """

    letter: str
    estimate: Estimate
    about: Scenarios = ()
    bound_by: str = ""
    utilisation: float | None = None

    @property
    def name(self) -> str:
        """Name of the scenario."""
        return self.estimate.name


@record
class Line:
    """One result of all candidates.

    Parameters
    ----------
    metric : its name. results : by candidate; None where one has no such result.
    ratios : of each candidate's result to the best one's, with the inputs that both share moved together;
        None where there is none.
    best : the candidate with the best middle; None where nothing is better, or less than two are known.
    level : candidates that the ranges do not tell from the best one.
    """

    metric: str
    results: tuple[Result | None, ...]
    ratios: tuple[Interval | None, ...]
    best: int | None = None
    level: tuple[int, ...] = ()

    @property
    def winner(self) -> int | None:
        """The candidate that is ahead of all others whatever the ranges hold; None where none is, or one is unknown."""
        return self.best if not self.level and not self.unknown else None

    @property
    def unknown(self) -> tuple[int, ...]:
        """Candidates whose result is unknown; one that has no such result is not among them."""
        return tuple(n for n, result in enumerate(self.results) if result is not None and result.mid is None)

    @property
    def differs(self) -> bool:
        """Whether the candidates have different results."""
        return len({result and result.mid for result in self.results}) > 1


@record
class Comparison:
    """Scenarios side by side.

    Parameters
    ----------
    candidates : in the order they were named.
    lines : one for each result that at least one of them has.
    break_evens : where one candidate catches up with another.
    front : which candidates no other one beats in time and money at once.
    shared : uncertain inputs that are one and the same in all candidates that fit, so that they cancel.
    notes : what the reader should know.
    """

    candidates: tuple[Candidate, ...]
    lines: tuple[Line, ...]
    break_evens: tuple[BreakEven, ...]
    front: Front | None
    shared: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def currency(self) -> Currency:
        """The currency that money is shown in."""
        return self.candidates[0].estimate.currency

    def line(self, metric: str) -> Line | None:
        """Give the line of a result."""
        return next((line for line in self.lines if line.metric == metric), None)


def letters(count: int) -> list[str]:
    """Give short names for so many candidates.

    >>> letters(28)[-3:]
    ['Z', 'AA', 'AB']
    """
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [(alphabet[n // 26 - 1] if n >= 26 else "") + alphabet[n % 26] for n in range(count)]


def compare(estimates: Sequence[Estimate], utilisations: Sequence[float | None] = ()) -> Comparison:
    """Set scenarios side by side.

    Parameters
    ----------
    estimates : of the scenarios, at least one of which fits.
    utilisations : of owned machines, by scenario; none where unsaid.
    """
    shares = [*utilisations, *[None] * (len(estimates) - len(utilisations))]
    candidates = tuple(
        Candidate(letter, estimate, scenarios_of(estimate), _bound_by(estimate), share)
        for letter, estimate, share in zip(letters(len(estimates)), estimates, shares, strict=True)
    )
    same_work = _same_work(candidates)
    lines = tuple(
        _line(metric, candidates, judged=same_work or metric not in _OF_THE_WORK) for metric in _metrics(estimates)
    )
    return Comparison(
        candidates,
        lines,
        break_evens(candidates) if same_work else (),
        front_of([candidate.estimate for candidate in candidates]) if same_work else None,
        _shared(candidates),
        _notes(candidates, same_work=same_work),
    )


def parts_of(whole: Estimate) -> dict[str, Estimate]:
    """Give the parts of alternatives, or the nodes of a place, by name, each with the scenario that it rests on."""
    return {
        name: replace(child, name=name, scenario=child.scenario or {**whole.scenario, "hardware": {"node": name}})
        for name, child in whole.children.items()
    }


def _metrics(estimates: Sequence[Estimate]) -> list[str]:
    held = {name for estimate in estimates if not estimate.why_not for name in estimate.results}
    if all(estimate.value(_PURCHASE) is None for estimate in estimates):
        held.discard(_PURCHASE)  # nobody buys
    return [name for name in SHOWN if name in held]


def _line(metric: str, candidates: Sequence[Candidate], *, judged: bool) -> Line:
    results = tuple(
        None if candidate.estimate.why_not else candidate.estimate.results.get(metric) for candidate in candidates
    )
    known = {n: result.mid for n, result in enumerate(results) if result is not None and result.mid is not None}
    better = METRICS[metric].better
    if not judged or better is Better.NEITHER or len(known) < 2:
        return Line(metric, results, (None,) * len(results))
    sign = 1.0 if better is Better.LOWER else -1.0
    best = min(known, key=lambda n: (sign * known[n], n))
    ratios = tuple(
        _ratio(candidate, candidates[best], metric) if n in known else None for n, candidate in enumerate(candidates)
    )
    level = tuple(n for n in known if n != best and not _is_behind(ratios[n], better, known[n], known[best]))
    return Line(metric, results, ratios, best, level)


def _ratio(one: Candidate, best: Candidate, metric: str) -> Interval | None:
    return ratio(one.estimate, best.estimate, metric, about=(one.about, best.about))


def _is_behind(found: Interval | None, better: Better, value: float, best: float) -> bool:
    """Whether a candidate is behind the best one over all of the range of their ratio."""
    if found is None:  # nothing to divide by: without ranges the middles decide
        return value != best
    return found.low > 1.0 + _SAME if better is Better.LOWER else found.high < 1.0 - _SAME


def _shared(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    fitting = [candidate for candidate in candidates if candidate.estimate.contributions]
    if len(fitting) < 2:
        return ()
    first, *others = fitting
    names = sorted({name for effects in first.estimate.contributions.values() for name in effects})
    return tuple(name for name in names if all(alike(name, first.about, other.about) for other in others))


def _bound_by(estimate: Estimate) -> str:
    """Say what takes the most of the time, or which limit of a place binds."""
    plan = dict(estimate.plan)
    limit = plan.get("binds") or plan.get("bound by")
    step = estimate.breakdown("step")
    if limit or step is None or not step.total:
        return limit or ""
    largest = max(step.parts, key=lambda part: part.value)
    return f"{largest.label}, {largest.value / step.total * 100:.0f} %"


def _same_work(candidates: Sequence[Candidate]) -> bool:
    """Whether all that fit do the same: models, and tokens or load, are the same."""
    keys = ("kind", "model", "tokens", "epochs", "load", "requests")
    work = set()
    for candidate in (each for each in candidates if not each.estimate.why_not):
        loads = [scenario.get("workload", {}) for scenario in candidate.about]
        work.add(repr([[load.get(key) for key in keys] for load in loads]))
    return len(work) <= 1


def _notes(candidates: Sequence[Candidate], *, same_work: bool) -> tuple[str, ...]:
    notes = [] if same_work else [_OTHER_WORK]
    for candidate in candidates:
        notes += [f"{candidate.letter}: {warning}" for warning in candidate.estimate.warnings if "unknown" in warning]
    return tuple(notes)
