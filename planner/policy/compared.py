"""Scenarios of a check set against those of its baseline: which are new, gone or changed, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from planner.documents.reader import Tree
from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Currency
from planner.policy.attribution import Cause, Change, Steps, Values, causes_between, causes_of, changes, middles
from planner.policy.baseline import Baseline, StoredResults
from planner.policy.drivers import changes as plan_changes
from planner.policy.subjects import Evaluated, Subject, evaluated
from planner.policy.texts import Documents, differences
from planner.scenario.resolve import Resolved


class Turn(Enum):
    """What became of a scenario or a part of one, where no two results can be set against each other."""

    FITS_NO_MORE = "fits no more"
    FITS_NOW = "fits now"
    PART_IS_NEW = "part is new"
    PART_IS_GONE = "part is gone"


@dataclass
class Compared:
    """A baseline's side of a check.

    Parameters
    ----------
    subjects : of the baseline, by name. trees : its scenarios' texts, by name.
    new, gone : names of scenarios that one side lacks.
    changes : by scenario, and then by the scenario's or part's own name.
    turns : likewise, what cannot be told by results.
    currency : that the baseline showed money in.
    """

    subjects: dict[str, Subject] = field(default_factory=dict)
    trees: dict[str, Tree] = field(default_factory=dict)
    new: frozenset[str] = frozenset()
    gone: tuple[str, ...] = ()
    changes: dict[str, dict[str, tuple[Change, ...]]] = field(default_factory=dict)
    turns: dict[str, dict[str, Turn]] = field(default_factory=dict)
    currency: Currency = field(default_factory=Currency)

    def moved(self, name: str, metric: str) -> float:
        """Give by how much a result of a scenario rose; 0 where it did not, or nobody knows."""
        for change in self.changes.get(name.split("/")[0], {}).get(name, ()):
            if change.metric == metric and change.amount is not None:
                return max(float(change.amount), 0.0)
        return 0.0


def compared(found: Mapping[str, Evaluated], books: Books, documents: Documents, baseline: Baseline | None) -> Compared:
    """Set scenarios against a baseline.

    Parameters
    ----------
    found, books, documents : the scenarios of now with what they rest on.
    baseline : the other side; nothing is known of it where there is none.
    """
    if baseline is None:
        return Compared()
    comparison = _Comparison(books, documents, baseline)
    old = {resolved.name: resolved for resolved in baseline.read}
    result = Compared(gone=tuple(sorted(old.keys() - found.keys())), currency=shown_currency(baseline.books))
    new = set(found.keys() - old.keys())
    for name in sorted(found.keys() & old.keys()):
        before, moved = comparison.of(found[name], old[name])
        if name not in before:  # a variant that no rule meant when the result was stored
            new.add(name)
            continue
        result.trees[name] = old[name].tree
        result.subjects |= before
        if moved:
            result.changes[name] = moved
        turned = _turns(before, {subject.name: subject for subject in found[name].subjects()})
        if turned:
            result.turns[name] = turned
    result.new = frozenset(new)
    return result


def _turns(before: Mapping[str, Subject], now: Mapping[str, Subject]) -> dict[str, Turn]:
    """Give what became of a scenario and its parts; those that fit on neither side are as they were."""
    turns = {}
    for name in dict.fromkeys((*now, *before)):
        old, new = before.get(name), now.get(name)
        if new is None:
            turns[name] = Turn.PART_IS_GONE
        elif old is None:
            turns[name] = Turn.PART_IS_NEW
        elif bool(old.why_not) != bool(new.why_not):
            turns[name] = Turn.FITS_NOW if old.why_not else Turn.FITS_NO_MORE
    # Of what does not fit nobody knows the parts.
    whole = next(iter(now), "")
    return {whole: turns[whole]} if whole in turns else turns


@dataclass
class _Comparison:
    """What all scenarios of one comparison share."""

    books: Books
    documents: Documents
    baseline: Baseline

    def __post_init__(self) -> None:
        base = self.baseline
        paths = differences(base.documents, _folders(base), self.books.catalog)
        catalogs = {cause for path in paths for cause in causes_of(path)}
        self._steps = Steps(base.books, self.books, causes_between(base.books, self.books, catalogs))
        plans = [_plan_texts(side, base) for side in (base.documents, self.documents)]
        self._same_files = all(plans[1].get(path) == text for path, text in plans[0].items())

    def of(self, now: Evaluated, old: Resolved) -> tuple[dict[str, Subject], dict[str, tuple[Change, ...]]]:
        """Give the baseline's side of one scenario, and what changed."""
        same_plan = self._is_same_plan(old, now.resolved)
        stored = self.baseline.stored
        if same_plan and not self._steps.causes and stored is None:
            return {subject.name: subject for subject in now.subjects()}, {}
        before = self._subjects(now, old, same_plan=same_plan)
        if stored is not None:
            before = {name: _as_stored(subject, stored) for name, subject in before.items() if name in stored.results}
            after = {subject.name: self._middles(subject) for subject in now.subjects()}
            if all(middles(subject.results) == after.get(name) for name, subject in before.items()):
                return before, {}
        return before, self._changes(before, now, old, same_plan=same_plan)

    def _subjects(self, now: Evaluated, old: Resolved, *, same_plan: bool) -> dict[str, Subject]:
        stored = self.baseline.stored
        if stored is not None and same_plan:
            return {subject.name: subject for subject in now.subjects()}
        if stored is None:
            return {subject.name: subject for subject in evaluated(old, self.baseline.books).subjects()}
        works = _if_it_works(old, self.baseline.books)
        return {subject.name: subject for subject in (works[0][1] if works else now).subjects()}

    def _changes(
        self, before: Mapping[str, Subject], now: Evaluated, old: Resolved, *, same_plan: bool
    ) -> dict[str, tuple[Change, ...]]:
        states: list[tuple[Cause, Evaluated]] = []
        if self.baseline.stored is not None:
            states += _if_it_works(old, self.baseline.books)
        causes = self._steps.causes
        for cause in causes:
            if same_plan and cause is causes[-1]:
                states.append((cause, now))
            else:
                states += self._steps.one(old, cause, evaluated)
        states.append((Cause.SCENARIO, now))
        by_name: list[tuple[Cause, dict[str, Values]]] = [
            (cause, {subject.name: middles(subject.results) for subject in state.subjects()}) for cause, state in states
        ]
        found = {}
        for subject in now.subjects():
            was = before.get(subject.name)
            if was is None or was.why_not or subject.why_not:
                continue
            steps = [(cause, values.get(subject.name, {})) for cause, values in by_name]
            moved = changes(steps, middles(was.results), self._middles(subject))
            if moved:
                found[subject.name] = moved
        return found

    def _middles(self, subject: Subject) -> dict[str, float | None]:
        """Give the results of now that the baseline speaks of."""
        stored, found = self.baseline.stored, middles(subject.results)
        return found if stored is None else {metric: value for metric, value in found.items() if stored.holds(metric)}

    def _is_same_plan(self, old: Resolved, new: Resolved) -> bool:
        if next(plan_changes(old.tree.value, new.tree.value), None) is not None:
            return False
        return old.document.workload.kind != "composite" or self._same_files


def _if_it_works(old: Resolved, books: Books) -> list[tuple[Cause, Evaluated]]:
    """Give a stored scenario as this planner judges it; nothing where it no longer can."""
    try:
        return [(Cause.PLANNER, evaluated(old, books))]
    except InputError:
        return []


def _as_stored(subject: Subject, stored: StoredResults) -> Subject:
    return replace(subject, results=stored.results[subject.name], why_not=stored.why_not.get(subject.name, ""))


def _plan_texts(side: Documents, baseline: Baseline) -> dict[str, str]:
    folders = tuple(f"{folder}/" for folder in _folders(baseline))
    return {
        path: text for path, text in side.project.items() if not path.startswith(folders) and path != "planner.yaml"
    }


def _folders(baseline: Baseline) -> list[str]:
    root = baseline.project.root
    return [folder.relative_to(root).as_posix() for folder in baseline.project.catalogs]
