"""The page of a check: its verdict, findings with their places and ways back, budgets, changes and scenarios."""

from __future__ import annotations

from planner.policy.check import Check, CheckedScenario
from planner.policy.finding import Finding
from planner.report import check_words as words
from planner.report.labels import label_of
from planner.report.misfit import misfit
from planner.report.numbers import shown
from planner.report.page.check_figures import budgets_figure, moves_figure
from planner.report.page.parts import Card, Cell, Column, Page, Section, Source, Table, number
from planner.report.page.sources import scenario_text

_SCENARIO_METRICS = (
    "days",
    "cost_total_usd",
    "cost_per_million_tokens_usd",
    "energy_kwh",
    "carbon_kg",
    "facility_power_kw",
)
_MOST_ROWS, _MOST_SOURCES = 1500, 300_000
_MARKS = {"FAIL": "weak", "warn": "level", "note": "", "waived": ""}


def page_of(check: Check) -> Page:
    """Give the page of a check."""
    sections = (_verdict(check), _findings(check), _budgets(check), _changes(check), _scenarios(check))
    against = check.baseline.label if check.baseline else "no baseline"
    return Page(
        title=words.verdict(check),
        lead=f"check of {check.name or 'a project'}",
        facts=(("prices", f"of {check.prices_on} or before" if check.prices_on else "any"), ("against", against)),
        sections=tuple(section for section in sections if section is not None),
        sources=_sources(check),
        notes=_left_out(check),
    )


def _sources(check: Check) -> tuple[Source, ...]:
    """Give the scenarios written out, as many as leave the page within its size."""
    found: list[Source] = []
    room = _MOST_SOURCES
    for each in check.scenarios:
        text = scenario_text(each.evaluated.resolved.tree.value)
        room -= len(text)
        if room < 0:
            break
        found.append(Source(f"{each.subject.name}.yaml", text))
    return tuple(found)


def _left_out(check: Check) -> tuple[str, ...]:
    left = len(check.scenarios) - _MOST_ROWS
    return (f"{left:,} more scenarios are checked; --output json=PATH has all",) if left > 0 else ()


def _verdict(check: Check) -> Section:
    waived = sum(bool(finding.waived_by) for finding in check.findings)
    warned = sum(finding.level == "warn" and not finding.fails for finding in check.findings)
    cards = (
        Card("failing", f"{len(check.failing):,}"),
        Card("to look at", f"{warned:,}"),
        Card("waived", f"{waived:,}"),
        Card("scenarios", f"{len(check.scenarios):,}"),
    )
    return Section("answer", "The verdict", cards=cards)


def _findings(check: Check) -> Section | None:
    if not check.findings:
        return None
    columns = (
        *(Column("level"), Column("finding", is_long=True), Column("rule"), Column("place")),
        *(Column("more", is_long=True), Column("owner")),
    )
    rows = tuple(_finding(finding, check) for finding in check.findings[:_MOST_ROWS])
    return Section("findings", "Findings", tables=(Table("What was found, what fails first", columns, rows),))


def _finding(finding: Finding, check: Check) -> tuple[Cell, ...]:
    level = words.level_of(finding)
    more = "\n".join(words.details(finding, check.currency))
    return (
        Cell(level, mark=_MARKS[level]),
        Cell(f"{words.message(finding, check.currency)} [{finding.kind.id}]"),
        Cell(finding.rule),
        Cell(str(finding.where) if finding.where else ""),
        Cell(more),
        Cell(finding.owner),
    )


def _budgets(check: Check) -> Section | None:
    if not check.budgets:
        return None
    told = [words.budget_line(budget, check.currency) for budget in check.budgets]
    columns = (Column("budget"), number("used"), number("limit"), Column("level"))
    rows = tuple(
        (Cell(name), Cell(used), Cell(limit), Cell(level, mark=_MARKS.get(level, "")))
        for name, used, limit, level in told
    )
    table = Table("Budgets", columns, rows)
    figure = budgets_figure(check, table)
    return Section("budgets", "Budgets", figures=(figure,) if figure else (), tables=() if figure else (table,))


def _changes(check: Check) -> Section | None:
    if check.baseline is None:
        return None
    told = words.worth_telling(check, check.scenarios)
    rows = tuple(
        (
            Cell(scenario.subject.name),
            Cell(label_of(change.metric)),
            Cell(shown(change.metric, change.before, check.currency), _key(change.before)),
            Cell(shown(change.metric, change.after, check.currency), _key(change.after)),
            Cell(words.change_amount(change, check.currency), "" if change.amount is None else float(change.amount)),
            Cell(words.causes(change, check.currency)),
        )
        for scenario, changes in told[:_MOST_ROWS]
        for change in changes
    )
    lines = [f"{word}: {', '.join(names)}" for word, names in words.arrivals(check)]
    lines += filter(None, (words.untold(check), words.other_money(check)))
    columns = (
        *(Column("scenario"), Column("result"), number("before"), number("now"), number("change")),
        Column("by cause", is_long=True),
    )
    tables = (Table("What changed, by its causes", columns, rows),) if rows else ()
    title = f"Changes against {check.baseline.label}"
    intro = "" if rows or lines else "Nothing changed."
    figure = moves_figure(check, told)
    return Section("changes", title, intro, tuple(lines), figures=(figure,) if figure else (), tables=tables)


def _key(value: float | None) -> float | str:
    return "" if value is None else value


def _scenarios(check: Check) -> Section:
    metrics = [m for m in _SCENARIO_METRICS if any(_value(each, m) is not None for each in check.scenarios)]
    rows = tuple(
        (
            Cell(each.subject.name),
            Cell(each.subject.kind),
            *(Cell(_shown(each, metric, check), _key(_value(each, metric))) for metric in metrics),
            Cell(_outcome(each)),
        )
        for each in check.scenarios[:_MOST_ROWS]
    )
    columns = (
        *(Column("scenario"), Column("kind"), *(number(label_of(metric)) for metric in metrics)),
        Column("and", is_long=any(each.subject.why_not for each in check.scenarios)),
    )
    return Section("scenarios", "Scenarios", tables=(Table("All scenarios", columns, rows),))


def _value(each: CheckedScenario, metric: str) -> float | None:
    result = each.subject.results.get(metric)
    return result.mid if result is not None else None


def _shown(each: CheckedScenario, metric: str, check: Check) -> str:
    result = each.subject.results.get(metric)
    return "" if result is None else shown(metric, result.mid, check.currency)


def _outcome(each: CheckedScenario) -> str:
    """Say that a claim holds or not, or why a scenario does not fit."""
    claim = each.evaluated.judgement
    if claim is not None:
        return "claim holds" if claim.holds else "claim does not hold"
    return misfit(each.subject.why_not) if each.subject.why_not else ""
