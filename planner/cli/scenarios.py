"""A scenario from a file, from a file with changes, or from options alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from planner.cli.project import root_of
from planner.documents.reader import Mark, SourceText, Trail, Tree, parse_yaml
from planner.errors import input_error
from planner.planning.books import Books
from planner.scenario.resolve import SCHEMA, Resolved, close, read_scenario

F = TypeVar("F", bound=Callable[..., Any])

_WHERE: dict[str, Trail] = {
    "model": ("workload", "model"),
    "tokens": ("workload", "tokens"),
    "sequence_length": ("workload", "sequence_length"),
    "global_batch": ("workload", "global_batch"),
    "precision": ("workload", "precision", "compute"),
    "node": ("hardware", "node"),
    "accelerators": ("hardware", "accelerators"),
    "facility": ("hardware", "facility"),
    "term": ("hardware", "term"),
    "framework": ("framework",),
}
_NEEDED = ("model", "tokens", "node", "accelerators")
_SERVING: dict[str, Trail] = {
    "model": ("workload", "model"),
    "requests": ("workload", "load", "rate"),
    "clients": ("workload", "load", "clients"),
    "input": ("workload", "requests", "prompt"),
    "output_tokens": ("workload", "requests", "output"),
    "precision": ("workload", "precision", "weights"),
    "node": ("hardware", "node"),
    "accelerators": ("hardware", "accelerators"),
    "facility": ("hardware", "facility"),
    "term": ("hardware", "term"),
    "engine": ("engine",),
}
_OF_SERVING = frozenset(_SERVING) - frozenset(_WHERE)
_NEEDED_TO_SERVE = ("model", "node")
_SEQUENCE = 8192
_BATCH_TOKENS = 4 * 2**20


def changes_option(function: F) -> F:
    """Add the repeated option `--set PATH=VALUE`, given to the command as a dict."""

    def read(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
        changes: dict[str, str] = {}
        for value in values:
            path, separator, text = value.partition("=")
            if not separator or not path:
                raise input_error("change-path", f"--set {value}: not PATH=VALUE", allowed="--set workload.tokens=1T")
            changes[path] = text
        return changes

    return click.option(
        "--set", "changes", multiple=True, metavar="PATH=VALUE", callback=read, help="Change a value; repeats."
    )(function)


def scenario_from(
    path: Path | None,
    *,
    variant: str | None,
    changes: dict[str, str],
    asked: dict[str, str | None],
    books: Books,
) -> Resolved:
    """Give the scenario that a command was asked for.

    Parameters
    ----------
    path, variant, changes : a file, one of its variants, values changed by dotted path.
    asked : options that describe a run without a file.
    books : for what the options leave open (the model's longest sequence), and the project's folder.
    """
    said = {name: value for name, value in asked.items() if value is not None}
    if said.get("model", "").endswith(".yaml"):
        said["model"] = books.catalog.adopt("model", Path(said["model"]))
    if path is not None:
        where = _places(said)
        changed = {".".join(str(step) for step in where[name]): value for name, value in said.items()}
        root = root_of(path, books)
        return read_scenario(
            path, variant=variant, changes={**changed, **changes}, root=root, budget=books.catalog.budget
        )
    needed = _NEEDED_TO_SERVE if _OF_SERVING & set(said) else _NEEDED
    missing = [f"--{name.replace('_', '-')}" for name in needed if name not in said]
    if missing:
        raise input_error(
            "scenario-missing",
            "no scenario: name a file, or describe the run" + (f"; {', '.join(missing)} is missing" if said else ""),
            hint="planner estimate scenarios/examples/llama-3.1-405b-pretrain.yaml",
        )
    tree = _serving_tree(said) if _OF_SERVING & set(said) else _training_tree(said, books)
    return close(tree, variant=variant, changes=changes)


def _places(said: dict[str, str]) -> dict[str, Trail]:
    """Give where options stand in a scenario: a service's where one of its own is among them."""
    if not _OF_SERVING & set(said):
        return _WHERE
    strange = sorted(set(said) - set(_SERVING))
    if strange:
        option = f"--{strange[0].replace('_', '-')}"
        raise input_error("usage", f"{option} is of training runs, and the other options are of a service")
    return _SERVING


def _serving_tree(said: dict[str, str]) -> Tree:
    """Build a service from options: one request at a time where neither a rate nor clients are named."""
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "name": f"{said['model']}-on-{said['node']}",
        "workload": {"kind": "serving"},
        "hardware": {},
    }
    if not {"requests", "clients"} & set(said):
        value["workload"]["load"] = {"stream": True}
    return _built(value, said, _places(said))


def _training_tree(said: dict[str, str], books: Books) -> Tree:
    """Build a training run from options."""
    fixed = {"sequence_length": "", "global_batch": ""}
    if "sequence_length" not in said:
        shape = books.catalog.model(said["model"]).architecture
        longest = shape.max_sequence if shape else None
        fixed["sequence_length"] = str(min(_SEQUENCE, longest or _SEQUENCE))
    if "global_batch" not in said:
        length = said.get("sequence_length") or fixed["sequence_length"]
        tokens = parse_yaml(length, name="--sequence-length").value
        fixed["global_batch"] = f"{max(1, round(_BATCH_TOKENS / float(tokens)))} sequences"
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "name": f"{said['model']}-on-{said['node']}",
        "workload": {"kind": "training"},
        "hardware": {},
        "parallelism": "auto",
    }
    return _built(value, {**{k: v for k, v in fixed.items() if v}, **said}, _WHERE)


def _built(value: dict[str, Any], said: dict[str, str], where: dict[str, Trail]) -> Tree:
    """Put options into a scenario; every value's place is its option."""
    source = SourceText("options", "")
    marks: dict[Trail, Mark] = {(): Mark(1, 1, 1, 1, source)}
    for name, text in said.items():
        piece = parse_yaml(text, name=f"--{name.replace('_', '-')}")
        trail = where[name]
        inner = value
        for step in trail[:-1]:
            inner = inner.setdefault(str(step), {})
        inner[str(trail[-1])] = piece.value
        marks |= {(*trail, *t): m for t, m in piece.marks.items()}
    return Tree(source, value, marks)
