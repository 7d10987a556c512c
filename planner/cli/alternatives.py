"""The scenarios that a comparison was asked for: files, variants, kinds of node, or the parts of one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from planner.cli.project import root_of
from planner.documents.reader import read_yaml
from planner.errors import Fault, InfeasibleError, InputError, input_error, visible
from planner.planning.books import Books
from planner.planning.comparison import parts_of
from planner.planning.dispatch import estimate
from planner.planning.estimate import Estimate
from planner.planning.unfit import unfit
from planner.record import record
from planner.scenario.resolve import Resolved, read_scenario, variant_names

_MOST = 200
_LEAST = 2


@record
class Alternative:
    """A scenario with its estimate, and the share of the time in which its owned machines work."""

    estimate: Estimate
    utilisation: float | None


def alternatives_from(
    named: Sequence[str], *, variants: bool, nodes: str | None, changes: dict[str, str], books: Books
) -> list[Alternative]:
    """Give the estimates to compare, in the order in which they were named.

    Parameters
    ----------
    named : files, each with `@variant` behind it where one is meant.
    variants : every variant of each file too. nodes : kinds of node, joined by commas, to set each on.
    changes : values changed by dotted path in all. books : what scenarios are looked up in.

    Raises
    ------
    InputError : a scenario is wrong, or there is only one. InfeasibleError : none of them fits.
    """
    found: list[Alternative] = []
    refused: list[Fault] = []
    for resolved in _resolved(named, variants=variants, nodes=nodes, changes=changes, books=books):
        try:
            found.append(Alternative(estimate(resolved, books), _utilisation(resolved, books)))
        except InfeasibleError as error:
            refused += error.faults
            found.append(Alternative(unfit(resolved, error, books), None))
        if len(found) > _MOST:
            raise input_error("too-many", f"more than {_MOST} scenarios at once", hint="compare fewer of them")
    found = _parts(found)
    if refused and all(each.estimate.why_not for each in found):
        raise InfeasibleError(*refused)
    if len(found) < _LEAST:
        hint = "name another scenario, or --variants, or --nodes ID,ID"
        raise input_error("one-scenario", "one scenario alone cannot be compared", hint=hint)
    return _named_apart(found)


def _resolved(
    named: Sequence[str], *, variants: bool, nodes: str | None, changes: dict[str, str], books: Books
) -> Iterator[Resolved]:
    kinds = [kind.strip() for kind in nodes.split(",") if kind.strip()] if nodes is not None else []
    if nodes is not None and not kinds:
        raise input_error("usage", "--nodes names no node", hint="planner catalog list nodes")
    for text in named:
        path, variant = _split(text)
        every: list[str | None] = [variant]
        if variants and variant is None:
            every += variant_names(read_yaml(path, budget=books.catalog.budget))
        for each in every:
            for kind in kinds or [""]:
                yield _read(path, each, changes, kind, books)


def _split(text: str) -> tuple[Path, str | None]:
    """Give the file and the variant that a text names: a file of that whole name, or FILE@VARIANT."""
    before, sign, variant = text.rpartition("@")
    if not sign or not before or Path(text).exists():
        return Path(text), None
    return Path(before), variant


def _read(path: Path, variant: str | None, changes: dict[str, str], kind: str, books: Books) -> Resolved:
    root, budget = root_of(path, books), books.catalog.budget
    resolved = read_scenario(path, variant=variant, changes=changes, root=root, budget=budget)
    if not kind:
        return resolved
    if resolved.document.workload.kind in ("capacity", "composite"):
        message = f"--nodes sets one scenario on several kinds of node; {visible(str(path))} names its own"
        raise input_error("usage", message, hint="--set workload.nodes=[ID, ID] for a place")
    on = read_scenario(path, variant=variant, changes={**changes, "hardware.node": kind}, root=root, budget=budget)
    label = f"{on.document.name} on {kind}"
    return replace(on, document=on.document.model_copy(update={"name": label}))


def _utilisation(resolved: Resolved, books: Books) -> float | None:
    """Give the share of the time in which a scenario's own machines work; None where it owns none."""
    hardware = getattr(resolved.document, "hardware", None)
    if hardware is None or getattr(hardware, "term", "") != "owned":
        return None
    stated = hardware.ownership.utilisation if hardware.ownership else None
    return float((stated or books.defaults.utilisation).mid)


def _parts(found: list[Alternative]) -> list[Alternative]:
    """Give the parts of what has no results of its own: the nodes of a place, the parts of alternatives."""
    flat: list[Alternative] = []
    alone = len(found) == 1
    for each in found:
        whole = each.estimate
        if whole.results or not whole.children:
            flat.append(each)
            continue
        for name, part in parts_of(whole).items():
            shown = name if alone else f"{whole.name}/{name}"
            flat.append(Alternative(replace(part, name=shown), None))
    return flat


def _named_apart(found: list[Alternative]) -> list[Alternative]:
    """Refuse the same scenario twice, and nothing else: two files may give their scenarios one name."""
    seen: set[str] = set()
    for each in found:
        key = repr((each.estimate.name, each.estimate.scenario, each.estimate.results))
        if key in seen:
            name = visible(each.estimate.name)[:60]
            raise InputError(Fault("same-scenario", f"'{name}' is named twice", hint="name each scenario once"))
        seen.add(key)
    return found
