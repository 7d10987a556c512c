"""A scenario file, what it extends and one of its variants, to one closed scenario.

`extends: base.yaml` takes over everything of another file that this one does not say; `variants` name
changes by dotted path. Both work on the positioned tree, so that a fault in a value that was taken over
points into the file that it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planner.documents.files import ReadBudget, inside
from planner.documents.reader import Mark, Trail, Tree, parse_yaml, read_yaml
from planner.documents.typed import require_schema, typed
from planner.errors import InputError, did_you_mean, listing, visible
from planner.scenario.kinds import KINDS, document_class

if TYPE_CHECKING:
    from planner.scenario.kinds import Scenario

SCHEMA = "planner/scenario/v1"
MAX_EXTENDS = 4


@dataclass(frozen=True)
class Resolved:
    """A closed scenario.

    Parameters
    ----------
    document, tree : typed, and with positions.
    path : its file; none where it was described by options.
    variant : of the file, if it is one.
    root : folder that files named in it must not leave.
    within : files of the composites that it is a part of, outermost first.
    """

    document: Scenario
    tree: Tree
    path: Path | None = None
    variant: str | None = None
    root: Path | None = None
    within: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """Name of the scenario, with its variant."""
        return f"{self.document.name}@{self.variant}" if self.variant else self.document.name


def read_scenario(
    path: str | Path,
    *,
    variant: str | None = None,
    changes: Mapping[str, str] | None = None,
    root: Path | None = None,
    budget: ReadBudget | None = None,
    within: tuple[Path, ...] = (),
) -> Resolved:
    """Read a scenario file.

    Parameters
    ----------
    path : the file.
    variant : name of one of its variants.
    changes : further changes by dotted path, as YAML text (`--set workload.tokens=1T`).
    root : folder that files named inside must not leave; the file's own folder where unsaid.
    budget : what this run may still read.
    within : files of the composites that it is a part of; it then lies in the root too.

    Raises
    ------
    InputError : every fault found, each with file:line:column.
    """
    file = Path(path)
    top = root or file.parent
    tree = _extended(file, top, budget or ReadBudget(), (), confined=bool(within))
    resolved = close(tree, path=file, variant=variant, changes=changes)
    return replace(resolved, root=top, within=within)


def read_with_variants(
    path: str | Path, *, wanted: Callable[[str], bool], root: Path, budget: ReadBudget
) -> Iterator[Resolved]:
    """Read a scenario file once, for the scenario and those of its variants that are wanted.

    Parameters
    ----------
    path, root, budget : see `read_scenario`; the file lies in the root.
    wanted : whether a variant of this name, `name@variant`, is.
    """
    file = Path(path)
    tree = _extended(file, root, budget, (), confined=True)
    plain = replace(close(tree, path=file), root=root)
    yield plain
    for variant in variant_names(tree):
        if wanted(f"{plain.name}@{variant}"):
            yield replace(close(tree, path=file, variant=variant), root=root)


def close(
    tree: Tree, *, path: Path | None = None, variant: str | None = None, changes: Mapping[str, str] | None = None
) -> Resolved:
    """Give a scenario tree as one closed scenario: with the variant and the changes made; see `read_scenario`."""
    require_schema(tree, SCHEMA)
    variants = variant_names(tree)
    if variant is not None:
        if variant not in variants:
            raise InputError(
                tree.fault(
                    "unknown-variant",
                    f"no variant '{visible(variant)[:60]}' in this scenario",
                    ("variants",),
                    allowed=listing(variants) or "none: the scenario has no variants",
                    hint=did_you_mean(variant, variants),
                )
            )
        tree = _varied(tree, variant)
    for dotted, text in (changes or {}).items():
        tree = _changed(tree, dotted, text)
    plain = _without(tree, ("extends", "variants"))
    return Resolved(_document(plain), plain, path, variant)


def variant_names(tree: Tree) -> list[str]:
    """Give the names of a scenario's variants, in the order of the file."""
    variants = tree.value.get("variants", {})
    if not isinstance(variants, dict):
        raise InputError(tree.fault("not-a-map", "'variants' is a map of names to changes", ("variants",)))
    return [name for name in variants if not name.startswith("x-")]


def _document(tree: Tree) -> Scenario:
    workload = tree.value.get("workload")
    kind = workload.get("kind") if isinstance(workload, dict) else None
    allowed = listing(list(KINDS))
    if kind is None:
        where: Trail = ("workload",) if isinstance(workload, dict) else ()
        raise InputError(tree.fault("missing-key", "'workload.kind' is missing", where, allowed=allowed))
    if not isinstance(kind, str) or kind not in KINDS:
        shown = visible(str(kind))[:60]
        raise InputError(
            tree.fault(
                "unknown-value",
                f"'{shown}' is not a kind of workload",
                ("workload", "kind"),
                allowed=allowed,
                hint=did_you_mean(shown, KINDS),
            )
        )
    document: Scenario = typed(tree, document_class(kind))
    return document


