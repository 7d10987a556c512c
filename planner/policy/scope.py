"""Which scenarios a rule means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from planner.documents.reader import Trail, Tree
from planner.errors import InputError, did_you_mean, listing, visible
from planner.policy.subjects import Subject
from planner.scenario.rules import Scope

_WILD = frozenset("*?[")


def is_pattern(name: str) -> bool:
    """Whether a name stands for several."""
    return bool(_WILD & set(name))


def names_match(pattern: str, name: str) -> bool:
    """Whether a pattern means a scenario; variants and parts only where it says `@` or `/`.

    >>> names_match("llama-*", "llama-8b"), names_match("llama-*", "llama-8b@spot"), names_match("*@spot", "llama@spot")
    (True, False, True)
    """
    if any(mark in name and mark not in pattern for mark in "@/"):
        return False
    return fnmatchcase(name, pattern)


def means(scope: Scope, subject: Subject) -> bool:
    """Whether a scope holds a scenario."""
    if scope.scenarios:
        if not any(names_match(pattern, subject.name) for pattern in scope.scenarios):
            return False
    elif {"@", "/"} & set(subject.name) or (subject.is_claim and not scope.tags and not scope.facility):
        return False
    tags = all(fnmatchcase(subject.tags.get(key, "\0"), pattern) for key, pattern in scope.tags.items())
    place = not scope.facility or any(fnmatchcase(subject.facility, pattern) for pattern in scope.facility)
    return tags and place


def members(scope: Scope, subjects: Sequence[Subject], *, tree: Tree, trail: Trail) -> list[Subject]:
    """Give the scenarios of a scope.

    Parameters
    ----------
    scope, subjects : which of what.
    tree, trail : where the rule stands.

    Raises
    ------
    InputError : nothing matches, or one of the names means nothing: a rule that holds nothing to anything is
        a mistake.
    """
    names = [subject.name for subject in subjects]
    for number, pattern in enumerate(scope.scenarios):
        if not any(names_match(pattern, name) for name in names):
            raise _nothing(pattern, names, tree, (*trail, "scope", "scenarios", number))
    found = [subject for subject in subjects if means(scope, subject)]
    if not found:
        said = (*trail, "scope") if (*trail, "scope") in tree.marks else trail
        raise InputError(
            tree.fault(
                "matches-nothing",
                "no scenario matches this scope",
                said,
                key=True,
                allowed=listing(names),
                hint=_tags_hint(scope, subjects),
            )
        )
    return found


def _nothing(pattern: str, names: Iterable[str], tree: Tree, trail: Trail) -> InputError:
    known = list(names)
    message = f"no scenario matches '{visible(pattern)[:80]}'"
    hint = did_you_mean(pattern, known)
    return InputError(tree.fault("matches-nothing", message, trail, allowed=listing(known), hint=hint))


def _tags_hint(scope: Scope, subjects: Sequence[Subject]) -> str:
    """Say which values a tag or a place has, where the scope names one that nothing has."""
    for key, pattern in scope.tags.items():
        known = sorted({subject.tags[key] for subject in subjects if key in subject.tags})
        if not any(fnmatchcase(value, pattern) for value in known):
            return f"values of the tag '{visible(key)}': {listing([visible(v) for v in known]) or 'none'}"
    if scope.facility:
        return f"places: {listing(sorted({subject.facility for subject in subjects if subject.facility}))}"
    return "a scenario that makes a claim is meant only where it is named, or by its tags or place"
