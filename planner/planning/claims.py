"""Whether an estimate keeps what a claim expects of it."""

from __future__ import annotations

from dataclasses import replace

from planner.documents.reader import Tree
from planner.errors import Fault, InfeasibleError, InputError, did_you_mean, listing, visible
from planner.planning.books import Books
from planner.planning.dispatch import estimate
from planner.planning.estimate import Estimate, Judgement, Verdict
from planner.planning.unfit import unfit
from planner.scenario.claim import Claim, Expectation
from planner.scenario.resolve import Resolved


def judged(resolved: Resolved, books: Books) -> Estimate:
    """Give the estimate of a scenario with the verdicts on its claim, if it makes one.

    A claim that nothing fits holds where nothing does; it then has no estimate to show but this one. What is
    claimed is claimed of the scenario itself, not of its variants.

    Raises
    ------
    InputError : an expectation names a part or a result that there is not.
    InfeasibleError : nothing fits, and no claim says so.
    """
    claim = resolved.document.claim
    if claim is None or resolved.variant is not None:
        return estimate(resolved, books)
    if claim.infeasible:
        return _unfit(resolved, claim, books)
    found = estimate(resolved, books)
    return replace(found, judgement=_judgement(claim, verdicts(claim, found, resolved.tree)))


def verdicts(claim: Claim, found: Estimate, tree: Tree) -> tuple[Verdict, ...]:
    """Judge every expectation of a claim by an estimate.

    Parameters
    ----------
    claim, found : what is expected, and what was found.
    tree : the scenario's, for errors.
    """
    return tuple(_verdict(each, found, tree, number) for number, each in enumerate(claim.expect))


def _judgement(claim: Claim, found: tuple[Verdict, ...]) -> Judgement:
    return Judgement(claim.id, claim.says, claim.source, claim.note, found)


def _unfit(resolved: Resolved, claim: Claim, books: Books) -> Estimate:
    """Give an estimate of what must not fit: its verdict tells whether it indeed does not."""
    try:
        found = estimate(resolved, books)
    except InfeasibleError as error:
        found = unfit(resolved, error, books)
    verdict = Verdict("", "", "", None, None, None, holds=bool(found.why_not))
    return replace(found, judgement=_judgement(claim, (verdict,)))


def _verdict(expected: Expectation, found: Estimate, tree: Tree, number: int) -> Verdict:
    part = _part(found, expected.of, tree, number, "of")
    if expected.infeasible:
        return Verdict("", expected.of or "", "", None, None, None, holds=bool(part.why_not))
    metric = expected.metric or ""
    value = _value(part, metric, tree, number)
    if expected.over is not None:
        under = _value(_part(found, expected.over, tree, number, "over"), metric, tree, number)
        value = value / under if value is not None and under else None
    holds = (
        value is not None
        and (expected.min is None or value >= expected.min)
        and (expected.max is None or value <= expected.max)
    )
    return Verdict(metric, expected.of or "", expected.over or "", expected.min, expected.max, value, holds)


def _part(found: Estimate, path: str | None, tree: Tree, number: int, key: str) -> Estimate:
    """Give the part that an expectation names, parts of parts by their path."""
    part = found
    for step in path.split("/") if path else ():
        if step not in part.children:
            known = list(part.children)
            raise InputError(
                tree.fault(
                    "unknown-part",
                    f"no part '{visible(step)[:60]}'",
                    ("claim", "expect", number, key),
                    allowed=listing(known) or "none: the scenario has no parts",
                    hint=did_you_mean(step, known),
                )
            )
        part = part.children[step]
    return part


def _value(part: Estimate, metric: str, tree: Tree, number: int) -> float | None:
    if part.why_not:
        return None
    if metric not in part.results:
        raise InputError(_no_such_result(part, metric, tree, number))
    return part.value(metric)


def _no_such_result(part: Estimate, metric: str, tree: Tree, number: int) -> Fault:
    known = list(part.results)
    allowed = listing(known, most=40) if known else f"name one of its parts with 'of': {listing(list(part.children))}"
    message = f"'{part.name}' has no result '{metric}'"
    return tree.fault(
        "no-result", message, ("claim", "expect", number), allowed=allowed, hint=did_you_mean(metric, known)
    )