def _extended(file: Path, root: Path, budget: ReadBudget, chain: tuple[Path, ...], *, confined: bool) -> Tree:
    """Give a file's tree over the tree of what it extends."""
    real = file.resolve()
    shown = " -> ".join(visible(str(link)) for link in (*chain, file))
    tree = read_yaml(file, budget=budget, root=root if chain or confined else None)
    require_schema(tree, SCHEMA)
    if "extends" not in tree.value:
        return tree
    if len(chain) >= MAX_EXTENDS:
        raise InputError(tree.fault("extends-deep", f"extends more than {MAX_EXTENDS} files: {shown}", ("extends",)))
    base = tree.value["extends"]
    if not isinstance(base, str):
        raise InputError(tree.fault("text", "'extends' names one file", ("extends",)))
    where = str(tree.location(("extends",)))
    target = beside(file, base, root=root, where=where)
    if target.resolve() in {link.resolve() for link in (*chain, file)} or target.resolve() == real:
        raise InputError(
            tree.fault("extends-cycle", f"extends itself: {shown} -> {visible(str(target))}", ("extends",))
        )
    try:
        below = _extended(target, root, budget, (*chain, file), confined=True)
    except InputError as error:
        if error.faults[0].id == "file-missing":
            raise InputError(
                tree.fault("file-missing", f"extends {visible(base)}, which does not exist", ("extends",))
            ) from None
        raise
    return _over(tree, below)


def beside(file: Path, relative: str, *, root: Path, where: str) -> Path:
    """Give the path of a file that another one names relative to itself, refusing what leaves the root.

    Parameters
    ----------
    file, relative : the file that names, and what it says.
    root : the folder that holds both.
    where : place of the name, for the error.
    """
    folder, top = file.parent.absolute(), root.resolve()
    pieces = Path(relative).parts
    while pieces[:1] == ("..",) and folder.resolve() != top:
        folder, pieces = folder.parent, pieces[1:]
    target = inside(folder, str(Path(*pieces)) if pieces else "", shown=where)
    here = Path.cwd()
    return target.relative_to(here) if target.is_relative_to(here) else target


def _over(upper: Tree, lower: Tree) -> Tree:
    """Merge two trees: maps key by key, everything else replaced; variants of both are kept."""
    marks = dict(lower.marks)
    value = _merged(upper, lower, (), marks)
    return Tree(upper.source, value, marks)


def _merged(upper: Tree, lower: Tree, trail: Trail, marks: dict[Trail, Mark]) -> Any:
    above, below = _at(upper.value, trail), _at(lower.value, trail)
    marks[trail] = upper.marks[trail]
    if not (isinstance(above, dict) and isinstance(below, dict)):
        for known in [t for t in marks if t[: len(trail)] == trail and len(t) > len(trail)]:
            del marks[known]
        marks.update({t: m for t, m in upper.marks.items() if t[: len(trail)] == trail})
        return above
    result = dict(below)
    for key in above:
        inner = (*trail, key)
        if key in below:
            result[key] = _merged(upper, lower, inner, marks)
        else:
            result[key] = above[key]
            marks.update({t: m for t, m in upper.marks.items() if t[: len(inner)] == inner})
    return result


def _at(value: Any, trail: Trail) -> Any:
    for step in trail:
        value = value[step]
    return value


def _varied(tree: Tree, variant: str) -> Tree:
    changes = tree.value["variants"][variant]
    if not isinstance(changes, dict):
        trail = ("variants", variant)
        raise InputError(tree.fault("not-a-map", "a variant is a map of dotted paths to values", trail))
    for dotted in changes:
        origin: Trail = ("variants", variant, dotted)
        marks = {t[3:]: m for t, m in tree.marks.items() if t[:3] == origin}
        tree = _placed(tree, dotted, changes[dotted], marks, origin)
    return tree


def _changed(tree: Tree, dotted: str, text: str) -> Tree:
    piece = parse_yaml(text if text.strip() else "''", name=f"--set {visible(dotted)}")
    return _placed(tree, dotted, piece.value, piece.marks, ())


def _placed(tree: Tree, dotted: str, new: Any, marks: Mapping[Trail, Mark], origin: Trail) -> Tree:
    """Give the tree with the value at a dotted path replaced; maps on the way are made where missing."""
    steps: Sequence[str] = dotted.split(".")
    if not all(steps) or steps[0] in ("schema", "variants", "extends"):
        raise InputError(tree.fault("change-path", f"'{visible(dotted)[:60]}' cannot be changed", origin, key=True))
    root = dict(tree.value)
    current = root
    for step in steps[:-1]:
        inner = current.get(step)
        current[step] = dict(inner) if isinstance(inner, dict) else {}
        current = current[step]
    current[steps[-1]] = new
    trail: Trail = tuple(steps)
    kept = {t: m for t, m in tree.marks.items() if t[: len(trail)] != trail}
    kept |= {(*trail, *t): m for t, m in marks.items()}
    return Tree(tree.source, root, kept)


def _without(tree: Tree, keys: Sequence[str]) -> Tree:
    return Tree(tree.source, {k: v for k, v in tree.value.items() if k not in keys}, tree.marks)
