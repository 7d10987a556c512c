"""The scenarios that a project is checked with: every file that it names, and the variants that its rules mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from planner.documents.files import ReadBudget
from planner.documents.reader import MAX_FAULTS
from planner.errors import Fault, InputError, visible
from planner.planning.books import Books
from planner.policy.scope import names_match
from planner.policy.subjects import Evaluated, Use, evaluated
from planner.record import record
from planner.scenario.project import ReadProject, scenario_files
from planner.scenario.resolve import Resolved, read_with_variants


@record
class Faults:
    """Faults of several documents, so that all of them are told at once."""

    found: list[Fault]

    def of(self, read: Callable[[], None]) -> None:
        """Keep the faults of one step, and go on."""
        try:
            read()
        except InputError as error:
            self.found.extend(error.faults)

    def refuse(self) -> None:
        """End with all faults that were kept, if there are any."""
        if len(self.found) > MAX_FAULTS:
            more = Fault("more-faults", f"{len(self.found) - MAX_FAULTS:,} more faults are not listed")
            raise InputError(*self.found[:MAX_FAULTS], more)
        if self.found:
            raise InputError(*self.found)


def plans(project: ReadProject, patterns: Iterable[str], budget: ReadBudget) -> list[Resolved]:
    """Read the scenarios of a project.

    Parameters
    ----------
    project : the project. budget : what may still be read.
    patterns : names and patterns that rules say; variants are read where one of them means it.

    Returns
    -------
    Closed scenarios, sorted by name.

    Raises
    ------
    InputError : every fault of every file; two scenarios of one name.
    """
    meant = [pattern for pattern in patterns if "@" in pattern]
    faults = Faults([])
    found: dict[str, Resolved] = {}

    def read(path: object) -> None:
        for resolved in read_with_variants(
            str(path),
            wanted=lambda name: any(names_match(pattern.split("/")[0], name) for pattern in meant),
            root=project.root,
            budget=budget,
        ):
            first = found.setdefault(resolved.name, resolved)
            if first is not resolved:
                other = first.tree.location(("name",)) if ("name",) in first.tree.marks else first.path
                message = f"two scenarios are called '{visible(resolved.name)[:80]}'"
                raise InputError(resolved.tree.fault("scenario-twice", message, ("name",), hint=f"the other: {other}"))

    for path in scenario_files(project):
        faults.of(lambda path=path: read(path))  # type: ignore[misc]
    faults.refuse()
    return [found[name] for name in sorted(found)]


def all_evaluated(read: Iterable[Resolved], books: Books, uses: Iterable[Use] = ()) -> dict[str, Evaluated]:
    """Give the results of scenarios by name.

    Raises
    ------
    InputError : every fault of every scenario.
    """
    wanted = tuple(uses)
    faults = Faults([])
    found: dict[str, Evaluated] = {}

    def estimate(resolved: Resolved) -> None:
        found[resolved.name] = evaluated(resolved, books, wanted)

    for resolved in read:
        faults.of(lambda resolved=resolved: estimate(resolved))  # type: ignore[misc]
    faults.refuse()
    return found
