"""Every id that a fault can have is listed in docs/errors.md, and nothing is listed that no code raises."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from tests.architecture.modules import nodes, trees
from tests.conftest import ROOT

ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
# The one place that hands on an id which it was given inside another library's error.
HANDS_ON = "planner/documents/typed.py"


def takers() -> dict[str, set[int]]:
    """Give, by name, every function and class that takes a parameter `id`, and at which positions."""
    found: dict[str, set[int]] = defaultdict(set)
    found["Fault"].add(0)
    for file in trees():
        for node in nodes(file):
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef):
                        names = [argument.arg for argument in method.args.args][1:]
                        if "id" in names:
                            name = node.name if method.name == "__init__" else method.name
                            found[name].add(names.index("id"))
            elif isinstance(node, ast.FunctionDef):
                names = [argument.arg for argument in node.args.args]
                if "id" in names and names[:1] != ["self"]:
                    found[node.name].add(names.index("id"))
    return found


def literals(node: ast.expr) -> Iterator[str]:
    """Give the texts that an expression may be: a literal, or one of the two of a condition."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


@cache
def raised() -> tuple[dict[str, str], list[str]]:
    """Give every id with the place where it is first used, and calls whose id cannot be seen."""
    ids: dict[str, str] = {}
    unseen: list[str] = []
    known = takers()
    for name in trees():
        for node in nodes(name):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called not in known:
                continue
            given = [node.args[at] for at in sorted(known[called]) if at < len(node.args)]
            given += [word.value for word in node.keywords if word.arg == "id"]
            texts = [text for expression in given for text in literals(expression) if ID.match(text)]
            handed_on = any(
                (isinstance(e, ast.Name) and e.id == "id") or (isinstance(e, ast.Attribute) and e.attr == "id")
                for e in given
            )
            if not texts and not handed_on and name != HANDS_ON:
                unseen.append(f"{name}:{node.lineno} {called}")
            for text in texts:
                ids.setdefault(text, f"{name}:{node.lineno}")
    return ids, unseen


def listed() -> list[str]:
    """Give the ids in the tables of docs/errors.md, in their order."""
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_every_id_in_the_code_can_be_seen_and_has_the_form_of_an_id() -> None:
    ids, unseen = raised()
    assert unseen == []
    assert len(ids) > 40


def test_every_id_that_is_raised_is_listed() -> None:
    ids, _ = raised()
    assert {raised: place for raised, place in ids.items() if raised not in listed()} == {}


def test_nothing_is_listed_that_is_not_raised() -> None:
    ids, _ = raised()
    assert [name for name in listed() if name not in ids] == []


def test_nothing_is_listed_twice() -> None:
    assert sorted(listed()) == sorted(set(listed()))
