"""A check as OpenMetrics text, for dashboards that follow budgets over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from planner.metrics import METRICS
from planner.policy.check import Check
from planner.record import record
from planner.report.escape import for_openmetrics

Labels = Mapping[str, str]


@record
class _Family:
    name: str
    meaning: str
    samples: tuple[tuple[Labels, float], ...]


def render(check: Check) -> str:
    """Give a check as one exposition: gauges without a time, which the reader adds."""
    lines: list[str] = []
    for family in _families(check):
        if family.samples:
            lines += [f"# TYPE {family.name} gauge", f"# HELP {family.name} {for_openmetrics(family.meaning)}"]
            lines += [_sample(family.name, labels, value) for labels, value in family.samples]
    return "".join(f"{line}\n" for line in (*lines, "# EOF"))


def _families(check: Check) -> Iterator[_Family]:
    yield _Family("planner_check_failed", "1 if a check of the project fails.", (({}, float(bool(check.failing))),))
    counts = Counter((f.kind.id, "waived" if f.waived_by else f.level) for f in check.findings)
    found = (({"finding": kind, "level": level}, float(count)) for (kind, level), count in sorted(counts.items()))
    yield _Family("planner_findings", "Findings of a check.", tuple(found))
    used, limits = [], []
    for budget in check.budgets:
        rule = budget.rule
        labels = {"budget": rule.document.id, "metric": rule.document.metric, "per": rule.document.per}
        if budget.taken is not None:
            used.append((labels, budget.taken))
        for level, limit in (("deny", rule.deny), ("warn", rule.warn)):
            if limit is not None:
                limits.append(({**labels, "level": level}, limit))
    yield _Family("planner_budget_used", "What scenarios use of a budget, in the metric's unit.", tuple(used))
    yield _Family("planner_budget_limit", "Limits of a budget, in the metric's unit.", tuple(limits))
    results = (
        ({"scenario": subject.name, "metric": metric, "unit": METRICS[metric].unit}, result.mid)
        for scenario in check.scenarios
        for subject in scenario.evaluated.subjects()
        for metric, result in subject.results.items()
        if result.mid is not None
    )
    yield _Family("planner_scenario_result", "Results of scenarios, in the metric's unit.", tuple(results))


def _sample(name: str, labels: Labels, value: float) -> str:
    said = ",".join(f'{key}="{for_openmetrics(text)}"' for key, text in labels.items())
    return f"{name}{{{said}}} {value!r}" if said else f"{name} {value!r}"
