"""Positioned tree to typed document; every fault of the document at once, each at its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from planner.documents.reader import MAX_FAULTS, Step, Trail, Tree
from planner.errors import Fault, InputError, brief, did_you_mean, listing

T = TypeVar("T", bound=BaseModel)


def typed(tree: Tree, document: type[T], *, at: Trail = ()) -> T:
    """Give a tree, or the part of it at a trail, as a typed document.

    Parameters
    ----------
    tree : what `read_yaml` gave.
    document : the pydantic class to read it as.
    at : where in the tree the document stands.

    Raises
    ------
    InputError : every fault found, each with file:line:column, what is allowed and the nearest name.
    """
    value = tree.value
    for step in at:
        value = value[step]
    if not isinstance(value, dict):
        raise InputError(tree.fault("not-a-map", "a map of keys and values is wanted here", at))
    try:
        return document.model_validate(without_own_keys(value))
    except ValidationError as error:
        items = error.errors(include_url=False)
        faults = _distinct([_fault(tree, document, item, at) for item in items[:MAX_FAULTS]])
        faults.sort(key=lambda fault: (fault.where is None, fault.where, fault.message))
        if len(items) > MAX_FAULTS:
            faults.append(Fault("more-faults", f"{len(items) - MAX_FAULTS:,} more faults are not listed"))
        raise InputError(*faults) from None


def without_own_keys(value: Any) -> Any:
    """Give a value without the keys that begin with `x-`: those are the user's own."""
    if isinstance(value, dict):
        return {k: without_own_keys(v) for k, v in value.items() if not k.startswith("x-")}
    if isinstance(value, list):
        return [without_own_keys(item) for item in value]
    return value


def require_schema(tree: Tree, *expected: str) -> str:
    """Give the document's `schema`, which must be one of those expected."""
    if not isinstance(tree.value, dict):
        raise InputError(tree.fault("not-a-map", "a document is a map of keys and values", ()))
    found = tree.value.get("schema")
    wanted = listing(list(expected))
    if found is None:
        raise InputError(
            tree.fault("schema-missing", "the document does not say its schema", (), allowed=f"schema: {wanted}")
        )
    if found not in expected:
        shown = brief(found)
        raise InputError(
            tree.fault(
                "schema-unknown",
                f"schema '{shown}' is not read here",
                ("schema",),
                allowed=wanted,
                hint=did_you_mean(shown, expected),
            )
        )
    return str(found)


_Placed = tuple[Trail, Fault]
_ABOUT_KEYS = frozenset({"unknown-key", "missing-key"})


def _distinct(placed: list[_Placed]) -> list[Fault]:
    """Make one fault of those that a value of several possible forms has, one for each form.

    Where a form fits as far as some value inside, only the fault there is told.
    """
    faults: dict[Trail, list[Fault]] = {}
    kept: list[Fault] = []
    for trail, fault in placed:
        if fault.id in _ABOUT_KEYS:
            kept.append(fault)
        elif not any(len(other) > len(trail) and other[: len(trail)] == trail for other, _ in placed):
            faults.setdefault(trail, []).append(fault)
    for first, *others in faults.values():
        if others:
            forms = " or ".join(dict.fromkeys(f.allowed or f.message for f in (first, *others)))
            kept.append(Fault("no-form", "none of the forms that are read here", first.where, first.excerpt, forms))
        else:
            kept.append(first)
    return kept


def _fault(tree: Tree, document: type[BaseModel], item: Any, at: Trail) -> _Placed:
    trail: Trail = (*at, *_in_tree(tree, at, item["loc"]))
    return trail, _told(tree, document, item, trail)


def _told(tree: Tree, document: type[BaseModel], item: Any, trail: Trail) -> Fault:
    """Put one of pydantic's errors in our words."""
    kind: str = item["type"]
    context: dict[str, Any] = item.get("ctx") or {}
    if kind == "extra_forbidden":
        name = str(trail[-1])
        known = sorted(_fields(document, item["loc"][:-1]))
        return tree.fault(
            "unknown-key",
            f"unknown key '{brief(name)}'",
            trail,
            key=True,
            allowed=listing(known, most=24),
            hint=did_you_mean(name, known),
        )
    if kind == "missing":
        return tree.fault("missing-key", f"'{item['loc'][-1]}' is missing", trail[:-1], key=True)
    if kind in {"literal_error", "enum"}:
        expected = str(context.get("expected", ""))
        options = [option.strip().strip("'") for option in expected.replace(" or ", ", ").split(",")]
        shown = brief(item["input"])
        return tree.fault(
            "unknown-value",
            f"'{shown}' is not known here",
            trail,
            allowed=listing(options, most=24),
            hint=did_you_mean(shown, options),
        )
    if "message" in context:
        return tree.fault(
            kind, context["message"], trail, allowed=context.get("allowed", ""), hint=context.get("hint", "")
        )
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return tree.fault("not-a-map", "a map of keys and values is wanted here", trail)
    if kind in {"tuple_type", "list_type"}:
        return tree.fault("not-a-list", "a list is wanted here", trail, allowed="[...]")
    message = item["msg"]
    if kind in {"too_short", "too_long"}:
        bound = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
        return tree.fault("invalid", f"{context['actual_length']} entries stand here", trail, allowed=bound)
    return tree.fault("invalid", message[:1].lower() + message[1:].rstrip("."), trail)


def _in_tree(tree: Tree, at: Trail, loc: Iterable[Step]) -> Trail:
    """Drop from a pydantic location the steps that name a union's branch and not a place in the tree."""
    trail: list[Step] = []
    for step in loc:
        candidate = (*at, *trail, step)
        if candidate in tree.marks or isinstance(step, int) or not _is_branch(step):
            trail.append(step)
    return tuple(trail)


def _is_branch(step: Step) -> bool:
    return isinstance(step, str) and (step[:1].isupper() or "[" in step or "-" in step)


def _fields(document: type[BaseModel], loc: Iterable[Step]) -> set[str]:
    """Give the keys that a document allows at a location."""
    current: list[type[BaseModel]] = [document]
    for step in loc:
        following: list[type[BaseModel]] = []
        for model in current:
            for name, field in model.model_fields.items():
                if step in (name, field.alias):
                    following += _models(field.annotation)
        current = following or current
    return {field.alias or name for model in current for name, field in model.model_fields.items()}


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]
